/* softmax.c - softmax rows, log-probabilities, entropy. See softmax.h. */
#include "tensor/softmax.h"
#include "base/elem.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

static float row_max(const float *x, size_t n)
{
	struct lanes m = lanes_set(x[0]);

	for (size_t i = 0; i < n; i += LANES) {
		float t[LANES];

		m = lanes_max(lanes_load(lanes_whole(x + i, n - i, x[0], t)), m);
	}
	return lanes_top(m);
}

/* exp(a * scale + by) */
static inline struct lanes exp_of(struct lanes a, float scale, float by)
{
	EACH_PART(k)
	a.v[k] = vf_exp(vf_fma(a.v[k], vf_set(scale), vf_set(by)));
	return a;
}

/* p_i = exp(z_i - max z) / sum over j of exp(z_j - max z), z = scale * s */
void softmax_row(float *s, size_t n, float scale)
{
	size_t end = (n + LANES - 1) / LANES * LANES;
	struct lanes top, sum = lanes_set(0);
	float m;
	vf inv;

	assert(s && n >= 1);
	assert(scale > 0); /* the largest stays the largest */
	lanes_store(s + end - LANES, lanes_below(lanes_load(s + end - LANES), n - (end - LANES)));
	top = lanes_load(s);
	for (size_t i = LANES; i < end; i += LANES)
		top = lanes_max(lanes_load(s + i), top);
	m = lanes_top(top) * scale;
	for (size_t i = 0; i < end; i += LANES) {
		struct lanes e = exp_of(lanes_load(s + i), scale, -m);

		lanes_store(s + i, e);
		sum = lanes_add(sum, e);
	}
	inv = vf_set(1.0f / lanes_sum(sum));
	for (size_t i = 0; i < end; i += VL)
		vf_store(s + i, vf_load(s + i) * inv);
}

void softmax_scores(float *z, size_t n, float scale, float cap)
{
	if (!(cap > 0)) {
		for (size_t i = 0; i < n; i++)
			z[i] *= scale;
		return;
	}
	for (size_t i = 0; i < n; i += VL)
		vf_put_some(z + i, cap * vf_tanh(vf_some(z + i, n - i) * (scale / cap)), n - i);
}

/* max z, log sum exp(z - max z), H = -sum p log p = log_sum - sum p (z - max z), z = logits / T */
struct softmax_stat softmax_stat(const float *logits, size_t v, float inv_t)
{
	struct softmax_stat s = {.max = row_max(logits, v) * inv_t};
	struct lanes sum = lanes_set(0), dot = lanes_set(0);
	double total, mean, log_sum;

	assert(logits && v >= 1);
	assert(inv_t > 0);
	for (size_t i = 0; i < v; i += LANES) {
		float t[LANES];
		const float *x = lanes_whole(logits + i, v - i, -INFINITY, t);

		EACH_PART(k)
		{
			vf z = vf_fma(vf_load(x + (size_t)k * VL), vf_set(inv_t), vf_set(-s.max));
			vf e = vf_exp(z);

			sum.v[k] += e;
			dot.v[k] = vf_fma(e, vf_select(e > 0.0f, z, vf_set(0.0f)), dot.v[k]);
		}
	}
	total = lanes_sum(sum);
	mean = lanes_sum(dot) / total;
	log_sum = elem_log(total);
	s.log_sum = (float)log_sum;
	s.entropy = (float)(log_sum - mean);
	return s;
}

enum { CHUNK = 16 * LANES }; /* summed as vectors before the running sum, in double, takes them */

double softmax_weights(float *e, const float *logits, size_t v, float inv_t, float max)
{
	double total = 0;

	for (size_t c = 0; c < v; c += CHUNK) {
		struct lanes sum = lanes_set(0);

		for (size_t i = c; i < v && i < c + CHUNK; i += LANES) {
			float t[LANES];
			struct lanes x = lanes_load(lanes_whole(logits + i, v - i, -INFINITY, t));

			x = exp_of(x, inv_t, -max);
			lanes_store(e + i, x);
			sum = lanes_add(sum, x);
		}
		total += lanes_sum(sum);
	}
	return total;
}

size_t softmax_find(const float *e, size_t v, double at)
{
	double seen = 0, here;
	size_t last = 0;

	for (size_t c = 0; c < v; c += CHUNK) {
		size_t end = c + CHUNK < v ? c + CHUNK : v;
		struct lanes sum = lanes_set(0);

		for (size_t i = c; i < end; i += LANES)
			sum = lanes_add(sum, lanes_load(e + i));
		here = lanes_sum(sum);
		if (seen + here <= at) {
			seen += here;
			continue;
		}
		for (size_t i = c; i < end; i++) {
			if (e[i] > 0)
				last = i;
			seen += e[i];
			if (seen > at)
				return i;
		}
	}
	return e[last] > 0 ? last : v;
}

/* log p_i = z_i - max z - log_sum; max z was rounded, and that of the largest can come out above 0
 */
float softmax_logp(const struct softmax_stat *s, float logit, float inv_t)
{
	float z = vf_fma(vf_set(logit), vf_set(inv_t), vf_set(-s->max))[0] - s->log_sum;

	return z > 0 ? 0 : z;
}

/*
 * dL/dlogit_i = (dlogp * ([i = target] - p_i) - dent * p_i * (log p_i + entropy)) / temperature,
 * p_i = exp(z_i - max - log_sum); with p_i = 0 its logarithm counts as -log_sum. With a cap c, a
 * constant or not where this is inlined, times 1 - (y / c)^2, the slope of y = c tanh(z / c).
 */
static inline void backward(float *logits, size_t v, const struct softmax_stat *s,
			    const struct softmax_grad *by, float cap)
{
	float inv_sum = (float)elem_exp(-(double)s->log_sum), y = logits[by->target];
	float dlogp = by->dlogp, dent = by->dent, inv_t = by->inv_t;

	for (size_t i = 0; i < v; i += VL) {
		vf x = vf_some(logits + i, v - i);
		vf z = vf_fma(x, vf_set(inv_t), vf_set(-s->max)), p = vf_exp(z) * inv_sum;
		vf logp = vf_select(p > 0.0f, z, vf_set(0.0f)) - s->log_sum;
		vf g = p * (-dlogp - dent * (logp + s->entropy)) * inv_t;

		if (cap > 0)
			g *= 1.0f - x / cap * (x / cap);
		vf_put_some(logits + i, g, v - i);
	}
	if (cap > 0)
		logits[by->target] += dlogp * inv_t * (1.0f - y / cap * (y / cap));
	else
		logits[by->target] += dlogp * inv_t;
}

void softmax_backward(float *logits, size_t v, const struct softmax_stat *s,
		      const struct softmax_grad *by)
{
	assert(logits && v >= 1 && by->target < v);
	assert(by->inv_t > 0);
	if (by->cap > 0)
		backward(logits, v, s, by, by->cap);
	else
		backward(logits, v, s, by, 0);
}
