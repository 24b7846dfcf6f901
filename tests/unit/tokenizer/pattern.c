/* Tests of tokenizer/pattern.h: texts cut by patterns as Oniguruma cuts them (worked out with that
 * engine), and what is refused by name. */
#include "scratch.h"

#include "tokenizer/pattern.h"
#include "tokenizer/pretok.h"

#include <jansson.h>

static struct pretok *splitter(const char *pattern, const char *behavior, bool invert,
			       struct reason *why)
{
	json_t *j = json_pack("{s:s s:{s:s} s:s s:b}", "type", "Split", "pattern", "Regex", pattern,
			      "behavior", behavior, "invert", (int)invert);
	struct pretok *p = pretok_new(j, why);

	json_decref(j);
	return p;
}

/* The pieces of text have a | between them in want. */
static void cuts_as(const char *pattern, const char *behavior, bool invert, const char *text,
		    const char *want)
{
	struct reason why = {0};
	struct pretok *p = splitter(pattern, behavior, invert, &why);
	struct pieces s = {0};
	struct buf got = {0};

	if (!p)
		fail_msg("%s", why.text);
	if (pretok_cut(p, (struct span){text, strlen(text)}, true, &s, &why))
		fail_msg("%s: %s", pattern, why.text);
	for (size_t i = 0; i < s.n; i++) {
		buf_str(&got, i ? "|" : "");
		buf_add(&got, s.text.p + s.v[i].at, s.v[i].n);
	}
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("%s cuts \"%s\" into \"%s\", not \"%s\"", pattern, text, buf_cstr(&got),
			 want);
	buf_free(&got);
	pretok_pieces_free(&s);
	pretok_free(p);
}

struct row {
	const char *pattern, *text, *want;
};

static void check_rows(const struct row *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cuts_as(v[i].pattern, "Isolated", false, v[i].text, v[i].want);
}

#define ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void anchors(void **state)
{
	static const struct row rows[] = {
		{"o$", "oo\noo", "o|o|\no|o"},
		{"^o", "oo\noo\n", "o|o\n|o|o\n"},
		{"\\Ao", "oo\no", "o|o\no"},
		{"o\\z", "o\no\n", "o\no\n"},
		{"o\\Z", "o\no\n", "o\n|o|\n"},
		{"\\Go", "ooxo", "o|o|xo"},
		{"u\\Kv", "uvv", "u|v|v"},
		{"(?<=u)v|(?<!u)w", "uvwuw", "u|v|w|uw"},
		{"\\b", "to be_1", "to| |be_1"},
		{"\\B!", "a! !", "a! |!"},
		{"\\b", "x\xc2\xb2 y", "x\xc2\xb2| |y"},
	};

	(void)state;
	ROWS(rows);
}

static void repeats(void **state)
{
	static const struct row rows[] = {
		{"o{2,3}+", "ooooooooo.o", "ooooooooo|.o"},
		{"o{2}+", "ooooo", "oooo|o"},
		{"o{2}?", "ooo", "oo|o"},
		{"o{1,2}?", "ooo", "o|o|o"},
		{"u{,1}v", "uuv", "u|uv"},
		{"u{,}", "u{,}", "u{,}"},
		{"u{x", "uu{x", "u|u{x"},
		{"o++o|o", "oo", "o|o"},
		{"u*+v|.", "uuvu", "uuv|u"},
		{"(?:uv)**", "uvuvx", "uvuv|x"},
		{"(?#of words)u +", "u  u", "u  |u"},
	};

	(void)state;
	ROWS(rows);
}

