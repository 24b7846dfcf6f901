/* attention.c - attention against plain loops in double: a token alone, rows of a sequence, and the
 * backward pass of sequences that go on from a prefix. */
#include "tensor/attention.h"
#include "tensor/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

enum { MOST = 200 }; /* tokens */

/* Scales, caps and windows, shorter and longer than a panel, keys and values rounded; each test
 * runs with all. */
static const struct att_how hows[] = {
	{0, 0, 0, false},     {0.3F, 0, 0, false}, {0, 0, 1, false},
	{0, 0, 7, false},     {0, 0, 70, false},   {0, 1.5F, 0, false},
	{0.4F, 2, 33, false}, {0, 0, 0, true},     {0.4F, 2, 33, true},
};

enum { HOWS = sizeof hows / sizeof *hows };

static struct att_how how; /* the one under test */

/* plain_normal, of which the numbers are kept: most of a test's time went into them. */
static float *normal(uint64_t key, size_t n)
{
	static float *kept[32];
	static size_t n_kept[32];
	float *v = xarray(n + LANES, sizeof *v);

	assert_true(key < sizeof kept / sizeof *kept);
	if (n_kept[key] < n + LANES) {
		free(kept[key]);
		kept[key] = plain_normal(key, n);
		n_kept[key] = n + LANES;
	}
	memcpy(v, kept[key], (n + LANES) * sizeof *v);
	return v;
}

/* p[0..n): probabilities of the first n keys (rows ld apart) for the query q; slope (NULL: not
 * wanted): of each score by the product */
static void plain_scores(double *p, double *slope, const float *q, const float *k, size_t ld,
			 size_t n, size_t hd)
{
	double scale = how.scale > 0 ? (double)how.scale : 1 / sqrt((double)hd),
	       c = (double)how.cap;
	double max = -INFINITY, sum = 0;

	for (size_t j = 0; j < n; j++) {
		p[j] = 0;
		for (size_t x = 0; x < hd; x++)
			p[j] += (double)q[x] * (double)k[j * ld + x] * scale;
		if (slope)
			slope[j] = scale;
		if (c > 0) {
			p[j] = c * tanh(p[j] / c);
			if (slope)
				slope[j] *= 1 - p[j] / c * (p[j] / c);
		}
		if (how.window && j + how.window < n)
			p[j] = -INFINITY;
		max = fmax(max, p[j]);
	}
	for (size_t j = 0; j < n; j++)
		sum += p[j] = exp(p[j] - max);
	for (size_t j = 0; j < n; j++)
		p[j] /= sum;
}

/* What is looked at is rounded as the functions round it. */
static void round_half(float *v, size_t n)
{
	for (size_t i = 0; how.half && i < n; i++)
		v[i] = half_from_bf16(half_to_bf16(v[i]));
}

/* Scores of a few units, each off by some 1e-6: so are probabilities, relatively. In bf16 they are
 * rounded, which moves each by up to 2^-8 of itself. */
static void check_row(const float *out, const float *q_given, struct cmatrix k, struct cmatrix v,
		      size_t n)
{
	double p[MOST];
	float *q = normal(0, k.cols);

	for (size_t x = 0; x < k.cols; x++)
		q[x] = q_given[x];
	round_half(q, k.cols);
	plain_scores(p, NULL, q, k.p, k.ld, n, k.cols);
	for (size_t x = 0; x < k.cols; x++) {
		double want = 0, most = 0;

		for (size_t j = 0; j < n; j++) {
			want += p[j] * (double)v.p[j * v.ld + x];
			most += p[j] * fabs((double)v.p[j * v.ld + x]);
		}
		assert_true(fabs(out[x] - want) < 2e-5 + (how.half ? 0x1p-8 * most : 0));
	}
	free(q);
}

struct cache {
	struct att_kv kv;
	float *k, *v; /* (MOST, ld) */
	size_t ld, floats;
};

/* Keys and values of MOST tokens for so many heads side by side */
static struct cache cache_of(size_t heads, size_t hd, uint64_t key)
{
	struct cache c = {.ld = heads * hd + 3};
	size_t keys = att_keys_size(MOST, hd, how.half);
	size_t step = keys + att_values_size(MOST, hd, how.half);

	c.floats = heads * step;
	c.k = normal(3 * key + 1, MOST * c.ld);
	c.v = normal(3 * key + 2, MOST * c.ld);
	/* garbage where nothing is put must not count, as long as it is finite */
	c.kv.keys = normal(3, c.floats + PANEL);
	c.kv = (struct att_kv){c.kv.keys, c.kv.keys + keys, hd, heads, step, how};
	return c;
}

