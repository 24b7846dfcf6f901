/* layers.c - the element-wise layers, one row a call. See layers.h. */
#include "tensor/layers.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

/* y_i = w_i x_i r, r = 1 / sqrt(mean(x^2) + eps); x, w, y (d) */
float rmsnorm_forward(float *y, const float *x, const float *w, size_t d, float eps)
{
	float r;

	assert(y && x && w && d >= 1);
	assert(eps >= 0);
	r = 1.0f / sqrtf(lanes_dot(x, x, d) / (float)d + eps);

	for (size_t i = 0; i < d; i++)
		y[i] = x[i] * r * w[i];
	return r;
}

/* dx_i += w_i dy_i r - x_i (r^3 / d) sum over j of dy_j w_j x_j; r as in the forward pass */
void rmsnorm_backward(float *dx, const float *dy, const float *x, const float *w, float r, size_t d)
{
	struct lanes s = lanes_set(0);
	float c;

	assert(dx && dy && x && w && d >= 1);
	assert(dx != dy && dx != x);
	for (size_t i = 0; i < d; i += LANES)
		s = lanes_fma(lanes_mul(lanes_some(dy + i, d - i), lanes_some(w + i, d - i)),
			      lanes_some(x + i, d - i), s);
	c = lanes_sum(s) * r * r * r / (float)d;
	for (size_t i = 0; i < d; i++)
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

static inline vf sigmoid(vf g)
{
	return 1.0f / (1.0f + vf_exp(-g));
}

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
		g = vf_some(gu + i, n - i);
		vf_put_some(h + i, g * sigmoid(g) * vf_some(u + i, n - i), n - i);
	}
}

/* dg_i = dh_i u_i s (1 + g_i (1 - s)), du_i = dh_i g_i s, s = sigmoid(g_i); dgu, gu (2 n), dh (n)
 */
void swiglu_backward(float *dgu, const float *dh, const float *gu, size_t n)
{
	assert(dgu && dh && gu);
	for (size_t i = 0; i < n; i += VL) {
		vf g = vf_some(gu + i, n - i), u = vf_some(gu + n + i, n - i);
		vf d = vf_some(dh + i, n - i), s = sigmoid(g);

		vf_put_some(dgu + i, d * u * s * (1.0f + g * (1.0f - s)), n - i);
		vf_put_some(dgu + n + i, d * g * s, n - i);
	}
}

void layers_add_row(float *y, const float *x, size_t n)
{
	assert(!n || (y && x && y != x));
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}
