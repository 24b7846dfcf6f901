/* Built-in verifiers against tables worked by hand. */
#include "base/json.h"
#include "base/mem.h"
#include "stream/mpjson.h"
#include "answer/expr.h"
#include "answer/text.h"
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct span sp(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

struct row {
	const char *response;
	double reward;
	const char *extracted; /* NULL: not looked at */
};

/* Judges one response; meta is JSON text or NULL. */
static int run(const char *verifier, const char *answer, const char *meta, struct span response,
	       struct verdict *v, struct reason *why)
{
	struct verifier *vr = verify_open(&(struct verify_opts){.verifier = verifier}, why);
	struct buf b = {0};
	struct verify_item it = {.task = sp("t1"), .response = response, .answer = sp(answer)};
	int st;

	assert_non_null(vr);
	if (meta) {
		json_t *j = json_parse(meta, strlen(meta), "meta", why);

		assert_non_null(j);
		mpjson_to(&b, j);
		json_decref(j);
		it.meta = (struct mp){(const uint8_t *)b.p, b.n};
	}
	st = verify_run(vr, &it, 1, v, why);
	verify_close(vr);
	buf_free(&b);
	return st;
}

static void check(const char *verifier, const char *answer, const char *meta,
		  const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct verdict v = {0};
		struct reason why = {0};

		if (run(verifier, answer, meta, sp(rows[i].response), &v, &why))
			fail_msg("%s: '%s': %s", verifier, rows[i].response, why.text);
		if (v.code != VERDICT_OK || v.reward != rows[i].reward)
			fail_msg("%s: '%s': reward %g, not %g", verifier, rows[i].response,
				 v.reward, rows[i].reward);
		if (rows[i].extracted && strcmp(v.extracted, rows[i].extracted) != 0)
			fail_msg("%s: '%s': extracted '%s'", verifier, rows[i].response,
				 v.extracted);
	}
}
#define CHECK(verifier, answer, meta, rows) \
	check(verifier, answer, meta, rows, sizeof(rows) / sizeof *(rows))

#define P10 "(((((((((("
#define Q10 "))))))))))"
#define P100 P10 P10 P10 P10 P10 P10 P10 P10 P10 P10
#define Q100 Q10 Q10 Q10 Q10 Q10 Q10 Q10 Q10 Q10 Q10