/* Puts them in pieces. */
static void cache_fill(struct cache *c, size_t hd)
{
	struct att_kv one = c->kv;

	for (size_t g = 0, n = 1; g < c->kv.heads; g++, n = 1) {
		for (size_t t = 0; t < MOST;
		     t += n, n = 2 * n + 1 < MOST - t ? 2 * n + 1 : MOST - t)
			att_put(one, t, matrix_in(c->k + t * c->ld + g * hd, n, hd, c->ld),
				matrix_in(c->v + t * c->ld + g * hd, n, hd, c->ld));
		one.keys += one.step;
		one.values += one.step;
	}
}

static void cache_free(struct cache *c)
{
	free(c->k);
	free(c->v);
	free(c->kv.keys);
}

static const size_t dims[] = {1, 5, 8, 16, 40, 64};

enum { DIMS = sizeof dims / sizeof *dims };

/* A sequence in blocks of rows: each row over its own past; the same bits alone and in a block */
static void check_sequence(size_t hd)
{
	struct cache c = cache_of(1, hd, 0);
	float *q = normal(4, MOST * hd), *out = normal(5, MOST * hd);
	float *scratch = normal(6, att_scratch(48, MOST, hd, how.half)), *one = normal(7, hd);

	cache_fill(&c, hd);
	round_half(c.k, MOST * c.ld);
	round_half(c.v, MOST * c.ld);
	for (size_t t = 0, n = 0; t < MOST; t += n) {
		n = MOST - t < 48 ? MOST - t : 48;
		att_rows(matrix_of(out + t * hd, n, hd, hd), matrix_in(q + t * hd, n, hd, hd), c.kv,
			 t + 1, true, scratch);
	}
	for (size_t t = 0; t < MOST; t += 7) {
		check_row(out + t * hd, q + t * hd, matrix_in(c.k, MOST, hd, c.ld),
			  matrix_in(c.v, MOST, hd, c.ld), t + 1);
		att_rows(matrix_of(one, 1, hd, hd), matrix_in(q + t * hd, 1, hd, hd), c.kv, t + 1,
			 true, scratch);
		assert_same_bits(one, out + t * hd, hd);
	}
	cache_free(&c);
	free(q);
	free(out);
	free(scratch);
	free(one);
}

static void sequence(void **state)
{
	(void)state;
	for (size_t i = 0; i < DIMS * HOWS; i++) {
		how = hows[i / DIMS];
		check_sequence(dims[i % DIMS]);
	}
}

/* ---- one token of several sequences ---- */

/* Sequences that share so many tokens, each with keys of its own behind them */
struct family {
	struct cache c[3];
	struct att_kv own[3];
	size_t len[3], n, shared;
};

static void family_open(struct family *f, size_t kvh, size_t hd)
{
	size_t step = f->c->kv.step;

	for (size_t i = 0; i < f->n; i++) {
		struct cache *c = &f->c[i];
		struct att_kv own = {normal(20 + i, c->floats + PANEL), NULL, hd, kvh, step, how};

		own.values = own.keys + (c->kv.values - c->kv.keys);
		f->own[i] = own;
		for (size_t g = 0; g < kvh; g++, own.keys += step, own.values += step) {
			const float *k = c->k + f->shared * c->ld + g * hd;
			const float *v = c->v + f->shared * c->ld + g * hd;
			size_t n = f->len[i] - f->shared;

			att_put(own, 0, matrix_in(k, n, hd, c->ld), matrix_in(v, n, hd, c->ld));
		}
	}
}

/* All begin with the numbers of the first. */
static void share(struct family *f)
{
	for (size_t i = 1; i < f->n; i++) {
		memcpy(f->c[i].k, f->c->k, f->shared * f->c->ld * sizeof(float));
		memcpy(f->c[i].v, f->c->v, f->shared * f->c->ld * sizeof(float));
	}
}

/* One token of all heads of each, grouped and not: the bits of att_rows, head by head, over all its
 * keys in one cache */
