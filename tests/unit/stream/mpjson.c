/* Tests of stream/mpjson.h: both ways without loss. */
#include "base/json.h"
#include "scratch.h"
#include "stream/mpjson.h"
#include "stream/pack.h"

#include <cmocka.h>
#include <math.h>

static struct reason why;

/* The MessagePack of a JSON text; the record form when asked for. */
static struct buf packed(const char *text, bool record)
{
	struct buf b = {0};
	json_t *j = json_parse(text, strlen(text), "test", &why);
	size_t len;

	assert_non_null(j);
	if (record)
		mpjson_to_record(&b, j);
	else
		mpjson_to(&b, j);
	json_decref(j);
	assert_int_equal(mp_skim(b.p, b.n, &len), MP_OK);
	assert_int_equal(len, b.n);
	return b;
}

static struct mp view(const struct buf *b)
{
	return (struct mp){(const uint8_t *)b->p, b->n};
}

/* MessagePack -> JSON is this text, and back are the same bytes. */
static void check_bytes(const void *p, size_t n, const char *want, bool record)
{
	struct buf text = {0}, back;
	struct mp v = {p, n};

	if (record)
		mpjson_from_record(&text, v);
	else
		mpjson_from(&text, v);
	if (want)
		assert_string_equal(buf_cstr(&text), want);
	back = packed(buf_cstr(&text), record);
	assert_int_equal(back.n, n);
	assert_memory_equal(back.p, p, n);
	buf_free(&text);
	buf_free(&back);
}

/* In an array, since JSON texts begin with a container for jansson. */
#define SAME(bytes, want) check_bytes("\x91" bytes, sizeof(bytes), "[" want "]", false)

