/*
 * mixpass.c - layers without attention over texts of several chunks: the gradients do not depend on
 * where chunks, prefixes and blocks of rows end, and agree with difference quotients of the
 * log-probs.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LONG = 150, CUT = 97, MORE = 30, V = 17 };

static void make(struct model *m, enum family family)
{
	struct config c = {.family = family,
			   .vocab = V,
			   .d = 16,
			   .layers = 3,
			   .heads = 2,
			   .kv_heads = 1,
			   .head_dim = 8,
			   .ffn = 20,
			   .max_len = 200,
			   .norm_eps = 1e-5,
			   .rope = {.theta = 1e4},
			   .linear_k_heads = 2,
			   .linear_v_heads = 4,
			   .linear_k_dim = 4,
			   .linear_v_dim = 6,
			   .conv_bias = true,
			   .tied = true,
			   .bos = -1};
	struct reason why = {0};

	if (config_make(&c, &why))
		fail_msg("%s", why.text);
	for (size_t l = 0; l < 3; l++) /* the second has attention */
		c.kinds.p[l] = l == 1 ? 0 : 4;
	model_init(m, &c, 0);
	model_random(m, 7, 0.3);
	for (size_t i = 0; i < m->n_w; i++)
		if (m->w[i].rank == 1)
			for (size_t j = 0; j < m->w[i].count; j++)
				m->params[m->w[i].offset + j] +=
					(float)(0.2 * rng_normal(3, i * 1000 + j));
	model_pack(m);
}

static void unmake(struct model *m)
{
	struct config c = m->cfg;

	model_free(m);
	config_free(&c);
}

static uint32_t token(size_t i)
{
	return (uint32_t)(rng_uniform(5, i) * V);
}

/* Two texts with CUT tokens in common, as whole ones or with a prefix; the sum of log-probs of what
 * stands behind those */
static double pass(const struct model *m, bool whole, float *grads)
{
	uint32_t tokens[2 * LONG], at[2 * LONG], target[2 * LONG];
	size_t start[4] = {0}, prefix[3] = {0}, n = 0, rows = 0;
	float logp[2 * LONG], dlogp[2 * LONG];
	struct pack p = {
		.tokens = tokens, .start = start, .at = at, .target = target, .temperature = 1};
	struct workspace *r = workspace_new(m);
	double sum = 0;

	for (size_t s = 0; s < 2; s++) {
		size_t end = s ? CUT + MORE : LONG;

		for (size_t t = 0; t < CUT && (whole || !s); t++)
			tokens[n++] = token(t);
		if (!whole && !s)
			start[++p.n_seq] = n;
		for (size_t t = CUT; t < end; t++) {
			at[rows] = (uint32_t)(t > CUT || whole ? n - 1 : CUT - 1);
			target[rows++] = tokens[n] = token(1000 * s + t);
			n++;
		}
		start[++p.n_seq] = n;
	}
	p.n_tok = n;
	p.n_rows = rows;
	p.prefix = whole ? NULL : prefix;
	for (size_t i = 0; i < rows; i++)
		dlogp[i] = 1;
	model_forward(r, m, &p, logp, NULL);
	for (size_t i = 0; i < rows; i++)
		sum += logp[i];
	if (grads)
		model_backward(r, m, &p, dlogp, NULL, grads);
	workspace_free(r);
	return sum;
}

/* One number of each tensor's gradient by a difference quotient, along the gradient itself */
static void check_slope(struct model *m, const float *grads)
{
	for (const struct weight *w = m->w; w < m->w + m->n_w; w++) {
		double size = 0, up, down, h;
		float *old = xarray(w->count, sizeof *old), *v = m->params + w->offset;

		memcpy(old, v, w->count * sizeof *old);
		for (size_t i = 0; i < w->count; i++)
			size += pow(grads[w->offset + i], 2);
		h = 0.02 / sqrt(size);
		for (size_t i = 0; i < w->count; i++)
			v[i] = (float)(old[i] + h * grads[w->offset + i] / sqrt(size));
		model_pack(m);
		up = pass(m, false, NULL);
		for (size_t i = 0; i < w->count; i++)
			v[i] = (float)(old[i] - h * grads[w->offset + i] / sqrt(size));
		model_pack(m);
		down = pass(m, false, NULL);
		memcpy(v, old, w->count * sizeof *old);
		model_pack(m);
		if (!(fabs((up - down) / (2 * h) / sqrt(size) - 1) < 0.02))
			fail_msg("%s: the slope is %g, not %g", w->name, (up - down) / (2 * h),
				 sqrt(size));
		free(old);
	}
}

static void check(enum family family)
{
	float *a, *b;
	struct model m;

	make(&m, family);
	a = xcalloc(m.n_params, sizeof *a);
	b = xcalloc(m.n_params, sizeof *b);
	assert_true(pass(&m, true, a) == pass(&m, false, b)); /* the same bits */
	for (const struct weight *w = m.w; w < m.w + m.n_w; w++) {
		double off = 0, size = 0;

		for (size_t i = w->offset; i < w->offset + w->count; i++) {
			off += pow((double)a[i] - b[i], 2);
			size += pow(a[i], 2);
		}
		if (!(sqrt(off / size) < 2e-5))
			fail_msg("%s: off by %g", w->name, sqrt(off / size));
	}
	check_slope(&m, b);
	free(a);
	free(b);
	unmake(&m);
}

static void convolutions(void **state)
{
	(void)state;
	check(FAMILY_LFM2);
}

static void deltanet(void **state)
{
	(void)state;
	check(FAMILY_QWEN3_5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(convolutions),
					   cmocka_unit_test(deltanet)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
