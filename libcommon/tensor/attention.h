/*
 * attention.h - causal attention of one group of query heads over one key/value head.
 *
 * Keys lie transposed in panels (B of shape (hd, keys), see gemm.h), values in rows of
 * vec_round(hd) floats. The same two products and the same softmax serve one new token (sampler)
 * and a whole sequence (trainer), so both give the same bits.
 */
#ifndef TENSOR_ATTENTION_H
#define TENSOR_ATTENTION_H

#include "tensor/gemm.h"

/* Floats that hold the keys or the values of `len` tokens. */
size_t att_keys_floats(size_t len, size_t hd);
size_t att_values_floats(size_t len, size_t hd);
/* Puts the keys and the values of n tokens from token t on; k and v: rows ld apart. */
void att_put(float *keys, float *values, size_t t, size_t n, const float *k, const float *v,
	     size_t ld, size_t hd);

/* Floats of scratch for rows query rows over len keys. */
size_t att_scratch(size_t rows, size_t len);

/*
 * out row i = softmax(q_i K' / sqrt(hd)) V over keys 0 .. first_n + i * causal - 1, for `rows`
 * rows: causal = 1: the rows are successive tokens of one head; 0: heads of one token, all over
 * first_n keys. q has stride ldq, out stride ldo. scratch keeps the probabilities: row i at scratch
 * + i * ld, where ld is vec_round of the most keys.
 */
void att_rows(float *out, size_t ldo, const float *q, size_t ldq, const float *keys,
	      const float *values, size_t rows, size_t first_n, int causal, size_t hd,
	      float *scratch);

/*
 * One new token over the first n keys: out (heads, hd), q (heads, hd), and kv heads whose keys and
 * values lie `step` floats apart, each serving heads / kvh query heads. The same numbers as
 * att_rows gives head by head. scratch: att_scratch(heads, n).
 */
void att_token(float *out, const float *q, const float *keys, const float *values, size_t step,
	       size_t heads, size_t kvh, size_t n, size_t hd, float *scratch);

/*
 * Backward of n whole sequences, one behind the other, for one kv head and its rep query heads; the
 * first is the prefix of all others, which see its keys before their own. Tokens of sequence s:
 * start[s] .. start[s + 1], counted from start[0]. All of q, k, v, o, do_ are rows in wider
 * buffers: element (t, head h, i) at p[t * ld + h * hd + i]; dq, dk, dv likewise with ldd and are
 * overwritten. scratch: att_backward_scratch(T, hd) floats, T the tokens of the longest with the
 * prefix.
 */
size_t att_backward_scratch(size_t T, size_t hd);
void att_backward(float *dq, float *dk, float *dv, size_t ldd, const float *q, const float *k,
		  const float *v, size_t ld, const float *o, const float *do_, size_t ldo,
		  const size_t *start, size_t n, size_t rep, size_t hd, float *scratch);

#endif
