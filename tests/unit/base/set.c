/* Tests of base/hash.h, base/set.h and base/utf8.h. */
#include "base/hash.h"
#include "base/set.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <cmocka.h>

/* In pieces of any size, both widths are those of the whole; so is that of bytes in one piece. */
static void hash_in_pieces(void **state)
{
	static char data[5000];
	struct hash *h = hash_new();
	char hex[17];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7 + i / 256);
	for (size_t n = 0; n <= sizeof data; n += n < 300 ? 1 : 611) {
		XXH128_hash_t want = XXH3_128bits(data, n);
		uint64_t got[2];

		hash_reset(h);
		for (size_t at = 0, piece = 1; at < n; at += piece, piece = piece * 3 % 257 + 1) {
			piece = piece < n - at ? piece : n - at;
			hash_add(h, data + at, piece);
		}
		assert_true(hash_64(h) == XXH3_64bits(data, n));
		assert_true(hash_once(data, n) == XXH3_64bits(data, n));
		hash_128(h, got);
		assert_true(got[0] == want.low64 && got[1] == want.high64);
		hash_once_128(data, n, got);
		assert_true(got[0] == want.low64 && got[1] == want.high64);
	}
	hash_free(h);
	hash_free(NULL);
	hash_hex(0xabc, hex);
	assert_string_equal(hex, "0000000000000abc");
	hash_hex(UINT64_C(0x0123456789abcdef), hex);
	assert_string_equal(hex, "0123456789abcdef");
	hash_hex(UINT64_C(0xf9a0ffff00009a90), hex);
	assert_string_equal(hex, "f9a0ffff00009a90");
	h = hash_new(); /* the known answer for no bytes */
	hash_hex(hash_64(h), hex);
	assert_string_equal(hex, "2d06800538d394c2");
	hash_free(h);
}

static void set_tells_new_from_old(void **state)
{
	struct set s = {0};
	char key[16];

	(void)state;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 10000; i++) {
			snprintf(key, sizeof key, "k%d", i);
			assert_int_equal(set_add(&s, key, strlen(key)), pass == 0);
		}
	assert_int_equal(s.n, 10000);
	assert_true(set_add(&s, "", 0));
	assert_false(set_add(&s, "", 0));
	assert_true(set_add(&s, "k1\0", 3)); /* the length counts */
	set_free(&s);
	assert_true(set_add(&s, "k1", 2));
	set_free(&s);
}

static void utf8_table(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		bool ok;
	} cases[] = {
		{"", 0, true},
		{"plain text, longer than one word", 32, true},
		{"a\0b", 3, true},
		{"\x7f", 1, true},
		{"\xc2\x80\xdf\xbf", 4, true},
		{"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12, true},
		{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, true},
		{"\x80", 1, false},     /* a continuation alone */
		{"\xc0\x80", 2, false}, /* overlong */
		{"\xc1\xbf", 2, false},
		{"\xe0\x9f\xbf", 3, false},
		{"\xf0\x8f\xbf\xbf", 4, false},
		{"\xed\xa0\x80", 3, false},     /* a surrogate */
		{"\xf4\x90\x80\x80", 4, false}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", 4, false},
		{"\xff", 1, false},
		{"\xc3", 1, false}, /* cut off */
		{"\xe2\x82", 2, false},
		{"\xf0\x9f\x98", 3, false},
		{"\xe2\x28\xa1", 3, false},
		{"\xf0\x90\x80\x28", 4, false},
		{"1234567\xc3\xa9", 9, true}, /* across a word's end */
		{"12345678\xc3", 9, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *exact = malloc(cases[i].n + 1); /* a sanitizer sees reads behind it */

		memcpy(exact, cases[i].p, cases[i].n);
		exact = realloc(exact, cases[i].n ? cases[i].n : 1);
		assert_int_equal(utf8_valid(exact, cases[i].n), cases[i].ok);
		free(exact);
	}
}

/* Keys that agree in most of their bits, high or low, do not meet in a few places of a table. */
static void prepared_keys_are_spread(void **state)
{
	enum { CAP = 1 << 13, KEYS = 1 << 12 };
	static bool taken[CAP];
	uint64_t key = hash_key();

	(void)state;
	assert_int_equal(key, hash_key());
	assert_int_equal(key & 1, 1);
	for (int shift = 0; shift <= 52; shift += 4) {
		size_t places = 0;

		memset(taken, 0, sizeof taken);
		for (uint64_t k = 0; k < KEYS; k++) {
			size_t at = hash_place(k << shift, 0x9e3779b97f4a7c15, CAP);

			assert_true(at < CAP);
			places += !taken[at];
			taken[at] = true;
		}
		assert_true(places > KEYS / 64);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_in_pieces),
		cmocka_unit_test(set_tells_new_from_old),
		cmocka_unit_test(utf8_table),
		cmocka_unit_test(prepared_keys_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
