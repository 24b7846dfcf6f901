/* Tests of learn/muon.h: worked numbers, the recursion in double, parts, threads. */
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "learn/muon.h"
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

/* One step of a matrix from zero: what is taken off, and the momentum. */
static void one_step(const float *g, size_t rows, size_t cols, float *off, float *m)
{
	const struct muon_part part = {.rows = rows, .cols = cols};
	struct muon s = {0};
	struct moments u = {.p = off, .grads = g, .m = m, .scale = 1, .b1 = 0.95F, .step = 1};

	memset(off, 0, rows * cols * sizeof *off);
	memset(m, 0, rows * cols * sizeof *m);
	muon_fit(&s, &part);
	muon_open(&s);
	muon_step(&s, &part, &u);
	muon_free(&s);
}

static void worked_numbers(void **state)
{
	static const float g[] = {3, 1, 0, 1, 2, -1}, turned[] = {3, 1, 1, 2, 0, -1};
	static const double want[] = {0.806894,  -0.107197, 0.225697,
				      -0.152336, 0.823812,  -0.524754};
	float off[6], m[6];

	(void)state;
	one_step(g, 2, 3, off, m);
	for (int i = 0; i < 6; i++) {
		assert_close(-off[i] / (0.2 * sqrt(3)), want[i], 2e-6);
		assert_close(m[i], 0.05 * g[i], 1e-7);
	}
	one_step(turned, 3, 2, off, m);
	for (int i = 0; i < 6; i++)
		assert_close(-off[i % 3 * 2 + i / 3] / (0.2 * sqrt(3)), want[i], 2e-6);
}

/* c = a b, or a b' */
static void product(const double *a, const double *b, double *c, size_t m, size_t k, size_t n,
		    bool turned)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			double sum = 0;

			for (size_t x = 0; x < k; x++)
				sum += a[i * k + x] * (turned ? b[j * k + x] : b[x * n + j]);
			c[i * n + j] = sum;
		}
}

/* The recursion in double, on x of r <= c */
static void recursion(double *x, size_t r, size_t c)
{
	double *a = xarray(r * r, sizeof *a), *b = xarray(r * r, sizeof *b);
	double *y = xarray(r * c, sizeof *y), norm = 0;

	for (size_t i = 0; i < r * c; i++)
		norm += x[i] * x[i];
	norm = sqrt(norm) + 1e-7;
	for (size_t i = 0; i < r * c; i++)
		x[i] /= norm;
	for (int k = 0; k < 5; k++) {
		product(x, x, a, r, c, r, true);
		product(a, a, b, r, r, r, false);
		for (size_t i = 0; i < r * r; i++)
			b[i] = -4.7750 * a[i] + 2.0315 * b[i];
		product(b, x, y, r, r, c, false);
		for (size_t i = 0; i < r * c; i++)
			x[i] = 3.4445 * x[i] + y[i];
	}
	free(a);
	free(b);
	free(y);
}

static void many_shapes_are_the_recursion(void **state)
{
	static const size_t shapes[][2] = {{1, 1},   {1, 40},  {40, 1},  {16, 16},
					   {17, 33}, {97, 50}, {50, 130}};

	(void)state;
	for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
		size_t rows = shapes[k][0], cols = shapes[k][1], n = rows * cols;
		size_t c = rows > cols ? rows : cols;
		float *g = xarray(n, sizeof *g), *off = xarray(n, sizeof *off),
		      *m = xarray(n, sizeof *m);
		double *x = xarray(n, sizeof *x);

		for (size_t i = 0; i < n; i++) {
			size_t to = rows > cols ? i % cols * rows + i / cols : i;

			g[i] = (float)rng_normal(rng_key(3, RNG_TEST, k, 0, 0), i);
			x[to] = (double)g[i] * 0.0975; /* .05 g + .95 m, m = .05 g */
		}
		recursion(x, n / c, c);
		one_step(g, rows, cols, off, m);
		for (size_t i = 0; i < n; i++)
			assert_close(-off[i] / (0.2 * sqrt((double)c)),
				     x[rows > cols ? i % cols * rows + i / cols : i], 3e-5);
		free(g);
		free(off);
		free(m);
		free(x);
	}
}

/* Second step: momentum goes on; decay is of the rate without the factor. */
static void momentum_and_decay(void **state)
{
	static const float g[] = {1, 0, 0, 2};
	const struct muon_part part = {.rows = 2, .cols = 2, .decay = true},
			       still = {.rows = 2, .cols = 2};
	float p[4] = {1, 1, 1, 1}, q[4] = {1, 1, 1, 1}, m[4] = {0.5F}, m2[4] = {0.5F};
	struct moments u = {.p = p,
			    .grads = g,
			    .m = m,
			    .scale = 0.5F,
			    .b1 = 0.9F,
			    .step = 0.1F,
			    .lr_decay = 0.01F};
	struct muon s = {0};

	(void)state;
	muon_fit(&s, &part);
	muon_open(&s);
	muon_step(&s, &part, &u);
	u.p = q;
	u.m = m2;
	muon_step(&s, &still, &u);
	muon_free(&s);
	assert_close(m[0], 0.9 * 0.5 + 0.1 * 0.5, 1e-7);
	assert_close(m[3], 0.1 * 1, 1e-7);
	for (int i = 0; i < 4; i++)
		assert_close(q[i] - p[i], 0.01, 1e-7);
}

