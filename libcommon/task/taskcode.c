/* taskcode.c - problems whose answer is a program. See taskcode.h. */
#include "task/taskcode.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* {"inputs": [...], "outputs": [...]} or [{"input", "output"}, ...] */
static bool are_tests(const json_t *v)
{
	const json_t *first = json_array_get(v, 0);

	if (json_is_array(json_object_get(v, "inputs")))
		return json_is_array(json_object_get(v, "outputs"));
	return json_object_get(first, "input") && json_object_get(first, "output");
}

bool taskcode_text(const char *text)
{
	json_t *v;
	bool yes;

	if (*text != '{' && *text != '[')
		return false;
	v = json_loads(text, JSON_ALLOW_NUL, NULL);
	yes = are_tests(v);
	json_decref(v);
	return yes;
}

bool taskcode_find(const struct row *r)
{
	const char *test = row_str(r, "test");
	const json_t *io = json_object_get(r->j, "input_output"),
		     *public = json_object_get(r->j, "public_test_cases"),
		     *list = json_object_get(r->j, "test_list");

	if (test && strstr(test, "def check"))
		return row_str(r, "entry_point");
	if (json_is_string(json_array_get(list, 0)))
		return true;
	if (json_is_string(public) || json_is_array(public))
		return row_str(r, "question_content");
	return json_is_string(io) ? taskcode_text(json_string_value(io)) : are_tests(io);
}

static bool says(const char *text, const char *what)
{
	return strstr(text, what);
}

static size_t trimmed(const char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	return n;
}

void taskcode_prompt(const struct row *r, char **prompt)
{
	const json_t *list = json_object_get(r->j, "test_list"), *v;
	const char *start = row_str(r, "starter_code"),
		   *test = json_string_value(json_array_get(list, 0));
	char *old = *prompt;
	struct buf b = {0};
	size_t i;

	buf_add(&b, old, trimmed(old));
	if (test && row_str(r, "code") && !says(old, test)) {
		buf_str(&b, "\n\nYour code should pass these tests:\n\n");
		json_array_foreach(list, i, v)
			buf_printf(&b, "%s\n", json_string_value(v) ? json_string_value(v) : "");
	} else if (start && trimmed(start) && !says(old, start)) {
		buf_printf(&b, "\n\nBegin with this code:\n\n```python\n%.*s\n```\n",
			   (int)trimmed(start), start);
	} else {
		buf_free(&b);
		return;
	}
	*prompt = xstrdup(buf_cstr(&b));
	free(old);
	buf_free(&b);
}

int taskcode_answer(struct row *r, char **answer)
{
	static const char *const names[] = {"answer", "canonical_solution", "code"};
	const char *name;
	const json_t *v = row_first(r, names, sizeof names / sizeof *names, &name);

	return v ? row_value(r, name, v, answer) : 0;
}
