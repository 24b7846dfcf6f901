/*
 * rewards.h - several rewards of a response, each with a weight: "correct=1,format=0.5".
 *
 * They are those that a verifier gave beside its reward, in a record the map `rewards`; "reward" is
 * the reward itself.
 */
#ifndef LEARN_REWARDS_H
#define LEARN_REWARDS_H

#include "answer/verdict.h"
#include "base/err.h"

struct rewards {
	struct verdict_part v[VERDICT_PARTS]; /* names and weights */
	size_t n;                             /* 0: the reward alone counts */
};

/* ST_USAGE when it is no such list. */
int rewards_parse(const char *list, struct rewards *r, struct reason *why);
/* The numbers of a judged response, of a verdict or of a record, into out (r->n); ST_INPUT naming
 * the one that is not there. */
int rewards_of_verdict(const struct rewards *r, const struct verdict *v, double *out,
		       struct reason *why);
int rewards_of_record(const struct rewards *r, struct mp map, double *out, struct reason *why);
/* Their weighted sum */
double rewards_sum(const struct rewards *r, const double *v);

#endif
