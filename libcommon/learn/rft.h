/*
 * rft.h - rejection-sampling fine-tuning: maximum likelihood on chosen responses.
 *
 *     rft_data_init(&d, &policy, &opts);
 *     ... rft_add(&d, &traj, &rec, name, &why) for each ...
 *     rft_seal(&d, &why);
 *     r = rft_new(&opts, &policy, &d);
 *     while (rft_next(r, &report, &why) > 0)
 *             ...
 *     rft_free(r);
 *     rft_data_free(&d);
 *
 * The loss of an update is the mean of -log p over its response tokens, weighted: it does not
 * depend on how the update is cut into micro-batches.
 */
#ifndef LEARN_RFT_H
#define LEARN_RFT_H

#include "base/names.h"
#include "learn/optimizer.h"
#include "learn/batch.h"
#include "learn/pear.h"
#include "run/memory.h"
#include "run/runlog.h"
#include "run/state.h"
#include "learn/schedule.h"
#include "policy/policy.h"
#include "rollout/trajids.h"
#include "rollout/turns.h"
#include "stream/traj.h"

#define WEIGHT_WORDS "token|trajectory|task|root-task|pear-sequence|pear-suffix|pear-block"
/* What counts the same: each response token, each response, or each problem; root-task: each token,
 * divided by the root of the number of its problem's responses. pear: tokens by importance, see
 * pear.h; in the order of enum pear_kind. Order of the words. */
enum rft_weight {
	WEIGHT_TOKEN,
	WEIGHT_TRAJECTORY,
	WEIGHT_TASK,
	WEIGHT_ROOT_TASK,
	WEIGHT_SEQUENCE,
	WEIGHT_SUFFIX,
	WEIGHT_BLOCK
};

#define RFT_LOSS_WORDS "nll|dft"
/* -log p of a token, or that times p, which has no gradient: DFT (arXiv 2508.05629). */
enum rft_loss { RFT_NLL, RFT_DFT };

struct rft_opts {
	int64_t epochs;
	int64_t steps; /* updates in all; 0: as many as the epochs hold */
	int64_t batch; /* responses in an update */
	int64_t micro_tokens;
	int64_t lanes;   /* sums that an update's gradient is made of, one behind the other */
	bool recompute;  /* see model.h */
	int64_t max_len; /* longest prompt and response together; 0: the policy's */
	double lr;
	int64_t warmup; /* updates */
	enum decay decay;
	enum rft_weight weight;
	struct pear_opts pear;  /* kind: as weight has it, see rft_pear */
	const char *weight_key; /* a record's own weight multiplies its loss; NULL: none */
	enum rft_loss loss;
	double validation; /* share of the problems that is held out */
	struct optimizer_opts optimizer;
	uint64_t seed;
};

#define RFT_OPTS_DEFAULT                                                                \
	{                                                                               \
		.epochs = 2, .steps = 0, .batch = 64, .micro_tokens = 1024, .lanes = 1, \
		.max_len = 0, .lr = 1e-5, .warmup = 10, .decay = DECAY_LINEAR,          \
		.weight = WEIGHT_TOKEN, .pear = PEAR_OPTS_DEFAULT, .validation = 0,     \
		.optimizer = OPTIMIZER_OPTS_DEFAULT(0.01), .seed = 0                    \
	}

struct rft_row {
	size_t at; /* in tok: the prompt, then the response */
	uint32_t n_prompt, n_resp;
	uint32_t n_learn; /* tokens of the response that are learned */
	uint64_t learn;   /* which: place in rft_data.learn, from 1; 0: all of them */
	uint64_t task;    /* hash of its problem's id */
	double own;       /* its own weight, 1 without weight_key */
};

struct rft_data {
	const struct policy *policy;
	const struct rft_opts *o;
	uint32_t *tok; /* all rows, one behind the other */
	size_t n_tok, cap_tok;
	struct rft_row *row;
	size_t n, cap;
	struct buf learn; /* 1: learned, 0: read; a byte for each token of some responses */
	float *mu; /* with pear: log-probabilities of each one's response as recorded, one behind
		      the other as they are predicted */
	size_t n_mu, cap_mu;
	size_t too_long, empty; /* rows left out */
	uint64_t other_draws;   /* of rows with mu: not drawn at temperature 1 from all tokens */
	uint64_t changed;       /* turns that the chat template did not keep as they are */
	struct names tasks;
	uint64_t *prompt; /* of each, see traj_one_prompt */
	size_t n_prompt;
	struct trajids ids; /* scratch */