static void no_gradient_no_step(void **state)
{
	static const float g[6] = {0};
	float off[6], m[6];

	(void)state;
	one_step(g, 2, 3, off, m);
	for (int i = 0; i < 6; i++)
		assert_close(off[i], 0, 0);
}

static void parts_of_fused_matrices(void **state)
{
	const struct weight w = {.name = "q",
				 .rank = 2,
				 .shape = {8, 3},
				 .offset = 10,
				 .count = 24,
				 .decay = true,
				 .cut = {4, 6}};
	const struct weight two = {
		.name = "g", .rank = 2, .shape = {8, 3}, .count = 24, .cut = {4}};
	const struct weight embed = {
		.name = "model.embed_tokens.weight", .rank = 2, .shape = {2, 2}};
	const struct weight norm = {.name = "n", .rank = 1, .shape = {2, 1}};
	struct muon_part p[3];

	(void)state;
	assert_int_equal(muon_parts(&w, p), 3);
	assert_int_equal(p[0].rows, 4);
	assert_int_equal(p[0].offset, 10);
	assert_int_equal(p[1].rows, 2);
	assert_int_equal(p[1].offset, 22);
	assert_int_equal(p[2].rows, 2);
	assert_int_equal(p[2].offset, 28);
	assert_int_equal(p[2].cols, 3);
	assert_true(p[2].decay);
	assert_int_equal(muon_parts(&two, p), 2);
	assert_int_equal(p[1].offset, 12);
	assert_true(muon_takes(&w));
	assert_false(muon_takes(&embed));
	assert_false(muon_takes(&norm));
}

/* How many parts the weight has in a model of the family, and the rows of the first */
static size_t parts_in(enum family family, const char *name, size_t *rows)
{
	struct config c = {.family = family,
			   .vocab = 11,
			   .d = 16,
			   .layers = 1,
			   .heads = 4,
			   .kv_heads = 2,
			   .head_dim = 6,
			   .ffn = 10,
			   .max_len = 8,
			   .norm_eps = 1e-5,
			   .rope = {.theta = 10000},
			   .bos = -1};
	struct muon_part part[3];
	struct model m;
	size_t n;

	model_init(&m, &c, 0);
	assert_non_null(model_weight(&m, name));
	assert_true(muon_takes(model_weight(&m, name)));
	n = muon_parts(model_weight(&m, name), part);
	*rows = part[0].rows;
	model_free(&m);
	return n;
}

static void parts_of_families(void **state)
{
	size_t rows;

	(void)state;
	assert_int_equal(parts_in(FAMILY_LLAMA, "model.layers.0.self_attn.q_proj.weight", &rows),
			 1);
	assert_int_equal(rows, 24);
	assert_int_equal(parts_in(FAMILY_PHI3, "model.layers.0.self_attn.qkv_proj.weight", &rows),
			 3);
	assert_int_equal(rows, 24);
	assert_int_equal(parts_in(FAMILY_PHI3, "model.layers.0.mlp.gate_up_proj.weight", &rows), 2);
	assert_int_equal(rows, 10);
	assert_int_equal(parts_in(FAMILY_PHI3, "model.layers.0.mlp.down_proj.weight", &rows), 1);
	assert_int_equal(rows, 16);
}

static void threads_change_no_bit(void **state)
{
	enum { R = 130, C = 70 };
	float *g = xarray(R * C, sizeof *g), *one = xarray(R * C, sizeof *g);
	float *three = xarray(R * C, sizeof *g), *m = xarray(R * C, sizeof *g);

	(void)state;
	for (size_t i = 0; i < R * C; i++)
		g[i] = (float)rng_normal(rng_key(4, RNG_TEST, 0, 0, 0), i);
	one_step(g, R, C, one, m);
	par_start(3);
	one_step(g, R, C, three, m);
	par_stop();
	assert_memory_equal(one, three, R * C * sizeof *g);
	free(g);
	free(one);
	free(three);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_numbers),
		cmocka_unit_test(many_shapes_are_the_recursion),
		cmocka_unit_test(momentum_and_decay),
		cmocka_unit_test(no_gradient_no_step),
		cmocka_unit_test(parts_of_fused_matrices),
		cmocka_unit_test(parts_of_families),
		cmocka_unit_test(threads_change_no_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