static void values(void **state)
{
	(void)state;
	SAME("\xc0", "null");
	SAME("\xc2", "false");
	SAME("\xc3", "true");
	SAME("\x00", "0");
	SAME("\xff", "-1");
	SAME("\xe0", "-32");
	SAME("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807");
	SAME("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", "{\"$u64\":\"9223372036854775808\"}");
	SAME("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "{\"$u64\":\"18446744073709551615\"}");
	SAME("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808");
	SAME("\xca\x3f\x80\x00\x00", "1.0");
	SAME("\xca\x80\x00\x00\x00", "-0.0");
	SAME("\xca\x3d\xcc\xcc\xcd", "0.10000000149011612"); /* the float32 that it is */
	SAME("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1");
	SAME("\xcb\x7f\xef\xff\xff\xff\xff\xff\xff", "1.7976931348623157e+308");
	SAME("\xcb\x00\x00\x00\x00\x00\x00\x00\x01", "5e-324");
	SAME("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "{\"$float\":\"nan\"}");
	SAME("\xca\x7f\x80\x00\x00", "{\"$float\":\"inf\"}");
	SAME("\xca\xff\x80\x00\x00", "{\"$float\":\"-inf\"}");
	SAME("\xa0", "\"\"");
	SAME("\xa3"
	     "a\0b",
	     "\"a\\u0000b\"");
	SAME("\xa9\"\\/\b\f\n\r\t\x1f", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\"");
	SAME("\xa7\xc3\xa9\x7f\xf0\x9f\x98\x80", "\"\xc3\xa9\x7f\xf0\x9f\x98\x80\"");
	SAME("\xa1\xff", "{\"$str\":\"/w==\"}");
	SAME("\xa3\xed\xa0\x80", "{\"$str\":\"7aCA\"}"); /* a surrogate */
	SAME("\xc4\x00", "{\"$bin\":\"\"}");
	SAME("\xc4\x01\x00", "{\"$bin\":\"AA==\"}");
	SAME("\xc4\x02\x00\xff", "{\"$bin\":\"AP8=\"}");
	SAME("\xc4\x03"
	     "abc",
	     "{\"$bin\":\"YWJj\"}");
	SAME("\xc4\x03\xfb\xff\xbf", "{\"$bin\":\"+/+/\"}");
	SAME("\x90", "[]");
	SAME("\x92\x01\x91\x02", "[1,[2]]");
}

static void maps(void **state)
{
	(void)state;
	SAME("\x80", "{}");
	SAME("\x82\xa1z\x01\xa1"
	     "a\x02",
	     "{\"z\":1,\"a\":2}"); /* the order stays */
	SAME("\x81\x01\x02", "{\"$map\":[[1,2]]}");
	SAME("\x81\xc0\x80", "{\"$map\":[[null,{}]]}");
	SAME("\x81\x80\x80", "{\"$map\":[[{},{}]]}");
	SAME("\x82\xa1"
	     "a\x01\xa1"
	     "a\x02",
	     "{\"$map\":[[\"a\",1],[\"a\",2]]}");
	SAME("\x81\xc4\x01"
	     "a\x01",
	     "{\"$map\":[[{\"$bin\":\"YQ==\"},1]]}");
	SAME("\x81\xa1\xff\x01", "{\"$map\":[[{\"$str\":\"/w==\"},1]]}");
	SAME("\x81\xa2"
	     "a\0\x01",
	     "{\"$map\":[[\"a\\u0000\",1]]}");
	/* what looks like one of the marks is no mark */
	SAME("\x81\xa4$bin\xa0", "{\"$map\":[[\"$bin\",\"\"]]}");
	SAME("\x81\xa4$map\x90", "{\"$map\":[[\"$map\",[]]]}");
	SAME("\x81\xa4$u64\xa1"
	     "5",
	     "{\"$map\":[[\"$u64\",\"5\"]]}");
	SAME("\x82\xa4$bin\xa0\xa1x\x01", "{\"$bin\":\"\",\"x\":1}");
	SAME("\x81\xa4$foo\xa0", "{\"$foo\":\"\"}");
}

static void many_keys(void **state)
{
	for (int twice = 0; twice < 2; twice++) { /* with a key that comes twice */
		struct buf b = {0};
		msgpack_packer pk;

		pack_init(&pk, &b);
		msgpack_pack_map(&pk, 300);
		for (int i = 0; i < 300; i++) {
			char key[16];

			snprintf(key, sizeof key, "k%d", twice && i == 299 ? 0 : i);
			pack_str(&pk, key);
			msgpack_pack_int(&pk, i);
		}
		check_bytes(b.p, b.n, NULL, false);
		buf_free(&b);
	}
	(void)state;
}

/* What is no mark stays the object that it is. */
static void malformed_marks(void **state)
{
	static const char *const texts[] = {
		"{\"$bin\":5}",
		"{\"$bin\":\"a\"}",
		"{\"$bin\":\"a===\"}",
		"{\"$bin\":\"=AAA\"}",
		"{\"$bin\":\"AA*=\"}",
		"{\"$float\":\"x\"}",
		"{\"$float\":1.0}",
		"{\"$u64\":\"\"}",
		"{\"$u64\":\"9223372036854775807\"}",
		"{\"$u64\":\"-1\"}",
		"{\"$u64\":\"18446744073709551616\"}",
		"{\"$u64\":\"27670116110564327425\"}", /* 2^64 more than one that would do */
		"{\"$u64\":5}",
		"{\"$map\":[[1]]}",
		"{\"$map\":{}}",
		"{\"$map\":[1]}",
		"{\"$str\":null}",
		"{\"$bin\":\"ab{=\"}",
		"{\"$bin\":\"ab=c\"}",
		"{\"$u64\":\"1a\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct buf b = packed(texts[i], false);
		struct mp_iter it;

		assert_true(mp_type(view(&b)) == MP_MAP && mp_enter(view(&b), &it));
		assert_int_equal(it.left, 1);
		buf_free(&b);
	}
}

static void records(void **state)
{
	(void)state;
	check_bytes("\x81\xa6tokens\xc4\x08\x01\0\0\0\xff\xff\xff\xff", 18,
		    "{\"tokens\":[1,4294967295]}", true);
	check_bytes("\x81\xadprompt_tokens\xc4\0", 17, "{\"prompt_tokens\":[]}", true);
	check_bytes("\x81\xa8logprobs\xc4\x08\xcd\xcc\xcc\xbd\0\0\0\0", 20,
		    "{\"logprobs\":[-0.1,0.0]}", true);
	check_bytes("\x81\xa4kept\xc4\x07\2\5\3\0\1\xff\1", 15, "{\"kept\":[[5,8],[],[255]]}",
		    true);
	check_bytes("\x81\xa4kept\xc4\0", 8, "{\"kept\":[]}", true);
	check_bytes("\x81\xa4kept\xc4\2\2\5", 10, "{\"kept\":{\"$bin\":\"AgU=\"}}", true);
	check_bytes("\x81\xa4kept\x91\x92\5\5", 10, "{\"kept\":[[5,5]]}", true);
	check_bytes("\x81\xa4kept\x91\xc2", 8, "{\"kept\":[false]}", true);
	/* what cannot be numbers without loss */
	check_bytes("\x81\xa6tokens\xc4\x03\1\2\3", 13, "{\"tokens\":{\"$bin\":\"AQID\"}}", true);
	check_bytes("\x81\xa8logprobs\xc4\x04\1\0\xc0\x7f", 16,
		    "{\"logprobs\":{\"$bin\":\"AQDAfw==\"}}", true);
	check_bytes("\x81\xa6tokens\x91\xff", 10, "{\"tokens\":[-1]}", true);
	check_bytes("\x81\xa6tokens\x91\xa1x", 11, "{\"tokens\":[\"x\"]}", true);
	/* only at the top, and only these */
	check_bytes("\x81\xa4meta\x81\xa6tokens\xc4\x04\1\0\0\0", 20,
		    "{\"meta\":{\"tokens\":{\"$bin\":\"AQAAAA==\"}}}", true);
}

/* Which lists of a record are packed as bin: those that a trajectory's may be */
static void packed_lists(void **state)
{
	static const struct {
		const char *json;
		enum mp_type type;
	} cases[] = {
		{"{\"x\":[1,-0.5,0]}", MP_ARRAY},
		{"{\"logprobs\":[1,-0.5,0]}", MP_BIN},
		{"{\"logprobs\":[]}", MP_BIN},
		{"{\"logprobs\":[-0.5,\"x\"]}", MP_ARRAY},
		{"{\"logprobs\":[-0.5,null]}", MP_ARRAY},
		{"{\"logprobs\":[-1e39]}", MP_ARRAY}, /* beyond a float */
		{"{\"logprobs\":\"x\"}", MP_STR},
		{"{\"tokens\":[4294967295]}", MP_BIN},
		{"{\"tokens\":[4294967296]}", MP_ARRAY},
		{"{\"tokens\":[1.0]}", MP_ARRAY},
		{"{\"tokens\":null}", MP_NIL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = packed(cases[i].json, true);
		struct mp_iter it;
		struct mp key, v = {0};

		mp_enter(view(&b), &it);
		assert_true(mp_next_pair(&it, &key, &v));
		if (mp_type(v) != cases[i].type)
			fail_msg("%s: type %d", cases[i].json, (int)mp_type(v));
		buf_free(&b);
	}
}

static void random_logprobs(void **state)
{
	uint32_t bits = 12345;
	struct buf b = {0};
	msgpack_packer pk;

	(void)state;
	pack_init(&pk, &b);
	msgpack_pack_map(&pk, 1);
	pack_str(&pk, "logprobs");
	msgpack_pack_bin(&pk, 400000);
	for (int i = 0; i < 100000; i++) {
		do
			bits = bits * 1664525 + 1013904223;
		while ((bits & 0x7f800000) == 0x7f800000);
		msgpack_pack_bin_body(&pk, &bits, 4);
	}
	check_bytes(b.p, b.n, NULL, true);
	buf_free(&b);
}

static void bad_text(void **state)
{
	static const struct {
		const char *text, *what;
	} bad[] = {
		{"{\"a\":1,\"a\":2}", "duplicate"},
		{"{\"a\":18446744073709551615}", "too big"},
		{"{\"a\":1e999}", "overflow"},
		{"{} x", "end of file expected"},
		{"\xef\xbb\xbf{}", "'[' or '{' expected"},
		{"{\"a\":\"\xff\"}", "unable to decode byte 0xff"},
		{"", "'[' or '{' expected"},
		{"5", "'[' or '{' expected"},
	};
	struct buf deep = {0};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_null(json_parse(bad[i].text, strlen(bad[i].text), "f:7", &why));
		assert_int_equal(why.status, ST_INPUT);
		assert_says(&why, "f:7: line 1, column ");
		assert_says(&why, bad[i].what);
	}
	for (int i = 0; i < 100000; i++)
		buf_char(&deep, '[');
	assert_null(json_parse(deep.p, deep.n, "f", &why));
	assert_says(&why, "depth");
	buf_free(&deep);
}

static void files(void **state)
{
	const char *dir = scratch_new();
	json_t *j;

	(void)state;
	scratch_put(dir, "x.json", "{\"a\":1}", 7);
	j = json_load(scratch_path(dir, "x.json"), 7, &why);
	assert_int_equal(json_integer_value(json_object_get(j, "a")), 1);
	json_decref(j);
	scratch_put(dir, "empty.json", "", 0);
	assert_null(json_load(scratch_path(dir, "empty.json"), 7, &why));
	assert_says(&why, "empty.json: line 1, column 0: '[' or '{' expected");
	assert_null(json_load(scratch_path(dir, "x.json"), 6, &why));
	assert_int_equal(why.status, ST_INPUT);
	assert_null(json_load(scratch_path(dir, "none"), 6, &why));
	assert_int_equal(why.status, ST_SYSTEM);
	scratch_free(dir);
}

static void floats_as_packed(void **state)
{
	static const struct {
		double v;
		size_t n; /* bytes: float32 where that is exact */
	} cases[] = {{0.5, 5}, {0.1, 9}, {1e300, 9}, {3e38, 9}, {16777217, 9}, {-2, 5}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = {0};
		msgpack_packer pk;
		double d;

		pack_init(&pk, &b);
		pack_float(&pk, cases[i].v);
		assert_int_equal(b.n, cases[i].n);
		assert_true(mp_f64(view(&b), &d) && d == cases[i].v);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),       cmocka_unit_test(maps),
		cmocka_unit_test(many_keys),    cmocka_unit_test(malformed_marks),
		cmocka_unit_test(records),      cmocka_unit_test(random_logprobs),
		cmocka_unit_test(packed_lists), cmocka_unit_test(bad_text),
		cmocka_unit_test(files),        cmocka_unit_test(floats_as_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
