/* pick.c - one token from a row of logits. See pick.h. */
#include "model/pick.h"
#include "base/fault.h"
#include "model/cut.h"
#include "tensor/softmax.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

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

static bool cuts_to_k(const struct pick_opts *o, size_t v)
{
	return o->top_k > 0 && (size_t)o->top_k < v;
}

/* Makes a heap of all that the cut can leave; returns how many. */
static size_t heap(struct pick_scratch *s, size_t v, double total, const struct pick_opts *o)
{
	size_t n = v;

	if (cuts_to_k(o, v))
		for (size_t i = 0; i < v; i++)
			s->heap[i] = (uint32_t)i;
	else
		n = candidates(s->heap, s->e, v, total, o->top_p);
	for (size_t i = n / 2; i-- > 0;)
		sift(s->heap, n, i, s->e);
	return n;
}

/* The fewest of the largest of v weights, which sum to total, that o leaves: *kept of them, the
 * largest last, that sum to *mass. */
static uint32_t *cut(struct pick_scratch *s, size_t v, double total, const struct pick_opts *o,
		     size_t *kept, double *mass)
{
	size_t n = heap(s, v, total, o), most = n < KEPT_MOST ? n : KEPT_MOST, have = 0;

	if (cuts_to_k(o, v)) { /* top_p is a share of what top_k leaves */
		most = (size_t)o->top_k < most ? (size_t)o->top_k : most;
		for (total = 0; have < most; have++)
			total += s->e[pop(s->heap, n - have, s->e)];
	}
	*mass = 0;
	for (*kept = 0; *kept < most && (o->top_p == 1 || *kept == 0 || *mass < o->top_p * total);
	     ++*kept) {
		uint32_t t = *kept < have ? s->heap[n - 1 - *kept] : pop(s->heap, n - *kept, s->e);

		if (s->e[t] == 0)
			break;
		*mass += s->e[t];
	}
	return s->heap + n - *kept;
}

static uint32_t draw(const uint32_t *kept, size_t n, const float *e, double at)
{
	double seen = 0;

	for (size_t i = n; i-- > 0;) {
		seen += e[kept[i]];
		if (seen > at)
			return kept[i];
	}
	return kept[n - 1];
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Draws from what the cut leaves. */
static void draw_cut(struct picked *out, struct pick_scratch *s, size_t v, double total,
		     const struct pick_opts *o, double u)
{
	double mass;
	uint32_t *kept = cut(s, v, total, o, &out->n_kept, &mass);

	out->token = draw(kept, out->n_kept, s->e, u * mass);
	qsort(kept, out->n_kept, sizeof *kept, by_id);
	out->kept = kept;
	out->n_kept = out->n_kept < v ? out->n_kept : 0;
}

bool pick_cuts(const struct pick_opts *o, size_t v)
{
	return o->temperature > 0 && (o->top_p < 1 || cuts_to_k(o, v));
}

size_t pick_bytes(const struct pick_opts *o, size_t v)
{
	enum { SMALL = 32 };
	size_t n = o->top_k > 0 ? (size_t)o->top_k : SMALL;

	n = n < v ? n : v;
	return pick_cuts(o, v) ? 2 * (1 + n) : 0;
}

bool pick_token(struct picked *out, const float *logits, size_t v, const struct pick_opts *o,
		double u, struct pick_scratch *s)
{
	float inv_t = (float)(1.0 / (o->temperature > 0 ? o->temperature : 1.0));
	struct softmax_stat st = softmax_stat(logits, v, inv_t);
	double total = 0;

	assert(out && logits && v >= 1 && s->e && s->heap);
	assert(u >= 0 && u < 1);
	assert(o->top_p > 0 && o->top_p <= 1);
	fault_float("logit", &st.max);
	if (!isfinite(st.max) || !isfinite(st.log_sum))
		return false;
	*out = (struct picked){.entropy = st.entropy};
	if (o->temperature > 0)
		total = softmax_weights(s->e, logits, v, inv_t, st.max);
	if (o->temperature <= 0)
		out->token = (uint32_t)argmax(logits, v);
	else if (pick_cuts(o, v))
		draw_cut(out, s, v, total, o, u);
	else
		out->token = (uint32_t)find(s->e, v, u * total);
	out->logp = out->n_kept ? cut_logp(logits, out->kept, out->n_kept, out->token, inv_t)
				: softmax_logp(&st, logits[out->token], inv_t);
	return true;
}
