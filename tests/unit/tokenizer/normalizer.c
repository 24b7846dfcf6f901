/* normalizer.h: NFC against utf8proc's of the whole text, steps one after the other. */
#include "scratch.h"

#include "base/rng.h"
#include "tokenizer/normalizer.h"

#include <utf8proc.h>

static void load(struct normalizer *z, const char *text)
{
	json_t *j = json_loads(text, 0, NULL);
	struct reason why = {0};

	if (normalizer_load(z, j, &why))
		fail_msg("%s", why.text);
	json_decref(j);
}

/* Letters with and without accents, marks in and out of order, Hangul, signs that fall apart */
static void nfc_as_utf8proc(void **state)
{
	static const char *const some[] = {"a",
					   "e",
					   " ",
					   "\xc3\xa9",
					   "\xc5\x82",
					   "\xc3\xa7",
					   "\xcc\x81",
					   "\xcc\xa7",
					   "\xcd\x80",
					   "\xcc\x80",
					   "\xe1\x84\x80",
					   "\xe1\x85\xa1",
					   "\xe1\x86\xa8",
					   "\xea\xb0\x80",
					   "\xe2\x84\xab",
					   "\xe4\xbd\xa0",
					   "\xe0\xa4\xa8",
					   "\xe0\xa4\xbc",
					   "\xf0\x9f\x98\x80",
					   "\xef\xac\x81",
					   "\xe2\x81\xb5",
					   "\xf0\x9d\x85\x97",
					   "\xf0\x9d\x85\xa5",
					   "\xcd\x8f"};
	struct normalizer z = {0};
	struct norm_work w = {0};
	struct buf text = {0};

	(void)state;
	load(&z, "{\"type\":\"NFC\"}");
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t key = rng_key(4, RNG_TEST, i, 0, 0), n = 1 + rng_below(key, 0, 12);
		utf8proc_uint8_t *want = NULL;
		utf8proc_ssize_t len;
		struct span got;

		buf_reset(&text);
		for (uint64_t k = 1; k <= n; k++)
			buf_str(&text, some[rng_below(key, k, sizeof some / sizeof *some)]);
		len = utf8proc_map((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n,
				   &want, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
		got = (struct span){text.p, text.n};
		assert_int_equal(normalizer_run(&z, &got, &w, NULL), 0);
		assert_int_equal(got.n, len);
		assert_memory_equal(got.p, want, got.n);
		free(want);
	}
	buf_free(&text);
	norm_work_free(&w);
	normalizer_free(&z);
}

static void becomes(const char *json, const char *text, const char *want)
{
	struct normalizer z = {0};
	struct norm_work w = {0};
	struct span s = {text, strlen(text)};

	load(&z, json);
	assert_int_equal(normalizer_run(&z, &s, &w, NULL), 0);
	if (!span_is(s, want))
		fail_msg("\"%.*s\", not \"%s\"", (int)s.n, s.p, want);
	norm_work_free(&w);
	normalizer_free(&z);
}

static void bytes_that_are_no_text(void **state)
{
	static const char nfc[] = "{\"type\":\"NFC\"}";

	(void)state;
	becomes(nfc, "\xff", "\xff");
	becomes(nfc, "e\xcc\x81\xff\xcc\x81", "\xc3\xa9\xff\xcc\x81");
	becomes(nfc, "\x80\xcc", "\x80\xcc");
	becomes(nfc, "\xc3\xcc\x81", "\xc3\xcc\x81");
	becomes(nfc, "ab\xe2\x84", "ab\xe2\x84");
	becomes(nfc, "", "");
}

static void steps(void **state)
{
	(void)state;
	becomes("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Replace\",\"pattern\":{"
		"\"String\":"
		"\"b\"},\"content\":\"e\xcc\x81\"},{\"type\":\"NFC\"},{\"type\":\"Prepend\","
		"\"prepend\":\"_ \"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
		"\"content\":\"\"}]}",
		"a b", "_a\xc3\xa9");
	becomes("{\"type\":\"Prepend\",\"prepend\":\"_\"}", "", "");
	becomes("{\"type\":\"Sequence\",\"normalizers\":[]}", "a", "a");
	becomes("null", "a", "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nfc_as_utf8proc),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