static void sets(void **state)
{
	static const struct row rows[] = {
		{"[a-z&&[^aeiou]]+", "banana", "b|a|n|a|n|a"},
		{"[\\w&&\\D&&[^_]]+", "ab_12cd", "ab|_12|cd"},
		{"[^a[b-d]e]+", "xayez", "x|a|y|e|z"},
		{"[[^x]y]+", "axyxb", "a|x|y|x|b"},
		{"[]x]+", "a]xb", "a|]x|b"},
		{"[x\\]\\-]+", "a-x]b", "a|-x]|b"},
		{"[x-]+", "a-xb", "a|-x|b"},
		{"[\\w.-]+", "a.b-c d", "a.b-c| |d"},
		{"[+--]+", "1+,-2.", "1|+,-|2."},
		{"[[:alpha:][:digit:]]+", "a1\xe2\x85\xa3-b", "a1\xe2\x85\xa3|-|b"},
		{"[[:^space:]]+", "ab c", "ab| |c"},
		{"[[:punct:]]+", "a$+.b", "a|$+.|b"},
		{"[^[:word:]]+", "a-\xc3\xa9", "a|-|\xc3\xa9"},
	};

	(void)state;
	ROWS(rows);
}

static void escapes(void **state)
{
	static const struct row rows[] = {
		{"\\h+", "xyfaceg", "xy|face|g"},
		{"\\H+", "xyfaceg", "xy|face|g"},
		{"\\R", "a\r\nb\nc", "a|\r\n|b|\n|c"},
		{"\\v", "a\nb\vc", "a\nb|\v|c"},
		{"\\e|\\x41|\\x{42}|\\u0043|\\060|\\cA", "xAyBzC0\001", "x|A|y|B|z|C|0|\001"},
		{"\\w+", "na\xcc\x88h a\xe2\x80\xbf_", "na\xcc\x88h| |a\xe2\x80\xbf_"},
		{"\\W+", "a, b", "a|, |b"},
		{"\\s\\S",
		 "a b\xc2\xa0"
		 "c",
		 "a| b|\xc2\xa0"
		 "c"},
		{"\\p{^L}+", "ab12cd", "ab|12|cd"},
		{"\\P{^Lu}+", "abCD", "ab|CD"},
		{"\\p{Uppercase_Letter}+|\\p{decimal number}", "aBC12", "a|BC|1|2"},
		{"\\p{Greek}+", "a\xce\xb1\xce\xb2", "a|\xce\xb1\xce\xb2"},
		{"\\p{Punct}", "a.$", "a|.|$"},
		{".", "a\nb", "a|\n|b"},
		{"(?m:..)", "a\nb", "a\n|b"},
		{"\\N\\O", "\na\nb", "\n|a\n|b"},
		{"\\q\\_", "q_", "q_"},
	};

	(void)state;
	ROWS(rows);
}

static void groups(void **state)
{
	static const struct row rows[] = {
		{"a(?i)b|c", "abaBcaC", "ab|aB|c|aC"},
		{"(?i:k)+", "kK\xe2\x84\xaaq", "kK\xe2\x84\xaa|q"},
		{"(?i:[r-t]+)", "qRs\xc5\xbfT", "q|Rs\xc5\xbfT"},
		{"(?i:[^s]+)", "aSb", "a|S|b"},
		{"(?i:\xc3\xa9)", "a\xc3\x89", "a|\xc3\x89"},
		{"(?i:a(?-i:b))", "AbAB", "Ab|AB"},
		{"(?x: u  v # and\n w )", "uvw", "uvw"},
		{"(?>u|uv)w", "uvwuw", "uvw|uw"},
		{"(u|v)\\1", "uvvu", "u|vv|u"},
		{"(?<two>u|v)\\k<two>", "uvvu", "u|vv|u"},
		{"(u)(?<two>v)\\k<two>", "uvv", "uvv"},
		{"(?='s)|(?=,)", "it's,", "it|'s|,"},
	};

	(void)state;
	ROWS(rows);
}

