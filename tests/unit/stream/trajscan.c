/* Tests of stream/trajscan.h and stream/where.h: what is read off a record's bytes. */
#include "base/json.h"
#include "stream/trajscan.h"
#include "stream/mpjson.h"
#include "stream/where.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct buf bytes; /* of the record made last */

/* A record from JSON */
static struct rec record(const char *json)
{
	struct reason why;
	json_t *j = json_parse(json, strlen(json), "test", &why);

	assert_non_null(j);
	buf_reset(&bytes);
	mpjson_to(&bytes, j);
	json_decref(j);
	return (struct rec){.map = {(const uint8_t *)bytes.p, bytes.n},
			    .is_traj = true,
			    .index = 3,
			    .offset = 77};
}

static void test_all_keys(void **state)
{
	struct rec r =
		record("{\"task\":\"t\",\"prompt\":\"p\",\"response\":\"r\",\"finish\":\"stop\","
		       "\"verdict\":\"ok\",\"reward\":1,\"entropy\":0.5,\"step\":7,\"iter\":2,"
		       "\"tokens\":[1,2,70000],\"logprobs\":[0],\"other\":{\"reward\":9}}");
	struct reason why;
	struct traj t;

	(void)state;
	assert_int_equal(trajscan(&t, &r, "in", &why), 0);
	assert_true(span_is(t.task, "t") && span_is(t.prompt, "p") && span_is(t.response, "r"));
	assert_true(span_is(t.finish, "stop") && span_is(t.verdict, "ok"));
	assert_true(t.reward == 1 && t.entropy == 0.5);
	assert_true(t.step == 7 && t.iter == 2);
	assert_int_equal(t.n_tokens, 3);
	assert_null(t.tokens);
	assert_null(t.logprobs);
	assert_true(trajscan_graded(&t));
}

static void test_absent(void **state)
{
	struct rec r = record("{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"reward\":null}");
	struct reason why;
	struct traj t;

	(void)state;
	assert_int_equal(trajscan(&t, &r, "in", &why), 0);
	assert_true(t.task.n == 0 && t.task.p);
	assert_true(!t.finish.p && !t.verdict.p && isnan(t.reward) && isnan(t.entropy));
	assert_true(t.step == -1 && t.iter == -1 && t.n_tokens == 0);
	assert_false(trajscan_graded(&t));
}

static void test_graded(void **state)
{
	struct traj t;

	(void)state;
	traj_clear(&t);
	t.reward = 0;
	assert_true(trajscan_graded(&t));
	t.verdict = (struct span){"ok", 2};
	assert_true(trajscan_graded(&t));
	t.verdict = (struct span){"timeout", 7};
	assert_false(trajscan_graded(&t));
	t.verdict = (struct span){"", 0};
	assert_false(trajscan_graded(&t));
}

static void test_wrong(void **state)
{
	static const char *const cases[][2] = {
		{"{\"prompt\":\"\",\"response\":\"\"}", "key \"task\" is missing"},
		{"{\"task\":null,\"prompt\":\"\",\"response\":\"\"}", "key \"task\" is not text"},
		{"{\"task\":5,\"prompt\":\"\",\"response\":\"\"}", "key \"task\" is not text"},
		{"{\"task\":\"\",\"prompt\":[],\"response\":\"\"}", "key \"prompt\" is not text"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"reward\":true}",
		 "key \"reward\" is not a finite number"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"reward\":{\"$float\":\"inf\"}"
		 "}",
		 "key \"reward\" is not a finite number"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"entropy\":{\"$float\":\"nan\"}"
		 "}",
		 "key \"entropy\" is not a finite number"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"step\":1.5}",
		 "key \"step\" is not a whole number from 0 to 2^63-1"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"iter\":-1}",
		 "key \"iter\" is not a whole number from 0 to 2^63-1"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"tokens\":\"abcd\"}",
		 "key \"tokens\" is not token ids"},
		{"{\"task\":\"\",\"prompt\":\"\",\"response\":\"\",\"tokens\":{\"$bin\":\"AAAA\"}}",
		 "key \"tokens\" is not token ids"},
	};
	struct reason why;
	struct traj t;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rec r = record(cases[i][0]);

		assert_int_equal(trajscan(&t, &r, "in", &why), ST_INPUT);
		assert_non_null(strstr(why.text, "in: record 3 at byte 77: "));
		assert_non_null(strstr(why.text, cases[i][1]));
	}
}

static void test_path(void **state)
{
	struct rec r =
		record("{\"a\":{\"b\":{\"c\":1},\"b.c\":2,\"n\":null},\"a.x\":3,\"s\":\"t\"}");
	int64_t v = 0;

	(void)state;
	assert_true(mp_i64(trajscan_path(r.map, "a.b.c"), &v));
	assert_int_equal(v, 2);
	assert_true(mp_i64(trajscan_path(r.map, "a.x"), &v));
	assert_int_equal(v, 3);
	assert_int_equal(mp_type(trajscan_path(r.map, "a.b")), MP_MAP);
	assert_null(trajscan_path(r.map, "a.n").p);
	assert_null(trajscan_path(r.map, "a.y").p);
	assert_null(trajscan_path(r.map, "s.t").p);
	assert_null(trajscan_path(r.map, "").p);
	assert_null(trajscan_path(r.map, ".").p);
}

