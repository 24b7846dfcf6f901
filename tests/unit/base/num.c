/* Numbers from text, and back in the fewest digits. */
#include "base/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void text_of_numbers(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {{0, "0"},         {10, "10"},        {-300, "-300"},
		    {0.1, "0.1"},     {0.5, "0.5"},      {12.25, "12.25"},
		    {1e-6, "1e-06"},  {1e300, "1e+300"}, {1.0 / 3, "0.3333333333333333"},
		    {65536, "65536"}, {1e15, "1e+15"},   {123456789012345, "123456789012345"}};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(num_text(rows[i].v, buf), rows[i].text);
}

static void whole_numbers(void **state)
{
	static const char *const bad[] = {"",    " 1",  "1 ",  "+1", "0x1",
					  "1e3", "1.0", "--1", "-",  "11"};
	int64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(num_i64(bad[i], -10, 10, &v));
	assert_int_equal(v, 7);
	assert_false(num_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_true(num_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_true(v == INT64_MIN);
	assert_true(num_i64("-10", -10, 10, &v));
	assert_int_equal(v, -10);
}

static void real_numbers(void **state)
{
	static const char *const bad[] = {"",      " 1",  "nan", "inf", "0x1p3",
					  "1e999", "1,5", "1e",  "11"};
	double v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(num_f64(bad[i], -10, 10, &v));
	assert_true(v == 7);
	assert_true(num_f64("-2.5e-1", -10, 10, &v) && v == -0.25);
	assert_true(num_f64("10", -10, 10, &v) && v == 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_numbers),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(real_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