static void behaviors(void **state)
{
	static const struct {
		const char *behavior;
		bool invert;
		const char *want;
	} rows[] = {
		{"Isolated", false, "u|-|-|v|-"},
		{"Removed", false, "u|v"},
		{"Removed", true, "-|-|-"},
		{"MergedWithPrevious", false, "u-|-|v-"},
		{"MergedWithPrevious", true, "u|-|-v|-"},
		{"MergedWithNext", false, "u|-|-v|-"},
		{"Contiguous", false, "u|--|v|-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cuts_as("-", rows[i].behavior, rows[i].invert, "u--v-", rows[i].want);
	cuts_as("-*", "MergedWithPrevious", false, "u-v", "u-|v");
}

static void refused(void **state)
{
	static const char *const rows[][2] = {
		{"(", "missing closing parenthesis"},
		{"a)", "unmatched closing parenthesis"},
		{"[a", "missing terminating ]"},
		{"[a&&]", "an empty side of &&"},
		{"[a-[b]]", "a range to a set"},
		{"[a-\\d]", "a range to a set: -\\d"},
		{"[z-a]", "a range from U+007A to U+0061"},
		{"[[:letter:]]", "[:letter:] is no class"},
		{"[\\R]", "\\R in a set"},
		{"*a", "a repeat of nothing"},
		{"a|{2}", "a repeat of nothing"},
		{"^*", "a repeat (*) of what has no width"},
		{"a{3,2}", "{3,2} is not supported"},
		{"a{100000}", "{100000} is not supported"},
		{"\\X", "\\X is not supported"},
		{"\\y", "\\y is not supported"},
		{"a\\g<0>", "\\g is not supported"},
		{"\\p{Nonesuch}", "Nonesuch"},
		{"\\p{In_Greek}", "blocks are not supported"},
		{"\\pL", "\\p without {"},
		{"\\xe9", "a byte, not a character"},
		{"\\x{110000}", "110000 is no character"},
		{"\\u12", "\\u without its digits"},
		{"(?~ab)", "(?~: this kind of group"},
		{"(?P<a>b)", "(?P: this kind of group"},
		{"(?s:.)", "(?s: this kind of group"},
		{"(*FAIL)", "(* is not supported"},
		{"(a)\\2", "\\2: there is no such group"},
		{"(a)(?<b>c)\\1", "\\1: there is no such group"},
		{"(?<1>a)", "not a name of a group"},
		{"(?<=a+)b", "lookbehind assertion is not fixed length"},
		{"(?i:ss)", "ss without regard to case"},
		{"(?i:\xc3\x9f)", "U+00DF without regard to case"},
		{"(?i:\xef\xac\x81)", "U+FB01 without regard to case"},
		{"(?i:[\\p{L}])", "[\\p{L}] without regard to case"},
		{"(?i:[a[^b]])", "sets of sets without regard to case"},
		{"(?i:(a)\\1)", "\\1 without regard to case"},
		{"a\\", "a backslash at the end"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reason why = {0};

		if (splitter(rows[i][0], "Isolated", false, &why))
			fail_msg("accepted: %s", rows[i][0]);
		assert_int_equal(why.status, ST_INPUT);
		assert_says(&why, rows[i][0]);
		assert_says(&why, rows[i][1]);
	}
}

/* Groups and sets within each other are read by functions that call themselves. */
static void depths(void **state)
{
	static const char *const parts[][2] = {{"(", "groups more than"}, {"[", "sets more than"}};
	struct buf deep = {0}, out = {0};
	struct reason why;

	(void)state;
	for (int i = 0; i < 2; i++) {
		buf_reset(&deep);
		for (int k = 0; k < 30000; k++)
			buf_str(&deep, parts[i][0]);
		assert_int_equal(pattern_translate((struct span){deep.p, deep.n}, &out, &why),
				 ST_INPUT);
		assert_says(&why, parts[i][1]);
	}
	buf_free(&deep);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anchors), cmocka_unit_test(repeats), cmocka_unit_test(sets),
		cmocka_unit_test(escapes), cmocka_unit_test(groups),  cmocka_unit_test(behaviors),
		cmocka_unit_test(refused), cmocka_unit_test(depths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
