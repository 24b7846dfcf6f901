/* jsonplain.c - each decoder of strings against one that takes a character at a time. */
#include "base/jsonplain.h"
#include "base/cpu.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { MOST = 16 * 4096 };

typedef void decoder(struct jsonplain *s);

/* What the decoders may leave to their caller: one character, or one escape. False: the text ends
 * here. */
static bool one(struct jsonplain *s)
{
	size_t left = (size_t)(s->end - s->p);
	int n = 2;

	if (!left || *s->p == '"' || (unsigned char)*s->p < ' ')
		return false;
	if (*s->p != '\\') {
		n = (int)utf8_char(s->p, left);
		memcpy(s->to, s->p, (size_t)n);
		s->to += n;
	} else if (left < 2) {
		return false;
	} else if (s->p[1] == 'u') {
		n = jsonescape_unicode(s->p, s->end, &s->to);
	} else if (jsonescape_meaning[(unsigned char)s->p[1]]) {
		*s->to++ = jsonescape_meaning[(unsigned char)s->p[1]];
	} else {
		return false;
	}
	if (n <= 0)
		return false;
	s->p += n;
	return true;
}

/* Decodes up to the text's end: where it is; *n: bytes of out. */
static size_t decode(decoder *some, const char *text, size_t len, char *out, size_t *n)
{
	struct jsonplain s = {text, text + len, out};

	do
		if (some)
			some(&s);
	while (one(&s));
	*n = (size_t)(s.to - out);
	assert_true(s.p <= s.end && *n <= (size_t)(s.p - text));
	return (size_t)(s.p - text);
}

static void same(const char *text, size_t len)
{
	decoder *const all[] = {jsonplain, cpu_bytes() >= 32 ? jsonplainwide : NULL,
				cpu_bytes() == 64 ? jsonplainwidest : NULL};
	char *want = malloc(len + JSONPLAIN_BEHIND), *got = malloc(len + JSONPLAIN_BEHIND);
	size_t n_want, at = decode(NULL, text, len, want, &n_want), n;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!all[i])
			continue;
		assert_int_equal(decode(all[i], text, len, got, &n), at);
		assert_int_equal(n, n_want);
		assert_memory_equal(got, want, n);
	}
	free(want);
	free(got);
}

static char *guarded(void)
{
	char *p = mmap(NULL, 2 * MOST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p + MOST, MOST, PROT_NONE), 0);
	return p;
}

/* Each byte, as it is, behind a backslash, behind two and behind a letter that is no ASCII, at each
 * place of two blocks */
static void each_byte(void **state)
{
	static const char *const before[] = {"", "\\", "\\\\", "\xc3\xa9", "\xe2\x82\xac"};
	char *page = guarded();

	(void)state;
	for (size_t b = 0; b < sizeof before / sizeof *before; b++)
		for (int c = 0; c < 256; c++)
			for (size_t at = 0; at < 130; at++) {
				size_t n = strlen(before[b]), len = at + n + 1 + at % 67;
				char *text = page + MOST - len;

				memset(text, 'a', len);
				memcpy(text + at, before[b], n);
				text[at + n] = (char)c;
				same(text, len);
			}
	munmap(page, 2 * MOST);
}

/* Pieces of every kind, those that end a text seldom, at each alignment */
static void random_texts(void **state)
{
	static const char *const pieces[] = {"the ",
					     "a",
					     "\\n",
					     "\\\\",
					     "\\\"",
					     "\\\\\\\\\\\\",
					     "\\u00e9",
					     "\\ud83d\\ude00",
					     "\xc3\xa9",
					     "\xe6\x95\xb0",
					     "\xf0\x9f\x98\x80",
					     "words of some length ",
					     "\\t\\r\\b\\f\\/",
					     "\x7f",
					     "{\"",
					     "\\",
					     "\\x",
					     "\\u12",
					     "\\udc00",
					     "\xff",
					     "\xc3",
					     "\xed\xa0\x80",
					     "\n",
					     "\\\xc3\xa9"};
	enum { HARMLESS = 14, ALL = sizeof pieces / sizeof *pieces };
	char *page = guarded();
	uint64_t key = rng_key(1, RNG_TEST, 0, 0, 0), draw = 0;

	(void)state;
	for (int round = 0; round < 60000; round++) {
		char text[1024];
		size_t len = 0, most = rng_below(key, draw++, 600);

		while (len < most) {
			size_t kinds = rng_below(key, draw++, 40) ? HARMLESS : ALL;
			const char *piece = pieces[rng_below(key, draw++, kinds)];

			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		len = rng_below(key, draw++, 3) ? len : most; /* may cut a piece */
		memcpy(page + MOST - len, text, len);
		same(page + MOST - len, len);
	}
	munmap(page, 2 * MOST);
}

/* Characters of one length with words between them or none, over more blocks than are noted before
 * they are looked at; in every other text one byte is another one */
static void long_texts(void **state)
{
	static const char *const letters[] = {"\xc3\xa9",     "\xe6\x95\xb0",     "\xed\x95\x9c",
					      "\xe0\xa4\xb9", "\xf0\x9f\x98\x80", "\\n\xc3\xa9"};
	enum { LETTERS = sizeof letters / sizeof *letters };
	char *page = guarded();
	uint64_t key = rng_key(2, RNG_TEST, 0, 0, 0), draw = 0;

	(void)state;
	for (int round = 0; round < 1500; round++) {
		const char *letter = letters[round % LETTERS];
		size_t most = 8000 + rng_below(key, draw++, 20000), len = 0, gap = 0;
		char *text = page + MOST - most;

		gap = rng_below(key, draw++, 3) ? 0 : 1 + rng_below(key, draw++, 300);
		memset(text, 'a', most);
		for (len = rng_below(key, draw++, 70); len + 4 < most;) {
			memcpy(text + len, letter, strlen(letter));
			len += strlen(letter) + (gap ? rng_below(key, draw++, gap) : 0);
		}
		if (round / LETTERS % 2)
			text[rng_below(key, draw++, most)] = (char)(round * 7);
		same(text, most);
	}
	munmap(page, 2 * MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_byte),
					   cmocka_unit_test(random_texts),
					   cmocka_unit_test(long_texts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
