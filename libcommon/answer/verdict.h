/* verdict.h - what is judged, and what comes of it. */
#ifndef ANSWER_VERDICT_H
#define ANSWER_VERDICT_H

#include "base/buf.h"
#include "stream/mp.h"

enum verdict_code {
	VERDICT_OK = 0,
	VERDICT_TIMEOUT,
	VERDICT_SIGNAL,
	VERDICT_EXIT,
	VERDICT_GARBAGE,
	VERDICT_TOO_LONG,
	VERDICT_UNANSWERED, /* no response was sampled: there is nothing to judge */
	VERDICT_KINDS,
};
const char *verdict_name(enum verdict_code c); /* "ok", "timeout", ... as in the stream */

struct verify_item {
	struct span task, prompt, response, answer; /* answer.p NULL: none */
	struct mp meta;                             /* p NULL: none */
	const char *verifier;                       /* NULL: the default of verify_open */
};

enum { VERDICT_PARTS = 8 };

struct verdict_part { /* one of several rewards */
	char name[32];
	double reward; /* finite */
};

struct verdict {
	enum verdict_code code;
	double reward;                           /* only with VERDICT_OK; finite */
	struct verdict_part part[VERDICT_PARTS]; /* beside it, as the verifier names them */
	size_t n_parts;
	char extracted[256]; /* what was taken to be the answer, cut to fit at a character; "" :
				nothing */
	char said[80];       /* of VERDICT_GARBAGE and VERDICT_TOO_LONG: how what came instead of an
				answer begins, any bytes */
	unsigned char said_n;
	/* the problem that a response with reward 0 does solve, as task-gen calls it, where that
	 * was asked for and fits; "": none is known */
	char hindsight[192];
	const char *why; /* why the reward is what it is; constant text, NULL: nothing to say */
};

/* Appends the parts as a MessagePack map of names and numbers; without any, nothing. */
void verdict_pack(const struct verdict *v, struct buf *b);
/* The reward of this name, NAN where there is none; "reward" is the verdict's own. */
double verdict_reward(const struct verdict *v, const char *name);

#endif