	/* from rft_seal on */
	struct seq *seq;        /* (n) */
	double *weight;         /* (n) of each token of the response, but for its own and pear's */
	const float **old;      /* (n) where its mu are; NULL without pear */
	uint64_t *train, *held; /* rows to learn from, rows to validate on */
	size_t n_train, n_held;
};

/* Policy and opts are borrowed. */
void rft_data_init(struct rft_data *d, const struct policy *p, const struct rft_opts *o);
/* Tokens are those of trajids.h, and what is wrong with them is ST_INPUT, and so are two prompts of
 * one task, a record without a weight of its own where there is a weight_key, or one without
 * log-probabilities of its tokens with pear. A row that is too long or has no token is left out and
 * counted. */
int rft_add(struct rft_data *d, const struct traj *t, const struct rec *r, const char *name,
	    struct reason *why);
/* Which problem a row is of, as a hash, and its own weight. */
struct rft_of {
	uint64_t task;
	double own;
};
/* A row of tokens as they are. Left out and counted as above. A token that is not in the
 * vocabulary, no prompt: ST_INPUT. */
int rft_add_row(struct rft_data *d, const struct turns_row *r, struct rft_of of,
		struct reason *why);
/* A row of texts, encoded as those of a trajectory are. */
int rft_add_text(struct rft_data *d, struct span prompt, struct span completion, struct rft_of of,
		 struct reason *why);
/* The weight that a record or row has: a number, from 0. ST_INPUT; has: it is a number at all. */
int rft_own(const struct rft_opts *o, bool has, double x, struct reason *why);
/* No row is added any more. ST_INPUT when there is nothing to learn from. */
int rft_seal(struct rft_data *d, struct reason *why);
struct pear_opts rft_pear(const struct rft_opts *o);
/* The loss of a response whose tokens have these log-probabilities: sum of -w_t logp_t. w_t is
 * weight, times the token's importance (mu: as recorded, NULL without), times exp(logp_t) for DFT;
 * none of it has a gradient, so that dlogp[t] becomes -w_t. */
double rft_response(const struct rft_opts *o, double weight, const float *logp, const float *mu,
		    size_t n, double *dlogp);
uint64_t rft_data_hash(const struct rft_data *d); /* of all rows */
void rft_data_free(struct rft_data *d);

struct rft_report {               /* of one update */
	uint64_t update, updates; /* 1.. of how many */
	uint64_t epoch;           /* 1.. */
	bool epoch_end;           /* the last update of its epoch, or of all */
	bool applied;             /* false: loss or gradient was not finite */
	double loss, grad_norm, lr;
	size_t tokens; /* prompts and responses that went through the model */
};

struct rft; /* opaque */
/* * What memory a run will take; ST_SYSTEM when it is not there. */
int rft_memory(const struct rft_opts *o, const struct policy *p, const struct rft_data *d,
	       struct memory *need, struct reason *why);
struct rft *rft_new(const struct rft_opts *o, struct policy *p, const struct rft_data *d);
uint64_t rft_updates(const struct rft *r); /* in all */
/* * One update: 1; 0 when all are done; -1 with the reason when stuck (the policy then holds the
 * last good weights). */
int rft_next(struct rft *r, struct rft_report *report, struct reason *why);
/* Puts the metrics into the present line of the log. */
void rft_log(struct runlog *l, const struct rft_report *r, double seconds);
/* Names all that the next update depends on; after they were loaded: 0, or ST_INPUT when they do
 * not fit the data. */
void rft_state(struct rft *r, struct state *s);
int rft_loaded(struct rft *r, struct reason *why);
bool rft_stuck(const struct rft *r);
double rft_validate(struct rft *r); /* * mean of -log p over the held-out rows, weighted as tokens,
				       trajectories or problems count */
void rft_free(struct rft *r);

#endif
