/*
 * kernels.c - every set of kernels that this machine has gives what the plain one gives, to the
 * bit, and that is the same on every machine: for numbers of many kinds and shapes that fill
 * vectors and panels and that do not.
 */
#include "tensor/kernels.h"
#include "tensor/tile.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Numbers as they are in a model; from denormal to 1; of any size that has a square; all that there
 * are, with NaN and infinity */
enum kind { USUAL, SMALL, WIDE, ANY, KINDS };

static const float special[] = {0.0F,     -0.0F, 1e-45F,  -1e-39F,  1.17549435e-38F, 3.4e38F,
				-3.4e38F, 88.5F, -104.0F, INFINITY, -INFINITY,       NAN};

static float number(enum kind kind, uint64_t key, size_t i)
{
	float x = (float)rng_normal(key, i);
	uint64_t r = rng_u64(key + 1000, i);

	switch (kind) {
	case SMALL:
		return ldexpf(x, -(int)(r % 150));
	case WIDE:
		return ldexpf(x, (int)(r % 120) - 60);
	case ANY:
		return r % 8 == 0 ? special[r / 8 % (sizeof special / sizeof *special)]
				  : ldexpf(x, (int)(r % 260) - 140);
	default:
		return x;
	}
}

/* What all calls of one set gave */
struct results {
	float *v;
	size_t n, cap;
};

static void keep(struct results *to, const float *v, size_t n)
{
	to->cap = to->n + n > to->cap ? 2 * (to->n + n) : to->cap;
	to->v = xgrow(to->v, to->cap, sizeof *to->v);
	for (size_t i = 0; i < n; i++)
		to->v[to->n++] = isnan(v[i]) ? NAN : v[i];
}

static void keep_one(struct results *to, double v)
{
	float two[2];

	v = isnan(v) ? (double)NAN : v;
	memcpy(two, &v, sizeof two);
	to->v = xgrow(to->v, to->n + 2, sizeof *to->v);
	to->cap = to->n + 2;
	memcpy(to->v + to->n, two, sizeof two);
	to->n += 2;
}

