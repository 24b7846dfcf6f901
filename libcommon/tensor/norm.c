/* norm.c - norms of a row. See norm.h. */
#include "tensor/norm.h"
#include "tensor/layers.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

static float sum(const float *x, size_t n)
{
	struct lanes s = lanes_set(0);

	for (size_t i = 0; i < n; i += LANES)
		s = lanes_add(s, lanes_some(x + i, n - i));
	return lanes_sum(s);
}

/* of (x - mean)^2 */
static float squares(const float *x, float mean, size_t n)
{
	struct lanes s = lanes_set(0), m = lanes_set(mean);

	for (size_t i = 0; i < n; i += LANES) {
		float t[LANES];
		struct lanes c = lanes_sub(lanes_load(lanes_whole(x + i, n - i, mean, t)), m);

		s = lanes_fma(c, c, s);
	}
	return lanes_sum(s);
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
	struct lanes s = lanes_set(0), a = s, one = lanes_set(k->one), m = lanes_set(mean);

	for (size_t i = 0, n = k->n; i < n; i += LANES) {
		struct lanes g = lanes_mul(lanes_some(dy + i, n - i),
					   lanes_add(lanes_some(k->w + i, n - i), one));

		s = lanes_fma(g, lanes_sub(lanes_some(x + i, n - i), m), s);
		a = lanes_add(a, g);
	}
	*all = lanes_sum(a);
	return lanes_sum(s);
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

void norm_weights(float *dw, const float *dy, const float *x, struct norm_stat s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dw[i] += dy[i] * (x[i] - s.mean) * s.r;
}

void norm_unit(float *y, const float *x, size_t n, float factor)
{
	float r = factor / sqrtf(lanes_dot(x, x, n) + 1e-6f);

	for (size_t i = 0; i < n; i++)
		y[i] = x[i] * r;
}

/* dx = factor (dy r - x r^3 sum over j of dy_j x_j), r = 1 / sqrt(sum of x^2 + 1e-6) */
void norm_unit_backward(float *dx, const float *dy, const float *x, size_t n, float factor)
{
	float r = 1.0f / sqrtf(lanes_dot(x, x, n) + 1e-6f), dot = lanes_dot(dy, x, n);

	for (size_t i = 0; i < n; i++)
		dx[i] = factor * (dy[i] * r - x[i] * dot * r * r * r);
}
