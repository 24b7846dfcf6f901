/* layers.c - the element-wise layers, one row a call. See layers.h. */
#include "tensor/layers.h"
#include "tensor/vec.h"

#include <assert.h>
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

/* y_i = w_i x_i r, r = 1 / sqrt(mean(x^2) + eps); x, w, y (d) */
float rmsnorm_forward(float *y, const float *x, const float *w, size_t d, float eps)
{
	float r;

	assert(y && x && w && d >= 1);
	assert(eps >= 0);
	r = 1.0f / sqrtf(dot(x, x, d) / (float)d + eps);

	for (size_t i = 0; i < d; i++)
		y[i] = x[i] * r * w[i];
	return r;
}

/* dx_i += w_i dy_i r - x_i (r^3 / d) sum over j of dy_j w_j x_j; r as in the forward pass */
void rmsnorm_backward(float *dx, const float *dy, const float *x, const float *w, float r, size_t d)
{
	vf s = {0};
	size_t i = 0;
	float t, c;

	assert(dx && dy && x && w && d >= 1);
	assert(dx != dy && dx != x);
	for (; i + VL <= d; i += VL)
		s = vf_fma(vf_load(dy + i) * vf_load(w + i), vf_load(x + i), s);
	t = vf_sum(s);
	for (; i < d; i++)
		t += dy[i] * w[i] * x[i];
	c = t * r * r * r / (float)d;
	for (i = 0; i < d; i++)
		dx[i] += dy[i] * w[i] * r - x[i] * c;
}

/*
 * (x_i, x_{i+h}) becomes (x_i c_i - x_{i+h} s_i, x_{i+h} c_i + x_i s_i), h = n / 2: a rotation of
 * each pair. cs (n): c, then s.
 */
void rope_forward(float *x, const float *cs, size_t n)
{
	size_t h = n / 2;

	assert(cs && n % 2 == 0);
	for (size_t i = 0; i < h; i++) {
		float a = x[i], b = x[i + h], c = cs[i], s = cs[i + h];

		x[i] = a * c - b * s;
		x[i + h] = b * c + a * s;
	}
}

/* The transposed rotation: (dx_i c_i + dx_{i+h} s_i, dx_{i+h} c_i - dx_i s_i) */
void rope_backward(float *dx, const float *cs, size_t n)
{
	size_t h = n / 2;

	assert(cs && n % 2 == 0);
	for (size_t i = 0; i < h; i++) {
		float a = dx[i], b = dx[i + h], c = cs[i], s = cs[i + h];

		dx[i] = a * c + b * s;
		dx[i + h] = b * c - a * s;
	}
}

void rope_pairs_forward(float *x, const float *cs, size_t n)
{
	size_t h = n / 2;

	assert(cs && n % 2 == 0);
	for (size_t i = 0; i < h; i++) {
		float a = x[2 * i], b = x[2 * i + 1], c = cs[i], s = cs[i + h];

		x[2 * i] = a * c - b * s;
		x[2 * i + 1] = b * c + a * s;
	}
}

void rope_pairs_backward(float *dx, const float *cs, size_t n)
{
	size_t h = n / 2;

	assert(cs && n % 2 == 0);
	for (size_t i = 0; i < h; i++) {
		float a = dx[2 * i], b = dx[2 * i + 1], c = cs[i], s = cs[i + h];

		dx[2 * i] = a * c + b * s;
		dx[2 * i + 1] = b * c - a * s;
	}
}

/* c_i = scale cos(pos freq_i), s_i = scale sin(pos freq_i), i < n / 2 */
void rope_table(float *cs, const double *freq, size_t pos, double scale, size_t n)
{
	assert(cs && freq && n % 2 == 0);
	for (size_t i = 0; i < n / 2; i++) {
		cs[i] = (float)(scale * cos((double)pos * freq[i]));
		cs[i + n / 2] = (float)(scale * sin((double)pos * freq[i]));
	}
}

static inline vf sigmoid(vf g)
{
	return 1.0f / (1.0f + vf_exp(-g));
}

/* A tail that does not fill a vector goes through padded copies, so that it takes the same
 * arithmetic. */
struct tail {
	float a[VL], b[VL], c[VL];
};

/* h_i = silu(g_i) u_i, silu(g) = g sigmoid(g); gu (2 n): g, then u */
void swiglu_forward(float *h, const float *gu, size_t n)
{
	const float *u = gu + n;
	size_t i = 0;
	vf g;

	assert(h && gu && h != gu);
	for (; i + VL <= n; i += VL) {
		g = vf_load(gu + i);
		vf_store(h + i, g * sigmoid(g) * vf_load(u + i));
	}
	if (i < n) {
		struct tail t = {0};

		memcpy(t.a, gu + i, (n - i) * sizeof *h);
		memcpy(t.b, u + i, (n - i) * sizeof *h);
		g = vf_load(t.a);
		vf_store(t.a, g * sigmoid(g) * vf_load(t.b));
		memcpy(h + i, t.a, (n - i) * sizeof *h);
	}
}

/* One vector: the gradients by g and u */
static inline void swiglu_back(float *dg, float *du, const float *dh, const float *pg,
			       const float *pu)
{
	vf g = vf_load(pg), u = vf_load(pu), d = vf_load(dh), s = sigmoid(g);

	vf_store(dg, d * u * s * (1.0f + g * (1.0f - s)));
	vf_store(du, d * g * s);
}

/* dg_i = dh_i u_i s (1 + g_i (1 - s)), du_i = dh_i g_i s, s = sigmoid(g_i); dgu, gu (2 n), dh (n)
 */
void swiglu_backward(float *dgu, const float *dh, const float *gu, size_t n)
{
	size_t i = 0;

	assert(dgu && dh && gu);
	for (; i + VL <= n; i += VL)
		swiglu_back(dgu + i, dgu + n + i, dh + i, gu + i, gu + n + i);
	if (i < n) {
		struct tail t = {0};

		memcpy(t.a, gu + i, (n - i) * sizeof *dh);
		memcpy(t.b, gu + n + i, (n - i) * sizeof *dh);
		memcpy(t.c, dh + i, (n - i) * sizeof *dh);
		swiglu_back(t.a, t.b, t.c, t.a, t.b);
		memcpy(dgu + i, t.a, (n - i) * sizeof *dh);
		memcpy(dgu + n + i, t.b, (n - i) * sizeof *dh);
	}
}

void layers_add_row(float *y, const float *x, size_t n)
{
	assert(!n || (y && x && y != x));
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}
