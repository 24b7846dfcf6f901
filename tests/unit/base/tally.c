/* Tests of the tables keyed by bytes: base/names.h and base/tally.h. */
#include "base/tally.h"
#include "base/rng.h"
#include "base/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

static void test_names(void **state)
{
	struct names t = {0};

	(void)state;
	assert_int_equal(names_find(&t, text("a")), (size_t)-1);
	assert_int_equal(names_id(&t, text("b")), 0);
	assert_int_equal(names_id(&t, text("")), 1);
	assert_int_equal(names_id(&t, (struct span){"b\0c", 3}), 2);
	assert_int_equal(names_id(&t, text("b")), 0);
	assert_int_equal(names_id(&t, (struct span){NULL, 0}), 1);
	assert_int_equal(names_find(&t, (struct span){"b\0c", 3}), 2);
	assert_int_equal(names_find(&t, (struct span){"b\0", 2}), (size_t)-1);
	assert_int_equal(t.n, 3);
	assert_true(span_eq(names_get(&t, 2), (struct span){"b\0c", 3}));
	names_free(&t);
}

static void test_names_many(void **state)
{
	struct names t = {0};
	char s[20];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 20000; i++) {
			snprintf(s, sizeof s, "task-%d", i);
			assert_int_equal(names_id(&t, text(s)), i);
		}
	assert_int_equal(t.n, 20000);
	assert_true(span_is(names_get(&t, 19999), "task-19999"));
	assert_true(span_is(names_get(&t, 0), "task-0"));
	names_free(&t);
}

static void test_room(void **state)
{
	size_t room = 0;
	int *v = names_room(NULL, &room, 0, sizeof *v);

	(void)state;
	v[0] = 7;
	assert_ptr_equal(names_room(v, &room, 0, sizeof *v), v);
	v = names_room(v, &room, 5000, sizeof *v);
	assert_int_equal(v[0], 7);
	for (size_t i = 1; i < room; i++)
		assert_int_equal(v[i], 0);
	assert_true(room > 5000);
	free(v);
}

static void test_tally(void **state)
{
	struct tally t = {0};
	const uint64_t a[2] = {1, 2}, b[2] = {1, 3}, zero[2] = {0, 0};
	const struct tally_item *item;
	size_t i = 0, n = 0;

	(void)state;
	assert_int_equal(tally_count(&t, a), 0);
	assert_null(tally_next(&t, &i));
	assert_int_equal(tally_add(&t, a, 1, 9), 1);
	assert_int_equal(tally_add(&t, b, 1, 8), 1);
	assert_int_equal(tally_add(&t, a, 1, 7), 2);
	assert_int_equal(tally_add(&t, zero, 1, 6), 1);
	assert_int_equal(tally_count(&t, a), 2);
	assert_int_equal(tally_count(&t, b), 1);
	assert_int_equal(tally_count(&t, zero), 1);
	while ((item = tally_next(&t, &i))) {
		n += item->count;
		assert_int_equal(item->tag, item->key[1] == 2 ? 9 : item->key[1] == 3 ? 8 : 6);
	}
	assert_int_equal(n, 4);
	assert_int_equal(tally_add(&t, b, 10, 0), 11);
	assert_true(tally_add(&t, b, UINT32_MAX - 5, 0) == UINT32_MAX);
	assert_true(tally_add(&t, b, 1, 0) == UINT32_MAX);
	tally_clear(&t);
	assert_int_equal(tally_count(&t, a), 0);
	assert_int_equal(t.n, 0);
	tally_free(&t);
}

static void test_tally_many(void **state)
{
	struct tally t = {0};

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t key[2] = {rng_u64(5, i % 30000), i % 30000};

		assert_int_equal(tally_add(&t, key, 1, (uint32_t)(i % 30000)), 1 + i / 30000);
	}
	assert_int_equal(t.n, 30000);
	tally_free(&t);
}

/* A table that once was large costs nothing when it is used for little. */
static void test_tally_shrinks(void **state)
{
	struct tally t = {0};
	const uint64_t key[2] = {1, 2};
	size_t large;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		tally_add(&t, (uint64_t[2]){rng_u64(5, i), i}, 1, 0);
	large = t.slots;
	tally_clear(&t);
	assert_int_equal(t.slots, large); /* it may hold as much again */
	tally_add(&t, key, 1, 0);
	tally_clear(&t);
	assert_true(t.slots < 100);
	assert_int_equal(tally_count(&t, key), 0);
	assert_int_equal(tally_add(&t, key, 1, 0), 1);
	tally_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),      cmocka_unit_test(test_names_many),
		cmocka_unit_test(test_room),       cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tally_many), cmocka_unit_test(test_tally_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
