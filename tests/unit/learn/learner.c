/* learner.h: weights of tokens that another policy drew, by hand; and what they do to the loss. */
#include "learn/learner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"
#include "tiny.h"

enum { N = 4 };

/* log-ratios .1, -.3, .9, -1.2: ratios 1.105171, .740818, 2.459603, .301194; product .606531 */
static const float pi[N] = {-0.9f, -1.3f, -0.1f, -2.2f}, mu[N] = {-1, -1, -1, -1};

static void weighs(enum importance kind, double low, double high, const double *want)
{
	struct learner_opts o = {.importance = kind, .low = low, .high = high};
	double w[N];

	learner_bounds(&o);
	learner_weigh(&o, pi, mu, N, w);
	for (size_t t = 0; t < N; t++)
		assert_close(w[t], want[t], 1e-6);
}

static void weights_by_hand(void **state)
{
	(void)state;
	weighs(IMPORTANCE_TIS, 0, 0, (const double[]){1.105171, 0.740818, 2, 0.301194});
	weighs(IMPORTANCE_ICEPOP, 0, 0, (const double[]){1.105171, 0.740818, 2.459603, 0});
	weighs(IMPORTANCE_ICEPOP, 0.3, 2, (const double[]){1.105171, 0.740818, 0, 0.301194});
	weighs(IMPORTANCE_SEQUENCE, 0, 0, (const double[]){0.606531, 0.606531, 0.606531, 0.606531});
	weighs(IMPORTANCE_SEQUENCE, 0.7, 0, (const double[]){0, 0, 0, 0});
	weighs(IMPORTANCE_GEOMETRIC, 0, 0, (const double[]){0, 0, 0, 0}); /* its mean is .882497 */
	weighs(IMPORTANCE_GEOMETRIC, 0.88, 0,
	       (const double[]){1.105171, 0.740818, 2.459603, 0.301194});
}

/* What a step of one update on two responses does to the weights, with these options */
static double loss_of(const struct learner_opts *off, float old, float teach, float *moved)
{
	static const uint32_t prompt[] = {2, 3}, resp[2][3] = {{4, 5, 1}, {6, 4, 1}};
	const struct seq seq[2] = {{.prompt = prompt, .resp = resp[0], .n_prompt = 2, .n_resp = 3},
				   {.prompt = prompt, .resp = resp[1], .n_prompt = 2, .n_resp = 3}};
	const float mine[3] = {old, old, old}, theirs[3] = {teach, teach, teach};
	const float *olds[2] = {mine, mine}, *teachers[2] = {theirs, theirs};
	const double advantage[2] = {1, -0.5};
	const size_t start[2] = {0, 2};
	struct lesson x = {.seq = seq,
			   .old = olds,
			   .teacher = teachers,
			   .advantage = advantage,
			   .start = start,
			   .n = 2,
			   .groups = 1,
			   .temperature = 1};
	struct policy p = tiny_policy("abcdefgh", 3);
	struct rl_opts o = RL_OPTS_DEFAULT;
	struct reason why = {0};
	struct learned r;
	struct learner *l;

	o.minibatches = 1;
	o.lr = 1e-3;
	l = learner_new(&o, off, &p);
	assert_int_equal(learner_step(l, 1, &x, &r, &why), 0);
	assert_int_equal(r.updates, 1);
	*moved = p.model.params[0];
	learner_free(l);
	policy_free(&p);
	return r.loss;
}

/* With weights the ratio is to the policy itself: 1 at the first update, so that the loss is the
 * mean of -w A. Without them it is to what was drawn with. */
static void ratios_are_to_the_policy_where_weights_are(void **state)
{
	struct learner_opts none = {0}, tis = {.importance = IMPORTANCE_TIS, .high = 1e-3};
	float a, b, c, d;

	(void)state;
	assert_close(loss_of(&tis, -3, 0, &a), -1e-3 * (1 - 0.5) / 2, 1e-9);
	assert_true(fabs(loss_of(&none, -3, 0, &b) + 0.25) > 0.02);
	/* a mask over all: nothing is learned */
	tis = (struct learner_opts){.importance = IMPORTANCE_ICEPOP, .low = 0.999, .high = 1};
	assert_close(loss_of(&tis, -9, 0, &c), 0, 1e-12);
	assert_true(loss_of(&none, -9, 0, &d) != 0);
}

/* -x (log teacher - log policy) per token, on top of the advantage, is a loss of mean 0 change
 * where teacher and policy agree; a teacher that finds all tokens likelier pulls towards them. */
static void distillation_adds_to_each_token(void **state)
{
	struct learner_opts none = {0}, half = {.distill = 0.5}, whole = {.distill = 1};
	float a, b, c;
	double plain = loss_of(&none, -2.2f, -1, &a), first = loss_of(&half, -2.2f, -1, &b);

	(void)state;
	assert_true(first < plain - 0.1);
	/* in the unclipped part it is linear in x */
	assert_close(loss_of(&whole, -2.2f, -1, &c) - plain, 2 * (first - plain), 0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_by_hand),
		cmocka_unit_test(ratios_are_to_the_policy_where_weights_are),
		cmocka_unit_test(distillation_adds_to_each_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
