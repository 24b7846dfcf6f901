/* adamw.c - AdamW over flat arrays. See adamw.h. */
#include "learn/adamw.h"
#include "base/mem.h"
#include "base/par.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16, LANES = 8 };

struct adamw_pass { /* one adamw_step as its threads see it */
	struct adamw *a;
	float *params;
	const float *grads;
	float scale;    /* of the gradient, from clipping */
	float step;     /* lr / (1 - beta1^t) */
	float inv_root; /* 1 / sqrt(1 - beta2^t) */
	float lr_decay; /* lr * decay */
	float b1, b2, eps;
};

void adamw_init(struct adamw *a, const struct adamw_opts *o, const struct weight *w, size_t n_w)
{
	assert(o->beta1 >= 0 && o->beta1 < 1 && o->beta2 >= 0 && o->beta2 < 1);
	assert(o->eps > 0 && o->decay >= 0 && o->clip >= 0);
	assert(w || !n_w);
	memset(a, 0, sizeof *a);
	a->o = *o;
	for (size_t i = 0; i < n_w; i++) {
		assert(w[i].offset == a->n); /* without a gap */
		a->n += w[i].count;
		a->n_block += (w[i].count + BLOCK - 1) / BLOCK;
	}
	a->block = xarray(a->n_block, sizeof *a->block);
	a->sum = xarray(a->n_block, sizeof *a->sum);
	a->n_block = 0;
	for (size_t i = 0; i < n_w; i++)
		for (size_t at = 0; at < w[i].count; at += BLOCK)
			a->block[a->n_block++] = (struct adamw_block){
				w[i].offset + at, w[i].count - at < BLOCK ? w[i].count - at : BLOCK,
				w[i].decay};
	a->m = big_alloc(a->n * sizeof *a->m);
	a->v = big_alloc(a->n * sizeof *a->v);
}

/* |g|^2 of a block. Sum of squares in double: LANES running sums, so that the order is fixed and
 * the loop vectorises.
 */
static void block_square(void *ctx, size_t i, int thread)
{
	const struct adamw_pass *u = ctx;
	const struct adamw_block *b = &u->a->block[i];
	const float *g = u->grads + b->offset;
	double lane[LANES] = {0}, sum = 0;
	size_t k = 0;

	(void)thread;
	for (; k + LANES <= b->count; k += LANES)
		for (size_t l = 0; l < LANES; l++)
			lane[l] += (double)g[k + l] * (double)g[k + l];
	for (; k < b->count; k++)
		sum += (double)g[k] * (double)g[k];
	for (int l = 0; l < LANES; l++)
		sum += lane[l];
	u->a->sum[i] = sum;
}

/*
 * With g = scale * grad, t = steps + 1 and lr the rate of the update:
 *
 *     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
 *     p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + lr decay p
 *
 * Loshchilov & Hutter, arXiv 1711.05101, algorithm 2.
 */
static void block_update(void *ctx, size_t i, int thread)
{
	const struct adamw_pass *u = ctx;
	const struct adamw_block *b = &u->a->block[i];
	float *restrict p = u->params + b->offset;
	const float *restrict grad = u->grads + b->offset;
	float *restrict m = u->a->m + b->offset, *restrict v = u->a->v + b->offset;
	const float b1 = u->b1, b2 = u->b2, scale = u->scale, step = u->step, eps = u->eps;
	const float inv_root = u->inv_root, lr_decay = b->decay ? u->lr_decay : 0;

	(void)thread;
	for (size_t k = 0; k < b->count; k++) {
		float g = grad[k] * scale;

		m[k] = b1 * m[k] + (1 - b1) * g;
		v[k] = b2 * v[k] + (1 - b2) * g * g;
		/* one subtraction: 1 - lr * decay would round away a small lr * decay */
		p[k] -= step * m[k] / (sqrtf(v[k]) * inv_root + eps) + lr_decay * p[k];
	}
}

/* scale = min(1, clip / (|g| + 1e-6)), |g| the norm of all gradients */
bool adamw_step(struct adamw *a, float *params, const float *grads, double lr, double *norm)
{
	struct adamw_pass u = {.a = a, .params = params, .grads = grads};
	double sum = 0, t = (double)a->steps + 1;

	assert(params && grads && params != grads);
	assert(lr >= 0 && isfinite(lr));
	par_for(a->n_block, block_square, &u);
	for (size_t i = 0; i < a->n_block; i++)
		sum += a->sum[i];
	sum = sqrt(sum);
	if (norm)
		*norm = sum;
	u.scale = a->o.clip > 0 && sum > a->o.clip ? (float)(a->o.clip / (sum + 1e-6)) : 1;
	/* the square of what is applied must fit the second moment, which would never recover */
	if (!isfinite(sum) || sum * (double)u.scale > 1e18) {
		a->skipped_in_row++;
		return false;
	}
	u.step = (float)(lr / (1 - pow(a->o.beta1, t)));
	u.inv_root = (float)(1 / sqrt(1 - pow(a->o.beta2, t)));
	u.lr_decay = (float)(lr * a->o.decay);
	u.b1 = (float)a->o.beta1;
	u.b2 = (float)a->o.beta2;
	u.eps = (float)a->o.eps;
	par_for(a->n_block, block_update, &u);
	a->steps++;
	a->skipped_in_row = 0;
	return true;
}

bool adamw_stuck(const struct adamw *a)
{
	return a->skipped_in_row >= ADAMW_PATIENCE;
}

void adamw_free(struct adamw *a)
{
	big_free(a->m, a->n * sizeof *a->m);
	big_free(a->v, a->n * sizeof *a->v);
	free(a->block);
	free(a->sum);
	memset(a, 0, sizeof *a);
}
