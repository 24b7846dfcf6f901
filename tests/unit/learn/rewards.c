/* Lists of rewards and what a verdict or a record has of them. */
#include "learn/rewards.h"
#include "stream/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

static struct rewards parsed(const char *list)
{
	struct rewards r;
	struct reason why;

	if (rewards_parse(list, &r, &why))
		fail_msg("%s: %s", list, why.text);
	return r;
}

static void lists(void **state)
{
	static const char *const bad[] = {"",
					  ",",
					  "a,",
					  "=1",
					  "a=",
					  "a=x",
					  "a=1e99",
					  "a=nan",
					  "a=1,a=2",
					  "a=1 ,b",
					  "a23456789012345678901234567890123=1",
					  "a,b,c,d,e,f,g,h,i"};
	struct rewards r = parsed("right=2,form=-0.5,reward");
	const double v[] = {1, 4, 10};
	struct reason why;

	(void)state;
	assert_int_equal(r.n, 3);
	assert_string_equal(r.v[0].name, "right");
	assert_close(r.v[1].reward, -0.5, 0);
	assert_close(r.v[2].reward, 1, 0);
	assert_close(rewards_sum(&r, v), 2 - 2 + 10, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (rewards_parse(bad[i], &r, &why) != ST_USAGE)
			fail_msg("'%s' is taken", bad[i]);
}

static void of_verdict_and_of_its_record(void **state)
{
	const struct rewards r = parsed("form,reward,right=3"), other = parsed("form,none");
	const struct verdict v = {
		.reward = 7, .part = {{"right", 1}, {"form", 0.25}}, .n_parts = 2};
	struct reason why;
	struct buf b = {0};
	msgpack_packer pk;
	double out[3];

	(void)state;
	assert_int_equal(rewards_of_verdict(&r, &v, out, &why), 0);
	assert_close(out[0], 0.25, 0);
	assert_close(out[1], 7, 0);
	assert_close(out[2], 1, 0);
	assert_int_equal(rewards_of_verdict(&other, &v, out, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "there is no none"));

	pack_init(&pk, &b);
	msgpack_pack_map(&pk, 2);
	pack_str(&pk, "reward");
	pack_float(&pk, 7);
	pack_str(&pk, "rewards");
	verdict_pack(&v, &b);
	memset(out, 0, sizeof out);
	assert_int_equal(rewards_of_record(&r, (struct mp){(const uint8_t *)b.p, b.n}, out, &why),
			 0);
	assert_close(out[0], 0.25, 0);
	assert_close(out[1], 7, 0);
	assert_close(out[2], 1, 0);
	assert_int_equal(
		rewards_of_record(&other, (struct mp){(const uint8_t *)b.p, b.n}, out, &why),
		ST_INPUT);
	buf_free(&b);
	verdict_pack(&(struct verdict){.reward = 1}, &b);
	assert_int_equal(b.n, 0);
	assert_int_equal(rewards_of_record(&r, (struct mp){0}, out, &why), ST_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(of_verdict_and_of_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
