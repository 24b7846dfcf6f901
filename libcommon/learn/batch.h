/*
 * batch.h - sequences to learn from, packed into micro-batches for the model.
 *
 * Sequences are named by their index in one array, and an order says which come next: shuffling
 * moves numbers, not tokens. A prompt that sequences in a row share (the same array) is computed
 * once for all of them in a micro-batch. What comes out does not depend on how an order is cut into
 * micro-batches, but for the rounding of the gradient's sums.
 */
#ifndef LEARN_BATCH_H
#define LEARN_BATCH_H

#include "model/part.h"

struct seq { /* token ids belong to the caller */
	const uint32_t *prompt, *resp;
	size_t n_prompt, n_resp; /* at least one each */
	const uint8_t *learn; /* (n_resp) 0: a token that is read, and not predicted; NULL: all are
				 predicted; at least one is */
	struct span kept; /* what each token of resp was drawn from, see base/kept.h; p NULL: all,
			     and so where a set is empty. Sound, and ids of the vocabulary */
};

/* Position the model has to see for s: the last response token is predicted only. */
size_t batch_inputs(const struct seq *s);
size_t batch_outputs(const struct seq *s); /* tokens that are predicted */

struct batch_rows { /* the predicted tokens of a sequence */
	size_t n;
	const float *logp;     /* log-probabilities, of the distributions drawn from */
	const float *whole;    /* the same over the whole vocabulary; NULL: logp is that */
	const float *entropy;  /* in nats, of the whole vocabulary; NULL without batch_entropy */
	float *dent;           /* the derivative of the loss by each; 0 comes in */
	float *dlogp, *dwhole; /* of these; dlogp NULL: not wanted, dwhole NULL: whole is */
};
/* Called for sequence i: dlogp, and dwhole where there is one, become the derivatives of the loss.
 */
typedef void batch_fn(void *ctx, uint64_t i, const struct batch_rows *r);

struct batch; /* opaque: memory of one micro-batch, reused */
/* From now on batch_run computes entropies, too. */
void batch_entropy(struct batch *b);
/* The model is borrowed: its weights may change in between. recompute: see workspace_recompute. */
struct batch *batch_new(const struct model *m, bool recompute);
void batch_free(struct batch *b);

/* Bytes of batch_run with sequences of up to `longest` positions; grads: with a backward pass. */
size_t batch_bytes(const struct batch *b, size_t micro_tokens, size_t longest, bool grads);

/*
 * For the sequences all[order[0..n)], about micro_tokens positions at a time (at least one whole
 * sequence): a forward pass with logits divided by temperature, fn for each sequence in order, and,
 * unless `to` is NULL, a backward pass; in parts only where batch_fits. Returns the positions that
 * the model saw.
 */
size_t batch_run(struct batch *b, const struct seq *all, const uint64_t *order, size_t n,
		 size_t micro_tokens, double temperature, batch_fn *fn, void *ctx,
		 const struct grads_to *to);
/* Are the sequences one micro-batch? */
bool batch_fits(const struct seq *all, const uint64_t *order, size_t n, size_t micro_tokens);
/* * Log-probabilities, and entropies in nats unless NULL, of the predicted tokens of the sequences
 * all[order[0..n)], one behind the other; how many they are is returned. The floats of batch_run.
 * Ranks share the sequences out, and all of them have all afterwards. */
size_t batch_score(struct batch *b, const struct seq *all, const uint64_t *order, size_t n,
		   size_t micro_tokens, double temperature, float *logp, float *entropy);

#endif
