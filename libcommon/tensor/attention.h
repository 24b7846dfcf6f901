/*
 * attention.h - causal attention of one group of query heads over one key/value head: scaled
 * dot-product attention (Vaswani et al., arXiv 1706.03762) with grouped queries (Ainslie et al.,
 * arXiv 2305.13245). hd numbers a head.
 *
 * Keys lie transposed in panels (B of shape (hd, keys), see gemm.h), values in rows of
 * vec_round(hd) floats; in bf16, of two tokens in a row of words. The same two products and the
 * same softmax serve one new token (sampler) and a whole sequence (trainer), so both give the same
 * bits. In bf16 queries and probabilities are rounded too, and the products, of both passes, are
 * those of bf16.h: sums over keys in blocks of 32, from the first key on.
 */
#ifndef TENSOR_ATTENTION_H
#define TENSOR_ATTENTION_H

#include "tensor/bf16.h"

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
	bool half; /* products in bf16; keys and values are held so */
};
/* Keys and values of some key/value heads, each `step` floats or words behind the one before. */
struct att_kv {
	float *keys, *values; /* of the first head; how.half: uint32_t */
	size_t hd, heads, step;
	struct att_how how;
};
/* Puts keys and values (n, hd) of tokens t .. t + n - 1 into the first head, behind those of t. */
KERNEL_BF16(void, att_put, (struct att_kv kv, size_t t, struct cmatrix k, struct cmatrix v));

/* Floats of scratch for rows query rows over len keys: scores, and what products in bf16 pack */
static inline size_t att_scratch(size_t rows, size_t len, size_t hd, bool half)
{
	return rows * vec_round(len) + (half ? bf16_words(rows, len > hd ? len : hd) : 0);
}

/*
 * out row i = softmax(scores of q_i) V over keys 0 .. first_n + i * causal - 1 of the first head,
 * or the last of them where there is a window. causal: the rows of q (rows, hd) are successive
 * tokens of one head; else heads of one token, all over first_n keys.
 */
KERNEL_BF16(void, att_rows,
	    (struct matrix out, struct cmatrix q, struct att_kv kv, size_t first_n, bool causal,
	     float *scratch));

/*
 * One new token of each of n sequences that begin with the same keys, as many samples of a prompt
 * do: out (n, heads * hd) of q (n, heads * hd), in which each kv head serves heads / kv.heads query
 * heads, one behind the other. The same numbers as att_rows gives head by head and sequence by
 * sequence. scratch: att_family_scratch of the longest.
 */
struct att_family {
	struct att_kv first;      /* what all begin with */
	size_t shared;            /* its tokens: whole blocks of BF16_BLOCK; 0: nothing, see own */
	const struct att_kv *own; /* (n) what is behind that */
	const size_t *len;        /* (n) keys that a token sees, some of its own among them */
	size_t n;
};
static inline size_t att_family_scratch(size_t n, size_t heads, size_t len, size_t hd, bool half)
{
	return att_scratch(n * heads, len, hd, half) + n * heads * vec_round(hd);
}
KERNEL_BF16(void, att_family,
	    (struct matrix out, struct cmatrix q, const struct att_family *f, float *scratch));

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
/* Queries taken together over a sequence: a multiple of GEMM_MR; whole blocks of bf16 */
static inline size_t att_block_rows(bool half)
{
	return half ? 2 * BF16_BLOCK : 8 * GEMM_MR;
}
/* scratch: att_backward_scratch(T, hd, half) floats, T the tokens of the longest with the prefix:
 * keys in both forms and V'; dk, dv; queries and dO of a block; three blocks of probabilities; what
 * products in bf16 pack. */
static inline size_t att_backward_scratch(size_t T, size_t hd, bool half)
{
	size_t rows = att_block_rows(half), hr = vec_round(hd);
	size_t a = bf16_words(rows, T > hd ? T : hd), across = bf16_words(T, rows);

	return 2 * att_keys_size(T, hd, half) + att_values_size(T, hd, half) + 2 * (T + rows) * hr +
	       3 * rows * vec_round(T) +
	       (half ? (a > across ? a : across) + gemm_pair_words(hd, rows) : 0);
}
KERNEL_BF16(void, att_backward, (const struct att_pass *p, float *scratch));

#endif
