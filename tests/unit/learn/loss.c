/* Policy-gradient losses: cases by hand, and derivatives against central differences. */
#include "base/rng.h"
#include "learn/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "close.h"

enum { N = 7 };
/* Every bound of every loss */
#define BOUNDS \
	.clip_low = 0.2, .clip_high = 0.28, .dual_clip = 10, .rise = 1, .fall = 1.05, .bound = 0.1
static const struct loss_opts DAPO = {LOSS_DAPO, BOUNDS};

/* loss and gradient of one token with log-ratio l */
static struct loss_stats one(const struct loss_opts *o, double l, double a, double *gradient)
{
	double logp = -1 + l, old = -1;
	struct loss_seq s = {.logp = &logp, .old = &old, .n = 1, .advantage = a, .weight = 1};
	struct loss_stats st = {0};

	loss_sequence(o, &s, gradient, &st);
	return st;
}

static void check(const struct loss_opts *o, double ratio, double a, double loss, double gradient,
		  uint64_t clipped)
{
	double got;
	struct loss_stats st = one(o, log(ratio), a, &got);

	assert_close(st.loss, loss, 1e-12);
	assert_close(got, gradient, 1e-12);
	assert_int_equal(st.clipped, clipped);
	assert_close(st.ratio_error, fabs(ratio - 1), 1e-12);
	assert_close(st.kl_old, ratio - 1 - log(ratio), 1e-12);
}

static void dapo_by_hand(void **state)
{
	(void)state;
	check(&DAPO, 1, 2, -2, -2, 0);
	check(&DAPO, 1.25, 2, -2.5, -2.5, 0); /* within the higher bound */
	check(&DAPO, 1.5, 2, -2.56, 0, 1);    /* 1.28 * 2 */
	check(&DAPO, 0.5, 2, -1, -1, 0);      /* falling below is not cut for A > 0 */
	check(&DAPO, 0.5, -2, 1.6, 0, 1);     /* 0.8 * 2 */
	check(&DAPO, 0.9, -2, 1.8, 1.8, 0);
	check(&DAPO, 3, -2, 6, 6, 0);   /* rising is not cut for A < 0 ... */
	check(&DAPO, 12, -2, 20, 0, 1); /* ... but by the dual clip */
	check(&DAPO, 12, 0, 0, 0, 0);
}

static void dual_clip_can_be_off(void **state)
{
	struct loss_opts o = DAPO;

	(void)state;
	o.dual_clip = 0;
	check(&o, 12, -2, 24, 24, 0);
}

static void gspo_by_hand(void **state)
{
	/* log-ratios 0.3 and -0.1: s = exp(0.1) for both tokens */
	const double logp[] = {-0.7, -1.1}, old[] = {-1, -1};
	const struct loss_opts o = {LOSS_GSPO, BOUNDS};
	struct loss_seq s = {.logp = logp, .old = old, .n = 2, .advantage = 3, .weight = 0.5};
	struct loss_stats st = {0};
	double gradient[2];

	(void)state;
	loss_sequence(&o, &s, gradient, &st);
	assert_close(st.loss, -3 * exp(0.1), 1e-12);
	assert_close(gradient[0], -1.5 * exp(0.1), 1e-12);
	assert_close(gradient[1], gradient[0], 0);
	assert_int_equal(st.clipped, 0);
}

static void cispo_by_hand(void **state)
{
	const struct loss_opts o = {LOSS_CISPO, BOUNDS};
	double gradient;
	struct loss_stats st = one(&o, log(2), 3, &gradient);

	(void)state;
	assert_close(gradient, -1.28 * 3, 1e-12); /* cut, yet the gradient stays */
	assert_close(st.loss, -1.28 * 3 * (log(2) - 1), 1e-12);
	assert_int_equal(st.clipped, 1);
	one(&o, 0, 3, &gradient);
	assert_close(gradient, -3, 1e-12);
}

