/* loss-kept.c - tokens that were drawn from a part of the vocabulary: the ratio is of that part,
 * the KL term of the whole, and so are their derivatives. */
#include "base/rng.h"
#include "learn/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "close.h"

enum { N = 5 };
static const struct loss_opts OPTS = {
	.kind = LOSS_DAPO, .clip_low = 0.2, .clip_high = 0.28, .dual_clip = 3, .kl = 0.3};

/* A ratio of 1.1 and q = .2: -2.2 + .3 (e^.2 - 1.2), by logp -2.2, by whole .3 (1 - e^.2) */
static void by_hand(void **state)
{
	double logp = -0.5 + log(1.1), old = -0.5, whole = -0.9, ref = -0.7, gradient, dwhole;
	struct loss_seq s = {.logp = &logp,
			     .old = &old,
			     .whole = &whole,
			     .dwhole = &dwhole,
			     .ref = &ref,
			     .n = 1,
			     .advantage = 2,
			     .weight = 1};
	struct loss_stats st = {0};

	(void)state;
	loss_sequence(&OPTS, &s, &gradient, &st);
	assert_close(st.loss, -2.2 + 0.3 * (exp(0.2) - 1.2), 1e-12);
	assert_close(st.kl_ref, exp(0.2) - 1.2, 1e-12);
	assert_close(st.ratio_error, 0.1, 1e-12);
	assert_close(gradient, -2.2, 1e-12);
	assert_close(dwhole, 0.3 * (1 - exp(0.2)), 1e-12);
}

static double loss(const struct loss_seq *s)
{
	struct loss_stats st = {0};
	double gradient[N];

	loss_sequence(&OPTS, s, gradient, &st);
	return st.loss;
}

/* Central difference by x[t] */
static double slope(const struct loss_seq *s, double *x, int t)
{
	const double h = 1e-6, was = x[t];
	double up, down;

	x[t] = was + h;
	up = loss(s);
	x[t] = was - h;
	down = loss(s);
	x[t] = was;
	return (up - down) / (2 * h);
}

static void derivatives(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		uint64_t key = rng_key(8, RNG_TEST, i, 0, 0);
		double logp[N], whole[N], old[N], ref[N], gradient[N], dwhole[N], other[N];
		struct loss_seq s = {.logp = logp,
				     .old = old,
				     .whole = whole,
				     .dwhole = dwhole,
				     .ref = ref,
				     .n = N,
				     .advantage = rng_normal(key, 0),
				     .weight = 0.37};
		struct loss_stats st = {0};

		for (uint64_t t = 0; t < N; t++) {
			logp[t] = -3 * rng_uniform(key, 10 + t);
			whole[t] = logp[t] - rng_uniform(key, 20 + t);
			old[t] = logp[t] + 0.5 * rng_normal(key, 30 + t);
			ref[t] = whole[t] + rng_normal(key, 40 + t);
		}
		loss_sequence(&OPTS, &s, gradient, &st);
		s.dwhole = other;
		for (int t = 0; t < N; t++) {
			assert_close(gradient[t], slope(&s, logp, t), 1e-7);
			assert_close(dwhole[t], slope(&s, whole, t), 1e-7);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(derivatives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
