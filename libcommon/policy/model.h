/*
 * model.h - a decoder (Llama, Qwen2, Qwen3): weights in memory, forward and backward pass.
 *
 * One arithmetic serves sampling, log-probabilities and training: each number of the forward pass
 * is computed by the same operations in the same order whatever else is in the batch, however the
 * batch is cut, and on however many threads. So a token's log-probability is the same float in the
 * sampler and in the trainer (see tensor/gemm.h).
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include "base/err.h"
#include "policy/config.h"

#include <stddef.h>

struct weight {
	char name[96]; /* as in model.safetensors */
	int rank;
	int64_t shape[2]; /* [rows, columns]; rank 1: [n, 1] */
	size_t offset;    /* into params */
	size_t count;
	bool decay; /* matrices decay, norms and biases do not */
};

/* Where one layer's weights are: offsets into params and, for the matrices, into packed. q, k, v
 * lie one after the other, gate and up too; so do their biases. 0: not there. */
struct layer {
	size_t norm1, qkv, o, norm2, gu, down;
	size_t qkv_bias, o_bias, gu_bias, down_bias;
	size_t q_norm, k_norm; /* k's lies behind q's */
	size_t p_qkv, p_o, p_gu, p_down;
};

struct model {
	struct config cfg; /* borrowed json */
	struct weight *w;  /* table of all weights, in the order of params */
	size_t n_w;
	size_t n_params;
	float *params; /* all weights, one block: rows of matrices as in the file */
	struct layer *layer;
	size_t embed, norm, head; /* offsets into params; head == embed when tied */
	float *packed; /* the matrices again, in panels for the forward pass; see gemm.h */
	size_t n_packed, p_head;
	float *rope; /* [max_len][head_dim]: head_dim / 2 cosines, then as many sines; see rope.h */
};

/* Table and memory for cfg; weights are zero. cfg->json stays the caller's. */
void model_init(struct model *m, const struct config *cfg);
void model_random(struct model *m, uint64_t seed, double std); /* norms 1, biases 0, matrices
								      normal; packs */
/* After params changed: refreshes packed. */
void model_pack(struct model *m);
uint64_t model_hash(const struct model *m); /* XXH3 of the weights: the stream's "policy" */
const struct weight *model_weight(const struct model *m, const char *name); /* NULL: not there */
void model_free(struct model *m);

/*
 * Sequences packed without padding for training. Token t of sequence s is at start[s] + t.
 */
struct pack {
	size_t n_seq, n_tok;
	const uint32_t *tokens; /* (n_tok) inputs */
	const size_t *start;    /* (n_seq + 1); start[n_seq] = n_tok */
	/* Predictions to score: row i asks for log p(target[i] | tokens up to and including at[i]).
	 */
	size_t n_rows;
	const size_t *at;       /* (n_rows) token positions, increasing */
	const uint32_t *target; /* (n_rows) */
	double temperature;     /* logits are divided by it */
};

struct run; /* activations of one micro-batch; opaque, reused from call to call */
struct run *run_new(const struct model *m);
/* Keep each layer's input only and compute the rest again in the backward pass: about a third more
 * work, memory of one layer instead of all; the same bits. Before the first pass. */
void run_recompute(struct run *r, bool on);
void run_free(struct run *r);

/* logp[i], and entropy[i] (nats; may be NULL), for each row of p. Nothing is kept for a backward
 * pass. */
void model_logprobs(struct run *r, const struct model *m, const struct pack *p, float *logp,
		    float *entropy);
/* As model_logprobs, keeping the activations for model_backward. */
void model_forward(struct run *r, const struct model *m, const struct pack *p, float *logp,
		   float *entropy);
/* Adds to grads (laid out as params) the gradient of sum_i dlogp[i] * logp[i] + dent[i] *
 * entropy[i] (dent may be NULL), for the last model_forward with the same m and p. */
void model_backward(struct run *r, const struct model *m, const struct pack *p, const float *dlogp,
		    const float *dent, float *grads);

#endif
