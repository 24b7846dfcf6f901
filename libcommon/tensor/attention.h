/*
 * attention.h - causal attention of one group of query heads over one key/value head: scaled
 * dot-product attention (Vaswani et al., arXiv 1706.03762) with grouped queries (Ainslie et al.,
 * arXiv 2305.13245). hd numbers a head.
 *
 * Keys lie transposed in panels (B of shape (hd, keys), see gemm.h), values in rows of
 * vec_round(hd) floats; in bf16, of two tokens in a row of words. The same two products and the
 * same softmax serve one new token (sampler) and a whole sequence (trainer), so both give the same
 * bits.
 */
#ifndef TENSOR_ATTENTION_H
#define TENSOR_ATTENTION_H

#include "tensor/gemm.h"

#include <stdbool.h>

/* Floats, or words in bf16, that hold the keys or the values of `len` tokens. */
static inline size_t att_keys_size(size_t len, size_t hd, bool half)
{
	return half ? gemm_pair_words(len, hd) : gemm_pack_floats(len, hd);
}
static inline size_t att_values_size(size_t len, size_t hd, bool half)
{
	return (half ? (len + 1) / 2 : len) * vec_round(hd);
}
/* How scores are made of products: s = scale * q k', where there is a cap c then c tanh(s / c)
 * (Gemma 2, arXiv 2408.00118); a token sees so many keys with its own (Beltagy et al., arXiv
 * 2004.05150). All zero: scale 1 / sqrt(hd), no cap, all keys. */
struct att_how {
	float scale, cap;
	size_t window;
	bool half; /* keys and values are rounded to bf16, and held so */
};
/* Keys and values of some key/value heads, each `step` floats or words behind the one before. */
struct att_kv {
	float *keys, *values; /* of the first head; how.half: uint32_t */
	size_t hd, heads, step;
	struct att_how how;
};
/* Puts keys and values (n, hd) of tokens t .. t + n - 1 into the first head, behind those of t. */
KERNEL(void, att_put, (struct att_kv kv, size_t t, struct cmatrix k, struct cmatrix v));

/* Floats of scratch for rows query rows over len keys. */
static inline size_t att_scratch(size_t rows, size_t len)
{
	return rows * vec_round(len);
}

/*
 * out row i = softmax(scores of q_i) V over keys 0 .. first_n + i * causal - 1 of the first head,
 * or the last of them where there is a window. causal: the rows of q (rows, hd) are successive
 * tokens of one head; else heads of one token, all over first_n keys.
 */
KERNEL(void, att_rows,
       (struct matrix out, struct cmatrix q, struct att_kv kv, size_t first_n, bool causal,
	float *scratch));

/*
 * One new token over the first n keys: out (heads, hd) of q (heads, hd); each of kv's heads serves
 * heads / kv.heads query heads, one behind the other. The same numbers as att_rows gives head by
 * head. out and q have no gaps between rows. scratch: att_scratch(heads, n).
 */
KERNEL(void, att_token,
       (struct matrix out, struct cmatrix q, struct att_kv kv, size_t n, float *scratch));

/*
 * Backward of n whole sequences, one behind the other, for one kv head and its rep query heads; the
 * first is the prefix of all others, which see its keys before their own. Tokens of sequence s:
 * start[s] .. start[s + 1], counted from start[0], T in all.
 */
struct att_pass {
	struct matrix dq, dk, dv; /* (T, rep * hd), (T, hd), (T, hd); overwritten */
	struct cmatrix q, k, v;   /* the same shapes */
	struct cmatrix o, d_o;    /* (T, rep * hd) what att_rows gave, and the gradient by it */
	const size_t *start;
	size_t n;
	struct att_how how;
};
enum { ATT_ROWS = 48 }; /* queries taken together in the backward pass: a multiple of GEMM_MR */
/* scratch: att_backward_scratch(T, hd) floats, T the tokens of the longest with the prefix: keys,
 * values and V' in panels; k, q, dO rows padded; dk, dv; three blocks of probabilities. */
static inline size_t att_backward_scratch(size_t T, size_t hd)
{
	return 2 * att_keys_size(T, hd, false) + 6 * T * vec_round(hd) +
	       3 * ATT_ROWS * vec_round(T);
}
KERNEL(void, att_backward, (const struct att_pass *p, float *scratch));

#endif
