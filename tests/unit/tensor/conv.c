/* conv.c - the short convolution against plain sums, its backward pass against difference
 * quotients. */
#include "tensor/conv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

enum { N = 21, T = 7 };

/* sum over tokens of dy . y, with h added to one number of x, w or b */
static double loss(const struct conv *c, const float *x, const float *dy, const float *at, double h)
{
	double sum = 0;

	for (size_t t = 0; t < T; t++)
		for (size_t i = 0; i < N; i++) {
			double y = c->b ? (double)c->b[i] + (at == c->b + i ? h : 0) : 0;

			for (size_t j = 0; j < c->taps; j++) {
				const float *w = c->w + i * c->taps + j, *v;

				if (t + j + 1 < c->taps)
					continue;
				v = x + (t + j + 1 - c->taps) * N + i;
				y += ((double)*w + (at == w ? h : 0)) *
				     ((double)*v + (at == v ? h : 0));
			}
			sum += (double)dy[t * N + i] * y;
		}
	return sum;
}

static void check(const struct conv *c, const float *x, const float *dy, const float *got,
		  const float *at, size_t n)
{
	(void)x;
	for (size_t i = 0; i < n; i++) {
		double want = (loss(c, x, dy, at + i, 1e-3) - loss(c, x, dy, at + i, -1e-3)) / 2e-3;

		assert_true(fabs(got[i] - want) < 1e-5 * (1 + fabs(want)));
	}
}

static void both_ways(void **state)
{
	(void)state;
	for (size_t taps = 2; taps <= 4; taps++) {
		float *w = plain_normal(1, N * taps), *b = plain_normal(2, N),
		      *x = plain_normal(3, T * N);
		float *dy = plain_normal(4, T * N), y[N], *dx = xcalloc(T * N, sizeof *dx);
		float *dw = xcalloc(N * taps, sizeof *dw), *db = xcalloc(N, sizeof *db);
		struct conv c = {w, taps == 3 ? NULL : b, taps, N};
		double sum = 0;

		for (size_t t = 0; t < T; t++) {
			const float *in[CONV_MOST];
			float *to[CONV_MOST];

			for (size_t j = 0; j < taps; j++) {
				in[j] = t + j + 1 < taps ? NULL : x + (t + j + 1 - taps) * N;
				to[j] = in[j] ? dx + (in[j] - x) : NULL;
			}
			conv_forward(&c, y, in);
			for (size_t i = 0; i < N; i++)
				sum += (double)dy[t * N + i] * y[i];
			conv_backward(&c, to, dw, c.b ? db : NULL, dy + t * N, in, 0, 9);
			conv_backward(&c, to, dw, c.b ? db : NULL, dy + t * N, in, 9, N - 9);
		}
		assert_true(fabs(sum - loss(&c, x, dy, NULL, 0)) < 1e-4);
		check(&c, x, dy, dx, x, T * N);
		check(&c, x, dy, dw, w, N * taps);
		if (c.b)
			check(&c, x, dy, db, b, N);
		free(w);
		free(b);
		free(x);
		free(dy);
		free(dx);
		free(dw);
		free(db);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
