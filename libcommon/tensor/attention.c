/* attention.c - causal attention over one key/value head. See attention.h. */
#include "tensor/attention.h"
#include "tensor/softmax.h"

#include <math.h>

enum { QB = 48 }; /* query rows taken together in the backward pass: a multiple of GEMM_MR */

size_t att_keys_floats(size_t len, size_t hd)
{
	return pack_floats(len, hd);
}

size_t att_values_floats(size_t len, size_t hd)
{
	return len * vec_round(hd);
}

void att_put(float *keys, float *values, size_t t, const float *k, const float *v, size_t hd)
{
	float *col = keys + t / PANEL * (hd * PANEL) + t % PANEL;

	for (size_t i = 0; i < hd; i++)
		col[i * PANEL] = k[i];
	memcpy(values + t * vec_round(hd), v, hd * sizeof *v);
}

size_t att_scratch(size_t rows, size_t len)
{
	return rows * vec_round(len);
}

static struct panels value_view(const float *values, size_t hd)
{
	return (struct panels){values, vec_round(hd), PANEL, NULL};
}

/* Probabilities of rows over keys into s (stride ls); row i sees first_n + i * causal keys. */
static void probabilities(float *s, size_t ls, const float *q, size_t ldq, const float *keys,
			  size_t rows, size_t first_n, int causal, size_t hd)
{
	float scale = 1.0f / sqrtf((float)hd);
	size_t n = first_n + (causal ? rows - 1 : 0);

	gemm(rows, n, hd, q, ldq, 1, packed_view(keys, hd), s, ls, false);
	for (size_t i = 0; i < rows; i++) {
		size_t seen = causal ? first_n + i : first_n, end = vec_round(seen);

		softmax_row(s + i * ls, seen, scale);
		if (end < ls)
			memset(s + i * ls + end, 0, (ls - end) * sizeof *s);
	}
}

void att_rows(float *out, size_t ldo, const float *q, size_t ldq, const float *keys,
	      const float *values, size_t rows, size_t first_n, int causal, size_t hd,
	      float *scratch)
{
	size_t n = first_n + (causal ? rows - 1 : 0), ls = vec_round(n);

	probabilities(scratch, ls, q, ldq, keys, rows, first_n, causal, hd);
	gemm(rows, hd, n, scratch, ls, 1, value_view(values, hd), out, ldo, false);
}

void att_token(float *out, const float *q, const float *keys, const float *values, size_t step,
	       size_t heads, size_t kvh, size_t n, size_t hd, float *scratch)
{
	size_t ls = vec_round(n), rep = heads / kvh;
	float scale = 1.0f / sqrtf((float)hd);

	if (rep > 1 || hd % VL) { /* enough chains side by side in one head, or none fits */
		for (size_t g = 0; g < kvh; g++, keys += step, values += step)
			att_rows(out + g * rep * hd, hd, q + g * rep * hd, hd, keys, values, rep, n,
				 0, hd, scratch);
		return;
	}
	gemm_each(heads, n, hd, q, hd, packed_view(keys, hd), step, scratch, ls);
	for (size_t h = 0; h < heads; h++)
		softmax_row(scratch + h * ls, n, scale);
	gemm_each(heads, hd, n, scratch, ls, value_view(values, hd), step, out, hd);
}

size_t att_backward_scratch(size_t T, size_t hd)
{
	size_t hr = vec_round(hd);

	/* keys, values and V' in panels; k, q, dO rows padded; dk, dv; two blocks of probabilities
	 */
	return 2 * att_keys_floats(T, hd) + 6 * T * hr + 2 * QB * vec_round(T);
}

/* Rows of one head with padding, so that whole vectors can be read. */
static void gather(float *dst, const float *src, size_t ld, size_t T, size_t hd)
{
	size_t hr = vec_round(hd);

	for (size_t t = 0; t < T; t++)
		for (size_t i = 0; i < hr; i++)
			dst[t * hr + i] = i < hd ? src[t * ld + i] : 0.0f;
}

static void scatter(float *dst, size_t ld, const float *src, size_t T, size_t hd)
{
	for (size_t t = 0; t < T; t++)
		memcpy(dst + t * ld, src + t * vec_round(hd), hd * sizeof *dst);
}

/* s (probabilities) and dp (gradient by them) become dS = P * (dP - rowsum(dO * O)) * scale in dp.
 */
static void softmax_backward(float *dp, const float *s, size_t ls, const float *o, const float *do_,
			     size_t ldo, size_t rows, size_t n, size_t hd)
{
	float scale = 1.0f / sqrtf((float)hd);

	for (size_t i = 0; i < rows; i++) {
		float d = 0;

		for (size_t x = 0; x < hd; x++)
			d += o[i * ldo + x] * do_[i * ldo + x];
		for (size_t j = 0; j < n; j++)
			dp[i * ls + j] = s[i * ls + j] * (dp[i * ls + j] - d) * scale;
	}
}

void att_backward(float *dq, float *dk, float *dv, size_t ldd, const float *q, const float *k,
		  const float *v, size_t ld, const float *o, const float *do_, size_t ldo, size_t T,
		  size_t rep, size_t hd, float *scratch)
{
	size_t hr = vec_round(hd), ls = vec_round(T), kf = att_keys_floats(T, hd);
	float *keys = scratch, *vt = keys + kf, *krow = vt + kf, *vrow = krow + T * hr;
	float *qrow = vrow + T * hr, *dorow = qrow + T * hr, *dkrow = dorow + T * hr;
	float *dvrow = dkrow + T * hr, *s = dvrow + T * hr, *dp = s + QB * ls;

	gather(krow, k, ld, T, hd);
	gather(vrow, v, ld, T, hd);
	for (size_t t = 0; t < T; t++) {
		att_put(keys, dkrow, t, k + t * ld, v + t * ld, hd); /* dkrow: values not needed */
		att_put(vt, dkrow, t, v + t * ld, v + t * ld, hd);
	}
	memset(dkrow, 0, T * hr * sizeof *dkrow);
	memset(dvrow, 0, T * hr * sizeof *dvrow);
	for (size_t h = 0; h < rep; h++) {
		gather(qrow, q + h * hd, ld, T, hd);
		gather(dorow, do_ + h * hd, ldo, T, hd);
		for (size_t t = 0; t < T; t += QB) {
			size_t rows = T - t < QB ? T - t : QB, n = t + rows;
			struct panels qb = {qrow + t * hr, hr, PANEL, NULL};
			struct panels dob = {dorow + t * hr, hr, PANEL, NULL};
			struct panels kb = {krow, hr, PANEL, NULL};

			probabilities(s, ls, qrow + t * hr, hr, keys, rows, t + 1, 1, hd);
			gemm(rows, n, hd, dorow + t * hr, hr, 1, packed_view(vt, hd), dp, ls,
			     false);
			softmax_backward(dp, s, ls, o + t * ldo + h * hd, do_ + t * ldo + h * hd,
					 ldo, rows, n, hd);
			gemm(rows, hd, n, dp, ls, 1, kb, dq + t * ldd + h * hd, ldd, false);
			gemm(n, hr, rows, dp, 1, ls, qb, dkrow, hr, true);
			gemm(n, hr, rows, s, 1, ls, dob, dvrow, hr, true);
		}
	}
	scatter(dk, ldd, dkrow, T, hd);
	scatter(dv, ldd, dvrow, T, hd);
}