static void countdown(void **state)
{
	static const struct row rows[] = {
		/* right */
		{"(9-7)*3*4", 1, "(9-7)*3*4"},
		{"3*4*(9-7)", 1, NULL},
		{" ( 9 - 7 ) * 3\t* 4 \n", 1, "( 9 - 7 ) * 3\t* 4"},
		{"(9-7)*3*4=24", 1, "(9-7)*3*4"},
		{"(9 - 7) * 3 * 4 = 24 ", 1, "(9 - 7) * 3 * 4"},
		{"((9)-(7))*(3*4)", 1, NULL},
		{P100 "3*4*(9-7)" Q100, 1, NULL},
		{"3*4/(9-7)*4", 0, NULL},
		{"3/(9-7)*4*4", 0, NULL},
		{"4*(9-7)*3", 1, NULL},
		{"4/(1/(9-7))*3", 0, NULL}, /* a number too many */
		{"(9\xe2\x88\x92"
		 "7)\xc3\x97"
		 "3\xc2\xb7"
		 "4",
		 1, NULL},
		{"I try.\n\nSo: \\boxed{(9-7)\\times 3 \\cdot 4}.", 1, "(9-7)\\times 3 \\cdot 4"},
		{"\\boxed{1} no, \\boxed{(9-7)*3*4} and done", 1, NULL},
		{"9*9\nAnswer: (9-7)*3*4", 1, NULL},
		{"answer: 1+1\nANSWER:\n  `(9-7)*3*4`.\n", 1, "(9-7)*3*4"},
		{"**Answer:** $(9-7)*3*4$\n", 1, "(9-7)*3*4"},
		{"**Answer: (9-7)*3*4**", 1, "(9-7)*3*4"},
		{"Answer: **(9-7)*3*4.**", 1, "(9-7)*3*4"},
		{"Answer: **(9-7)*3*4**.", 1, "(9-7)*3*4"},
		{"Answer: \\( (9-7) \\times 3 \\times 4 \\).", 1, "(9-7) \\times 3 \\times 4"},
		{"Answer:\n\\[\\left( 9-7 \\right)*3*4\\]", 1, NULL},
		{"Answer: $$(9-7)*3*4$$", 1, "(9-7)*3*4"},
		{"Answer: (9-7)*3*4\\)", 0, ""},
		{"first 3+4\n(9-7)*3*4\n\n", 1, NULL},
		/* another value, other numbers */
		{"3*4+7+9", 0, "3*4+7+9"},
		{"3*(4+7)-9", 1, NULL},
		{"24", 0, "24"},
		{"3*4*(9-7)+0", 0, NULL},
		{"3*8", 0, NULL},
		{"(9-7)*3*3", 0, NULL},
		{"4*3*(9-7)*4/4", 0, NULL}, /* used again */
		{"3*4*2", 0, NULL},
		{"34-7-9", 0, NULL}, /* numbers are not put together */
		{"9+7+4*3", 0, NULL},
		/* no expressions */
		{"", 0, ""},
		{" ", 0, ""},
		{"(9-7)*3*4=25", 0, ""},
		{"(9-7)*3*4=", 0, ""},
		{"(9-7)*3*4=24=24", 0, ""},
		{"(9-7)*3*4 x", 0, ""},
		{"(9-7)*3*4*", 0, ""},
		{"(9-7)*3*4)", 0, ""},
		{"((9-7)*3*4", 0, ""},
		{"(9-7)3*4", 0, ""},
		{"(9-7)*(3)(4)", 0, ""},
		{"()", 0, ""},
		{"-7+9*3+4", 0, ""}, /* a sign */
		{"9*3+4+-7", 0, ""},
		{"+3*4*(9-7)", 0, ""},
		{"(9-07)*3*4", 0, ""}, /* a leading zero */
		{"(9-7.0)*3*4", 0, ""},
		{"3**4*(9-7)", 0, ""},
		{"(9-7)*3*4.", 0, ""}, /* unmarked: as it stands */
		{"3*4/(9-9)", 0, ""},  /* division by zero */
		{"99999999999999999999", 0, ""},
		{"9223372036854775807+9", 0, ""},
		{"4611686018427387904*4", 0, ""},
		{P100 P100 P100 "3*4*(9-7)" Q100 Q100 Q100, 0, ""},
		{"\\boxed{(9-7)*3*4", 0, ""},
		{"(9-7)*3*4\nnot sure", 0, ""},
	};

	(void)state;
	CHECK("countdown", "24", "{\"numbers\": [3, 4, 7, 9]}", rows);
}

static void countdown_division(void **state)
{
	static const struct row rows[] = {
		{"8/(3-8/3)", 1, NULL}, /* thirds on the way */
		{"8 / (3 - 8 / 3)", 1, NULL},
		{"8/3-8*3", 0, NULL},
		{"8\xc3\xb7(3-8\xc3\xb7"
		 "3)",
		 1, NULL},
		{"8\\div(3-8\\div3)", 1, NULL},
		{"8/8/3*3", 0, NULL},
		{"8/(3-8/3)=24", 1, NULL},
		{"(8-8)/3*3", 0, NULL},
	};
	static const struct row negative[] = {
		{"2-5", 1, "2-5"}, {"2-5=-3", 1, "2-5"}, {"5-2", 0, NULL}};
	static const struct row half[] = {{"1/2", 0, "1/2"}, {"2/1", 0, NULL}};

	(void)state;
	CHECK("countdown", "24", "{\"numbers\": [3, 3, 8, 8]}", rows);
	CHECK("countdown", "-3", "{\"numbers\": [5, 2]}", negative);
	CHECK("countdown", "0", "{\"numbers\": [1, 2]}", half);
	CHECK("countdown", NULL, "{\"numbers\": [5, 2], \"target\": -3}", negative);
}