/* n numbers with room for whole vectors behind them; the caller's */
static float *numbers(enum kind kind, uint64_t key, size_t n)
{
	float *v = xcalloc(n + 2 * LANES, sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = number(kind, key, i);
	return v;
}

static void products(struct results *to, enum kind kind, size_t m, size_t n, size_t k)
{
	float *a = numbers(kind, 1, m * k), *w = numbers(kind, 2, n * k),
	      *c = numbers(kind, 3, m * n);
	float *packed = xcalloc(gemm_pack_floats(n, k), sizeof *packed),
	      *b = numbers(kind, 2, k * n);
	uint32_t *half = xcalloc(gemm_pair_words(n, k), sizeof *half);
	float *wide = numbers(kind, 4, m * vec_round(n));
	struct matrix out = matrix_of(c, m, n, n);

	gemm_pack_rows(packed, w, n, k);
	gemm(GEMM_ADD, matrix_in(a, m, k, k), gemm_packed_view(packed, k), out);
	keep(to, c, m * n);
	gemm(GEMM_TRANSPOSED, matrix_in(a, k, m, m), gemm_packed_view(packed, k), out);
	keep(to, c, m * n);
	gemm_rows(GEMM_ADD | GEMM_TRANSPOSED, matrix_in(a, k, m, m), matrix_in(b, k, n, n), out);
	keep(to, c, m * n);
	for (int how = 0; how <= GEMM_ADD; how += GEMM_ADD) {
		gemm_each(how, matrix_in(a, m, k, k), gemm_packed_view(packed, k), 0,
			  matrix_of(wide, m, n, vec_round(n)));
		for (size_t i = 0; i < m; i++)
			keep(to, wide + i * vec_round(n), n);
	}
	if (kind != ANY) { /* which of its NaN it keeps is no promise */
		gemm_pair_rows(half, 0, matrix_in(w, n, k, k));
		gemm(0, matrix_in(a, m, k, k), gemm_pair_view(half, k), out);
		keep(to, c, m * n);
		gemm_unpair_rows(w, half, 0, n, k);
		keep(to, w, n * k);
	}
	free(a);
	free(w);
	free(c);
	free(packed);
	free(b);
	free(half);
	free(wide);
}

static void products_bf16(struct results *to, enum kind kind, size_t m, size_t n, size_t k)
{
	float *a = numbers(kind, 1, m * k), *b = numbers(kind, 2, k * n),
	      *c = numbers(kind, 3, m * n);
	uint32_t *x = xcalloc(bf16_words(m, k), sizeof *x);
	uint32_t *y = xcalloc(gemm_pair_words(n, k), sizeof *y);
	struct matrix out = matrix_of(c, m, n, n);

	gemm_pair_columns(y, matrix_in(b, k, n, n));
	bf16_rows(x, matrix_in(a, m, k, k));
	bf16_gemm(GEMM_ADD, x, k, gemm_pair_view(y, k), out);
	keep(to, c, m * n);
	bf16_columns(x, matrix_in(a, k, m, m));
	bf16_gemm(GEMM_TRANSPOSED, x, k, gemm_pair_view(y, k), out);
	keep(to, c, m * n);
	free(a);
	free(b);
	free(c);
	free(x);
	free(y);
}

static void attention(struct results *to, enum kind kind, size_t len, size_t hd, size_t window)
{
	enum { REP = 2 };
	struct att_how how = {0, window ? 5.0F : 0, window, len & 1};
	size_t wide = REP * hd, start[] = {0, len / 3 + 1, len};
	float *q = numbers(kind, 5, len * wide), *k = numbers(kind, 6, len * hd),
	      *v = numbers(kind, 7, len * hd), *o = numbers(kind, 8, len * wide),
	      *dq = numbers(kind, 9, len * wide), *dk = numbers(kind, 9, len * hd),
	      *dv = numbers(kind, 9, len * hd), *d_o = numbers(kind, 10, len * wide);
	float *keys = xcalloc(att_keys_size(len, hd, false) + LANES, sizeof *keys);
	float *values = xcalloc(att_values_size(len, hd, false) + LANES, sizeof *values);
	float *scratch = xcalloc(att_backward_scratch(len, hd, how.half) +
					 att_family_scratch(len, 1, len, hd, how.half) + LANES,
				 sizeof *scratch);
	struct att_kv kv = {keys, values, hd, 1, 0, how};
	struct att_pass p = {.dq = matrix_of(dq, len, wide, wide),
			     .dk = matrix_of(dk, len, hd, hd),
			     .dv = matrix_of(dv, len, hd, hd),
			     .q = matrix_in(q, len, wide, wide),
			     .k = matrix_in(k, len, hd, hd),
			     .v = matrix_in(v, len, hd, hd),
			     .o = matrix_in(o, len, wide, wide),
			     .d_o = matrix_in(d_o, len, wide, wide),
			     .start = start,
			     .n = 2,
			     .how = how};

	att_put(kv, 0, p.k, p.v);
	att_rows(matrix_of(dq, len, hd, wide), matrix_in(q, len, hd, wide), kv, 1, true, scratch);
	keep(to, dq, len * wide);
	att_family(matrix_of(dq, 1, hd, hd), matrix_in(q, 1, hd, hd),
		   &(struct att_family){.own = &kv, .len = &len, .n = 1}, scratch);
	keep(to, dq, hd);
	att_backward(&p, scratch);
	keep(to, dq, len * wide);
	keep(to, dk, len * hd);
	keep(to, dv, len * hd);
	free(q);
	free(k);
	free(v);
	free(o);
	free(dq);
	free(dk);
	free(dv);
	free(d_o);
	free(keys);
	free(values);
	free(scratch);
}

static void rows(struct results *to, enum kind kind, size_t n)
{
	float *x = numbers(kind, 11, 2 * n), *w = numbers(USUAL, 12, n),
	      *y = numbers(kind, 13, 2 * n);
	float *dy = numbers(kind, 14, n), dalpha[2] = {0};

	for (int i = 0; i < 8; i++) {
		struct norm k = {w, i & 1 ? w : NULL, n, i & 2 ? 1.0F : 0.0F, 1e-6F, i & 4};
		struct norm_stat s = norm_forward(&k, y, x);

		keep(to, y, n);
		keep_one(to, s.r);
		norm_backward(&k, y, dy, x, s);
		norm_weights(y + n, dy, x, s, n);
		keep(to, y, 2 * n);
	}
	norm_unit(y, x, n, 0.5F);
	norm_unit_backward(y + n, dy, x, n, 2.0F);
	keep(to, y, 2 * n);
	keep_one(to, rmsnorm_forward(y, x, w, n, 1e-5F));
	rmsnorm_backward(y, dy, x, w, 0.7F, n);
	keep(to, y, n);
	for (int kind_of = ACT_SWIGLU; kind_of <= ACT_XIELU; kind_of++) {
		struct act a = {kind_of, 0.8F, 0.3F, 0.5F, -1e-6F};

		act_forward(&a, y, x, n);
		keep(to, y, n);
		act_backward(&a, y, dy, x, n, dalpha);
		keep(to, y, 2 * n);
		keep(to, dalpha, 2);
	}
	for (int silu = 0; silu < 2; silu++) {
		act_gate(y, x, x + n, n, silu);
		keep(to, y, n);
		act_gate_backward(y, y + n, x, x + n, n, silu);
		keep(to, y, 2 * n);
	}
	layers_add_row(y, x, n);
	keep(to, y, n);
	if (n % 2 == 0) {
		rope_forward(x, w, n);
		rope_backward(x, w, n);
		rope_pairs_forward(x, w, n);
		rope_pairs_backward(x, w, n);
		keep(to, x, n);
	}
	free(x);
	free(w);
	free(y);
	free(dy);
}

static void logits(struct results *to, enum kind kind, size_t n)
{
	float *x = numbers(kind, 15, n), *e = numbers(kind, 16, n);
	struct softmax_stat s = softmax_stat(x, n, 1.3F);
	struct softmax_grad g = {n / 2, 0.3F, -0.1F, 1.3F, n % 2 ? 30.0F : 0};
	double sum = softmax_weights(e, x, n, 1.3F, s.max);

	keep(to, (const float[]){s.max, s.log_sum, s.entropy, softmax_logp(&s, x[0], 1.3F)}, 4);
	keep(to, e, n);
	keep_one(to, sum);
	for (int i = 0; i < 5; i++)
		keep_one(to, (double)softmax_find(e, n, sum * rng_uniform(17, (uint64_t)i)));
	softmax_scores(e, n, 1.5F, 20.0F);
	keep(to, e, n);
	softmax_row(e, n, 0.3F);
	keep(to, e, n);
	softmax_backward(x, n, &s, &g);
	keep(to, x, n);
	free(x);
	free(e);
}

static void others(struct results *to, enum kind kind, size_t n)
{
	enum { K = 5, TAPS = 3 };
	float *x = numbers(kind, 18, 5 * n), *S = numbers(kind, 19, K * n),
	      *o = numbers(kind, 20, 3 * n);
	float *D = numbers(kind, 21, K * n), *scratch = numbers(kind, 22, (K + 4) * n);
	float *p = numbers(kind, 23, n), *m = numbers(kind, 24, n), *v = numbers(kind, 25, n);
	const struct delta t = {x, x + K, x + 2 * n, 0.4F, -0.2F, K, n};
	struct delta_grad d = {o, o + K, o + 2 * n, 0, 0};
	const struct conv c = {x, x + 3 * n, TAPS, n};
	const float *in[TAPS] = {S, NULL, S + n};
	struct moments u = {p, x, m, v, 0.5F, 1e-2F, 1.1F, 1e-3F, 0.9F, 0.95F, 1e-8F};

	delta_backward(&t, &d, D, S, x + 4 * n, scratch);
	keep(to, o, 2 * K);
	keep(to, D, K * n);
	keep_one(to, d.g);
	keep_one(to, d.beta);
	delta_forward(&t, S, o, scratch);
	keep(to, S, K * n);
	keep(to, o, n);
	conv_forward(&c, o, in);
	conv_backward(&c, (float *[]){D, NULL, D + n}, D + 2 * n, NULL, o, in, 0, n);
	keep(to, D, K * n);
	for (size_t i = 0; i < n; i++)
		v[i] = fabsf(v[i]);
	keep_one(to, moments_square(x, n));
	moments_step(&u, 0, n, true);
	moments_step(&u, n / 2, n - n / 2, false);
	moments_sgd(&u, 0, n / 2, true);
	moments_sgd(&u, n / 2, n - n / 2, false);
	moments_lion(&u, 0, n, true);
	keep(to, p, n);
	keep(to, m, n);
	keep(to, v, n);
	free(x);
	free(S);
	free(o);
	free(D);
	free(scratch);
	free(p);
	free(m);
	free(v);
}

static void run(struct results *to, enum kind kind)
{
	static const size_t widths[] = {6, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 300};

	for (size_t m = 1; m <= 13; m += 3)
		for (size_t n = 1; n <= 80; n += 13)
			products(to, kind, m, n, 1 + 17 * n % 40);
	products(to, kind, 17, 513, 258); /* in parts */
	for (size_t m = 1; m <= 170; m = 2 * m + 5)
		for (size_t n = 16; n <= 100; n += 21)
			products_bf16(to, kind, m, n, 2 + 31 * m % 70);
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		rows(to, kind, widths[i]);
		logits(to, kind, widths[i]);
		others(to, kind, widths[i]);
	}
	for (size_t odd = 0; odd < 2; odd++) { /* keys and values in bf16 */
		attention(to, kind, 6 - odd, 8, 0);
		attention(to, kind, 60 + odd, 16, 0);
		attention(to, kind, 40 + odd, 12 - odd, 17);
	}
}

