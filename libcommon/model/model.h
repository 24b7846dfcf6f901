/*
 * model.h - a decoder of one of the families of family.h: weights in memory, forward and backward
 * pass.
 *
 * One arithmetic serves sampling, log-probabilities and training: each number of the forward pass
 * is computed by the same operations in the same order whatever else is in the batch, however the
 * batch is cut, and on however many threads. So a token's log-probability is the same float in the
 * sampler and in the trainer (see tensor/gemm.h).
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/buf.h"
#include "model/angles.h"
#include "model/config.h"
#include "model/lora.h"
#include "model/weight.h"

/* A matrix W of shape (n, k), or several on top of each other that are multiplied as one. */
struct mat {
	size_t n, k;
	size_t at;     /* into params, where the model has its rows there */
	size_t packed; /* into packed or pairs */
};

#define NOWHERE SIZE_MAX /* a weight that is not there */

/* A norm's weights: offsets into params; n numbers each. A bias lies behind the weights, where the
 * family has one. */
struct norm_at {
	size_t w, b; /* NOWHERE: not there */
};

/* Where one layer's weights are. Matrices: q, k, v lie one after the other, gate and up too. The
 * rest: offsets into params, or NOWHERE; biases in the order of their matrices. */
struct layer {
	struct layer_kind kind;
	size_t begin; /* of all its weights; they end where the next layer's, or the last norm,
			 begin */
	struct mat qkv, o, gu, down;
	struct norm_at norm1, norm1_out, norm2, norm2_out; /* see enum layer_part */
	size_t qkv_bias, o_bias, gu_bias, down_bias;
	size_t q_norm, k_norm; /* k's lies behind q's */
	/* of layers without attention; q, k, v are then b, c, u, or q, k, v, z, b, a */
	size_t conv, conv_bias, a_log, dt_bias, delta_norm;
	size_t act; /* xIELU's alpha_p, alpha_n, beta, eps, one behind the other */
};

/* How the matrices are held and multiplied. */
enum {
	/* In bf16 panels alone, 2 bytes a number: they can be used, also by a backward pass, but
	 * not changed. params holds norms and biases. */
	MODEL_FROZEN = 1,
	/* Products round both sides to bf16 and sum in f32 (see tensor/bf16.h), in the sampler and
	 * in the trainer alike; all else, the embedding and the gradients too, stays f32. */
	MODEL_BF16 = 2,
	MODEL_PAIRS = MODEL_FROZEN | MODEL_BF16, /* with one of them the panels are of bf16 */
	/* There are panels of one layer, or of the head, at a time: model_pack_layer. A quarter
	 * less memory for training; nothing can be sampled. Not with MODEL_FROZEN, where the panels
	 * are the weights. */
	MODEL_LAYERWISE = 4,
};

/* What a user calls the ways to compute, and their MODEL_*. */
#define MODEL_COMPUTE_WORDS "f32|bf16|bf16-vdp"
int model_how(const char *compute);

struct model {
	struct config cfg; /* borrowed json */
	int how;           /* MODEL_* */
	struct weight *w;  /* table of all weights, in the order of the file */
	size_t n_w;
	size_t n_params;
	float *params; /* all weights, one block: rows of matrices as in the file */
	struct layer *layer;
	struct norm_at norm;    /* the last */
	struct mat embed, head; /* the same when tied */
	/* The matrices in panels for the forward pass, see gemm.h: in f32, or (MODEL_PAIRS) in
	 * bf16. */
	float *packed;
	uint32_t *pairs;
	size_t n_packed;     /* floats of packed, or words of pairs */
	struct angles *rope; /* of the rotary embedding */
	struct angles
		*local;     /* of layers with a window; the same one, where theirs are no others */
	struct lora *lora;  /* trained in place of the weights, which are then read only; or NULL */
	uint64_t base_hash; /* of the weights, where there is an adapter */
	bool borrowed;      /* all but lora belongs to another model */
};

/* Table and memory for cfg; weights are zero. how: MODEL_* or 0. cfg->json stays the caller's. */
void model_init(struct model *m, const struct config *cfg, int how);
/* Rows of a matrix of the table, as f32, whatever holds them. A frozen model's are rounded to
 * nearest even when put; others need a model_pack after. */
void model_put_rows(struct model *m, const struct weight *w, size_t first, const float *rows,
		    size_t n);
void model_get_rows(const struct model *m, const struct weight *w, size_t first, float *rows,
		    size_t n);