static void expr_values(void **state)
{
	static const struct {
		const char *text;
		int64_t num, den; /* den 0: refused */
	} rows[] = {{"1/3+1/6", 1, 2},
		    {"1-2-3", -4, 1},
		    {"8/4/2", 1, 1},
		    {"2+3*4", 14, 1},
		    {"(2+3)*4", 20, 1},
		    {"2*3-4*5", -14, 1},
		    {"1/(1-2)", -1, 1},
		    {"0*5", 0, 1},
		    {"0/7", 0, 1},
		    {"7/0", 0, 0},
		    {"9223372036854775807", INT64_MAX, 1},
		    {"9223372036854775807+1", 0, 0},
		    {"0-9223372036854775807-1", 0, 0},
		    {"3037000500*3037000500", 0, 0},
		    {"1/3037000500/3037000500", 0, 0},
		    {"00", 0, 0},
		    {"0", 0, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct expr e;
		bool ok = expr_eval(sp(rows[i].text), &e);

		if (ok != (rows[i].den != 0) ||
		    (ok && (e.value.num != rows[i].num || e.value.den != rows[i].den)))
			fail_msg("%s", rows[i].text);
	}
}

/* 64 numbers are read, 65 are not; 64 ones are enough for any set of numbers. */
static void expr_limits(void **state)
{
	char text[400] = "1";
	struct expr e;

	(void)state;
	for (int i = 1; i < EXPR_NUMBERS; i++)
		strcat(text, "+1");
	assert_true(expr_eval(sp(text), &e));
	assert_true(expr_is(&e, EXPR_NUMBERS));
	strcat(text, "+1");
	assert_false(expr_eval(sp(text), &e));
	/* right-nested: every operator stays open */
	strcpy(text, "1");
	for (int i = 1; i < EXPR_NUMBERS; i++)
		strcat(text, "-(1");
	for (int i = 1; i < EXPR_NUMBERS; i++)
		strcat(text, ")");
	assert_true(expr_eval(sp(text), &e));
	assert_true(expr_is(&e, 0));
}

static void subset(void **state)
{
	static const struct row rows[] = {
		{"12+3+7", 1, "12+3+7"},
		{"7 + 12 + 3 = 22", 1, "7 + 12 + 3"},
		{"20+2", 0, "20+2"},
		{"18+3", 0, NULL},
		{"7+7+7+1", 0, NULL},
		{"3+7+12+0", 0, NULL},
		{"12+7+3+", 0, ""},
		{"(12+7)+3", 0, NULL},
		{"12+20-7-3", 0, NULL},
		{"22", 0, NULL},
		{"", 0, ""},
		{"Answer: 3+7+12.", 1, "3+7+12"},
		{"11+11", 1, NULL},
		{"11+11+11-11", 0, NULL},
	};

	(void)state;
	CHECK("subset", "22", "{\"numbers\": [3, 7, 12, 18, 20, 11, 11]}", rows);
}

static void path(void **state)
{
	static const struct row rows[] = {
		{"abc", 1, "abc"},   {"adc", 1, NULL},        {"abdc", 0, NULL},
		{"adbc", 1, NULL},   {"ac", 0, "ac"},         {"a", 0, NULL},
		{"", 0, ""},         {"abcd", 0, NULL},       {"bc", 0, NULL},
		{"abdcbc", 0, NULL}, {"a b c", 0, NULL},      {"ABC", 0, NULL},
		{"adcbc", 0, NULL},  {"So\nabc\n", 1, "abc"}, {"\\boxed{adc}", 1, "adc"},
	};

	(void)state;
	CHECK("path", "ac", "{\"edges\": \"ab ad bc cd db dc cb\"}", rows);
}

static void arithmetic(void **state)
{
	static const struct row rows[] = {
		{"32", 1, "32"},
		{" 32\n", 1, "32"},
		{"17+5*3=17+15=32", 1, "32"},
		{"33", 0, "33"},
		{"32.0", 0, NULL},
		{"32 33", 0, NULL},
		{"", 0, ""},
		{"-32", 0, NULL},
		{"Answer: 32.", 1, "32"},
		{"3 2", 0, NULL},
		{"99999999999999999999999999", 0, NULL},
	};

	(void)state;
	CHECK("arithmetic", "32", NULL, rows);
}

static void exact(void **state)
{
	static const struct row rows[] = {
		{"Paris", 1, "Paris"}, {"  Paris\n", 1, "Paris"},
		{"paris", 0, NULL},    {"Paris.", 0, NULL},
		{"", 0, ""},
	};

	(void)state;
	CHECK("exact", " Paris ", NULL, rows);
}

static void number(void **state)
{
	static const struct row thousand[] = {
		{"1234", 1, "1234"},
		{"1,234", 1, "1,234"},
		{"the total is $1,234.00.", 1, "1,234.00"},
		{"1{,}234", 1, NULL},
		{"1\\,234", 1, NULL},
		{"01234", 1, NULL},
		{"+1234", 1, NULL},
		{"-1234", 0, "-1234"},
		{"5-1234", 1, "1234"},
		{"1234.", 1, "1234"},
		{"1234.5", 0, NULL},
		{"12,34", 0, "34"},
		{"1, 234", 0, "234"},
		{"1234 apples and 2 pears", 0, "2"},
		{"\\boxed{1234} in 2 steps", 1, "1234"},
		{"Answer: 1234 of 5", 0, "5"},
		{"Answer: 1234\nthat took 2 minutes", 1, "1234"},
		{"Answer: none\nor 1234", 1, "1234"},
		{"2468/2", 1, "2468/2"},
		{"1234/1", 1, NULL},
		{"1234/0", 0, NULL},
		{"#### 1234", 1, NULL},
		{"", 0, ""},
		{"none", 0, ""},
		{"12340000000000000000000000000000000000000", 0, NULL},
	};
	static const struct row half[] = {
		{"0.5", 1, NULL},  {".5", 1, ".5"},   {"1/2", 1, NULL},
		{"2/4", 1, NULL},  {"0.50", 1, NULL}, {"0.5000000001", 0, NULL},
		{"-1/2", 0, NULL}, {"50%", 0, NULL},  {"0.25/0.5", 1, NULL},
		{"5", 0, NULL},    {"1/2.", 1, NULL}};
	static const struct row zero[] = {{"0", 1, NULL},   {"-0", 1, NULL}, {"0.00", 1, NULL},
					  {"0/5", 1, NULL}, {"1", 0, NULL},  {"0,000", 1, NULL}};
	static const struct row digits[] = {{"3.141592653589793238462643383279502884197", 1, NULL},
					    {"3.141592653589793238462643383279502884196", 0, NULL}};

	(void)state;
	CHECK("number", "So 1 + 1 is\n#### 1,234", NULL, thousand);
	CHECK("number", "0.5", NULL, half);
	CHECK("number", "1/2", NULL, half);
	CHECK("number", "0", NULL, zero);
	CHECK("number", "3.141592653589793238462643383279502884197", NULL, digits);
}

#define D10 "1234567890"
#define D50 D10 D10 D10 D10 D10
#define D200 D50 D50 D50 D50
#define G10 ",234,567,890,123,456,789,012,345,678,901"
#define G70 G10 G10 G10 G10 G10 G10 G10

/* Beyond 64 bits a quotient is compared as it is written; beyond 200 digits nothing is a number. */
static void long_numbers(void **state)
{
	static const struct row quotient[] = {
		{D10 D10 D10 "/7", 1, NULL},
		{D10 D10 D10 "/7.0", 1, NULL},
		{D10 D10 D10 "/6", 0, NULL},
		{"2469135780246913578024691357802469135780/14", 0, NULL},
		{"7/" D10 D10 D10, 0, NULL},
		{"0." D10 D10 D10 "/7", 0, NULL},
		{"1/0.00000000000000000000000000000000001", 0, NULL},
		{"-" D10 D10 D10 "/7", 0, NULL},
		{"9223372036854775807/9223372036854775806", 0, NULL},
		{"1", 0, "1"},
	};
	static const struct row all[] = {
		{D200, 1, NULL},
		{"-" D200, 0, NULL},
		{D200 "0", 0, ""},
		{"1" G70 ",000", 0, ""},
		{"1 " D200 "." D10, 0, ""}, /* 1 is not the last */
		{D200 "0 " D200, 1, NULL},
		{"1/" D200 "0", 0, ""},
		{D200 "0/7", 0, ""},
		{"0." D200 "0/0." D200, 0, ""},

	};
	static const struct row nothing[] = {{"1/0", 0, NULL}, {"1/0.0", 0, NULL}, {"1", 0, NULL}};

	(void)state;
	CHECK("number", D10 D10 D10 "/7", NULL, quotient);
	CHECK("number", D200, NULL, all);
	CHECK("number", "1/0", NULL, nothing);
}

/* What stands before a sign makes it one or an operator. */
static void signs(void **state)
{
	static const struct row minus[] = {
		{"-3", 1, NULL},      {"x=-3", 1, NULL},
		{"(-3", 1, NULL},     {"--3", 1, NULL},
		{"5-3", 0, "3"},      {"x-3", 0, "3"},
		{"X-3", 0, "3"},      {")-3", 0, "3"},
		{"5.-3", 0, "3"},     {"+3", 0, "+3"},
		{"{-3", 1, NULL},     {"$-3.00", 1, NULL},
		{"\u22123", 1, NULL}, {"x = \u22123.0", 1, NULL},
		{"5\u22123", 0, "3"}, {"-$3", 1, "-$3"},
		{"5-$3", 0, "3"},     {"+$3", 0, NULL},
	};

	(void)state;
	CHECK("number", "-3", NULL, minus);
}

static void regex(void **state)
{
	static const struct row rows[] = {{"id=42;", 1, "42"}, {"id=x", 0, ""}, {"ID=42", 0, ""}};
	static const struct row whole[] = {{"xaab", 1, "aab"}, {"b", 0, ""}};
	static const struct row umlaut[] = {
		{"\xc3\xa4", 1, NULL}, {"ab", 0, NULL}, {"\xff", 0, NULL}};

	(void)state;
	CHECK("regex", "id=(\\d+)", NULL, rows);
	CHECK("regex", "a+b", NULL, whole);
	CHECK("regex", "^.$", NULL, umlaut);
}

static void contains(void **state)
{
	static const struct row rows[] = {
		{"It is red.", 1, "red"},
		{"RED!", 1, "RED"},
		{"hundred", 0, ""},
		{"dark blue", 1, "dark blue"},
		{"dark  blue", 0, NULL},
		{"blue", 0, NULL},
		{"reddish", 0, NULL},
		{"a c++ program", 1, "c++"},
		{"", 0, ""},
		{"\xc3\xa9red", 0, NULL} /* a letter before it */,
	};
	static const struct row umlaut[] = {{"\xc3\x84rger", 1, NULL}, {"\xc3\xa4rger", 1, NULL}};

	(void)state;
	CHECK("contains", "red|dark blue|c++", NULL, rows);
	CHECK("contains", "\xc3\xa4rger", NULL, umlaut);
}

/* A pattern that would run for ever is a failed verifier, not a wrong answer. */
static void regex_is_bounded(void **state)
{
	struct verdict v = {0};
	struct reason why = {0};

	(void)state;
	assert_int_equal(run("regex", "^(a|aa)+$", NULL,
			     sp("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
			     &v, &why),
			 0);
	assert_int_equal(v.code, VERDICT_TIMEOUT);
	assert_string_equal(verdict_name(v.code), "timeout");
}

/* Nor one that begins again at each byte and gets as far as the end each time. */
static void regex_is_linear(void **state)
{
	static const char *const slow[] = {"x+[yz]", "x+\\d", "(x+)[yz]|q", "[^\\d]+\\d"};
	size_t n = 1 << 17;
	char *text = xmalloc(n);
	struct verdict v = {0};
	struct reason why = {0};

	(void)state;
	memset(text, 'x', n);
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
		assert_int_equal(run("regex", slow[i], NULL, (struct span){text, n}, &v, &why), 0);
		assert_int_equal(v.code, VERDICT_TIMEOUT);
	}
	text[n - 1] = '7';
	assert_int_equal(run("regex", "(?s)^.*x(\\d)$", NULL, (struct span){text, n}, &v, &why), 0);
	assert_true(v.reward == 1);
	free(text);
}

/* Responses as hostile as a policy can make them take no longer than their length asks for: with
 * quadratic time each of these would outlast the alarm. */
static void time_is_linear(void **state)
{
	static const char *const tokens[] = {"\\boxed{", "Answer:", "1,", "(", "1+",
					     "{",        "\n",      "a",  "$", "-$"};
	static const char *const verifiers[] = {"countdown", "subset", "arithmetic", "number"};
	size_t n = 4 << 20;
	char *text = xmalloc(n + 8);
	struct verdict v;
	struct reason why;

	(void)state;
	alarm(60);
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
		size_t k = strlen(tokens[i]);

		for (size_t at = 0; at < n; at += k)
			memcpy(text + at, tokens[i], k);
		for (size_t j = 0; j < sizeof verifiers / sizeof *verifiers; j++) {
			text[n] = '7';
			for (size_t digit = 0; digit < 2; digit++) {
				assert_int_equal(run(verifiers[j], "24", "{\"numbers\": [24]}",
						     (struct span){text, n + digit}, &v, &why),
						 0);
				assert_true(v.reward == 0);
			}
		}
		assert_int_equal(run("regex", ".*24", NULL, (struct span){text, 1 << 16}, &v, &why),
				 0);
		assert_true(v.reward == 0);
	}
	alarm(0);
	free(text);
}