/* Keys that are no text are passed over; one that comes twice is refused. */
static void test_keys(void **state)
{
	static char map[] = "\x85\x01\x02\xa4task\xa1t\xa6prompt\xa0\xa8response\xa0\xa4xask\xa1u";
	struct rec r = {.map = {(const uint8_t *)map, sizeof map - 1}, .index = 3, .offset = 77};
	struct reason why;
	struct traj t;

	(void)state;
	assert_int_equal(trajscan(&t, &r, "in", &why), 0);
	assert_true(span_is(t.task, "t"));
	*strstr(map + 3, "xask") = 't';
	assert_int_equal(trajscan(&t, &r, "in", &why), ST_INPUT);
	assert_non_null(strstr(why.text, "key \"task\" occurs twice"));
}

static void test_text(void **state)
{
	struct rec r = record("{\"s\":\"x\\ty\",\"i\":-7,\"f\":0.25,\"y\":true,\"no\":false,\"n\":"
			      "null,\"l\":[]}");
	static const char *const want[][2] = {{"s", "x\ty"}, {"i", "-7"},     {"f", "0.25"},
					      {"y", "true"}, {"no", "false"}, {"n", NULL},
					      {"l", NULL}};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		bool is = trajscan_text(&b, trajscan_path(r.map, want[i][0]));

		assert_true(is == (want[i][1] != NULL));
		assert_string_equal(buf_cstr(&b), is ? want[i][1] : "");
		buf_reset(&b);
	}
	buf_free(&b);
}

static bool where(const char *condition, struct mp map)
{
	struct reason why;
	struct where w;
	bool is;

	assert_int_equal(where_parse(&w, condition, &why), 0);
	is = where_holds(&w, map);
	where_free(&w);
	return is;
}

static void test_where(void **state)
{
	static const char *const hold[] = {
		"n = 5",
		"n==5",
		" n  =  5 ",
		"n = 5.0",
		"n<5.5",
		"n >= 5",
		"n != 4",
		"n != five",
		"n ~ ^5$",
		"f = 0.25",
		"f=2.5e-1",
		"f > -1",
		"t = abc",
		"digits < 6",
		"digits >= 5.0",
		"angle = <b>",
		"t != ab",
		"t ~ b",
		"t ~ ^a.c$",
		"none != 1",
		"n",
		"t",
		"yes = true",
		"digits = 5",
		"nan != 1",
		"nan = nan",
		"list != list",
		"empty =",
		"empty = ",
		"list",
		"\tt\t=\tabc\t",
		"spaced = a  b",
		"n > -9223372036854775808",
	};
	static const char *const fail[] = {
		"n = 4",   "n = 5.5", "n = five",     "n > 5",      "n < 5",    "t = ab",
		"t > 4",   "t ~ ^b",  "none",         "none = ",    "none < 1", "none ~ .",
		"nil",     "nil = ",  "digits = 5.0", "nan < 1",    "nan >= 1", "list = []",
		"yes = 1", "n ~ 6",   "empty != ",    "digits > 5", "yes < 2",  "empty < 1",
	};
	struct rec r = record(
		"{\"n\":5,\"f\":0.25,\"t\":\"abc\",\"yes\":true,\"digits\":\"5\",\"nil\":null,"
		"\"nan\":{\"$float\":\"nan\"},\"list\":[1],\"empty\":\"\",\"angle\":\"<b>\","
		"\"spaced\":\"a  b\"}");

	(void)state;
	for (size_t i = 0; i < sizeof hold / sizeof hold[0]; i++)
		if (!where(hold[i], r.map))
			fail_msg("does not hold: %s", hold[i]);
	for (size_t i = 0; i < sizeof fail / sizeof fail[0]; i++)
		if (where(fail[i], r.map))
			fail_msg("holds: %s", fail[i]);
}

static void test_where_bad(void **state)
{
	static const char *const bad[] = {
		"",        "= 1",    "a ! b",  "a ~ [",  "  ",     "!a",     "a ~",
		"a > ",    "a => 1", "a =< 1", "a =~ b", "a !~ b", "a <> b", "a === b",
		"a !== b", "a=<b>",  "a < b",  "a > ab", "a <= x", "a >= -", "a < 1 2"};
	struct reason why;
	struct where w;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(where_parse(&w, bad[i], &why), ST_USAGE);
}

/* A condition knows whether its key was there in any record. */
static void test_where_seen(void **state)
{
	struct rec r = record("{\"n\":5,\"m\":{\"level\":2}}");
	static const char *const there[] = {"n < 1", "m.level", "n = x"};
	static const char *const absent[] = {"N < 1", "m.Level != 2", "level ~ 2"};
	struct reason why;
	struct where w;

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(where_parse(&w, i < 3 ? there[i] : absent[i - 3], &why), 0);
		where_holds(&w, r.map);
		assert_true(w.seen == (i < 3));
		where_free(&w);
	}
}

static int free_bytes(void **state)
{
	(void)state;
	buf_free(&bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys),  cmocka_unit_test(test_absent),
		cmocka_unit_test(test_graded),    cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_path),      cmocka_unit_test(test_keys),
		cmocka_unit_test(test_text),      cmocka_unit_test(test_where),
		cmocka_unit_test(test_where_bad), cmocka_unit_test(test_where_seen),
	};

	return cmocka_run_group_tests(tests, NULL, free_bytes);
}
