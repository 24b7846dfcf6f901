/* Tests of base/tape.h: what it takes is what jansson takes, and the values are the same. */
#include "base/json.h"
#include "base/tape.h"
#include "scratch.h"

#include <math.h>

#define LONG "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789"

static struct tape tape;

static enum tape_end parsed(const char *text, size_t n)
{
	static char *mem; /* no byte more, so that a sanitizer sees a read of one */

	free(mem);
	mem = malloc(n ? n : 1);
	assert_non_null(mem);
	memcpy(mem, text, n);
	return tape_parse(&tape, mem, n);
}

/* v and j are the same value. */
static void check_same(struct tape_val v, const json_t *j)
{
	struct tape_iter it = tape_walk(v);
	struct tape_val key, value;
	struct span s = {0};
	int64_t i;
	double x;

	switch (json_typeof(j)) {
	case JSON_NULL:
		assert_true(tape_type(v) == TAPE_NULL && tape_none(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		assert_int_equal(tape_type(v), json_is_true(j) ? TAPE_TRUE : TAPE_FALSE);
		break;
	case JSON_INTEGER:
		assert_true(tape_i64(v, &i) && i == json_integer_value(j));
		break;
	case JSON_REAL:
		assert_true(tape_f64(v, &x) && x == json_real_value(j));
		assert_int_equal(signbit(x), signbit(json_real_value(j)));
		assert_false(tape_i64(v, &i));
		break;
	case JSON_STRING:
		assert_true(tape_text(v, &s) && s.n == json_string_length(j));
		assert_memory_equal(s.p, json_string_value(j), s.n);
		break;
	case JSON_ARRAY:
		assert_int_equal(tape_count(v), json_array_size(j));
		for (size_t k = 0; tape_next(&it, &key, &value); k++) {
			assert_int_equal(tape_type(key), TAPE_NONE);
			check_same(value, json_array_get(j, k));
			assert_int_equal(tape_at(v, (uint32_t)k).i, value.i);
		}
		break;
	case JSON_OBJECT:
		assert_int_equal(tape_count(v), json_object_size(j));
		while (tape_next(&it, &key, &value)) {
			assert_true(tape_text(key, &s));
			check_same(value, json_object_getn(j, s.p, s.n));
		}
		break;
	}
}

static void check(const char *text, size_t n)
{
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	enum tape_end end = parsed(text, n);

	if (!j != (end != TAPE_WHOLE))
		fail_msg("%.*s: jansson %s", (int)n, text, j ? "takes it" : "refuses it");
	if (j)
		check_same(tape_root(&tape), j);
	json_decref(j);
}

static const char *const texts[] = {
	"{}",
	"[]",
	" [ ] ",
	"[1]",
	"[1, -2,\t3\n]",
	"{\"a\":1,\"b\":[{}],\"c\":{\"d\":[[]]}}",
	"[true,false,null]",
	"[tru]",
	"[nul",
	"[truee]",
	"[1,]",
	"[,1]",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{1:2}",
	"{\"a\":1]",
	"[1}",
	"[1]]",
	"[1] [2]",
	"1",
	"\"a\"",
	"",
	" ",
	"[",
	"{",
	"[\"",
	"[\"a",
	"[\"a\\",
	"[\"\\u12",
	"[\"\\ud83c",
	"[\"\\ud83c\\",
	"[\"plain\"]",
	"[\"a\\n\\t\\r\\b\\f\\/\\\\\\\"z\"]",
	"[\"\\u0041\\u00e9\\u65e5\\ud83c\\udf89\\u0000x\"]",
	"[\"\\ud83c\"]",
	"[\"\\ud83cx\"]",
	"[\"\\ud83c\\u0041\"]",
	"[\"\\udf89\"]",
	"[\"\\uD83C\\uDF89\"]",
	"[\"\\x41\"]",
	"[\"\\u00g0\"]",
	"[\"tab\there\"]",
	"[\"a line\nfeed\"]",
	"[\"\x7f ok\"]",
	"[\"\xc3\xa9\xe6\x97\xa5\"]",
	"[\"\xff\"]",
	"[\"\xc0\x80\"]",
	"[\"\xed\xa0\x80\"]",
	"[\"0123456789abcdef\\n0123456789abcdef0123456789\"]",
	"[\"0123456\\\"\"]",
	"[\"01234567\\\"\"]",
	"[\"012345678\xc3\"]",
	"{\"a\":1,\"a\":2}",
	"{\"a\":1,\"\\u0061\":2}",
	"{\"\\u0061\":1,\"b\":2}",
	"{\"a\":{\"a\":1},\"b\":{\"a\":2}}",
	"[0,-0,0.0,-0.0,1e3,1E+3,1e-3,1.5e3,123456789012345678]",
	"[9223372036854775807,-9223372036854775808]",
	"[00]",
	"[01]",
	"[-]",
	"[1.]",
	"[.5]",
	"[1e]",
	"[1e+]",
	"[+1]",
	"[0x1]",
	"[NaN]",
	"[Infinity]",
	"[-Infinity]",
	"[1e308,1e-400,-1.7976931348623157e308]",
	"[1e309]",
	"[-1.1015957593917847,-0.30000001192092896,0.1,5e-324,1.7976931348623157e308]",
	"[9007199254740993.0,9007199254740992.5,9007199254740991.5,4503599627370497.5]",
	"[0.000000000000000000000000000000000000012345678901234567890123456789]",
	"[123456789012345678901234567890.5]",
	"// no",
	"[1] x",
};

static void same_as_jansson(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		check(texts[i], strlen(texts[i]));
	check("[\"a\0b\"]", 7);
}

/* Cut off anywhere, it is a beginning. */
static void beginnings(void **state)
{
	const char text[] = "{\"k\": [1.5e2, \"\\ud83c\\udf89\xc3\xa9\", true, null], \"l\": {}}";

	(void)state;
	for (size_t n = 0; n + 1 < sizeof text; n++)
		assert_int_equal(parsed(text, n), TAPE_CUT);
}

static const char *const marks[] = {"\\n",
				    "\\u00e9",
				    "\\ud83c\\udf89",
				    "\xc3\xa9",
				    "\xf0\x9f\x8e\x89",
				    "\xe2\x82\xac",
				    "\\\\",
				    "\\\"",
				    "\"",
				    "\x1f",
				    "\xff",
				    "\xc3",
				    "\\",
				    "\\u00",
				    "\\x",
				    "\x7f"};

/* Each at each place of blocks, alone and behind another, with what follows in one line or more
 */
static void marks_in_blocks(void **state)
{
	enum { N = sizeof marks / sizeof *marks };
	struct buf b = {0};

	(void)state;
	for (size_t m = 0; m < N * (N + 1); m++)
		for (size_t at = 0; at < 2 * strlen(LONG); at += 1 + at % 3) {
			buf_reset(&b);
			buf_printf(&b, "[\"%.*s%s%s%s\",\"\"]", (int)at, LONG LONG,
				   m / N < N ? marks[m / N] : "", marks[m % N], LONG LONG);
			check(b.p, b.n);
			buf_reset(&b);
			buf_printf(&b, "[\"%.*s%s%s%.*s\"]", (int)at, LONG LONG,
				   m / N < N ? marks[m / N] : "", marks[m % N], (int)(at % 70),
				   LONG);
			check(b.p, b.n);
		}
	buf_free(&b);
}

/* What is no plain byte at each place of a text of each length about a lane's, behind other texts
 */
static void marks_everywhere(void **state)
{
	struct buf b = {0};

	(void)state;
	for (size_t m = 0; m < sizeof marks / sizeof *marks; m++)
		for (size_t n = 0; n < 70; n++)
			for (size_t at = 0; at <= n; at += n < 36 ? 1 : 5) {
				buf_reset(&b);
				buf_str(&b, "[\"a\\tb\",{\"k\":\"");
				buf_printf(&b, "%.*s%s", (int)at, LONG, marks[m]);
				buf_printf(&b, "%.*s\"}]", (int)(n - at), LONG);
				check(b.p, b.n);
			}
	buf_free(&b);
}

static void deep(void **state)
{
	char text[2 * 2049];

	(void)state;
	for (size_t n = 2047; n <= 2049; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		check(text, 2 * n);
	}
}

static void many_keys(void **state)
{
	struct buf b = {0};

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		buf_reset(&b);
		buf_char(&b, '{');
		for (int i = 0; i < 1000; i++)
			buf_printf(&b, "\"k%d\":%d,", i, i);
		buf_printf(&b, "\"k%d\":0}", twice ? 500 : 1000);
		check(b.p, b.n);
	}
	buf_free(&b);
}

/* The nearest double of every form that a printer of floats gives */
static void numbers(void **state)
{
	uint64_t r = 1;
	char text[64];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		double x;

		r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		x = (double)(int64_t)r * pow(10, (double)(r >> 58) - 40);
		snprintf(text, sizeof text, "[%#.*g]", 1 + i % 20, x);
		check(text, strlen(text));
		snprintf(text, sizeof text, "[%.*f]", i % 20, log((double)(r >> 11) / 0x1p53) * 3);
		check(text, strlen(text));
	}
}