/* Token P went from log-probability -1 to -.7, Q to -1.5; advantages 1 and -1 */
static void losses_by_hand(void **state)
{
	static const struct {
		struct loss_opts o;
		struct {
			double loss, slope;
		} p1, p_1, q1, q_1;
	} row[] = {
		{{LOSS_DAPO, BOUNDS},
		 {-1.28, 0},
		 {1.349859, 1.349859},
		 {-.606531, -.606531},
		 {.8, 0}},
		{{LOSS_CISPO, .clip_low = 1, .clip_high = 4}, /* no lower bound */
		 {.944901, -1.349859},
		 {-.944901, 1.349859},
		 {.909796, -.606531},
		 {-.909796, .606531}},
		{{LOSS_CISPO, BOUNDS}, {.896, -1.28}, {-.896, 1.28}, {1.2, -.8}, {-1.2, .8}},
		{{LOSS_SAPO, BOUNDS},
		 {-2.346333, -1.309381},
		 {2.250739, 1.305324},
		 {-1.611530, -.583648},
		 {1.516795, .581368}},
		{{LOSS_DPPO_TV, .bound = .1},
		 {0, 0},
		 {1.349859, 1.349859},
		 {-.606531, -.606531},
		 {0, 0}},
		{{LOSS_DPPO_KL, .bound = .05}, /* divergences .033548 and .053601 */
		 {-1.349859, -1.349859},
		 {1.349859, 1.349859},
		 {-.606531, -.606531},
		 {0, 0}},
		{{LOSS_DPPO_KL, .bound = .0335},
		 {0, 0},
		 {1.349859, 1.349859},
		 {-.606531, -.606531},
		 {0, 0}},
		{{LOSS_DPPO_KL, .bound = .0537},
		 {-1.349859, -1.349859},
		 {1.349859, 1.349859},
		 {-.606531, -.606531},
		 {.606531, .606531}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		for (int q = 0; q < 2; q++)
			for (int a = -1; a <= 1; a += 2) {
				double slope, loss = one(&row[i].o, q ? -.5 : .3, a, &slope).loss;

				assert_close(loss,
					     q ? (a > 0 ? row[i].q1.loss : row[i].q_1.loss)
					       : (a > 0 ? row[i].p1.loss : row[i].p_1.loss),
					     1e-6);
				assert_close(slope,
					     q ? (a > 0 ? row[i].q1.slope : row[i].q_1.slope)
					       : (a > 0 ? row[i].p1.slope : row[i].p_1.slope),
					     1e-6);
			}
}

/* Whatever the loss, a policy that has not moved yet is pushed by the advantage alone. */
static void slope_begins_as_the_advantage(void **state)
{
	(void)state;
	for (int kind = LOSS_DAPO; kind <= LOSS_DPPO_KL; kind++)
		for (double a = -2; a <= 2; a += 0.5) {
			const struct loss_opts o = {(enum loss_kind)kind, BOUNDS};
			double slope;

			assert_int_equal(one(&o, 0, a, &slope).clipped, 0);
			assert_close(slope, -a, 1e-15);
		}
}

static void k3_by_hand(void **state)
{
	const double logp = -1, ref = -1.5;
	const struct loss_opts o = {LOSS_DAPO, BOUNDS, .kl = 0.1};
	struct loss_seq s = {.logp = &logp, .old = &logp, .ref = &ref, .n = 1, .weight = 1};
	struct loss_stats st = {0};
	double gradient;

	(void)state;
	loss_sequence(&o, &s, &gradient, &st);
	assert_close(st.kl_ref, exp(-0.5) + 0.5 - 1, 1e-12);
	assert_close(st.loss, 0.1 * st.kl_ref, 1e-12);
	assert_close(gradient, 0.1 * (1 - exp(-0.5)), 1e-12);
}

static void huge_ratios_stay_finite(void **state)
{
	double gradient;
	struct loss_stats st;

	(void)state;
	for (int kind = LOSS_DAPO; kind <= LOSS_DPPO_KL; kind++)
		for (double l = -1000; l <= 1000; l += 2000)
			for (double a = -1; a <= 1; a += 2) {
				struct loss_opts o = {(enum loss_kind)kind, BOUNDS};

				o.dual_clip = 0;

				st = one(&o, l, a, &gradient);
				assert_true(isfinite(st.loss) && isfinite(gradient));
			}
}

static void nan_is_not_hidden(void **state)
{
	const double logp[] = {-1, NAN, -2}, old[] = {-1, -1, -1};
	const struct loss_seq s = {.logp = logp, .old = old, .n = 3, .advantage = 1, .weight = 1};
	double gradient, slope[3];
	struct loss_stats st, sum = {0}, more = {.ratio_error = 1};

	(void)state;
	for (int kind = LOSS_DAPO; kind <= LOSS_DPPO_KL; kind++) {
		struct loss_opts o = {(enum loss_kind)kind, BOUNDS};

		st = one(&o, NAN, 1, &gradient);
		assert_true(isnan(st.loss));
	}
	st = (struct loss_stats){0};
	loss_sequence(&DAPO, &s, slope, &st);
	assert_true(isnan(st.ratio_error)); /* nor by the token behind it */
	loss_add(&sum, &st);
	assert_true(isnan(sum.ratio_error));
	loss_add(&sum, &more);
	assert_true(isnan(sum.ratio_error));
}

/* The function whose derivative loss_sequence gives: CISPO's with the ratio held at that of base.
 */
static double scalar(const struct loss_opts *o, const struct loss_seq *s, const double *base)
{
	struct loss_stats st = {0};
	double gradient[N];

	if (o->kind != LOSS_CISPO) {
		loss_sequence(o, s, gradient, &st);
		return st.loss;
	}
	for (size_t t = 0; t < s->n; t++) {
		double r = exp(base[t] - s->old[t]), q = s->ref[t] - s->logp[t];

		r = fmin(fmax(r, 1 - o->clip_low), 1 + o->clip_high);
		st.loss += s->weight * (-r * s->advantage * s->logp[t] + o->kl * (exp(q) - q - 1));
	}
	return st.loss;
}

static void derivative_is_the_central_difference(void **state)
{
	const double h = 1e-6;

	(void)state;
	for (uint64_t i = 0; i < 600; i++) {
		uint64_t key = rng_key(7, RNG_TEST, i, 0, 0);
		double base[N], logp[N], old[N], ref[N], gradient[N], dummy;
		struct loss_opts o = {(enum loss_kind)(i % (LOSS_DPPO_KL + 1)), BOUNDS};
		struct loss_seq s = {.logp = logp,
				     .old = old,
				     .ref = ref,
				     .n = N,
				     .advantage = rng_normal(key, 0),
				     .weight = 0.37};
		struct loss_stats st = {0};

		o.dual_clip = 3;
		o.kl = i / 7 % 2 ? .3 : 0;
		for (uint64_t t = 0; t < N; t++) {
			base[t] = logp[t] = -3 * rng_uniform(key, 10 + t);
			old[t] = logp[t] + 0.5 * rng_normal(key, 20 + t);
			ref[t] = logp[t] + rng_normal(key, 30 + t);
		}
		loss_sequence(&o, &s, gradient, &st);
		for (int t = 0; t < N; t++) {
			logp[t] = base[t] + h;
			dummy = scalar(&o, &s, base);
			logp[t] = base[t] - h;
			dummy = (dummy - scalar(&o, &s, base)) / (2 * h);
			logp[t] = base[t];
			assert_close(gradient[t], dummy, 1e-7);
		}
	}
}

static void entropy_is_a_bonus(void **state)
{
	static const float entropy[] = {0.5f, 2};
	static const double scale[] = {1, 0.25};
	const struct loss_opts o = {.entropy = 0.1};
	struct loss_seq s = {.n = 2, .weight = 0.5};
	double loss = 7;
	float dent[2];

	(void)state;
	loss_entropy(&o, &s, entropy, dent, &loss);
	assert_close(loss, 7 - 0.1 * 0.5 * 2.5, 1e-12);
	assert_close(dent[0], -0.05, 1e-8);
	assert_close(dent[1], -0.05, 1e-8);
	s.scale = scale;
	loss = 0;
	loss_entropy(&o, &s, entropy, dent, &loss);
	assert_close(loss, -0.05 * (0.5 + 0.25 * 2), 1e-12);
	assert_close(dent[1], -0.0125, 1e-8);
}

static void weights_of_each_aggregation_sum_to_what_they_say(void **state)
{
	(void)state; /* responses of 2 and 6 tokens, longest possible 10 */
	assert_close(loss_weight(AGG_TOKEN_MEAN, 2, 8, 2, 10), 0.125, 1e-15);
	assert_close(loss_weight(AGG_TOKEN_MEAN, 2, 8, 6, 10), 0.125, 1e-15);
	assert_close(loss_weight(AGG_SEQ_TOKEN_MEAN, 2, 8, 2, 10), 0.25, 1e-15);
	assert_close(loss_weight(AGG_SEQ_TOKEN_MEAN, 2, 8, 6, 10), 1.0 / 12, 1e-15);
	assert_close(loss_weight(AGG_SEQ_TOKEN_SUM, 2, 8, 2, 10), 0.05, 1e-15);
	assert_close(loss_weight(AGG_SEQ_TOKEN_SUM, 2, 8, 6, 10), 0.05, 1e-15);
}

static void overlong_penalty_of_dapo(void **state)
{
	(void)state;
	assert_close(loss_overlong(80, 100, 20, 1), 0, 0);
	assert_close(loss_overlong(85, 100, 20, 1), -0.25, 1e-15);
	assert_close(loss_overlong(100, 100, 20, 0.5), -0.5, 1e-15);
	assert_close(loss_overlong(100, 100, 0, 1), 0, 0);
	assert_close(loss_overlong(5, 100, 200, 1), -0.525, 1e-15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dapo_by_hand),
		cmocka_unit_test(dual_clip_can_be_off),
		cmocka_unit_test(gspo_by_hand),
		cmocka_unit_test(cispo_by_hand),
		cmocka_unit_test(losses_by_hand),
		cmocka_unit_test(slope_begins_as_the_advantage),
		cmocka_unit_test(k3_by_hand),
		cmocka_unit_test(huge_ratios_stay_finite),
		cmocka_unit_test(nan_is_not_hidden),
		cmocka_unit_test(derivative_is_the_central_difference),
		cmocka_unit_test(entropy_is_a_bonus),
		cmocka_unit_test(weights_of_each_aggregation_sum_to_what_they_say),
		cmocka_unit_test(overlong_penalty_of_dapo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
