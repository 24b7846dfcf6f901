/* norm.c - norms of a row. See norm.h. */
#include "tensor/norm.h"
#include "tensor/layers.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

/* Sums in a fixed order: VL running sums, then the tail */
static float sum(const float *x, size_t n)
{
	vf s = {0};
	size_t i = 0;
	float t;

	for (; i + VL <= n; i += VL)
		s += vf_load(x + i);
	t = vf_sum(s);
	for (; i < n; i++)
		t += x[i];
	return t;
}

/* of (x - mean)^2 */
static float squares(const float *x, float mean, size_t n)
{
	vf s = {0}, m = vf_set(mean);
	size_t i = 0;
	float t;

	for (; i + VL <= n; i += VL) {
		vf c = vf_load(x + i) - m;

		s = vf_fma(c, c, s);
	}
	t = vf_sum(s);
	for (; i < n; i++)
		t += (x[i] - mean) * (x[i] - mean);
	return t;
}

static bool is_plain(const struct norm *k)
{
	return !k->centred && !k->b && !(k->one > 0);
}

/* y_i = (w_i + one) (x_i - mean) r + b_i, r = 1 / sqrt(mean((x - mean)^2) + eps) */
struct norm_stat norm_forward(const struct norm *k, float *y, const float *x)
{
	struct norm_stat s = {0};
	size_t n = k->n;

	assert(y && x && k->w && n >= 1);
	if (is_plain(k)) {
		s.r = rmsnorm_forward(y, x, k->w, n, k->eps);
		return s;
	}
	s.mean = k->centred ? sum(x, n) / (float)n : 0.0f;
	s.r = 1.0f / sqrtf(squares(x, s.mean, n) / (float)n + k->eps);
	for (size_t i = 0; i < n; i++)
		y[i] = (x[i] - s.mean) * s.r * (k->w[i] + k->one);
	for (size_t i = 0; k->b && i < n; i++)
		y[i] += k->b[i];
	return s;
}

/* sum of dy (w + one), and of that times (x - mean) */
static float weighted(const struct norm *k, const float *dy, const float *x, float mean, float *all)
{
	vf s = {0}, a = {0}, one = vf_set(k->one), m = vf_set(mean);
	size_t i = 0;
	float t;

	for (; i + VL <= k->n; i += VL) {
		vf g = vf_load(dy + i) * (vf_load(k->w + i) + one);

		s = vf_fma(g, vf_load(x + i) - m, s);
		a += g;
	}
	t = vf_sum(s);
	*all = vf_sum(a);
	for (; i < k->n; i++) {
		float g = dy[i] * (k->w[i] + k->one);

		t += g * (x[i] - mean);
		*all += g;
	}
	return t;
}

/*
 * With g = dy (w + one) and c = x - mean: dx_i += (g_i - mean(g)) r - c_i (r^3 / n) sum over j of
 * g_j c_j; an RMSNorm takes no means.
 */
void norm_backward(const struct norm *k, float *dx, const float *dy, const float *x,
		   struct norm_stat s)
{
	size_t n = k->n;
	float c, mean;

	assert(dx && dy && x && dx != dy && dx != x);
	if (is_plain(k)) {
		rmsnorm_backward(dx, dy, x, k->w, s.r, n);
		return;
	}
	c = weighted(k, dy, x, s.mean, &mean) * s.r * s.r * s.r / (float)n;
	mean = k->centred ? mean / (float)n : 0.0f;
	for (size_t i = 0; i < n; i++)
		dx[i] += (dy[i] * (k->w[i] + k->one) - mean) * s.r - (x[i] - s.mean) * c;
}
