/* Tests of learn/pear.h: worked numbers, limits, and what is left of a fresh sample's weights. */
#include "learn/pear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "close.h"

static const float MU[] = {-1, -2, -0.5F, -0.25F}, LOGP[] = {-0.8F, -2.05F, -0.8F, -0.15F};

static struct pear_opts opts(enum pear_kind kind)
{
	struct pear_opts o = PEAR_OPTS_DEFAULT;

	o.kind = kind;
	o.discount = 0.9;
	o.block = 2;
	return o;
}

/* d is .2, -.05, -.3, .1; the third is cut to -.08. */
static void worked_numbers(void **state)
{
	static const double want[][4] = {{1, 1, 1, 1},
					 {1.185305, 1.185305, 1.185305, 1.185305},
					 {0.707455, 0.826363, 0.994654, 1},
					 {0.826363, 0.826363, 1, 1}};
	double w[4];

	(void)state;
	for (int kind = PEAR_NONE; kind <= PEAR_BLOCK; kind++) {
		struct pear_opts o = opts((enum pear_kind)kind);

		pear_weights(&o, LOGP, MU, 4, w);
		for (int t = 0; t < 4; t++)
			assert_close(w[t], want[kind][t], 1e-6);
	}
}

static void a_last_block_may_be_short(void **state)
{
	struct pear_opts o = opts(PEAR_BLOCK);
	double w[4];

	(void)state;
	o.block = 3;
	pear_weights(&o, LOGP, MU, 4, w);
	for (int t = 0; t < 3; t++)
		assert_close(w[t], 0.9 * exp(0.1), 1e-6);
	assert_close(w[3], 1, 0);
	o.block = 9;
	pear_weights(&o, LOGP, MU, 4, w);
	for (int t = 0; t < 4; t++)
		assert_close(w[t], 1, 0);
}

static void weights_have_limits(void **state)
{
	struct pear_opts o = opts(PEAR_SEQUENCE);
	float up[40], down[40];
	double w[40];

	(void)state;
	o.low = -1;
	for (int t = 0; t < 40; t++) {
		up[t] = -0.1F;
		down[t] = -3;
	}
	pear_weights(&o, up, down, 40, w); /* 40 * .3 */
	assert_close(w[0], exp(5), 1e-12);
	pear_weights(&o, down, up, 40, w);
	assert_close(w[39], exp(-10), 1e-18);
}

/* What the policy has drawn itself: weights of exactly 1 but for the discount */
static void own_samples_have_the_discount_alone(void **state)
{
	double w[4];

	(void)state;
	for (int kind = PEAR_SEQUENCE; kind <= PEAR_BLOCK; kind++) {
		struct pear_opts o = opts((enum pear_kind)kind);

		pear_weights(&o, MU, MU, 4, w);
		assert_close(w[0],
			     kind == PEAR_SEQUENCE ? 1 : pow(0.9, kind == PEAR_SUFFIX ? 3 : 2),
			     1e-15);
		o.discount = 1;
		pear_weights(&o, MU, MU, 4, w);
		for (int t = 0; t < 4; t++)
			assert_true(w[t] == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_numbers),
		cmocka_unit_test(a_last_block_may_be_short),
		cmocka_unit_test(weights_have_limits),
		cmocka_unit_test(own_samples_have_the_discount_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
