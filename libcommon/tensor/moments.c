/* moments.c - the loops of AdamW. See moments.h. */
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

void moments_step(const struct moments *u, size_t from, size_t n, bool decay)
{
	float *p = u->p + from, *m = u->m + from, *v = u->v + from;
	const float *grad = u->grads + from, lr_decay = decay ? u->lr_decay : 0;

	for (size_t k = 0; k < n; k += VL) {
		vf g = vf_some(grad + k, n - k) * u->scale, w = vf_some(p + k, n - k);
		vf a = u->b1 * vf_some(m + k, n - k) + (1 - u->b1) * g;
		vf b = u->b2 * vf_some(v + k, n - k) + (1 - u->b2) * g * g;

		vf_put_some(m + k, a, n - k);
		vf_put_some(v + k, b, n - k);
		/* one subtraction: 1 - lr * decay would round away a small lr * decay */
		w -= u->step * a / (vf_sqrt(b) * u->inv_root + u->eps) + lr_decay * w;
		vf_put_some(p + k, w, n - k);
	}
}
