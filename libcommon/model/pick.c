/* pick.c - one token from a row of logits. See pick.h. */
#include "model/pick.h"
#include "base/elem.h"
#include "base/fault.h"
#include "tensor/softmax.h"

#include <assert.h>
#include <math.h>

static size_t argmax(const float *x, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (x[i] > x[best])
			best = i;
	return best;
}

/* The token at which the running sum of e passes `at` */
static size_t find(const float *e, size_t v, double at)
{
	size_t i = softmax_find(e, v, at);

	return i < v ? i : argmax(e, v); /* at lies on the rounding of the total */
}

/* Heap order: larger e first, the lower id where two are equal */
static bool before(const float *e, uint32_t a, uint32_t b)
{
	return e[a] > e[b] || (e[a] == e[b] && a < b);
}

static void sift(uint32_t *h, size_t n, size_t i, const float *e)
{
	for (;;) {
		size_t c = 2 * i + 1;
		uint32_t t = h[i];

		if (c >= n)
			return;
		if (c + 1 < n && before(e, h[c + 1], h[c]))
			c++;
		if (!before(e, h[c], t))
			return;
		h[i] = h[c];
		h[c] = t;
		i = c;
	}
}

/* Moves the largest of the n in the heap behind it; the k-th call leaves the k-th largest at h[n -
 * k]. */
static uint32_t pop(uint32_t *h, size_t n, const float *e)
{
	uint32_t top = h[0];

	h[0] = h[n - 1];
	h[n - 1] = top;
	sift(h, n - 1, 0, e);
	return top;
}

/* Into h the indices of all that can be needed to make up a share top_p of total; returns how many.
 * What is passed over is so small that all v together would weigh half of what may be left out. */
static size_t candidates(uint32_t *h, const float *e, size_t v, double total, double top_p)
{
	float least = (float)(0.5 * (1 - top_p) * total / (double)v);
	size_t n = 0;

	for (size_t i = 0; i < v; i++) {
		h[n] = (uint32_t)i;
		n += e[i] >= least;
	}
	return n;
}

/* Draws from the largest only. Returns the token and the share of the mass that it was drawn from.
 */
static uint32_t draw_cut(struct pick_scratch *s, size_t v, double total, const struct pick_opts *o,
			 double u, double *mass)
{
	size_t most = o->top_k > 0 && (size_t)o->top_k < v ? (size_t)o->top_k : v, kept = 0, n = v;
	double sum = 0, seen = 0, top_p = o->top_p;

	if (most == v)
		most = n = candidates(s->heap, s->e, v, total, top_p);
	else
		for (size_t i = 0; i < v; i++)
			s->heap[i] = (uint32_t)i;
	for (size_t i = n / 2; i-- > 0;)
		sift(s->heap, n, i, s->e);
	if (most < n) /* top_p is a share of what top_k leaves */
		for (total = 0; kept < most; kept++)
			total += s->e[pop(s->heap, n - kept, s->e)];
	if (top_p < 1 || most == n) {
		size_t have = kept;

		for (kept = 0; kept < most && (kept == 0 || sum < top_p * total); kept++)
			sum += s->e[kept < have ? s->heap[n - 1 - kept]
						: pop(s->heap, n - kept, s->e)];
	} else {
		sum = total;
	}
	*mass = sum;
	for (size_t i = 0; i < kept; i++) {
		seen += s->e[s->heap[n - 1 - i]];
		if (seen > u * sum)
			return s->heap[n - 1 - i];
	}
	return s->heap[n - 1];
}

bool pick_token(struct picked *out, const float *logits, size_t v, const struct pick_opts *o,
		double u, struct pick_scratch *s)
{
	float inv_t = (float)(1.0 / (o->temperature > 0 ? o->temperature : 1.0));
	struct softmax_stat st = softmax_stat(logits, v, inv_t);
	bool cut = o->top_p < 1 || (o->top_k > 0 && (size_t)o->top_k < v);
	double total, mass = 0;

	assert(out && logits && v >= 1 && s->e && s->heap);
	assert(u >= 0 && u < 1);
	assert(o->top_p > 0 && o->top_p <= 1);
	fault_float("logit", &st.max);
	if (!isfinite(st.max) || !isfinite(st.log_sum))
		return false;
	out->entropy = st.entropy;
	if (o->temperature <= 0) {
		out->token = (uint32_t)argmax(logits, v);
		out->full = out->logp = softmax_logp(&st, logits[out->token], inv_t);
		return true;
	}
	total = softmax_weights(s->e, logits, v, inv_t, st.max);
	if (cut)
		out->token = draw_cut(s, v, total, o, u, &mass);
	else
		out->token = (uint32_t)find(s->e, v, u * total);
	out->full = out->logp = softmax_logp(&st, logits[out->token], inv_t);
	if (cut)
		out->logp = (float)elem_log(s->e[out->token] / mass);
	return true;
}
