/*
 * mix.h - what some layers have in place of attention, and what stands between that, or attention,
 * and the product that ends the sub-layer. A layer's first product gives rows of
 *
 *     attention that is gated: queries, keys, values, gates (A)
 *     short convolution (LFM2, arXiv 2511.23404): b, c, u (d each): y = conv(b * u), gated by c
 *     gated DeltaNet (Qwen3.5): q, k, v (channels of a convolution), z, b, a: see tensor/delta.h
 *
 * The trainer and the sampler both call exactly this, row by row.
 */
#ifndef MODEL_MIX_H
#define MODEL_MIX_H

#include "model/model.h"
#include "tensor/conv.h"

/* Sizes of the numbers of a linear layer */
struct mix_shape {
	size_t nk, nv;       /* of a key head, of a value head */
	size_t heads, share; /* value heads, and how many of them have one key head */
	size_t kd, vd;       /* of all key heads, of all value heads */
	size_t taps, n;      /* of the convolution, and its channels */
};
struct mix_shape mix_shape(const struct model *m, size_t layer);
struct conv mix_conv(const struct model *m, size_t layer);

/* Floats of a row that goes into the recurrence: q (kd), k (kd), v (vd), beta and g (heads each);
 * 0: the layer has none */
size_t mix_row(const struct model *m, size_t layer);
/* Of their gradients: q and k (nk) for each value head, v (vd), beta and g (heads each) */
size_t mix_drow(const struct model *m, size_t layer);
/* n channels of what the convolution takes from a row of the first product: the row itself, or b *
 * u in buf */
const float *mix_input(const struct model *m, size_t layer, const float *row, float *buf);
/* A row of the recurrence from the inputs x of its convolution. y (n): what that gave */
void mix_prepare(const struct model *m, size_t layer, float *to, float *y, const float *const *x,
		 const float *row);
/* o (nv) and the state S (nk, nv) of value head h behind the token of that row; scratch: nv floats
 */
void mix_head(const struct model *m, size_t layer, size_t h, float *S, float *o, const float *row,
	      float *scratch);

/* Floats of a sequence's state in a layer, and of a step; 0: it has attention */
size_t mix_state(const struct model *m, size_t layer);
size_t mix_scratch(const struct model *m);
/* Tokens of a recurrence that the trainer computes again together in the backward pass, and its
 * floats of scratch for sequences of so many tokens */
enum { MIX_CHUNK = 64 };
size_t mix_pass_scratch(const struct model *m, size_t longest, bool back);
/* The next token of a sequence: att (A) of its row; first: there is none before. */
void mix_token(const struct model *m, size_t layer, float *att, float *state, const float *row,
	       bool first, float *scratch);

/* Is what comes out gated? Then y (A) is what goes into the ending product. */
bool mix_gated(const struct model *m, size_t layer);
void mix_gate(const struct model *m, size_t layer, float *y, const float *att, const float *row);
/* datt, the gradient by y, becomes that by att; the gate's goes into its columns of drow. dw (nv;
 * NULL: not wanted) gains that of the norm's weights. */
void mix_gate_back(const struct model *m, size_t layer, float *datt, float *drow, const float *att,
		   const float *row, float *dw);

/* Gated attention: a row with each head's gate behind its query becomes one with the gates behind
 * the values, and back. tmp: the gates' and queries' floats */
void mix_split(const struct model *m, float *row, float *tmp);
void mix_join(const struct model *m, float *row, float *tmp);

float mix_sigmoid(float x);

#endif