/* Lists of whole numbers, with what may stand among them or must not */
static void lists(void **state)
{
	static const char *const elements[] = {
		"0",         "7",        "-5",        "42",   "151643", "1234567", "7654321",
		"123456789", "-100",     "99",        "12.5", "01",     "00",      "1e3",
		"true",      "\"text\"", "[1, 2, 3]", "12x",  "1:",     "-",       "1}"};
	static const char *const between[] = {", ", ",", ", ", ",  ", " ,", ",\n", ",,", " "};
	struct buf b = {0};
	uint64_t r = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int n = i % 23;
		bool usual = i % 11;

		buf_reset(&b);
		buf_char(&b, '[');
		for (int k = 0; k < n; k++) {
			r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			if (k)
				buf_str(&b, between[usual ? i & 1 : (int)(r >> 61)]);
			buf_str(&b, elements[(r >> 32) % (usual ? 10 : 21)]);
		}
		buf_str(&b, "]");
		check(b.p, b.n);
		check(b.p, b.n - 1);
	}
	buf_free(&b);
}

static void looking(void **state)
{
	const char big[] = "[9223372036854775808,-100000000000000000000]";
	const char text[] = "{\"a\":\"x\\n\",\"b\":[1,2.5],\"c\":null}";
	struct tape_val v;
	struct span s = {"", 0};
	int64_t i = 7;
	double x;

	(void)state;
	assert_int_equal(parsed(big, strlen(big)), TAPE_WHOLE);
	assert_false(tape_i64(tape_at(tape_root(&tape), 0), &i));
	assert_true(tape_f64(tape_at(tape_root(&tape), 0), &x) && x == 0x1p63);
	assert_true(tape_f64(tape_at(tape_root(&tape), 1), &x) && x == -1e20);
	assert_int_equal(parsed(text, strlen(text)), TAPE_WHOLE);
	v = tape_root(&tape);
	assert_true(tape_is(tape_get(v, "a"), "x\n") && tape_is(tape_get(v, "a"), "x\n"));
	assert_true(tape_none(tape_get(v, "c")) && tape_none(tape_get(v, "d")));
	assert_int_equal(tape_type(tape_get(v, "d")), TAPE_NONE);
	assert_true(tape_f64(tape_at(tape_get(v, "b"), 0), &x) && x == 1);
	assert_true(tape_f64(tape_at(tape_get(v, "b"), 1), &x) && x == 2.5);
	assert_int_equal(tape_type(tape_at(tape_get(v, "b"), 2)), TAPE_NONE);
	assert_int_equal(tape_count(v), 3);
	assert_int_equal(tape_count(tape_get(v, "a")), 0);
	assert_int_equal(tape_type(tape_get(tape_get(v, "b"), "a")), TAPE_NONE);
	assert_int_equal(tape_type(tape_at(v, 0)), TAPE_NONE);
	assert_false(tape_text(tape_get(v, "b"), &s) || tape_i64(tape_get(v, "a"), &i));
	assert_true(s.n == 0 && i == 7);
}