static void compare(struct results *plain, enum kind kind, enum cpu_set s)
{
	struct results r = {0};

	kernels_use(s);
	run(&r, kind);
	kernels_use(CPU_PLAIN);
	assert_int_equal(r.n, plain->n);
	for (size_t i = 0; i < r.n; i++)
		if (memcmp(&r.v[i], &plain->v[i], sizeof *r.v) != 0)
			fail_msg("%s, kind %d: result %zu of %zu is %.9g, plain %.9g", cpu_name(s),
				 (int)kind, i, r.n, r.v[i], plain->v[i]);
	free(r.v);
}

/* XXH3 of what any machine computes; NaN is 7fc00000. */
static const uint64_t sums[KINDS] = {0x9d9dc37e29754d59, 0xadef14227f61ac2d, 0xffe3c33bb6568035,
				     0x16e6baed22567379};

static void sets_agree(void **state)
{
	enum cpu_set was = kernels_used();
	int panels = tile_panels;
	bool wrong = false;

	(void)state;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct results plain = {0};
		struct hash *h = hash_new();

		kernels_use(CPU_PLAIN);
		run(&plain, kind);
		for (enum cpu_set s = CPU_PLAIN + 1; s < CPU_V4BF16; s++)
			for (int i = 0; i < 2 && cpu_has(s); i++) {
				tile_panels = i ? TILE_MOST : 1;
				compare(&plain, kind, s);
			}
		hash_add(h, plain.v, plain.n * sizeof *plain.v);
		if (hash_64(h) != sums[kind]) {
			fprintf(stderr, "kind %d: not the numbers of other machines: 0x%016llx\n",
				(int)kind, (unsigned long long)hash_64(h));
			wrong = true;
		}
		hash_free(h);
		free(plain.v);
	}
	kernels_use(was);
	tile_panels = panels;
	assert_true(!wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sets_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