static void check_family(struct family *f, size_t heads, size_t kvh, size_t hd)
{
	size_t wide = heads * hd;
	float *q = normal(4, f->n * wide), *out = normal(5, f->n * wide);
	float *scratch = normal(6, att_family_scratch(f->n, heads, MOST, hd, how.half));
	float *one = normal(7, hd);
	struct att_family a = {f->c->kv, f->shared, f->own, f->len, f->n};

	att_family(matrix_of(out, f->n, wide, wide), matrix_in(q, f->n, wide, wide), &a, scratch);
	for (size_t h = 0; h < f->n * heads; h++) {
		const struct cache *c = &f->c[h / heads];
		size_t g = h % heads / (heads / kvh), n = f->len[h / heads];
		struct att_kv kv = {
			c->kv.keys + g * c->kv.step, c->kv.values + g * c->kv.step, hd, 1, 0, how};

		check_row(out + h * hd, q + h * hd, matrix_in(c->k + g * hd, MOST, hd, c->ld),
			  matrix_in(c->v + g * hd, MOST, hd, c->ld), n);
		att_rows(matrix_of(one, 1, hd, hd), matrix_in(q + h * hd, 1, hd, hd), kv, n, true,
			 scratch);
		assert_same_bits(one, out + h * hd, hd);
	}
	free(q);
	free(out);
	free(scratch);
	free(one);
}

static void check_token(size_t heads, size_t kvh, size_t hd, const size_t *len, size_t shared)
{
	struct family f = {.n = 3, .shared = shared};

	for (size_t i = 0; i < f.n; i++) {
		f.len[i] = len[i];
		f.c[i] = cache_of(kvh, hd, i);
	}
	share(&f);
	for (size_t i = 0; i < f.n; i++) {
		cache_fill(&f.c[i], hd);
		round_half(f.c[i].k, MOST * f.c[i].ld);
		round_half(f.c[i].v, MOST * f.c[i].ld);
	}
	family_open(&f, kvh, hd);
	check_family(&f, heads, kvh, hd);
	for (size_t i = 0; i < f.n; i++) {
		free(f.own[i].keys);
		cache_free(&f.c[i]);
	}
}

static void token(void **state)
{
	static const size_t lens[][3] = {
		{1, 2, 15}, {16, 1, 17}, {100, MOST, 33}, {65, 65, 66}, {MOST, 97, 180}};

	(void)state;
	for (size_t i = 0; i < DIMS * HOWS; i++)
		for (size_t j = 0; j < sizeof lens / sizeof *lens; j++)
			for (size_t shared = 0; shared <= 96; shared += 32) {
				if (lens[j][0] <= shared || lens[j][1] <= shared ||
				    lens[j][2] <= shared)
					continue;
				how = hows[i / DIMS];
				check_token(6, 6, dims[i % DIMS], lens[j], shared);
				check_token(6, 2, dims[i % DIMS], lens[j], shared);
				check_token(3, 1, dims[i % DIMS], lens[j], shared);
			}
}

/* ---- backward ---- */

enum { REP = 2, LD_GAP = 5 };

struct pass {
	size_t T, hd, ld, ldo;
	size_t start[4];
	float *qkv, *o, *d_o, *dqkv;
	double *want, *most; /* as dqkv; most: sums of the sizes of what is summed in want */
};

/* Token t's past: the tokens of the prefix and those of its own sequence up to itself */
static size_t past(const struct pass *p, size_t t, size_t *tokens)
{
	size_t n = 0, s = 0;

	while (t >= p->start[s + 1])
		s++;
	for (size_t j = 0; s > 0 && j < p->start[1]; j++)
		tokens[n++] = j;
	for (size_t j = p->start[s]; j <= t; j++)
		tokens[n++] = j;
	return n;
}

static void add_want(struct pass *p, size_t at, double x)
{
	p->want[at] += x;
	p->most[at] += fabs(x);
}

/* Forward in double into o, and the gradients into want, for one token and query head. */
static void plain_token(struct pass *p, size_t t, size_t h)
{
	size_t hd = p->hd, tokens[MOST], n = past(p, t, tokens), k_at = REP * hd, v_at = k_at + hd;
	const float *q = p->qkv + t * p->ld + h * hd, *d_o = p->d_o + t * p->ldo + h * hd;
	double prob[MOST], dp[MOST], slope[MOST], mean = 0;
	float *keys = xarray(n * hd, sizeof *keys);

	for (size_t j = 0; j < n; j++)
		memcpy(keys + j * hd, p->qkv + tokens[j] * p->ld + k_at, hd * sizeof *keys);
	plain_scores(prob, slope, q, keys, hd, n, hd);
	for (size_t j = 0; j < n; j++) {
		const float *v = p->qkv + tokens[j] * p->ld + v_at;

		dp[j] = 0;
		for (size_t x = 0; x < hd; x++) {
			dp[j] += (double)d_o[x] * (double)v[x];
			add_want(p, tokens[j] * p->ld + v_at + x, prob[j] * (double)d_o[x]);
		}
		mean += prob[j] * dp[j];
	}
	for (size_t x = 0; x < hd; x++) {
		double o = 0;

		for (size_t j = 0; j < n; j++)
			o += prob[j] * (double)p->qkv[tokens[j] * p->ld + v_at + x];
		p->o[t * p->ldo + h * hd + x] = (float)o;
	}
	for (size_t j = 0; j < n; j++)
		for (size_t x = 0; x < hd; x++) {
			double ds = prob[j] * (dp[j] - mean) * slope[j];

			add_want(p, t * p->ld + h * hd + x, ds * (double)keys[j * hd + x]);
			add_want(p, tokens[j] * p->ld + k_at + x, ds * (double)q[x]);
		}
	free(keys);
}

