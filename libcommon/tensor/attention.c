/* attention.c - causal attention over one key/value head. See attention.h. */
#include "tensor/attention.h"
#include "tensor/softmax.h"

#include <math.h>

enum { QB = 48 }; /* query rows taken together in the backward pass: a multiple of GEMM_MR */

size_t att_keys_floats(size_t len, size_t hd)
{
	return gemm_pack_floats(len, hd);
}

size_t att_values_floats(size_t len, size_t hd)
{
	return len * vec_round(hd);
}

void att_put(float *keys, float *values, size_t t, size_t n, const float *k, const float *v,
	     size_t ld, size_t hd)
{
	size_t hr = vec_round(hd), room;

	for (size_t j = 0; j < n; j++)
		memcpy(values + (t + j) * hr, v + j * ld, hd * sizeof *v);
	for (; n > 0; t += room, n -= room, k += room * ld) {
		float *col = keys + t / PANEL * (hd * PANEL) + t % PANEL;

		room = PANEL - t % PANEL < n ? PANEL - t % PANEL : n;
		for (size_t i = 0; i < hd; i++)
			for (size_t j = 0; j < room; j++)
				col[i * PANEL + j] = k[j * ld + i];
	}
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

	gemm(rows, vec_round(n), hd, q, ldq, 1, gemm_packed_view(keys, hd), s, ls, false);
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
	gemm_each(heads, n, hd, q, hd, gemm_packed_view(keys, hd), step, scratch, ls);
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
static void scores_backward(float *dp, const float *s, size_t ls, const float *o, const float *do_,
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

/* Room of a backward pass: rows of hr floats, token by token, the prefix first */
struct att_back {
	size_t hd, hr, ls;
	float *keys, *vt;      /* keys and values in panels */
	float *k, *v, *q, *dO; /* q and dO of one head at a time */
	float *dk, *dv;
	float *s, *dp; /* (QB, ls) probabilities and the gradient by them */
};

static struct att_back att_back(size_t T, size_t hd, float *scratch)
{
	size_t hr = vec_round(hd), kf = att_keys_floats(T, hd);
	struct att_back b = {.hd = hd, .hr = hr, .ls = vec_round(T), .keys = scratch};

	b.vt = b.keys + kf;
	b.k = b.vt + kf;
	b.v = b.k + T * hr;
	b.q = b.v + T * hr;
	b.dO = b.q + T * hr;
	b.dk = b.dO + T * hr;
	b.dv = b.dk + T * hr;
	b.s = b.dv + T * hr;
	b.dp = b.s + QB * b.ls;
	return b;
}

/* Keys and values of n tokens behind the first `before`, whose gradients begin at 0. */
static void take_keys(struct att_back *b, const float *k, const float *v, size_t ld, size_t before,
		      size_t n)
{
	size_t at = before * b->hr;

	gather(b->k + at, k, ld, n, b->hd);
	gather(b->v + at, v, ld, n, b->hd);
	att_put(b->keys, b->dk, before, n, k, v, ld, b->hd); /* dk takes values that nobody needs */
	att_put(b->vt, b->dk, before, n, v, v, ld, b->hd);
	memset(b->dk + at, 0, n * b->hr * sizeof *b->dk);
	memset(b->dv + at, 0, n * b->hr * sizeof *b->dv);
}

/* One head's n queries behind the first `before` keys: dq, and their share of dk and dv. */
static void queries_back(struct att_back *b, float *dq, size_t ldd, const float *q, size_t ld,
			 const float *o, const float *do_, size_t ldo, size_t before, size_t n)
{
	size_t hr = b->hr, hd = b->hd, ls = b->ls;

	gather(b->q, q, ld, n, hd);
	gather(b->dO, do_, ldo, n, hd);
	for (size_t t = 0; t < n; t += QB) {
		size_t rows = n - t < QB ? n - t : QB, seen = before + t + rows;
		struct panels qb = {b->q + t * hr, hr, PANEL, NULL};
		struct panels dob = {b->dO + t * hr, hr, PANEL, NULL};
		struct panels kb = {b->k, hr, PANEL, NULL};

		probabilities(b->s, ls, b->q + t * hr, hr, b->keys, rows, before + t + 1, 1, hd);
		gemm(rows, seen, hd, b->dO + t * hr, hr, 1, gemm_packed_view(b->vt, hd), b->dp, ls,
		     false);
		scores_backward(b->dp, b->s, ls, o + t * ldo, do_ + t * ldo, ldo, rows, seen, hd);
		gemm(rows, hd, seen, b->dp, ls, 1, kb, dq + t * ldd, ldd, false);
		gemm(seen, hr, rows, b->dp, 1, ls, qb, b->dk, hr, true);
		gemm(seen, hr, rows, b->s, 1, ls, dob, b->dv, hr, true);
	}
}

void att_backward(float *dq, float *dk, float *dv, size_t ldd, const float *q, const float *k,
		  const float *v, size_t ld, const float *o, const float *do_, size_t ldo,
		  const size_t *start, size_t n, size_t rep, size_t hd, float *scratch)
{
	size_t prefix = start[1] - start[0], longest = 0;
	struct att_back b;

	for (size_t s = 1; s < n; s++)
		longest = start[s + 1] - start[s] > longest ? start[s + 1] - start[s] : longest;
	b = att_back(prefix + longest, hd, scratch);
	for (size_t s = 0; s < n; s++) {
		size_t at = start[s] - start[0], len = start[s + 1] - start[s];
		size_t before = s ? prefix : 0, own = before * b.hr;

		take_keys(&b, k + at * ld, v + at * ld, ld, before, len);
		for (size_t h = 0; h < rep; h++)
			queries_back(&b, dq + at * ldd + h * hd, ldd, q + at * ld + h * hd, ld,
				     o + at * ldo + h * hd, do_ + at * ldo + h * hd, ldo, before,
				     len);
		if (s) {
			scatter(dk + at * ldd, ldd, b.dk + own, len, hd);
			scatter(dv + at * ldd, ldd, b.dv + own, len, hd);
		}
	}
	scatter(dk, ldd, b.dk, prefix, hd);
	scatter(dv, ldd, b.dv, prefix, hd);
}