static void cannot_be_judged(void **state)
{
	static const struct {
		const char *verifier, *answer, *meta, *says;
	} rows[] = {
		{"countdown", "24", NULL, "task t1: meta.numbers"},
		{"countdown", "24", "{\"numbers\": []}", "meta.numbers"},
		{"countdown", "24", "{\"numbers\": [1, 2.5]}", "meta.numbers"},
		{"countdown", "24", "{\"numbers\": \"1 2\"}", "meta.numbers"},
		{"countdown", "x", "{\"numbers\": [1]}", "whole number"},
		{"countdown", NULL, "{\"numbers\": [1]}", "whole number"},
		{"subset", "24", "{}", "meta.numbers"},
		{"path", "ac", NULL, "meta.edges"},
		{"path", "ac", "{\"edges\": \"abc\"}", "meta.edges"},
		{"path", "ac", "{\"edges\": \"\"}", "meta.edges"},
		{"path", "abc", "{\"edges\": \"ab bc\"}", "two letters"},
		{"path", NULL, "{\"edges\": \"ab bc\"}", "no answer"},
		{"arithmetic", "1.5", NULL, "whole number"},
		{"exact", NULL, NULL, "no answer"},
		{"number", NULL, NULL, "no answer"},
		{"number", "many", NULL, "no number"},
		{"regex", "(", NULL, "pattern"},
		{"regex", NULL, NULL, "no answer"},
		{"contains", " ", NULL, "empty"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v = {0};
		struct reason why = {0};

		if (run(rows[i].verifier, rows[i].answer, rows[i].meta, sp("x"), &v, &why) !=
			    ST_INPUT ||
		    !strstr(why.text, rows[i].says))
			fail_msg("row %zu: '%s'", i, why.text);
	}
}

static void names(void **state)
{
	struct verify_item it = {.task = sp("t9"), .response = sp("x"), .answer = sp("x")};
	struct reason why = {0};
	struct verdict v;
	struct verifier *vr;

	(void)state;
	assert_null(verify_open(&(struct verify_opts){.verifier = "nosuch"}, &why));
	assert_non_null(strstr(why.text, "nosuch"));
	assert_null(verify_open(&(struct verify_opts){.verifier = "cmd:"}, &why));
	vr = verify_open(&(struct verify_opts){0}, &why);
	assert_int_equal(verify_run(vr, &it, 1, &v, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "t9"));
	it.verifier = "nosuch";
	assert_int_equal(verify_run(vr, &it, 1, &v, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "nosuch"));
	it.verifier = "exact"; /* an item's own wins over the default */
	assert_int_equal(verify_run(vr, &it, 1, &v, &why), 0);
	assert_true(v.reward == 1);
	it.verifier = "cmd:echo x"; /* a problem from elsewhere may not run programs */
	assert_int_equal(verify_run(vr, &it, 1, &v, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "trusted"));
	verify_close(vr);
}

/* What is kept of an answer ends at a character's border, and at a NUL. */
static void extract_fits(void **state)
{
	struct verdict v;
	char text[400];

	(void)state;
	for (int i = 0; i < 200; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 2);
	text_extract(&v, (struct span){text, 400});
	assert_int_equal(strlen(v.extracted), 254); /* 255 would cut one in half */
	text_extract(&v, (struct span){"ab\0cd", 5});
	assert_string_equal(v.extracted, "ab");
	text_extract(&v, (struct span){NULL, 0});
	assert_string_equal(v.extracted, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(countdown),        cmocka_unit_test(countdown_division),
		cmocka_unit_test(expr_values),      cmocka_unit_test(expr_limits),
		cmocka_unit_test(subset),           cmocka_unit_test(path),
		cmocka_unit_test(arithmetic),       cmocka_unit_test(exact),
		cmocka_unit_test(number),           cmocka_unit_test(regex),
		cmocka_unit_test(long_numbers),     cmocka_unit_test(signs),
		cmocka_unit_test(contains),         cmocka_unit_test(regex_is_bounded),
		cmocka_unit_test(regex_is_linear),  cmocka_unit_test(names),
		cmocka_unit_test(cannot_be_judged), cmocka_unit_test(extract_fits),
		cmocka_unit_test(time_is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
