/*
 * failures.h - how often the verifier failed, and when that is too often.
 *
 * A failure is a verdict and no reward, so a few cost nothing; many mean that the verifier is
 * broken, and what it does judge is no fair sample.
 */
#ifndef VERIFY_FAILURES_H
#define VERIFY_FAILURES_H

#include "answer/verdict.h"
#include "base/err.h"

struct failures {
	const char *whose;       /* for messages; NULL: the verifier's */
	double most;             /* greatest share that is borne */
	uint64_t judged, failed; /* verdicts; those that are failures */
	uint64_t kind[VERDICT_KINDS];
	char said[80]; /* how the first line that was no answer begins, any bytes */
	size_t said_n;
};

#define FAILURES_MOST 0.1 /* by default */

void failures_count(struct failures *f, const struct verdict *v);
/* ST_INPUT, with how many of which kind, the line that was no answer, and what may help, when more
 * than the share failed. Until all are judged, of a hundred verdicts at least. */
int failures_check(const struct failures *f, bool all, struct reason *why);

#endif
