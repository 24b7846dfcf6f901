/* Verdicts by kinds of answers: tests/data/verdicts.tsv, and the shared cases where they are. */
#include "base/json.h"
#include "mathcases.h"
#include "scratch.h"

#include "stream/mpjson.h"

enum { ID, KIND, VERIFIER, RIGHT, ANSWER, RESPONSE, NUMBERS, PROMPT, COLUMNS };

static struct verifier *v;

/* The escapes of traj-cat -c, in place */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			*to++ = (char)(*s == 'n' ? '\n' : *s == 't' ? '\t' : *s == 'r' ? '\r' : *s);
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool row_right(char *const *column, struct verdict *out)
{
	char *meta = xasprintf("{\"numbers\":%s}", *column[NUMBERS] ? column[NUMBERS] : "null");
	json_t *j = json_parse(meta, strlen(meta), "meta", NULL);
	struct buf b = {0};
	struct reason why = {0};
	struct verify_item it = {.task = sp(column[ID]),
				 .answer = sp(column[ANSWER]),
				 .response = sp(column[RESPONSE]),
				 .prompt = sp(column[PROMPT]),
				 .verifier = column[VERIFIER]};

	mpjson_to(&b, j);
	it.meta = (struct mp){(const uint8_t *)b.p, b.n};
	if (verify_run(v, &it, 1, out, &why))
		fail_msg("%s", why.text);
	json_decref(j);
	buf_free(&b);
	free(meta);
	return out->reward == (*column[RIGHT] == '1');
}

static bool line_right(char *line)
{
	char *column[COLUMNS], *rest = line;
	struct verdict out;
	bool yes;

	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < COLUMNS; i++) {
		column[i] = strsep(&rest, "\t");
		assert_non_null(column[i]);
		unescape(column[i]);
	}
	yes = row_right(column, &out);
	if (!yes)
		print_message("%s: %s, response %s: reward %g of '%s': %s\n", column[ID],
			      column[ANSWER], column[RESPONSE], out.reward, out.extracted,
			      out.why ? out.why : "");
	return yes;
}

static void all_rows(const char *path, size_t least)
{
	FILE *f = fopen(path, "r");
	size_t n = 0, wrong = 0, cap = 0;
	char *line = NULL;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		if (*line == '#')
			continue;
		n++;
		wrong += !line_right(line);
	}
	free(line);
	fclose(f);
	if (wrong)
		print_message("%s: %zu of %zu are wrong\n", path, wrong, n);
	assert_true(n >= least);
	assert_int_equal(wrong, 0);
}

static void own(void **state)
{
	(void)state;
	all_rows("tests/data/verdicts.tsv", 700);
}

static void shared(void **state)
{
	(void)state;
	all_rows(shared_data("../cases/verify.tsv"), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(own), cmocka_unit_test(shared)};
	struct reason why = {0};
	int st;

	v = verify_open(&(struct verify_opts){.verifier = NULL}, &why);
	assert_non_null(v);
	st = cmocka_run_group_tests(tests, NULL, NULL);
	verify_close(v);
	return st;
}
