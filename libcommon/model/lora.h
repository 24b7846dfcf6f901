/*
 * lora.h - low-rank adapters of a model's linear layers: y = W x + b + (alpha / r) B A x, where
 * only A (r, in) and B (out, r) are trained. Hu et al., arXiv 2106.09685.
 *
 * A model that has one (model.lora) is run by the same functions as one that has none, forward and
 * backward, in the sampler and in the trainer; W stays as it is.
 */
#ifndef MODEL_LORA_H
#define MODEL_LORA_H

#include "model/config.h"
#include "model/weight.h"
#include "tensor/matrix.h"

/* What linear layers are called, in the order of lora_names; a set of them is bits. No family has
 * all. */
enum lora_target {
	LORA_Q,
	LORA_K,
	LORA_V,
	LORA_O,
	LORA_GATE,
	LORA_UP,
	LORA_DOWN,
	LORA_QKV,
	LORA_GATE_UP,
	LORA_C_FC,
	LORA_C_PROJ,
	LORA_OUT,
	LORA_W1,
	LORA_W3,
	LORA_W2,
	LORA_IN,
	LORA_IN_QKV_PROJ,
	LORA_IN_Z,
	LORA_IN_B,
	LORA_IN_A,
	LORA_TARGETS
};
enum {
	LORA_ALL = (1 << LORA_TARGETS) - 1,
	LORA_MAX_R = 4096,
	LORA_SHARE = 4, /* most targets with one input */
};
extern const char *const lora_names[LORA_TARGETS]; /* "q_proj" ... */

/* Targets that share an input: their A's lie one behind the other and are one matrix, and their
 * outputs are columns of one row. */
enum lora_input { LORA_IN_QKV, LORA_IN_O, LORA_IN_GU, LORA_IN_DOWN, LORA_INPUTS };

struct lora_b {
	size_t b, p_b;   /* offsets into params and packed: (out, r) */
	size_t out, col; /* rows of B; the column of the output where they begin */
};

struct lora_group {
	size_t n, rows, in; /* targets; r * n; size of the input */
	size_t a, p_a;      /* offsets: (rows, in) */
	size_t at;          /* of its numbers in a token's width */
	struct lora_b b[LORA_SHARE];
};

struct lora {
	int64_t r;
	double alpha;
	unsigned targets;
	struct weight
		*w; /* table of A's and B's: "model.layers.0.self_attn.q_proj.lora_A.weight" */
	size_t n_w;
	size_t n_params;
	float *params;
	float *packed; /* the same in panels, see gemm.h */
	size_t n_packed;
	size_t width; /* numbers of a token in a layer, the most of any: r * targets */
	int64_t layers;
	struct lora_group *group; /* (layers, LORA_INPUTS) */
};

unsigned lora_targets(const struct config *c); /* those that the family has */
/* An adapter of zeros; of targets, those that the family has, which are some. */
struct lora *lora_new(const struct config *c, int64_t r, double alpha, unsigned targets);
/* Which layers have one, by their whole names, "model.layers.0.self_attn.q_proj" */
struct lora_where {
	bool (*has)(const void *ctx, const char *layer);
	const void *ctx;
};
/* Only at those layers; targets are what is left of them, perhaps none. */
struct lora *lora_new_where(const struct config *c, int64_t r, double alpha, unsigned targets,
			    const struct lora_where *where);
/* A uniform within 1 / sqrt(in), as torch begins a linear layer; B zero: nothing changes yet. */
void lora_random(struct lora *l, uint64_t seed);
void lora_pack(struct lora *l); /* after params changed */
struct lora *lora_copy(const struct lora *l);
void lora_free(struct lora *l); /* NULL is fine */

static inline const struct lora_group *lora_group(const struct lora *l, size_t layer,
						  enum lora_input input)
{
	assert(layer < (size_t)l->layers && input < LORA_INPUTS);
	return &l->group[layer * LORA_INPUTS + (size_t)input];
}

/* Rows first .. first + n of the weight of this name += alpha / r * B A, where it is a target. */
void lora_add(const struct lora *l, const char *name, size_t first, size_t n, float *rows);

/* y (rows, out) += alpha / r * B A x for x (rows, in). scratch: rows * width floats. */
void lora_forward(const struct lora *l, const struct lora_group *g, struct matrix y, const float *x,
		  float *scratch);
/* The group's columns of u (rows, width): alpha / r * A x, which the gradient of B is made of. */
void lora_inner(const struct lora *l, const struct lora_group *g, float *u, const float *x,
		size_t rows);
/* From dy, the gradient of y: the group's columns of v (rows, width): alpha / r * B' dy, which the
 * gradient of A is made of; and dx (rows, in) += A' v. */
void lora_backward(const struct lora *l, const struct lora_group *g, float *dx, float *v,
		   struct cmatrix dy);

#endif
