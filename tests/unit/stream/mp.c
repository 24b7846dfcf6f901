/* Tests of stream/mp.h. */
#include "base/rng.h"
#include "stream/mp.h"
#include "stream/pack.h"

#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after the four headers it wants */
#include <cmocka.h>

#define SKIM(bytes, len) mp_skim(bytes, sizeof(bytes) - 1, len)

static void lengths_are_exact(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} whole[] = {
		{"\x00", 1},
		{"\xff", 1},
		{"\xc0", 1},
		{"\xc3", 1},
		{"\xa0", 1},
		{"\xa3"
		 "abc",
		 4},
		{"\xca\1\2\3\4", 5},
		{"\xcb\1\2\3\4\5\6\7\x8", 9},
		{"\xcc\xff", 2},
		{"\xcd\1\2", 3},
		{"\xce\1\2\3\4", 5},
		{"\xcf\1\2\3\4\5\6\7\x8", 9},
		{"\xd0\x80", 2},
		{"\xd3\1\2\3\4\5\6\7\x8", 9},
		{"\xc4\2ab", 4},
		{"\xc5\0\1a", 4},
		{"\xc6\0\0\0\0", 5},
		{"\xd9\1a", 3},
		{"\xda\0\1a", 4},
		{"\xdb\0\0\0\2ab", 7},
		{"\x80", 1},
		{"\x90", 1},
		{"\x82\1\2\3\x92\4\5", 7},
		{"\xdc\0\2\1\2", 5},
		{"\xdd\0\0\0\1\1", 6},
		{"\xde\0\1\1\2", 5},
		{"\xdf\0\0\0\1\1\2", 7},
		{"\x93\x90\x91\x80\x81\1\x90", 7},
		/* runs of floats, of both sizes, with bytes in them that look like heads */
		{"\x94\xca\1\2\3\4\xca\xca\xca\xca\xca\xcb\1\2\3\4\5\6\7\x8\2", 21},
		{"\x92\x92\xcb\1\2\3\4\5\6\7\x8\xcb\1\2\3\4\5\6\7\x8\xca\1\2\3\4", 25},
	};

	(void)state;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		size_t len;
		char *with_tail = malloc(whole[i].n + 1);

		memcpy(with_tail, whole[i].p, whole[i].n);
		with_tail[whole[i].n] = '\x93';
		assert_int_equal(mp_skim(with_tail, whole[i].n + 1, &len), MP_OK);
		assert_int_equal(len, whole[i].n);
		for (size_t n = 0; n < whole[i].n; n++) { /* every proper prefix wants more */
			char *cut = malloc(n ? n : 1);    /* exact: a sanitizer sees overruns */

			memcpy(cut, whole[i].p, n);
			assert_int_equal(mp_skim(cut, n, &len), MP_MORE);
			assert_true(len > n && len <= whole[i].n);
			free(cut);
		}
		free(with_tail);
	}
}

static void bombs_are_refused(void **state)
{
	char nested[5 * 8];
	size_t len;

	(void)state;
	assert_int_equal(SKIM("\xdd\xff\xff\xff\xff", &len), MP_TOO_MANY);
	assert_int_equal(SKIM("\xdf\xff\xff\xff\xff", &len), MP_TOO_MANY);
	assert_int_equal(SKIM("\xdf\x80\x00\x00\x00", &len), MP_TOO_MANY);
	assert_int_equal(SKIM("\xdb\xff\xff\xff\xff", &len), MP_TOO_LARGE);
	assert_int_equal(SKIM("\xc6\xff\xff\xff\xff", &len), MP_TOO_LARGE);
	assert_int_equal(SKIM("\xc6\x01\x00\x00\x00", &len), MP_TOO_LARGE); /* 5 bytes too many */
	assert_int_equal(SKIM("\xc6\x00\xff\xff\xfb", &len), MP_MORE);      /* 16 MiB in all */
	assert_int_equal(len, MP_MAX_BYTES);
	assert_int_equal(SKIM("\xc6\x00\xff\xff\xfc", &len), MP_TOO_LARGE);
	for (int more = 0; more < 2; more++) { /* with all of the bytes there */
		static uint8_t all[MP_MAX_BYTES + 1] = {0xc6, 0x00, 0xff, 0xff};

		all[4] = (uint8_t)(0xfb + more);
		assert_int_equal(mp_skim(all, sizeof all, &len), more ? MP_TOO_LARGE : MP_OK);
	}
	{ /* a header for more elements than there is room for, all before it being there */
		static uint8_t all[MP_MAX_BYTES] = {0x92, 0xc6, 0x00, 0xff, 0xff, 0xf2};

		memcpy(all + sizeof all - 8, "\xdc\x00\x06", 3);
		assert_int_equal(mp_skim(all, sizeof all, &len), MP_TOO_LARGE);
		all[sizeof all - 6] = 5;
		assert_int_equal(mp_skim(all, sizeof all, &len), MP_OK);
	}
	/* each of the nested headers would fit alone */
	for (int i = 0; i < 8; i++)
		memcpy(nested + 5 * i, "\xdd\x00\x03\x00\x00", 5);
	assert_int_equal(mp_skim(nested, sizeof nested, &len), MP_TOO_MANY);
	/* two strings of 9 MiB: the second has no room left */
	assert_int_equal(SKIM("\x92\xc6\x00\x90\x00\x00", &len), MP_MORE);
	assert_int_equal(SKIM("\xdc\x00\x03\xc6\x00\xff\xff\xf6", &len), MP_MORE);
	assert_int_equal(SKIM("\xdc\x00\x03\xc6\x00\xff\xff\xf7", &len), MP_TOO_LARGE);
}

