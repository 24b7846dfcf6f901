/*
 * learner.h - the learning half of an RL step: advantages are given, a policy-gradient loss over
 * whole groups of responses is, in passes of minibatches, followed by the optimizer.
 *
 * The responses may be the policy's own of a moment ago (rl-explore), or come from a stream
 * (rl-update). Those were drawn by another program, or by a policy of some steps ago, from a
 * distribution mu that is not quite this policy's. With pi the policy at the step's begin, w_t =
 * pi(token) / mu(token), W their product over a response and G its geometric mean, a token's loss
 * is then multiplied by
 *
 * none          1: ratios are taken to mu, as the loss has them
 * tis           min(w_t, high): truncated importance sampling. Yao et al., "Your Efficient RL
 *               Framework Secretly Brings You Off-Policy RL Training", 2025
 * icepop        w_t where low <= w_t <= high, else 0. Ling team, arXiv 2510.18855
 * sequence      W where low <= W <= high, else 0: TRL's mask
 * geometric     w_t where low <= G <= high, else 0 for the whole response: NeMo-RL's
 *
 * and the loss's own ratios are to pi. Distillation on policy adds x * (log teacher - log pi) to
 * the token's advantage: the reverse KL divergence to the teacher, of the tokens that the policy
 * drew. Agarwal et al., arXiv 2306.13649.
 *
 * Where tokens were drawn from a part of the vocabulary (seq.kept), mu, pi and every ratio are of
 * the distribution over that part, under old and new weights; the KL term and distillation compare
 * whole distributions.
 */
#ifndef LEARN_LEARNER_H
#define LEARN_LEARNER_H

#include "learn/batch.h"
#include "learn/rl_opts.h"
#include "policy/policy.h"
#include "run/memory.h"
#include "run/runlog.h"
#include "run/state.h"

#define IMPORTANCE_WORDS "none|tis|icepop|sequence|geometric"
enum importance {
	IMPORTANCE_NONE,
	IMPORTANCE_TIS,
	IMPORTANCE_ICEPOP,
	IMPORTANCE_SEQUENCE,
	IMPORTANCE_GEOMETRIC
};

struct learner_opts { /* beside rl_opts */
	enum importance importance;
	double low, high; /* bounds; 0: what is usual, see learner_bounds */
	double distill;   /* x; 0: off */
};

struct lesson {                      /* what a step learns from, group by group; borrowed */
	const struct seq *seq;       /* (n) */
	const float *const *old;     /* (n) log-probabilities of each one's tokens under mu, of what
					its `kept` says it was drawn from */
	const float *const *teacher; /* (n) the same of a teacher; NULL without distillation */
	const double *advantage;     /* (n) */
	const bool *truncated;       /* (n) not in the loss; NULL: all are */
	const size_t *start;         /* (groups + 1) group g's are start[g] .. start[g + 1] */
	size_t n, groups;
	double temperature; /* that they were drawn at */
};

struct learned { /* of one step; means are NaN where there was nothing to average */
	uint64_t updates, skipped; /* applied; left out because they were not finite */
	double lr;
	double loss, grad_norm;    /* means over updates; norm before clipping */
	double clip_fraction;      /* share of trained tokens whose ratio a bound cut */
	double kl_old;             /* mean k3 estimate of KL(old || updated policy) */
	double kl_ref;             /* mean k3 estimate of KL(policy || start); NaN without kl */
	double ratio_error;        /* greatest |ratio - 1| before the first update */
	double importance, masked; /* mean of the tokens' weights; share of them that is 0 */
	size_t trained;            /* tokens that all passes computed */
	bool stuck;                /* OPTIMIZER_PATIENCE updates in a row were not finite */
};

/* What the rows of OPTIONS_LOSS cannot say, once the advantage is chosen: 0, or ST_USAGE, told. */
int learner_options(struct rl_opts *o, const struct rl_words *w);

/* Fills in bounds that are 0: tis has 2; icepop .5 and 5; sequence 0 and 3; geometric .999 and
 * 1.002. */
void learner_bounds(struct learner_opts *o);
/* w[0 .. n) for tokens with these log-probabilities under pi and mu; log-ratios are clamped to
 * +-20.
 */
void learner_weigh(const struct learner_opts *o, const float *pi, const float *mu, size_t n,
		   double *w);

struct learner; /* opaque */
/* All is borrowed; the policy's weights change. off NULL: none of it. With a KL term a copy of the
 * weights is kept as the reference. */
struct learner *learner_new(const struct rl_opts *o, const struct learner_opts *off,
			    struct policy *p);
/* * Adds to need what steps of so many groups of `each` responses, none of more than `longest`
 * positions, take. */
void learner_memory(const struct learner *l, size_t groups, size_t each, size_t longest,
		    struct memory *need);
/* * Makes the step, from 1: its number chooses the rate and the order of groups. Without a response
 * it only fills *out. ST_INPUT when it is stuck. */
int learner_step(struct learner *l, uint64_t step, const struct lesson *x, struct learned *out,
		 struct reason *why);
/* Loss to ratio_error, into the present line of the log. */
void learner_log(struct runlog *log, const struct learned *r);
/* Names what the next step depends on; after it was loaded: learner_loaded. The reference of a KL
 * term is not among it: it is the policy that learner_new is given. */
void learner_state(struct learner *l, struct state *s);
void learner_loaded(struct learner *l);
void learner_free(struct learner *l); /* NULL is fine */

#endif
