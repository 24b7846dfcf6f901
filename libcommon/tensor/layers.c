/* layers.c - the element-wise layers, one row a call. See layers.h. */
#include "tensor/layers.h"
#include "tensor/vec.h"

#include <math.h>

/* sum of a[i] * b[i] in a fixed order: VL running sums, then the tail */
static float dot(const float *a, const float *b, size_t n)
{
	vf s = {0};
	size_t i = 0;
	float t;

	for (; i + VL <= n; i += VL)
		s = vf_fma(vf_load(a + i), vf_load(b + i), s);
	t = vf_sum(s);
	for (; i < n; i++)
		t += a[i] * b[i];
	return t;
}

float rmsnorm_forward(float *y, const float *x, const float *w, size_t d, float eps)
{
	float r = 1.0f / sqrtf(dot(x, x, d) / (float)d + eps);

	for (size_t i = 0; i < d; i++)
		y[i] = x[i] * r * w[i];
	return r;
}

void rmsnorm_backward(float *dx, const float *dy, const float *x, const float *w, float r, size_t d)
{
	vf s = {0};
	size_t i = 0;
	float t, c;

	for (; i + VL <= d; i += VL)
		s = vf_fma(vf_load(dy + i) * vf_load(w + i), vf_load(x + i), s);
	t = vf_sum(s);
	for (; i < d; i++)
		t += dy[i] * w[i] * x[i];
	c = t * r * r * r / (float)d;
	for (i = 0; i < d; i++)
		dx[i] += dy[i] * w[i] * r - x[i] * c;
}

void rope_forward(float *x, const float *cs, size_t n)
{
	size_t h = n / 2;

	for (size_t i = 0; i < h; i++) {
		float a = x[i], b = x[i + h], c = cs[i], s = cs[i + h];

		x[i] = a * c - b * s;
		x[i + h] = b * c + a * s;
	}
}

void rope_backward(float *dx, const float *cs, size_t n)
{
	size_t h = n / 2;

	for (size_t i = 0; i < h; i++) {
		float a = dx[i], b = dx[i + h], c = cs[i], s = cs[i + h];

		dx[i] = a * c + b * s;
		dx[i + h] = b * c - a * s;
	}
}

void rope_table(float *cs, const double *freq, size_t pos, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		cs[i] = (float)cos((double)pos * freq[i]);
		cs[i + n / 2] = (float)sin((double)pos * freq[i]);
	}
}

static inline vf sigmoid(vf g)
{
	return 1.0f / (1.0f + vf_exp(-g));
}

/* Works on whole vectors; the tail goes through a padded copy, so that it takes the same
 * arithmetic. */
void swiglu_forward(float *h, const float *gu, size_t n)
{
	const float *u = gu + n;
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		vf g = vf_load(gu + i);

		vf_store(h + i, g * sigmoid(g) * vf_load(u + i));
	}
	if (i < n) {
		float a[VL] = {0}, b[VL] = {0};
		vf g;

		memcpy(a, gu + i, (n - i) * sizeof *a);
		memcpy(b, u + i, (n - i) * sizeof *b);
		g = vf_load(a);
		vf_store(a, g * sigmoid(g) * vf_load(b));
		memcpy(h + i, a, (n - i) * sizeof *a);
	}
}

void swiglu_backward(float *dgu, const float *dh, const float *gu, size_t n)
{
	for (size_t i = 0; i < n; i += VL) {
		size_t m = n - i < VL ? n - i : VL;
		float a[VL] = {0}, b[VL] = {0}, e[VL] = {0};
		vf g, u, d, s;

		memcpy(a, gu + i, m * sizeof *a);
		memcpy(b, gu + n + i, m * sizeof *b);
		memcpy(e, dh + i, m * sizeof *e);
		g = vf_load(a);
		u = vf_load(b);
		d = vf_load(e);
		s = sigmoid(g);
		vf_store(a, d * u * s * (1.0f + g * (1.0f - s)));
		vf_store(b, d * g * s);
		memcpy(dgu + i, a, m * sizeof *a);
		memcpy(dgu + n + i, b, m * sizeof *b);
	}
}

void add_row(float *y, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}