static void odd_types_are_refused(void **state)
{
	static const uint8_t odd[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof odd; i++) {
		uint8_t alone = odd[i], inside[2] = {0x91, odd[i]};

		assert_int_equal(mp_skim(&alone, 1, &len), MP_BAD_TYPE);
		assert_int_equal(mp_skim(inside, 2, &len), MP_BAD_TYPE);
	}
}

static void depth_limit_is_exact(void **state)
{
	static uint8_t p[100000];
	size_t len;

	(void)state;
	memset(p, 0x91, sizeof p);
	for (size_t depth = 1; depth <= 40; depth++) {
		p[depth] = 0xc0;
		assert_int_equal(mp_skim(p, depth + 1, &len),
				 depth <= MP_MAX_DEPTH ? MP_OK : MP_TOO_DEEP);
		p[depth] = 0x91;
	}
	assert_int_equal(mp_skim(p, sizeof p, &len), MP_TOO_DEEP);
	memset(p, 0x81, 16); /* maps: the keys are nested, which is as deep */
	p[16] = 0x80;
	assert_int_equal(mp_skim(p, 17, &len), MP_TOO_DEEP);
}

static void object_limit_is_exact(void **state)
{
	size_t n = MP_MAX_OBJECTS, len;
	uint8_t *p = malloc(n + 5);

	(void)state;
	memset(p, 0xc0, n + 5);
	p[0] = 0xdd;
	for (int more = -1; more <= 0; more++) { /* the array itself is an object too */
		uint32_t count = (uint32_t)((long)n + more);

		for (int i = 0; i < 4; i++)
			p[1 + i] = (uint8_t)(count >> (24 - 8 * i));
		assert_int_equal(mp_skim(p, n + 5, &len), more < 0 ? MP_OK : MP_TOO_MANY);
	}
	free(p);
}

static void more_says_how_much(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(SKIM("", &len), MP_MORE);
	assert_int_equal(len, 1);
	assert_int_equal(SKIM("\x93", &len), MP_MORE);
	assert_int_equal(len, 4);
	assert_int_equal(SKIM("\x92\x93\x01", &len), MP_MORE);
	assert_int_equal(len, 6);
	assert_int_equal(SKIM("\x92\xc4\x0a\x01", &len), MP_MORE);
	assert_int_equal(len, 14);
	assert_int_equal(SKIM("\x92\xdb\x00", &len), MP_MORE);
	assert_int_equal(len, 7);
}

static struct mp whole(const void *p, size_t n)
{
	size_t len;

	assert_int_equal(mp_skim(p, n, &len), MP_OK);
	assert_int_equal(len, n);
	return (struct mp){p, n};
}

/* A walk by the ends that the skim noted is the walk that measures. */
static void ends_agree(const void *p, size_t n)
{
	struct mp v = {p, n}, a, b;
	struct mp_ends ends;
	struct mp_iter by_end, plain;
	size_t len, seen = 0;

	assert_int_equal(mp_skim_ends(p, n, &len, &ends), MP_OK);
	assert_int_equal(len, n);
	if (!mp_enter(v, &plain)) {
		assert_int_equal(ends.n, 0);
		return;
	}
	assert_true(mp_enter_ends(v, &ends, &by_end));
	if (mp_type(v) == MP_MAP) { /* keys and values alike */
		plain.left *= 2;
		by_end.left *= 2;
	}
	for (; mp_next(&plain, &a); seen++) {
		assert_true(mp_next(&by_end, &b));
		assert_ptr_equal(a.p, b.p);
		assert_int_equal(a.n, b.n);
	}
	assert_false(mp_next(&by_end, &b));
	assert_int_equal(ends.n, seen < MP_ENDS ? seen : MP_ENDS);
}