void model_random(struct model *m, uint64_t seed, double std); /* norms 1, biases 0, matrices
								      normal; packs */
/* After params changed, the model's or, where it has one, its adapter's: refreshes packed. */
void model_pack(struct model *m);
/* For whoever changes all of params, where they and all panels are held at once (model_packs_all):
 * calls change for each number once, in pieces, by all threads, and packs a piece while it is in
 * the cache. */
void model_change(struct model *m, void (*change)(void *ctx, size_t from, size_t n), void *ctx);
bool model_packs_all(const struct model *m);
/* Before layer l, or (l = layers) the head, is used: its panels, where they are not there already.
 */
void model_pack_layer(const struct model *m, size_t l);
/* What training changes: the adapter's weights where there is one, else all. */
struct weights model_trained(const struct model *m);
/* Gives the model an adapter, which it owns from then on. */
void model_adapt(struct model *m, struct lora *l);
/* Adds the adapter to the weights, which are not frozen: one that has none comes out. */
void model_merge(struct model *m);
/* A copy for reading, which training of m leaves alone. With an adapter it shares m's weights. */
void model_copy(struct model *to, const struct model *m);
/* XXH3 of the weights as f32, the stream's "policy": however they are held; with an adapter, of
 * both. */
uint64_t model_hash(const struct model *m);
const struct weight *model_weight(const struct model *m, const char *name); /* NULL: not there */
/* Bytes of the weights in all their forms, the adapter's too; of another model's, which it borrows,
 * none. */
size_t model_bytes(const struct model *m);
void model_free(struct model *m);

/*
 * Sequences packed without padding for training. Token t of sequence s is at start[s] + t. What
 * several sequences begin with is there and is computed once: a sequence with a prefix goes on
 * where that one ends, and all that go on from one lie directly behind it. The numbers are those
 * of whole sequences.
 */
struct pack {
	size_t n_seq, n_tok;
	const uint32_t *tokens; /* (n_tok) inputs */
	const size_t *start;    /* (n_seq + 1); start[n_seq] = n_tok */
	const size_t *prefix;   /* (n_seq) the sequence that comes before s, which has none itself;
				   s: none. NULL: none for all */
	/* Predictions to score: row i asks for log p(target[i] | tokens up to and including at[i]).
	 */
	size_t n_rows;
	const uint32_t *at;     /* (n_rows) places in tokens, each as often as one likes */
	const uint32_t *target; /* (n_rows) */
	double temperature;     /* logits are divided by it */
	/* (n_rows) The tokens that row i's target was drawn from, see base/kept.h: its
	 * log-probability is of the distribution over these. n 0: over the whole vocabulary, as
	 * with kept NULL in all rows */
	const struct span *kept;
	float *whole;        /* (n_rows) out: over the whole vocabulary; NULL: not wanted */
	const float *dwhole; /* (n_rows) in: see model_backward; NULL: 0 */
};

struct workspace; /* activations of one micro-batch; opaque, reused from call to call */
struct workspace *workspace_new(const struct model *m);
/* Keep each layer's input only and compute the rest again in the backward pass: about a third more
 * work, memory of one layer instead of all; the same bits. Before the first pass. */
void workspace_recompute(struct workspace *r, bool on);
void workspace_free(struct workspace *r);
/* Bytes of a run for packs of so many tokens, rows and tokens of a sequence; keep: with a backward
 * pass. */
size_t workspace_bytes(const struct workspace *r, size_t n_tok, size_t n_rows, size_t longest,
		       bool keep);

/* logp[i], and entropy[i] (nats; may be NULL), for each row of p. Nothing is kept for a backward
 * pass. */
void model_logprobs(struct workspace *r, const struct model *m, const struct pack *p, float *logp,
		    float *entropy);
/* As model_logprobs, keeping the activations for model_backward. */
void model_forward(struct workspace *r, const struct model *m, const struct pack *p, float *logp,
		   float *entropy);
/* Adds to grads (laid out as model_trained) the gradient of sum_i dlogp[i] * logp[i] + dwhole[i] *
 * whole[i] + dent[i] * entropy[i] (dent may be NULL), for the last model_forward with the same m
 * and p. A frozen model
 * without an adapter has none: grads may be NULL, the pass only goes through. */
void model_backward(struct workspace *r, const struct model *m, const struct pack *p,
		    const float *dlogp, const float *dent, float *grads);

#endif
