/* delta.c - the gated delta rule against plain loops in double, its backward pass against
 * difference quotients of those, over a few tokens. */
#include "tensor/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"

enum { NK = 5, NV = 9, T = 6, ROW = 2 * NK + NV + 2 };

static struct delta token(const float *row)
{
	return (struct delta){row, row + NK, row + 2 * NK, row[ROW - 2], row[ROW - 1], NK, NV};
}

/* sum of d_o . o over T tokens (T, ROW), from the state S0, and of d_S with the last state; h is
 * added to number `at` of the rows, or of S0 behind them */
static double loss(const float *rows, const float *S0, const float *d_o, const float *d_S,
		   size_t at, double h)
{
	double S[NK][NV], x[ROW], sum = 0;

	for (size_t i = 0; i < NK * NV; i++)
		S[i / NV][i % NV] = (double)S0[i] + (at == T * ROW + i ? h : 0);
	for (size_t t = 0; t < T; t++) {
		for (size_t i = 0; i < ROW; i++)
			x[i] = (double)rows[t * ROW + i] + (at == t * ROW + i ? h : 0);
		for (size_t j = 0; j < NV; j++) {
			double u = 0, o = 0, d;

			for (size_t i = 0; i < NK; i++) {
				S[i][j] *= exp(x[ROW - 1]);
				u += S[i][j] * x[NK + i];
			}
			d = x[ROW - 2] * (x[2 * NK + j] - u);
			for (size_t i = 0; i < NK; i++) {
				S[i][j] += x[NK + i] * d;
				o += S[i][j] * x[i];
			}
			sum += (double)d_o[t * NV + j] * o;
		}
	}
	for (size_t i = 0; i < NK * NV; i++)
		sum += (double)d_S[i] * S[i / NV][i % NV];
	return sum;
}

static void both_ways(void **state)
{
	float *rows = plain_normal(1, T * ROW), *S0 = plain_normal(2, NK * NV);
	float *d_o = plain_normal(3, T * NV), *D = plain_normal(4, NK * NV);
	float *d_S = plain_normal(4, NK * NV), S[T + 1][NK * NV], o[NV], got[T * ROW + NK * NV];
	float scratch[(NK + 4) * NV];
	double sum = 0;

	(void)state;
	for (size_t t = 0; t < T; t++) { /* a gate in 0..1, a decay below 0, keys about 1 long */
		rows[t * ROW + ROW - 2] = 0.1F + 0.15F * (float)t;
		rows[t * ROW + ROW - 1] = -0.3F * (float)t;
		for (size_t i = 0; i < 2 * NK; i++)
			rows[t * ROW + i] *= 0.5F;
	}
	memcpy(S[0], S0, sizeof S[0]);
	for (size_t t = 0; t < T; t++) {
		struct delta in = token(rows + t * ROW);

		memcpy(S[t + 1], S[t], sizeof S[t]);
		delta_forward(&in, S[t + 1], o, scratch);
		for (size_t j = 0; j < NV; j++)
			sum += (double)d_o[t * NV + j] * o[j];
		memcpy(o, S[t], sizeof o); /* without an output the state is the same */
		memcpy(got, S[t], sizeof S[t]);
		delta_forward(&in, got, NULL, scratch);
		assert_same_bits(got, S[t + 1], NK * NV);
	}
	for (size_t i = 0; i < NK * NV; i++)
		sum += (double)d_S[i] * S[T][i];
	assert_true(fabs(sum - loss(rows, S0, d_o, d_S, SIZE_MAX, 0)) < 1e-4);
	for (size_t t = T; t-- > 0;) {
		struct delta in = token(rows + t * ROW);
		float *to = got + t * ROW;
		struct delta_grad g = {.q = to, .k = to + NK, .v = to + 2 * NK};

		delta_backward(&in, &g, D, S[t], d_o + t * NV, scratch);
		to[ROW - 2] = g.beta;
		to[ROW - 1] = g.g;
	}
	memcpy(got + T * ROW, D, NK * NV * sizeof *D);
	for (size_t i = 0; i < T * ROW + NK * NV; i++) {
		double want =
			(loss(rows, S0, d_o, d_S, i, 1e-5) - loss(rows, S0, d_o, d_S, i, -1e-5)) /
			2e-5;

		assert_true(fabs(got[i] - want) < 2e-5 * (1 + fabs(want)));
	}
	free(rows);
	free(S0);
	free(d_o);
	free(D);
	free(d_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
