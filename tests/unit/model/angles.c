/* angles.h: the same numbers in whatever order and by however many threads they are asked for, and
 * no memory for those that nobody asks for. */
#include "scratch.h"

#include "base/par.h"
#include "base/rng.h"
#include "model/angles.h"
#include "tensor/layers.h"

#include <stdio.h>

enum { HD = 6, LEN = 1000 };

static const struct rope yarn = {.type = ROPE_YARN,
				 .theta = 50,
				 .factor = 4,
				 .original = 16,
				 .beta_fast = 2,
				 .beta_slow = 0.5,
				 .attention = 1.5};

static void check(void *ctx, size_t i, int thread)
{
	double freq[HD / 2];
	float want[HD];
	size_t pos = rng_below(7, i, LEN);

	(void)thread;
	rope_freqs(&yarn, freq, HD);
	angles_table(want, freq, pos, 1.5, HD);
	assert_memory_equal(angles_at(ctx, pos), want, sizeof want);
}

static void any_order(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct angles *a = angles_new(&yarn, LEN, HD);

		assert_ptr_equal(angles_at(a, LEN - 1), angles_at(a, 0) + (LEN - 1) * HD);
		angles_free(a);
		a = angles_new(&yarn, LEN, HD);
		par_for(50, check, a);
		angles_free(a);
	}
	angles_free(NULL);
}

/* Pages of memory that this process has */
static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all, pages;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &all, &pages), 2);
	fclose(f);
	return pages;
}

static void long_context(void **state)
{
	struct rope r = {.theta = 1e4};
	long before = resident();
	struct angles *a = angles_new(&r, 1 << 20, 128);

	(void)state;
	angles_at(a, 1000);
	assert_true(resident() - before < 16 << 20 >> 12); /* of 512 MB */
	angles_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(any_order),
					   cmocka_unit_test(long_context)};
	int failed;

	par_start(4);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	par_stop();
	return failed;
}
