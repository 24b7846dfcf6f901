/* softmax.c - softmax rows, log-probabilities, entropy. See softmax.h. */
#include "tensor/softmax.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

static float row_max(const float *x, size_t n)
{
	vf m = vf_set(x[0]);
	size_t i = 0;
	float t;

	for (; i + VL <= n; i += VL)
		m = vf_max(vf_load(x + i), m);
	t = vf_top(m);
	for (; i < n; i++)
		t = x[i] > t ? x[i] : t;
	return t;
}

/* p_i = exp(z_i - max z) / sum over j of exp(z_j - max z), z = scale * s */
void softmax_row(float *s, size_t n, float scale)
{
	size_t last = (n - 1) / VL * VL, end = last + VL;
	vf top, sum = {0};
	float m, inv;

	assert(s && n >= 1);
	assert(scale > 0); /* the largest stays the largest */
	vf_store(s + last, vf_below(vf_load(s + last), n - last)); /* exp gives 0 */
	top = vf_load(s);
	for (size_t i = VL; i < end; i += VL)
		top = vf_max(vf_load(s + i), top);
	m = vf_top(top) * scale;
	for (size_t i = 0; i < end; i += VL) {
		vf e = vf_exp(vf_fma(vf_load(s + i), vf_set(scale), vf_set(-m)));

		vf_store(s + i, e);
		sum += e;
	}
	inv = 1.0f / vf_sum(sum);
	for (size_t i = 0; i < end; i += VL)
		vf_store(s + i, vf_load(s + i) * inv);
}

void softmax_scores(float *z, size_t n, float scale, float cap)
{
	size_t i = 0;
	float t[VL] = {0};

	if (!(cap > 0)) {
		for (; i < n; i++)
			z[i] *= scale;
		return;
	}
	for (; i + VL <= n; i += VL)
		vf_store(z + i, cap * vf_tanh(vf_load(z + i) * (scale / cap)));
	if (i < n) {
		memcpy(t, z + i, (n - i) * sizeof *t);
		vf_store(t, cap * vf_tanh(vf_load(t) * (scale / cap)));
		memcpy(z + i, t, (n - i) * sizeof *t);
	}
}

/* Logits i..i+VL as z - max; beyond v: -infinity */
static inline vf shifted(const float *logits, size_t i, size_t v, float inv_t, float max)
{
	float t[VL];

	if (i + VL <= v)
		return vf_fma(vf_load(logits + i), vf_set(inv_t), vf_set(-max));
	for (size_t j = 0; j < VL; j++)
		t[j] = i + j < v ? fmaf(logits[i + j], inv_t, -max) : -INFINITY;
	return vf_load(t);
}

/* max z, log sum exp(z - max z), H = -sum p log p = log_sum - sum p (z - max z), z = logits / T */
struct softmax_stat softmax_stat(const float *logits, size_t v, float inv_t)
{
	struct softmax_stat s = {.max = row_max(logits, v) * inv_t};
	vf sum = {0}, dot = {0};
	double total, mean;

	assert(logits && v >= 1);
	assert(inv_t > 0);
	for (size_t i = 0; i < v; i += VL) {
		vf z = shifted(logits, i, v, inv_t, s.max), e = vf_exp(z);

		sum += e;
		dot = vf_fma(e, vf_select(e > 0.0f, z, vf_set(0.0f)), dot);
	}
	total = vf_sum(sum);
	mean = vf_sum(dot) / total;
	s.log_sum = (float)log(total);
	s.entropy = (float)(log(total) - mean);
	return s;
}

/* log p_i = z_i - max z - log_sum */
float softmax_logp(const struct softmax_stat *s, float logit, float inv_t)
{
	return fmaf(logit, inv_t, -s->max) - s->log_sum;
}

/* Logits i..i+VL; beyond v: 0 */
static inline vf some_logits(const float *logits, size_t i, size_t v)
{
	float t[VL] = {0};

	if (i + VL <= v)
		return vf_load(logits + i);
	memcpy(t, logits + i, (v - i) * sizeof *t);
	return vf_load(t);
}

/*
 * dL/dlogit_i = (dlogp * ([i = target] - p_i) - dent * p_i * (log p_i + entropy)) / temperature,
 * p_i = exp(z_i - max - log_sum); with p_i = 0 its logarithm counts as -log_sum. With a cap c, a
 * constant or not where this is inlined, times 1 - (y / c)^2, the slope of y = c tanh(z / c).
 */
static inline void backward(float *logits, size_t v, const struct softmax_stat *s,
			    const struct softmax_grad *by, float cap)
{
	float inv_sum = (float)exp(-(double)s->log_sum), y = logits[by->target];
	float dlogp = by->dlogp, dent = by->dent, inv_t = by->inv_t;

	for (size_t i = 0; i < v; i += VL) {
		vf z = shifted(logits, i, v, inv_t, s->max), p = vf_exp(z) * inv_sum;
		vf logp = vf_select(p > 0.0f, z, vf_set(0.0f)) - s->log_sum;
		vf g = p * (-dlogp - dent * (logp + s->entropy)) * inv_t;
		float t[VL];

		if (cap > 0) {
			vf x = some_logits(logits, i, v) / cap;

			g *= 1.0f - x * x;
		}
		vf_store(t, g);
		memcpy(logits + i, t, (v - i < VL ? v - i : VL) * sizeof *t);
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
