/* delta.c - the gated delta rule. See delta.h. */
#include "tensor/delta.h"
#include "base/elem.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* y += a x */
static void add_scaled(float *y, float a, const float *x, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL)
		vf_store(y + i, vf_fma(vf_set(a), vf_load(x + i), vf_load(y + i)));
	if (i < n)
		vf_put_some(y + i, vf_fma(vf_set(a), vf_some(x + i, n - i), vf_some(y + i, n - i)),
			    n - i);
}

/* S' into to, and d = v - S'^T k */
static void decay(const struct delta *t, float *to, const float *S, float *d)
{
	float e = (float)elem_exp(t->g);
	size_t nv = t->nv;

	memset(d, 0, nv * sizeof *d);
	for (size_t i = 0; i < t->nk; i++) {
		for (size_t j = 0; j < nv; j++)
			to[i * nv + j] = e * S[i * nv + j];
		add_scaled(d, t->k[i], to + i * nv, nv);
	}
	for (size_t j = 0; j < nv; j++)
		d[j] = t->v[j] - d[j];
}

void delta_forward(const struct delta *t, float *S, float *o, float *scratch)
{
	size_t nv = t->nv;

	assert(S && scratch && t->nk >= 1 && nv >= 1);
	decay(t, S, S, scratch);
	for (size_t j = 0; j < nv; j++)
		scratch[j] *= t->beta;
	if (o)
		memset(o, 0, nv * sizeof *o);
	for (size_t i = 0; i < t->nk; i++) {
		add_scaled(S + i * nv, t->k[i], scratch, nv);
		if (o)
			add_scaled(o, t->q[i], S + i * nv, nv);
	}
}

/*
 * With u = S'^T k and the state S' + k d^T behind the token:
 *
 *     D += q do^T, dq = (S' + k d^T) do, dd = D^T k, dk = D d, dv = beta dd, dbeta = dd . (v - u),
 *     du = -beta dd, dk += S' du, D += k du^T, dg = <D, S'>, D = e^g D
 */
void delta_backward(const struct delta *t, struct delta_grad *to, float *D, const float *S,
		    const float *d_o, float *scratch)
{
	size_t nk = t->nk, nv = t->nv;
	float *after = scratch, *d = after + nk * nv, *dd = d + nv, *du = dd + nv, *off = du + nv;
	float e = (float)elem_exp(t->g), through;

	decay(t, after, S, off);
	for (size_t j = 0; j < nv; j++)
		d[j] = t->beta * off[j];
	through = lanes_dot(d, d_o, nv);
	memset(dd, 0, nv * sizeof *dd);
	for (size_t i = 0; i < nk; i++) {
		float *row = D + i * nv;

		add_scaled(row, t->q[i], d_o, nv);
		to->q[i] = lanes_dot(after + i * nv, d_o, nv) + t->k[i] * through;
		to->k[i] = lanes_dot(row, d, nv);
		add_scaled(dd, t->k[i], row, nv);
	}
	to->beta = lanes_dot(dd, off, nv);
	for (size_t j = 0; j < nv; j++) {
		to->v[j] = t->beta * dd[j];
		du[j] = -to->v[j];
	}
	to->g = 0;
	for (size_t i = 0; i < nk; i++) {
		float *row = D + i * nv;

		to->k[i] += lanes_dot(after + i * nv, du, nv);
		add_scaled(row, t->k[i], du, nv);
		to->g += lanes_dot(row, after + i * nv, nv);
		for (size_t j = 0; j < nv; j++)
			row[j] *= e;
	}
}
