/* Which prompts ask the same. */
#include "task/taskleak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static size_t leaks(struct task eval, const char *train)
{
	struct task other = {.id = (char *)"o", .prompt = (char *)"another"};
	struct task of[] = {other, other, {.id = (char *)"t", .prompt = (char *)train}};
	struct task_set a = {&eval, 1}, b = {of, 3};
	struct taskleak leak = taskleak_find(&a, &b);

	if (leak.n) {
		assert_ptr_equal(leak.it, &eval);
		assert_string_equal(leak.of->id, "t");
	}
	return leak.n;
}

static bool same(const char *a, const char *b)
{
	return leaks((struct task){.id = (char *)"e", .prompt = (char *)a}, b) == 1;
}

static void prompts(void **state)
{
	(void)state;
	assert_true(same("How many are left?", "how many  are\nleft ?"));
	assert_true(same("She said \"yes\".", "she said yes"));
	assert_true(same("\xc3\x84pfel \xe2\x80\x9cgut\xe2\x80\x9d!", "\xc3\xa4pfel gut"));
	assert_true(same("1 + 1 = ", "1+1="));
	assert_true(same("$x$, then", "$x$ then"));
	assert_false(same("1+1=", "1-1="));
	assert_false(same("What is 3.5?", "What is 35?"));
	assert_false(same("3.5", "3,5"));
	assert_false(same("now here", "nowhere"));
	assert_false(same("f(x)", "fx"));
	assert_false(same("", ""));
	assert_false(same("...", "?"));
}

static void messages(void **state)
{
	struct task t = {.id = (char *)"e",
			 .messages = (char *)"[{\"role\":\"system\",\"content\":\"Be good.\"},"
					     "{\"role\":\"user\",\"content\":\"How many?\"}]"};

	(void)state;
	assert_int_equal(leaks(t, "how many"), 1);
	assert_int_equal(leaks(t, "be good how many"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(prompts), cmocka_unit_test(messages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
