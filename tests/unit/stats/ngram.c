/* Tests of stats/ngram.h: overlaps worked out by hand. */
#include "stats/ngram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

static void add(struct ngrams *g, uint32_t task, const char *s, size_t n)
{
	ngram_add_text(g, task, (struct span){s, strlen(s)}, n);
}

static double overlap(const char *a, const char *b, size_t n)
{
	struct ngrams x = {0}, y = {0};
	uint64_t tasks;
	double v;

	add(&x, 0, a, n);
	add(&y, 0, b, n);
	v = ngram_overlap(&x, &y, &tasks);
	assert_int_equal(tasks, 1);
	assert_close(ngram_overlap(&y, &x, &tasks), v, 1e-15);
	ngram_free(&x);
	ngram_free(&y);
	return v;
}

static void test_text(void **state)
{
	(void)state;
	assert_close(overlap("abc", "abc", 2), 1, 1e-15);
	assert_close(overlap("abc", "xyz", 2), 0, 0);
	/* ab bc cd and ab bx: min(1/3, 1/2) */
	assert_close(overlap("abcd", "abx", 2), 1.0 / 3, 1e-15);
	/* ab ba ab against ab: min(2/3, 1) */
	assert_close(overlap("abab", "ab", 2), 2.0 / 3, 1e-15);
	/* a response shorter than n is one gram */
	assert_close(overlap("ab", "ab", 4), 1, 0);
	assert_close(overlap("ab", "abc", 4), 0, 0);
	assert_close(overlap("", "", 4), 1, 0);
	assert_close(overlap("", "a", 4), 0, 0);
}

/* One character may be several bytes: two of two each are the 1-grams e' and e'. */
static void test_utf8(void **state)
{
	(void)state;
	assert_close(overlap("\xc3\xa9x", "\xc3\xa8x", 1), 0.5, 1e-15);
	assert_close(overlap("\xc3\xa9\xc3\xa9", "\xc3\xa9", 1), 1, 1e-15);
	assert_close(overlap("\xff\xfe", "\xff", 1), 0.5, 1e-15); /* no UTF-8: bytes */
}

/* Samples of a task are pooled, tasks are averaged, and only those in both count. */
static void test_tasks(void **state)
{
	struct ngrams a = {0}, b = {0};
	uint64_t tasks;

	(void)state;
	assert_true(isnan(ngram_overlap(&a, &b, &tasks)));
	assert_int_equal(tasks, 0);
	add(&a, 0, "aa", 2); /* task 0: aa 1/2, bb 1/2 against aa 3/4, cc 1/4: 1/2 */
	add(&a, 0, "bb", 2);
	add(&b, 0, "aa", 2);
	add(&b, 0, "aa", 2);
	add(&b, 0, "aa", 2);
	add(&b, 0, "cc", 2);
	add(&a, 1, "aa", 2); /* only before */
	add(&b, 2, "aa", 2); /* only now */
	add(&a, 3, "zz", 2); /* in both, nothing common */
	add(&b, 3, "yy", 2);
	assert_close(ngram_overlap(&a, &b, &tasks), 0.25, 1e-15);
	assert_int_equal(tasks, 2);
	ngram_clear(&a);
	assert_true(isnan(ngram_overlap(&a, &b, &tasks)));
	ngram_free(&a);
	ngram_free(&b);
}

static void test_tokens(void **state)
{
	const uint8_t x[] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0};
	const uint8_t y[] = {2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0};
	struct ngrams a = {0}, b = {0};
	uint64_t tasks;

	(void)state;
	ngram_add_tokens(&a, 0, (struct span){(const char *)x, 12}, 2); /* 12 23 */
	ngram_add_tokens(&b, 0, (struct span){(const char *)y, 12}, 2); /* 23 31 */
	assert_close(ngram_overlap(&a, &b, &tasks), 0.5, 1e-15);
	ngram_clear(&a);
	ngram_clear(&b);
	ngram_add_tokens(&a, 0, (struct span){(const char *)x, 4}, 2); /* one token, one gram */
	ngram_add_tokens(&a, 0, (struct span){NULL, 0}, 2);            /* none, one gram too */
	ngram_add_tokens(&b, 0, (struct span){(const char *)x, 4}, 2);
	assert_close(ngram_overlap(&a, &b, &tasks), 0.5, 1e-15);
	ngram_free(&a);
	ngram_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