static void run_backward(struct pass *p, size_t n)
{
	size_t hd = p->hd, T = p->T, k = REP * hd, v = k + hd, longest = 0;
	float *scratch;

	for (size_t s = 1; s < n; s++)
		longest = p->start[s + 1] - p->start[s] > longest ? p->start[s + 1] - p->start[s]
								  : longest;
	scratch = normal(9, att_backward_scratch(p->start[1] + longest, hd, how.half) + PANEL);
	att_backward(&(struct att_pass){.dq = matrix_of(p->dqkv, T, REP * hd, p->ld),
					.dk = matrix_of(p->dqkv + k, T, hd, p->ld),
					.dv = matrix_of(p->dqkv + v, T, hd, p->ld),
					.q = matrix_in(p->qkv, T, REP * hd, p->ld),
					.k = matrix_in(p->qkv + k, T, hd, p->ld),
					.v = matrix_in(p->qkv + v, T, hd, p->ld),
					.o = matrix_in(p->o, T, REP * hd, p->ldo),
					.d_o = matrix_in(p->d_o, T, REP * hd, p->ldo),
					.start = p->start,
					.n = n,
					.how = how},
		     scratch);
	free(scratch);
}

/* Sums over up to MOST tokens of numbers around 1, each off by some 1e-6; in bf16 each of them is
 * off by up to 2^-8 of itself, and what was rounded before moves the rest. */
static bool is_near(const struct pass *p, size_t at)
{
	double off = fabs((double)p->dqkv[at] - p->want[at]);

	return off < 1e-4 * (1 + fabs(p->want[at])) + (how.half ? 0x1p-7 * p->most[at] : 0);
}

static void check_backward(size_t hd, size_t n, const size_t *start)
{
	struct pass p = {
		.T = start[n], .hd = hd, .ld = (REP + 2) * hd + LD_GAP, .ldo = REP * hd + 1};
	float *pad, *given, *d_given;

	memcpy(p.start, start, (n + 1) * sizeof *start);
	p.qkv = normal(1, p.T * p.ld);
	p.o = normal(2, p.T * p.ldo);
	p.d_o = normal(3, p.T * p.ldo);
	p.dqkv = normal(4, p.T * p.ld);
	pad = normal(4, p.T * p.ld);
	p.want = xcalloc(p.T * p.ld, sizeof *p.want);
	p.most = xcalloc(p.T * p.ld, sizeof *p.most);
	given = normal(1, p.T * p.ld);
	d_given = normal(3, p.T * p.ldo);
	round_half(p.qkv, p.T * p.ld);
	round_half(p.d_o, p.T * p.ldo);
	for (size_t t = 0; t < p.T; t++)
		for (size_t h = 0; h < REP; h++)
			plain_token(&p, t, h);
	free(p.qkv);
	free(p.d_o);
	p.qkv = given;
	p.d_o = d_given;
	run_backward(&p, n);
	for (size_t t = 0; t < p.T; t++) {
		for (size_t i = 0; i < p.ld - LD_GAP; i++)
			assert_true(is_near(&p, t * p.ld + i));
		assert_same_bits(p.dqkv + (t + 1) * p.ld - LD_GAP, pad + (t + 1) * p.ld - LD_GAP,
				 LD_GAP);
	}
	free(p.qkv);
	free(p.o);
	free(p.d_o);
	free(p.dqkv);
	free(p.want);
	free(p.most);
	free(pad);
}

static void backward(void **state)
{
	static const size_t alone[] = {0, 1}, longer[] = {0, 113}, family[] = {0, 21, 90, 133};

	(void)state;
	for (size_t i = 0; i < DIMS * HOWS; i++) {
		how = hows[i / DIMS];
		check_backward(dims[i % DIMS], 1, alone);
		check_backward(dims[i % DIMS], 1, longer);
		check_backward(dims[i % DIMS], 3, family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence),
		cmocka_unit_test(token),
		cmocka_unit_test(backward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
