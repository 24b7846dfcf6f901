/* The verifier gsm8k: by hand, and against a thousand real verdicts. */
#include "base/json.h"
#include "scratch.h"

#include "verify/verify.h"

static struct span sp(const char *s)
{
	return (struct span){s, strlen(s)};
}

static double judge(const char *answer, const char *response, struct verdict *v)
{
	struct reason why = {0};
	struct verifier *vr = verify_open(&(struct verify_opts){.verifier = "gsm8k"}, &why);
	struct verify_item it = {.task = sp("t"), .response = sp(response), .answer = sp(answer)};

	assert_non_null(vr);
	if (verify_run(vr, &it, 1, v, &why))
		fail_msg("%s", why.text);
	verify_close(vr);
	return v->reward;
}

static void by_hand(void **state)
{
	static const struct {
		const char *answer, *response;
		double reward;
		const char *extracted;
	} rows[] = {
		{"18", "So 9 * 2 = $18.\n#### 18", 1, "18"},
		{"18", "#### 17\nno:\n#### 18", 1, "18"},
		{"18", "#### 18\nThat is 3 more than 15.", 1, "18"},
		{"18", "#### 18 dollars, not 20", 1, "18"},
		{"18", "It is 18 and not\n####", 1, "18"},
		{"18", "9 * 2 = 18.", 1, "18"},
		{"18", "9 * 2 = 18.0", 1, "18.0"},
		{"18", "9 * 2 = 18, so the answer is 19", 0, "19"},
		{"18", "", 0, ""},
		{"18", "eighteen", 0, ""},
		{"18", "####", 0, ""},
		{"18", "###18", 1, "18"},
		{"She has 2 x 9.\n#### 18", "The answer is $18.", 1, "18"},
		{"70,000", "#### $70000", 1, "70000"},
		{"70000", "#### 70,000.00", 1, "70,000.00"},
		{"70000", "#### 70", 0, "70"},
		{"50", "It grows by 50%.", 1, "50"},
		{"50", "It grows by 0.5", 0, "0.5"},
		{"-3", "#### -3", 1, "-3"},
		{"-3", "5 - 8 = -3", 1, "-3"},
		{"3", "#### -3", 0, "-3"},
		{"0.5", "#### 1/2", 1, "1/2"},
		{"0.5", "#### .5", 1, ".5"},
		{"12345678901234567890123", "#### 12345678901234567890124", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verdict v;

		if (judge(rows[i].answer, rows[i].response, &v) != rows[i].reward ||
		    (rows[i].extracted && strcmp(v.extracted, rows[i].extracted) != 0))
			fail_msg("'%s': reward %g, extracted '%s'", rows[i].response, v.reward,
				 v.extracted);
	}
}

static void real_verdicts(void **state)
{
	FILE *f = fopen(shared_data("math/gsm8k_verdicts_1000.jsonl"), "r");
	char *line = NULL;
	size_t cap = 0, n = 0, wrong = 0;

	(void)state;
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		struct reason why = {0};
		json_t *j = json_parse(line, strlen(line), "row", &why);
		const char *gold = json_string_value(json_object_get(j, "gold"));
		const char *response = json_string_value(json_object_get(j, "prediction"));
		struct verdict v;

		n++;
		if (judge(gold, response, &v) !=
		    json_number_value(json_object_get(j, "expected"))) {
			print_message("line %zu: %s against %s\n", n, v.extracted, gold);
			wrong++;
		}
		json_decref(j);
	}
	free(line);
	fclose(f);
	assert_int_equal(n, 1000);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(real_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