/* What is behind the first newline does not count, whatever it is. */
static void first_lines(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		enum tape_end end;
	} all[] = {
		{"{\"a\": 1}\n{\"b\": 2}", 8, TAPE_WHOLE},
		{"[1, 2] \r\n\xff", 8, TAPE_WHOLE},
		{" [\"x\"]", 6, TAPE_WHOLE},
		{"{\"a\":\n1}", 0, TAPE_CUT},
		{"[\n1]", 0, TAPE_CUT},
		{"\n[1]", 0, TAPE_CUT},
		{"[1] [2]\n", 0, TAPE_BAD},
		{"[\"a\nb\"]", 0, TAPE_BAD},
		{"x\n[1]", 0, TAPE_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		size_t n = strlen(all[i].text), len;
		char *text = memcpy(malloc(n), all[i].text, n); /* nothing is read behind it */

		assert_int_equal(tape_line(&tape, text, n, &len), all[i].end);
		if (all[i].end == TAPE_WHOLE)
			assert_int_equal(len, all[i].len);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_jansson),
		cmocka_unit_test(beginnings),
		cmocka_unit_test(marks_everywhere),
		cmocka_unit_test(marks_in_blocks),
		cmocka_unit_test(deep),
		cmocka_unit_test(many_keys),
		cmocka_unit_test(numbers),
		cmocka_unit_test(lists),
		cmocka_unit_test(looking),
		cmocka_unit_test(first_lines),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	tape_free(&tape);
	return failed;
}