static void ends(void **state)
{
	char many[3 + 3 * 100] =
		"\xdc\0\x64"; /* an array of 100 short arrays, more than are noted */

	(void)state;
	for (int i = 0; i < 100; i++)
		memcpy(many + 3 + 3 * i, "\x92\x01\xc0", 3);
	ends_agree(many, sizeof many);
	ends_agree("\x05", 1);
	ends_agree("\x90", 1);
	ends_agree("\x84\x01\xa1x\xa1k\x92\xc0\xc2\xa1k\x05\xa4last\xc4\x02zz", 21);
	ends_agree("\x93\x80\x91\xcb\0\0\0\0\0\0\0\0\xca\0\0\0\0", 17);
}

static void check_int(const char *p, size_t n, uint64_t magnitude, bool negative)
{
	uint64_t u = 7;
	bool sign = !negative;

	assert_true(mp_int(whole(p, n), &u, &sign));
	assert_true(u == magnitude);
	assert_int_equal(sign, negative);
}

static void integers(void **state)
{
	int64_t i;
	double d;

	(void)state;
	check_int("\x7f", 1, 127, false);
	check_int("\xff", 1, 1, true);
	check_int("\xe0", 1, 32, true);
	check_int("\xcc\xff", 2, 255, false);
	check_int("\xcd\x12\x34", 3, 0x1234, false);
	check_int("\xce\xff\xff\xff\xff", 5, UINT32_MAX, false);
	check_int("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, UINT64_MAX, false);
	check_int("\xd0\x80", 2, 128, true);
	check_int("\xd0\x7f", 2, 127, false);
	check_int("\xd1\xff\xfe", 3, 2, true);
	check_int("\xd2\x80\x00\x00\x00", 5, UINT64_C(1) << 31, true);
	check_int("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, UINT64_C(1) << 63, true);
	assert_true(mp_i64(whole("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9), &i));
	assert_true(i == INT64_MIN);
	assert_false(mp_i64(whole("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9), &i));
	assert_false(mp_i64(whole("\xca\x00\x00\x00\x00", 5), &i));
	assert_true(mp_f64(whole("\xe0", 1), &d) && d == -32);
	assert_true(mp_f64(whole("\xca\x3f\xc0\x00\x00", 5), &d) && d == 1.5);
	assert_true(mp_f64(whole("\xcb\xbf\xf8\x00\x00\x00\x00\x00\x00", 9), &d) && d == -1.5);
	assert_false(mp_f64(whole("\xa1x", 2), &d));
}

static void maps(void **state)
{
	struct mp m = whole("\x84\x01\xa1x\xa1k\x92\xc0\xc2\xa1k\x05\xa4last\xc4\x02zz", 21), v;
	struct mp_iter it;
	struct span s;
	int n = 0;

	(void)state;
	v = mp_get(m, "k"); /* the first of two */
	assert_int_equal(mp_type(v), MP_ARRAY);
	assert_int_equal(v.n, 3);
	v = mp_get(m, "last");
	assert_true(mp_bytes(v, &s) && span_is(s, "zz"));
	assert_int_equal(v.n, 4);
	assert_null(mp_get(m, "x").p);
	assert_null(mp_get(v, "k").p);
	assert_false(mp_enter(v, &it));
	assert_true(mp_enter(m, &it));
	for (struct mp k; mp_next_pair(&it, &k, &v);)
		n++;
	assert_int_equal(n, 4);
	assert_true(mp_enter(mp_get(m, "k"), &it));
	assert_true(mp_next(&it, &v) && mp_type(v) == MP_NIL && v.n == 1);
	assert_true(mp_next(&it, &v) && mp_type(v) == MP_BOOL && v.n == 1);
	assert_false(mp_next(&it, &v));
	assert_int_equal(mp_type((struct mp){0}), MP_NONE);
}

/* ---- against msgpack-c ---- */

static uint64_t draws; /* position of the next draw */

static uint64_t draw(uint64_t n)
{
	return rng_below(rng_key(1, RNG_TEST, 1, 0, 0), draws++, n);
}

static int append(void *b, const char *p, size_t n)
{
	buf_add(b, p, n);
	return 0;
}

static void random_value(msgpack_packer *pk, int depth)
{
	static const char filler[70000];
	static const size_t sizes[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};
	uint64_t kind = draw(depth ? 8 : 6);
	size_t n = sizes[draw(draw(20) ? 6 : 10)];

	if (kind == 0) {
		msgpack_pack_uint64(pk, draw(UINT64_MAX) >> draw(64));
	} else if (kind == 1) {
		msgpack_pack_int64(pk, -(int64_t)(draw(INT64_MAX) >> draw(63)));
	} else if (kind == 2) {
		msgpack_pack_double(pk, 0.5);
	} else if (kind == 3) {
		msgpack_pack_float(pk, 0.5f);
	} else if (kind == 4) {
		msgpack_pack_str(pk, n);
		msgpack_pack_str_body(pk, filler, n);
	} else if (kind == 5) {
		msgpack_pack_bin(pk, n);
		msgpack_pack_bin_body(pk, filler, n);
	} else {
		n = n > 16 ? 17 : n / 3;
		(kind == 6 ? msgpack_pack_array : msgpack_pack_map)(pk, n);
		for (size_t i = 0; i < (kind == 6 ? n : 2 * n); i++)
			random_value(pk, depth - 1);
	}
}

/* Length by msgpack-c's reckoning; 0: it does not take it for one whole object. */
static size_t rival_length(const char *p, size_t n)
{
	msgpack_unpacked u;
	size_t off = 0;
	bool ok;

	msgpack_unpacked_init(&u);
	ok = msgpack_unpack_next(&u, p, n, &off) == MSGPACK_UNPACK_SUCCESS;
	msgpack_unpacked_destroy(&u);
	return ok ? off : 0;
}

/* Walks all of a value: a sanitizer sees any step outside of it. */
static size_t walk(struct mp v)
{
	struct mp_iter it;
	struct mp e;
	struct span s;
	size_t sum = v.n;

	assert_true(mp_type(v) != MP_NONE);
	if (mp_bytes(v, &s))
		return sum + (s.n ? (size_t)s.p[s.n - 1] : 0);
	if (mp_type(v) == MP_ARRAY && mp_enter(v, &it))
		while (mp_next(&it, &e))
			sum += walk(e);
	if (mp_type(v) == MP_MAP && mp_enter(v, &it))
		for (struct mp k; mp_next_pair(&it, &k, &e);)
			sum += walk(k) + walk(e);
	return sum;
}

static void agrees_with_msgpack_c(void **state)
{
	struct buf b = {0};
	msgpack_packer pk;
	size_t len;

	(void)state;
	msgpack_packer_init(&pk, &b, append);
	for (int i = 0; i < 2000; i++) {
		size_t least = 0;

		buf_reset(&b);
		random_value(&pk, 5);
		assert_int_equal(mp_skim(b.p, b.n, &len), MP_OK);
		assert_int_equal(len, b.n);
		assert_int_equal(rival_length(b.p, b.n), b.n);
		walk((struct mp){(const uint8_t *)b.p, b.n});
		ends_agree(b.p, b.n);
		for (size_t n = 0; n < b.n;
		     n += 1 + n / 50) { /* more bytes never lower the bound */
			assert_int_equal(mp_skim(b.p, n, &len), MP_MORE);
			assert_true(len > n && len <= b.n && len >= least);
			least = len;
		}
	}
	buf_free(&b);
}

static void heads(void **state)
{
	static const size_t counts[] = {0, 1, 15, 16, 255, 256, 65535, 65536, 1 << 20, UINT32_MAX};
	struct buf ours = {0}, theirs = {0};
	msgpack_packer a, b;

	(void)state;
	pack_init(&a, &ours);
	pack_init(&b, &theirs);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		pack_array(&a, counts[i]);
		msgpack_pack_array(&b, counts[i]);
		pack_map(&a, counts[i]);
		msgpack_pack_map(&b, counts[i]);
	}
	assert_int_equal(ours.n, theirs.n);
	assert_memory_equal(ours.p, theirs.p, ours.n);
	buf_free(&ours);
	buf_free(&theirs);
}

static void mutants(void **state)
{
	struct buf b = {0};
	msgpack_packer pk;
	size_t len, accepted = 0;

	(void)state;
	msgpack_packer_init(&pk, &b, append);
	for (int i = 0; i < 20000; i++) {
		char *exact;
		enum mp_skim r;

		buf_reset(&b);
		random_value(&pk, 3);
		if (b.n > 2000)
			continue;
		for (uint64_t k = 1 + draw(4); k; k--)
			b.p[draw(b.n)] = (char)draw(256);
		exact = malloc(b.n);
		memcpy(exact, b.p, b.n);
		r = mp_skim(exact, b.n, &len);
		if (r == MP_OK) {
			accepted++;
			assert_int_equal(rival_length(exact, b.n), len);
			walk((struct mp){(const uint8_t *)exact, len});
		} else if (r == MP_MORE) {
			assert_true(len > b.n);
		}
		free(exact);
	}
	assert_true(accepted > 1000);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(odd_types_are_refused),
		cmocka_unit_test(depth_limit_is_exact),
		cmocka_unit_test(object_limit_is_exact),
		cmocka_unit_test(more_says_how_much),
		cmocka_unit_test(ends),
		cmocka_unit_test(integers),
		cmocka_unit_test(maps),
		cmocka_unit_test(agrees_with_msgpack_c),
		cmocka_unit_test(heads),
		cmocka_unit_test(mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
