/* moments.c - the loops of optimizers. See moments.h. */
#include "tensor/moments.h"
#include "tensor/vec.h"

#include <assert.h>

enum { SUMS = 8 }; /* running sums, so that the order is fixed and the loop vectorises */

double moments_square(const float *g, size_t n)
{
	double some[SUMS] = {0}, sum = 0;
	size_t k = 0;

	assert(g || !n);
	for (; k + SUMS <= n; k += SUMS)
		for (size_t l = 0; l < SUMS; l++)
			some[l] += (double)g[k + l] * (double)g[k + l];
	for (; k < n; k++)
		sum += (double)g[k] * (double)g[k];
	for (int l = 0; l < SUMS; l++)
		sum += some[l];
	return sum;
}

/* One vector of each */
static inline void step(const struct moments *u, float lr_decay, float *p, const float *grad,
			float *m, float *v)
{
	vf g = vf_load(grad) * u->scale, w = vf_load(p);
	vf a = vf_fma(vf_set(u->b1), vf_load(m), (1 - u->b1) * g);
	vf b = vf_fma(vf_set(u->b2), vf_load(v), (1 - u->b2) * g * g);
	vf below = vf_fma(vf_sqrt(b), vf_set(u->inv_root), vf_set(u->eps));

	vf_store(m, a);
	vf_store(v, b);
	/* one subtraction: 1 - lr * decay would round away a small lr * decay */
	vf_store(p, w - vf_fma(vf_set(lr_decay), w, u->step * a / below));
}

void moments_step(const struct moments *by, size_t from, size_t n, bool decay)
{
	const struct moments own = *by, *u = &own; /* which no store can change */
	float lr_decay = decay ? u->lr_decay : 0, t[4][VL] = {{0}};
	float *at[4] = {u->p + from, NULL, u->m + from, u->v + from};
	const float *g = u->grads + from;
	size_t i = 0, left;

	for (; i + VL <= n; i += VL)
		step(u, lr_decay, at[0] + i, g + i, at[2] + i, at[3] + i);
	left = n - i;
	memcpy(t[1], g + i, left * sizeof *g);
	for (int k = 0; k < 4; k++)
		if (at[k])
			memcpy(t[k], at[k] + i, left * sizeof *g);
	step(u, lr_decay, t[0], t[1], t[2], t[3]);
	for (int k = 0; k < 4; k++)
		if (at[k])
			memcpy(at[k] + i, t[k], left * sizeof *g);
}

/* Nothing is fused here, so that plain loops give the same bits in each set. */
void moments_sgd(const struct moments *u, size_t from, size_t n, bool decay)
{
	float lr_decay = decay ? u->lr_decay : 0, rate = u->step, scale = u->scale;
	float *p = u->p + from;
	const float *g = u->grads + from;

	for (size_t i = 0; i < n; i++)
		p[i] -= rate * (scale * g[i]) + lr_decay * p[i];
}

void moments_lion(const struct moments *u, size_t from, size_t n, bool decay)
{
	float lr_decay = decay ? u->lr_decay : 0, rate = u->step, scale = u->scale;
	float b1 = u->b1, b2 = u->b2, *p = u->p + from, *m = u->m + from;
	const float *grad = u->grads + from;

	for (size_t i = 0; i < n; i++) {
		float g = scale * grad[i], way = b1 * m[i] + (1 - b1) * g;
		float sign = (float)(way > 0) - (float)(way < 0);

		m[i] = b2 * m[i] + (1 - b2) * g;
		p[i] -= rate * sign + lr_decay * p[i];
	}
}
