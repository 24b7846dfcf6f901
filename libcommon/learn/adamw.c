/* adamw.c - AdamW over flat arrays. See adamw.h. */
#include "learn/adamw.h"
#include "base/elem.h"
#include "base/mem.h"
#include "base/par.h"
#include "tensor/moments.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

struct adamw_pass { /* one adamw_step as its threads see it */
	struct adamw *a;
	struct moments u;
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

/* |g|^2 of a block */
static void block_square(void *ctx, size_t i, int thread)
{
	const struct adamw_pass *s = ctx;
	const struct adamw_block *b = &s->a->block[i];

	(void)thread;
	s->a->sum[i] = moments_square(s->u.grads + b->offset, b->count);
}

/* Loshchilov & Hutter, arXiv 1711.05101, algorithm 2: see moments.h */
static void block_update(void *ctx, size_t i, int thread)
{
	const struct adamw_pass *s = ctx;
	const struct adamw_block *b = &s->a->block[i];

	(void)thread;
	moments_step(&s->u, b->offset, b->count, b->decay);
}

/* scale = min(1, clip / (|g| + 1e-6)), |g| the norm of all gradients */
bool adamw_step(struct adamw *a, float *params, const float *grads, double lr, double *norm)
{
	struct adamw_pass s = {a, {.p = params, .grads = grads, .m = a->m, .v = a->v}};
	double sum = 0, t = (double)a->steps + 1;

	assert(params && grads && params != grads);
	assert(lr >= 0 && isfinite(lr));
	par_for(a->n_block, block_square, &s);
	for (size_t i = 0; i < a->n_block; i++)
		sum += a->sum[i];
	sum = sqrt(sum);
	if (norm)
		*norm = sum;
	s.u.scale = a->o.clip > 0 && sum > a->o.clip ? (float)(a->o.clip / (sum + 1e-6)) : 1;
	/* the square of what is applied must fit the second moment, which would never recover */
	if (!isfinite(sum) || sum * (double)s.u.scale > 1e18) {
		a->skipped_in_row++;
		return false;
	}
	s.u.step = (float)(lr / (1 - elem_pow(a->o.beta1, t)));
	s.u.inv_root = (float)(1 / sqrt(1 - elem_pow(a->o.beta2, t)));
	s.u.lr_decay = (float)(lr * a->o.decay);
	s.u.b1 = (float)a->o.beta1;
	s.u.b2 = (float)a->o.beta2;
	s.u.eps = (float)a->o.eps;
	par_for(a->n_block, block_update, &s);
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
