/* The verifier math: by hand, and on published answers. */
#include "base/json.h"
#include "mathcases.h"
#include "scratch.h"

#include "stream/mpjson.h"

static struct verifier *v;

static double judge(const char *answer, const char *response, struct verdict *out)
{
	return math_judge(v, sp(answer), sp(response), (struct mp){0}, out);
}

static int setup(void **state)
{
	(void)state;
	v = math_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verify_close(v);
	return 0;
}

static void comparisons(void **state)
{
	size_t n, wrong = 0;
	struct math_case *c = math_cases(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char *response = xasprintf("Thus \\boxed{%s}.", c[i].response);
		struct verdict out;

		if (judge(c[i].answer, response, &out) != c[i].right) {
			print_message("%s, response %s: reward %g: %s\n", c[i].answer,
				      c[i].response, out.reward, out.why);
			wrong++;
		}
		assert_non_null(out.why);
		free(response);
	}
	math_cases_free(c, n);
	assert_true(n > 400);
	assert_int_equal(wrong, 0);
}

/* ---- what is taken to be the answer ---- */

static void extraction(void **state)
{
	static const struct {
		const char *extracted, *response;
	} rows[] = {
		/* boxes */
		{"5", "So we get \\boxed{5}."},
		{"5", "So we get \\fbox{5} and not 6."},
		{"\\frac{1}{2}", "so \\boxed{3}, no: \\boxed{\\frac{1}{2}}"},
		{"\\frac{3}{4}", "\\boxed {\\frac{3}{4}}"},
		{"\\{1,2\\}", "\\boxed{\\{1,2\\}}"},
		{"1, 2", "The roots are \\boxed{1} and \\boxed{2}."},
		{"1, 2", "The roots are $\\boxed{1}$ and $\\boxed{2}$."},
		{"1, 2", "The roots are $\\boxed{1}$, $\\boxed{2}$"},
		{"(3, 3), (1, 1)", "$\\boxed{(3, 3)} \\text{ for part (a) and } \\boxed{(1, 1)}$"},
		{"2", "First \\boxed{1}. Checking again we find \\boxed{2}."},
		{"2", "\\boxed{1} for part (a) and $\\boxed{2}$"},
		{"5", "\\boxed{5} and then \\boxed{6"},
		{"6", "\\boxed{5 and then \\boxed{6}"},
		{"-5", "so $x = -\\boxed{5}$"},
		{"5", "so $x = 3-\\boxed{5}$"},
		{"-5", "so $x = \u2212\\boxed{5}$"},
		{"1, 2", "$x_1 = \\boxed{1}$ and $x_{2} = \\boxed{2}$"},
		{"1, 2", "$x=\\boxed{1}$ or $x=\\boxed{2}$"},
		{"2", "First \\boxed{1}, so that x = \\boxed{2}"},
		{"2", "First \\boxed{1} and then \\boxed{2}."},
		{"28\\%", "so $\\boxed{28}$\\%"},
		{"5", "The answer is \\boxed{5}, not 6."},
		/* thoughts */
		{"6", "<think>so \\boxed{5}</think> The answer is 6."},
		{"6", "so \\boxed{5}</think> hm \\boxed{7} </think>\n\\boxed{6}"},
		{"", "<think>so \\boxed{5}</think>\n"},
		{"", " <think>so \\boxed{5}"},
		{"2", "2 <think> 1 \\boxed{5}"},
		{"5", "As I was asked to, I think aloud between <think> tags. 1 \\boxed{5}"},
		{"5", "`<think>` is not needed: \\boxed{5}"},
		/* behind "answer" */
		{"5", "The answer is 5."},
		{"5", "The final answer is $5$. I hope it is correct."},
		{"5", "**Answer:** 5"},
		{"5", "Answer: $5$"},
		{"5", "### Answer\n\n5"},
		{"5", "the answer is\n\n$$5$$"},
		{"5 cm", "The answer is 5 cm."},
		{"3 and 5", "The answers are 3 and 5."},
		{"12", "The answer to the question is 12."},
		{"12", "So the correct answer should be: 12"},
		{"42", "the answer is 42 because 6*7=42"},
		{"x = 5", "The answer is x = 5 because we said so 7"},
		{"(C)", "The answer is (C) east"},
		{"Evelyn", "The answer is Evelyn."},
		{"\\text{Evelyn}", "The answer is \\text{Evelyn}."},
		{"no solution", "There is a subtlety. The answer is: no solution."},
		{"7", "I think the answer is 7. The answer is correct."},
		{"7", "The answer is 5. Wait. The answer is 7."},
		{"19",
		 "Final Answer: The number of points in the domain of $f(x)$ is 19. <|im_start|>"},
		{"3", "Final Answer: Jane started 3 hours ago. I hope it is correct 1."},
		{"72", "So it is 72.\n#### 72"},
		{"72", "So it is 73.\n#### **72**"},
		{"42", "The answer is 42</s>"},
		{"42", "The answer is 42 \u2013 we are done"},
		{"42$", "$\\text{The answer is } 42$"},
		{"42", "The answer is 42 \u220e"},
		{"x^2+1", "The answer is $x^2+1$, a polynomial."},
		/* nothing but an expression */
		{"-5", "-5"},
		{"28 %", "28 %"},
		{"x^2+1", "x^2+1"},
		{"1 000", "1 000"},
		{"\\frac{1}{3} \\text{meters}", "$\\frac{1}{3} \\text{meters}$"},
		/* the last formula or number */
		{"2\\pi", "The area is $2\\pi$."},
		{"2\\pi", "The area is \\(2\\pi\\)."},
		{"y = 2x + 3", "The equation is\n\\[y = 2x + 3\\]"},
		{"9", "Answer \\[ 9 \\]"},
		{"9", "Answer $$ 9 $$"},
		{"34", "The largest $n$ is 34."},
		{"-5", "it is -5"},
		{"3", "we have 5-3"},
		{"28%", "we get 28%, I think"},
		{"28 percent", "It is 28 percent"},
		{"7.78", "So, Anna pays approximately $7.78 for her fudge."},
		{"10", "The price went from $5 to $10"},
		{"1,000.99", "not it's not 10 it's 1,000.99m\xc2\xb2"},
		{"28\\)%", "It is \\(28\\)% of it"},
		{"7", "It is 7. Then \\[-\\]% of it"},
		{"7", "It is $7$, or \\(\\)% of it"},
		{"so \\(\\)% of it", "so \\(\\)% of it"},
		{"2,74", "Soucis : 2,74 $ a.."},
		{"3/4", "That leaves 3/4 of it"},
		{"\u22125", "So we get \u22125."},
		{"5", "So we get 3\u22125."},
		{"\\frac{3}{4}", "The probability is \\frac{3}{4}."},
		{"2\\sqrt{3}", "So it is **2\\sqrt{3}**"},
		{"x = 2\u221a3", "So x = 2\u221a3."},
		{"5 * 10^3", "The total is 5 * 10^3 grains."},
		{"7", "With x^2 + 3 = 52 we get 7 at once"},
		{"(1, 2)", "The point is (1, 2)."},
		{"4", "It has 3 (or 4) sides"},
		{"42", "\u7b54\u6848\u662f 42"},
		{"42", "\u7b54\u6848\uff1a42\u3002"},
		/* words */
		{"Evelyn", "Evelyn"},
		{"", ""},
		{"", " \n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict out;

		judge("1", rows[i].response, &out);
		if (strcmp(out.extracted, rows[i].extracted) != 0)
			fail_msg("'%s': '%s', not '%s'", rows[i].response, out.extracted,
				 rows[i].extracted);
	}
}

static void reasons(void **state)
{
	static const struct {
		const char *answer, *response, *why;
	} rows[] = {
		{"5", "", "no answer found"},
		{"5", "\\boxed{}", "no answer"},
		{"5", "\\boxed{5}", "the same text"},
		{"5", "\\boxed{2+3}", "the same value, exactly"},
		{"1/3", "\\boxed{0.333333}", "the same value to six digits"},
		{"5", "\\boxed{6}", "another value"},
		{"1,2", "\\boxed{1,3}", "other values"},
		{"1,2", "\\boxed{1,2,3}", "another number of values"},
		{"(1,2)", "\\boxed{\\{1,2\\}}", "an answer of another kind"},
		{"[1,2]", "\\boxed{[1,2)}", "another set"},
		{"[1,2]", "\\boxed{1 \\le x \\le 2}",
		 "an equation or inequality instead of a value"},
		{"5 cm", "\\boxed{5 m}", "another unit"},
		{"5 cm", "\\boxed{5 km}", "another unit"},
		{"x<5", "\\boxed{x>5}", "another relation"},
		{"5", "\\boxed{((5}", "no expression that is understood"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict out;

		judge(rows[i].answer, rows[i].response, &out);
		assert_string_equal(out.why, rows[i].why);
	}
}

static void several_answers(void **state)
{
	struct verdict out;

	(void)state;
	assert_true(judge("[\"1/2\", \"east\"]", "\\boxed{0.5}", &out) == 1);
	assert_true(judge("[\"1/2\", \"east\"]", "\\boxed{\\text{East}}", &out) == 1);
	assert_true(judge("[\"1/2\", \"east\"]", "\\boxed{1/4}", &out) == 0);
	assert_true(judge("[1, 2]", "\\boxed{[1,2]}", &out) == 1); /* an interval */
	assert_true(judge("[1, 2]", "\\boxed{1}", &out) == 0);
}

static void decimal_places(void **state)
{
	static const struct {
		const char *answer, *response, *precision;
		double reward;
	} rows[] = {
		{"\\frac13", "0.33", "2", 1},  {"\\frac13", "0.34", "2", 0},
		{"\\frac13", "0.33", "4", 0},  {"\\frac13", "0.3333", "4", 1},
		{"2.5", "2.504", "2", 1},      {"2.5", "2.51", "2", 0},
		{"25", "26", "1", 0},          {"\\frac13", "0.33", "-1", 0},
		{"\\frac13", "0.33", "99", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = xasprintf("{\"precision\":%s}", rows[i].precision);
		json_t *j = json_parse(text, strlen(text), "meta", NULL);
		struct buf b = {0};
		struct verdict out;

		mpjson_to(&b, j);
		if (math_judge(v, sp(rows[i].answer), sp(rows[i].response),
			       (struct mp){(const uint8_t *)b.p, b.n}, &out) != rows[i].reward)
			fail_msg("%s, %s, precision %s", rows[i].answer, rows[i].response,
				 rows[i].precision);
		json_decref(j);
		buf_free(&b);
		free(text);
	}
}

static void cannot_judge(void **state)
{
	struct reason why = {0};
	struct verdict out;
	struct verify_item it = {.task = sp("t1"), .response = sp("5")};

	(void)state;
	assert_int_equal(verify_run(v, &it, 1, &out, &why), ST_INPUT);
	assert_says(&why, "t1");
	it.answer = sp(" \n");
	assert_int_equal(verify_run(v, &it, 1, &out, &why), ST_INPUT);
	assert_says(&why, "the answer is empty");
}

static void refused(const struct buf *response)
{
	struct verdict out;

	math_judge(v, sp("12345"), (struct span){response->p, response->n}, (struct mp){0}, &out);
	assert_true(out.reward == 0);
}

/* Long, deep and broken responses: no reward, no harm, and the time of a glance */
static void hostile(void **state)
{
	static const char *const part[] = {
		"(",
		"\\frac",
		"{",
		"\\boxed{",
		"\\text{",
		"answer:",
		"$",
		"\\[",
		"-",
		"1+",
		"\\sqrt",
		"^",
		"_1",
		"1,",
		"|",
		"\\left(",
		"\\{",
		"!",
		"'",
		"9",
		"\\boxed",
		"2^",
		"\\pm",
		"\\sum_{k=1}^{100}",
		"answer is ((",
		"\\begin{pmatrix}",
		"\\cup",
		"\\sin",
		"x=",
		"\\overline",
		"####1 ",
		".",
		"\\\\",
		"( ",
		"x^2 = ",
		"\xc2\xb9",
		"× ",
	};
	struct buf b = {0};
	struct verdict out;

	(void)state;
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		for (size_t size = 100; size <= 1000000; size *= 100) {
			buf_reset(&b);
			while (b.n < size)
				buf_str(&b, part[i]);
			refused(&b);
			buf_str(&b, "7");
			refused(&b);
			buf_reset(&b);
			buf_str(&b, "\\boxed{");
			while (b.n < size)
				buf_str(&b, part[i]);
			buf_str(&b, "}");
			refused(&b);
		}
	buf_free(&b);
	math_judge(v, sp("5"),
		   (struct span){"\\boxed{5\0"
				 "6}",
				 11},
		   (struct mp){0}, &out);
	assert_true(out.reward == 0);
}

/* ---- published answers ---- */

static json_t *next_row(FILE *f)
{
	static char *line;
	static size_t cap;
	struct reason why = {0};

	if (getline(&line, &cap, f) > 0)
		return json_parse(line, strlen(line), "row", &why);
	free(line);
	line = NULL;
	cap = 0;
	return NULL;
}

static const char *text_of(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

/* Every verdict of Math-Verify's own tests that it does not itself call an error */
static void published_verdicts(void **state)
{
	FILE *f = fopen(shared_data("math/math_verify_half.jsonl"), "r");
	size_t n = 0, wrong = 0;
	json_t *row;

	(void)state;
	assert_non_null(f);
	for (; (row = next_row(f)) != NULL; json_decref(row)) {
		struct buf meta = {0};
		struct verdict out;

		mpjson_to(&meta, row); /* precision is among its keys */
		if (!json_object_get(row, "quirk") &&
		    math_judge(v, sp(text_of(row, "gold")), sp(text_of(row, "prediction")),
			       (struct mp){(const uint8_t *)meta.p, meta.n},
			       &out) != json_number_value(json_object_get(row, "expected"))) {
			print_message("%s: %s: %s\n", text_of(row, "id"), out.extracted, out.why);
			wrong++;
		}
		n++;
		buf_free(&meta);
	}
	fclose(f);
	assert_int_equal(n, 135);
	assert_int_equal(wrong, 0);
}

/* Every "from" in s becomes "to". */
static char *replaced(const char *s, const char *from, const char *to)
{
	struct buf b = {0};

	for (const char *p; *from && (p = strstr(s, from)) != NULL; s = p + strlen(from)) {
		buf_add(&b, s, (size_t)(p - s));
		buf_str(&b, to);
	}
	buf_str(&b, s);
	buf_cstr(&b);
	return b.p;
}

static void accepted(const char *answer, const char *form, const char *from, const char *to)
{
	char *changed = replaced(answer, from, to), *mark = replaced(form, "@", changed);
	struct verdict out;

	if (judge(answer, mark, &out) != 1)
		fail_msg("%s: refused as %s: %s", answer, mark, out.why);
	free(changed);
	free(mark);
}

static void all_rewrites(const char *answer)
{
	static const char *const form[] = {"@",
					   "$@$",
					   "We get $\\boxed{@}$.",
					   "\\fbox{@}",
					   "Thus\n\\[\n@\n\\]\n",
					   "Thus \\(@\\)",
					   "So. The answer is $@$. I hope it is correct.",
					   "**Final Answer:** @",
					   "Answer: $@$."};
	static const char *const change[][2] = {
		{"\\frac", "\\dfrac"},   {"\\frac", "\\tfrac"},
		{"\\dfrac", "\\frac"},   {"\\left", ""},
		{"\\right", ""},         {"+", " + "},
		{"\\mbox", "\\text"},    {"\\text", "\\mathrm"},
		{"^\\circ", ""},         {"\\$", ""},
		{"\\sqrt", "\\,\\sqrt"}, {"\\pi", " \\cdot \\pi"},
		{",\\!", ","},           {" \\text{ cents}", ""},
		{"\\", "\\\\"},          {"pmatrix", "bmatrix"},
		{"^2", "^{2}"},          {"\\infty", "\\infty "},
	};

	for (size_t i = 0; i < sizeof form / sizeof *form; i++)
		accepted(answer, form[i], "", "");
	for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
		const char *at = strstr(answer, change[i][0]);

		if (!at ||
		    (strcmp(change[i][0], "\\pi") == 0 &&
		     (at == answer || !strchr("0123456789", at[-1]))) ||
		    (*change[i][0] == ',' && at[3] == ' '))
			continue;
		accepted(answer, "\\boxed{@}", change[i][0], change[i][1]);
	}
}

static void published_answers(void **state)
{
	static const struct {
		const char *file;
		size_t n;
	} sets[] = {{"math/math500.jsonl", 500}, {"math/aime24.jsonl", 30}};

	(void)state;
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		FILE *f = fopen(shared_data(sets[i].file), "r");
		size_t n = 0;
		json_t *row;

		assert_non_null(f);
		for (; (row = next_row(f)) != NULL; json_decref(row), n++)
			all_rewrites(text_of(row, "answer"));
		fclose(f);
		assert_int_equal(n, sets[i].n);
	}
}

/* Is b written otherwise but the same? */
static bool known_same(const char *a, const char *b)
{
	static const char *const same[][2] = {
		{"-2,1", "1,-2"},
		{"10,\\!080", "10080"},
		{"180^\\circ", "\\pi"},
		{"x=5", "5"},
		{"\\frac14", "\\frac{1}{4}"},
		{"2 \\sqrt{5}", "2\\sqrt{5}"},
		{"15\\mbox{ cm}^2", "15"},
		{"\\$36", "36"},
		{"120^\\circ", "120"},
		{"30^\\circ", "30"},
		{"36^\\circ", "36"},
		{"90^\\circ", "90"},
		{"\\$36", "36^\\circ"},
	};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if ((strcmp(a, same[i][0]) == 0 && strcmp(b, same[i][1]) == 0) ||
		    (strcmp(a, same[i][1]) == 0 && strcmp(b, same[i][0]) == 0))
			return true;
	return strcmp(a, b) == 0;
}

/* No answer of MATH is taken for another one. */
static void different_answers(void **state)
{
	FILE *f = fopen(shared_data("math/math500.jsonl"), "r");
	char *answer[500];
	size_t n = 0, wrong = 0;
	json_t *row;

	(void)state;
	assert_non_null(f);
	for (; n < 500 && (row = next_row(f)) != NULL; json_decref(row))
		answer[n++] = xasprintf("\\boxed{%s}", text_of(row, "answer"));
	fclose(f);
	for (size_t i = 0; i < n * n; i++) {
		struct span right = sp(answer[i / n]);
		char *bare = xstrndup(right.p + 7, right.n - 8);
		struct verdict out;

		if (i % n > i / n && judge(bare, answer[i % n], &out) == 1 &&
		    !known_same(bare, out.extracted)) {
			print_message("%s taken for %s\n", out.extracted, bare);
			wrong++;
		}
		free(bare);
	}
	while (n)
		free(answer[--n]);
	assert_int_equal(wrong, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(comparisons),       TEST(extraction),         TEST(reasons),
		TEST(several_answers),   TEST(decimal_places),     TEST(cannot_judge),
		TEST(hostile),           TEST(published_verdicts), TEST(published_answers),
		TEST(different_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
