/* act.c - activations of a feed-forward layer. See act.h. */
#include "tensor/act.h"
#include "base/elem.h"
#include "tensor/layers.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

static const float ROOT = 0.7978845608028654f; /* sqrt(2 / pi) */

/* gelu(z) = z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))) */
static inline vf gelu(vf z)
{
	vf u = ROOT * z * (1.0f + 0.044715f * z * z);

	return 0.5f * z * (1.0f + vf_tanh(u));
}

/* gelu'(z) = (1 + t)/2 + z/2 (1 - t^2) sqrt(2/pi) (1 + 0.134145 z^2), t the tanh above */
static inline vf gelu_slope(vf z)
{
	vf t = vf_tanh(ROOT * z * (1.0f + 0.044715f * z * z));

	return 0.5f * (1.0f + t) + 0.5f * z * (1.0f - t * t) * ROOT * (1.0f + 0.134145f * z * z);
}

/* xIELU's numbers in effect: ap = softplus(alpha_p), an = beta + softplus(alpha_n) */
struct xielu {
	float ap, an, beta, eps;
};

static float softplus(float x)
{
	return x > 20 ? x : (float)elem_log1p(elem_exp(x));
}

static struct xielu xielu_of(const struct act *a)
{
	return (struct xielu){softplus(a->alpha_p), a->beta + softplus(a->alpha_n), a->beta,
			      a->eps};
}

/* e^min(z, eps) - 1 - z */
static inline vf bend(vf z, float eps)
{
	return vf_exp(vf_min(z, vf_set(eps))) - 1.0f - z;
}

/* z > 0: ap z^2 + beta z; else an (e^min(z, eps) - 1 - z) + beta z */
static inline vf xielu(const struct xielu *k, vf z)
{
	return vf_select(z > 0.0f, k->ap * z * z, k->an * bend(z, k->eps)) + k->beta * z;
}

/* z > 0: 2 ap z + beta; else an (e^z [z < eps] - 1) + beta */
static inline vf xielu_slope(const struct xielu *k, vf z)
{
	vf e = vf_select(z < k->eps, vf_exp(z), vf_set(0.0f));

	return vf_select(z > 0.0f, 2.0f * k->ap * z, k->an * (e - 1.0f)) + k->beta;
}

static void geglu_forward(float *h, const float *u, size_t n)
{
	for (size_t i = 0; i < n; i += VL)
		vf_put_some(h + i, gelu(vf_some(u + i, n - i)) * vf_some(u + n + i, n - i), n - i);
}

static void gelu_forward(float *h, const float *u, size_t n)
{
	for (size_t i = 0; i < n; i += VL)
		vf_put_some(h + i, gelu(vf_some(u + i, n - i)), n - i);
}

static void xielu_forward(const struct xielu *k, float *h, const float *u, size_t n)
{
	for (size_t i = 0; i < n; i += VL)
		vf_put_some(h + i, xielu(k, vf_some(u + i, n - i)), n - i);
}

void act_forward(const struct act *a, float *h, const float *u, size_t n)
{
	struct xielu k;

	assert(h && u && h != u);
	switch (a->kind) {
	case ACT_SWIGLU:
		swiglu_forward(h, u, n);
		break;
	case ACT_GEGLU:
		geglu_forward(h, u, n);
		break;
	case ACT_GELU:
		gelu_forward(h, u, n);
		break;
	case ACT_XIELU:
		k = xielu_of(a);
		xielu_forward(&k, h, u, n);
	}
}

/* dgate = dh up gelu'(gate), dup = dh gelu(gate) */
static void geglu_backward(float *du, const float *dh, const float *u, size_t n)
{
	for (size_t i = 0; i < n; i += VL) {
		vf g = vf_some(u + i, n - i), up = vf_some(u + n + i, n - i);
		vf d = vf_some(dh + i, n - i);

		vf_put_some(du + i, d * up * gelu_slope(g), n - i);
		vf_put_some(du + n + i, d * gelu(g), n - i);
	}
}

static void gelu_backward(float *du, const float *dh, const float *u, size_t n)
{
	for (size_t i = 0; i < n; i += VL)
		vf_put_some(du + i, vf_some(dh + i, n - i) * gelu_slope(vf_some(u + i, n - i)),
			    n - i);
}

/* dalpha_p += sigmoid(alpha_p) sum of dh z^2 over z > 0; dalpha_n += sigmoid(alpha_n) sum of dh
 * (e^min(z, eps) - 1 - z) over the others */
static void xielu_backward(const struct act *a, float *du, const float *dh, const float *u,
			   size_t n, float *dalpha)
{
	struct xielu k = xielu_of(a);
	struct lanes p = lanes_set(0), m = p;
	const vf none = {0};

	for (size_t i = 0; i < n; i += LANES) {
		struct lanes zs = lanes_some(u + i, n - i), ds = lanes_some(dh + i, n - i);
		float t[LANES];

		EACH_PART(j)
		{
			vf z = zs.v[j], d = ds.v[j];

			p.v[j] += vf_select(z > 0.0f, d * z * z, none);
			m.v[j] += vf_select(z > 0.0f, none, d * bend(z, k.eps));
			vf_store(t + (size_t)j * VL, d * xielu_slope(&k, z));
		}
		memcpy(du + i, t, (n - i < LANES ? n - i : LANES) * sizeof *t);
	}
	dalpha[0] += lanes_sum(p) / (1.0f + (float)elem_exp(-a->alpha_p));
	dalpha[1] += lanes_sum(m) / (1.0f + (float)elem_exp(-a->alpha_n));
}

void act_backward(const struct act *a, float *du, const float *dh, const float *u, size_t n,
		  float *dalpha)
{
	assert(du && dh && u && du != dh);
	switch (a->kind) {
	case ACT_SWIGLU:
		swiglu_backward(du, dh, u, n);
		break;
	case ACT_GEGLU:
		geglu_backward(du, dh, u, n);
		break;
	case ACT_GELU:
		gelu_backward(du, dh, u, n);
		break;
	case ACT_XIELU:
		assert(dalpha);
		xielu_backward(a, du, dh, u, n, dalpha);
	}
}

static inline vf sigmoid(vf g)
{
	return 1.0f / (1.0f + vf_exp(-g));
}

void act_gate(float *y, const float *x, const float *g, size_t n, bool silu)
{
	assert(y && x && g);
	for (size_t i = 0; i < n; i += VL) {
		vf z = vf_some(g + i, n - i), s = sigmoid(z);

		if (silu)
			s *= z;
		vf_put_some(y + i, vf_some(x + i, n - i) * s, n - i);
	}
}

/* With s = sigmoid(g): dg = dx x s (1 - s), dx = dx s; silu: dg = dx x s (1 + g (1 - s)), dx = dx g
 * s
 */
void act_gate_backward(float *dx, float *dg, const float *x, const float *g, size_t n, bool silu)
{
	assert(dx && dg && g && (dx != dg || !x));
	for (size_t i = 0; i < n; i += VL) {
		vf z = vf_some(g + i, n - i), s = sigmoid(z), d = vf_some(dx + i, n - i);
		vf y = s, slope = 1.0f - s; /* slope: of y by g, without s */

		if (silu) {
			slope = 1.0f + z * slope;
			y *= z;
		}
		if (x) {
			vf_put_some(dx + i, d * y, n - i);
			d *= vf_some(x + i, n - i);
		}
		vf_put_some(dg + i, d * s * slope, n - i);
	}
}
