/* kept.c - sets of token ids: back from bytes as they were, and every kind of damage told. */
#include "base/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct span bytes(const char *p, size_t n)
{
	return (struct span){p, n};
}

static void there_and_back(void **state)
{
	static const uint32_t sets[][4] = {{0}, {5}, {0, 127, 128, 300}, {16383, 4294967295u}};
	static const size_t n[] = {0, 1, 4, 2};
	static const char want[] = "\0\1\5\4\0\177\1\254\1\2\377\177\200\200\377\377\17";
	struct buf b = {0};
	struct span left;
	uint32_t ids[KEPT_MOST];
	size_t k;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		kept_put(&b, sets[i], n[i]);
	assert_int_equal(b.n, sizeof want - 1);
	assert_memory_equal(b.p, want, b.n);
	left = bytes(b.p, b.n);
	assert_true(kept_top(left) == UINT32_MAX);
	for (size_t i = 0; i < 4; i++) {
		assert_null(kept_take(&left, ids, &k));
		assert_int_equal(k, n[i]);
		assert_true(k == 0 || memcmp(ids, sets[i], k * sizeof *ids) == 0);
	}
	assert_int_equal(left.n, 0);
	left = bytes(b.p, b.n);
	assert_int_equal(kept_cut(&left, &k).n, 1);
	assert_int_equal(k, 0);
	assert_int_equal(kept_cut(&left, &k).n, 2);
	assert_int_equal(left.n, b.n - 3);
	buf_free(&b);
}

static void the_largest(void **state)
{
	struct buf b = {0};
	uint32_t ids[KEPT_MOST], back[KEPT_MOST];
	struct span left;
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < KEPT_MOST; i++)
		ids[i] = 1000 * i;
	kept_put(&b, ids, KEPT_MOST);
	assert_true(b.n <= 2 * (1 + KEPT_MOST));
	left = bytes(b.p, b.n);
	assert_null(kept_take(&left, back, &n));
	assert_memory_equal(back, ids, sizeof ids);
	buf_free(&b);
}

static void refuses(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *what;
	} bad[] = {{"", 0, "cut off"},
		   {"\2\1", 2, "cut off"},
		   {"\1\200", 2, "cut off"},
		   {"\2\5\0", 3, "ids that do not ascend"},
		   {"\201\10", 2, "more than 1024 ids"},
		   {"\1\377\377\377\377\37", 6, "a number above 2^32-1"},
		   {"\1\377\377\377\377\217\0", 7, "a number above 2^32-1"},
		   {"\2\1\377\377\377\377\17", 7, "an id above 2^32-1"},
		   {"\1\205\0", 3, "a number that is not in its shortest form"}};
	uint32_t ids[KEPT_MOST];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct span s = bytes(bad[i].bytes, bad[i].n);

		assert_string_equal(kept_take(&s, ids, &n), bad[i].what);
	}
}

static void one_for_each_token(void **state)
{
	static const uint32_t tokens[] = {7, 3};
	size_t at;

	(void)state;
	assert_null(kept_check(bytes("\0\2\3\6", 4), tokens, 2, &at));
	assert_null(kept_check(bytes("", 0), tokens, 0, &at));
	assert_string_equal(kept_check(bytes("\0\1\4", 3), tokens, 2, &at),
			    "the token that was drawn is not in it");
	assert_int_equal(at, 1);
	assert_string_equal(kept_check(bytes("\2\6\2", 3), tokens, 1, &at),
			    "the token that was drawn is not in it");
	assert_string_equal(kept_check(bytes("\0", 1), tokens, 2, &at),
			    "missing: there are fewer than tokens");
	assert_int_equal(at, 1);
	assert_string_equal(kept_check(bytes("\0\0\0", 3), tokens, 2, &at),
			    "there are more than tokens");
	assert_int_equal(at, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(the_largest),
		cmocka_unit_test(refuses),
		cmocka_unit_test(one_for_each_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
