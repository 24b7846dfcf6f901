/* taskrow.c - one problem from its row of JSON, in whatever form people have it. See taskrow.h. */
#include "task/taskrow.h"
#include "base/json.h"
#include "base/mem.h"
#include "stream/mpjson.h"

#include <stdlib.h>
#include <string.h>

/* A row being read: which of its keys have been understood, the rest is the user's. */
struct row {
	json_t *j;
	const char *used[24];
	size_t n_used;
	const char *where; /* "file:line" */
	struct reason *why;
};

static json_t *use(struct row *r, const char *key)
{
	json_t *v = json_object_get(r->j, key);

	if (v)
		r->used[r->n_used++] = key;
	return json_is_null(v) ? NULL : v;
}

/* The first of the keys names[0..n) that the row has, and which it is */
static json_t *use_first(struct row *r, const char *const *names, size_t n, const char **which)
{
	json_t *v = NULL;

	for (size_t i = 0; i < n && !v; i++)
		v = use(r, *which = names[i]);
	return v;
}

static int bad(const struct row *r, const char *key, const char *what)
{
	return fail(r->why, ST_INPUT, "%s: %s: %s", r->where, key, what);
}

static bool has_nul(const json_t *string)
{
	return strlen(json_string_value(string)) != json_string_length(string);
}

/* Text as a C string; a NUL in it would hide what follows. */
static int get_text(const struct row *r, const char *key, const json_t *v, char **out)
{
	if (!json_is_string(v))
		return bad(r, key, "not a string");
	if (has_nul(v))
		return bad(r, key, "a NUL character in the text");
	*out = xstrdup(json_string_value(v));
	return 0;
}

/* An id or answer: text, or anything else as its JSON text (12, true, ["a","b"]). */
static int get_value(const struct row *r, const char *key, const json_t *v, char **out)
{
	struct buf packed = {0}, text = {0};
	size_t len;

	if (json_is_string(v))
		return get_text(r, key, v, out);
	mpjson_to(&packed, v);
	if (mp_skim(packed.p, packed.n, &len) != MP_OK) {
		buf_free(&packed);
		return bad(r, key, "nested too deep or too large");
	}
	mpjson_from(&text, (struct mp){(const uint8_t *)packed.p, packed.n});
	*out = xstrdup(buf_cstr(&text));
	buf_free(&packed);
	buf_free(&text);
	return 0;
}

static int get_messages(const struct row *r, const char *key, const json_t *v, char **out)
{
	size_t i;
	json_t *m;

	if (!json_is_array(v) || json_array_size(v) == 0)
		return bad(r, key, "not a list of messages");
	json_array_foreach(v, i, m)
	{
		if (!json_is_string(json_object_get(m, "role")) ||
		    !json_is_string(json_object_get(m, "content")))
			return bad(r, key, "a message without the strings role and content");
		if (has_nul(json_object_get(m, "content")))
			return bad(r, key, "a NUL character in the text");
	}
	*out = json_dumps(v, JSON_COMPACT);
	return 0;
}

/* Tools are the messages' business: beside a prompt they are the user's own. */
static int get_tools(struct row *r, struct task *t)
{
	json_t *v = t->messages ? use(r, "tools") : NULL;

	if (v && !json_is_array(v))
		return bad(r, "tools", "not a list");
	if (json_array_size(v))
		t->tools = json_dumps(v, JSON_COMPACT);
	return 0;
}

/* The number behind "####" that ends an answer of GSM8K, thousands separators left out; NULL
 * without it. */
static char *gsm8k_answer(const char *text)
{
	const char *p = strstr(text, "####");
	char *out, *w;

	for (const char *next = p; next; next = strstr(next + 4, "####"))
		p = next;
	if (!p)
		return NULL;
	p += 4 + strspn(p + 4, " \t");
	w = out = xstrdup(p);
	for (; *p; p++)
		if (*p != ',')
			*w++ = *p;
	while (w > out && strchr(" \t\r\n", w[-1]))
		w--;
	*w = '\0';
	return out;
}

/* A table's cell that held messages, as Python prints it */
static bool is_printed_list(const char *text)
{
	return (strncmp(text, "[{", 2) == 0 || strncmp(text, "array([{", 8) == 0) &&
	       (strstr(text, "'role'") || strstr(text, "\"role\""));
}

static int get_prompt(struct row *r, struct task *t)
{
	static const char *const names[] = {"prompt", "question", "problem", "Question", "Problem"};
	json_t *messages = use(r, "messages"), *v;
	const char *name;
	int st;

	if (messages)
		return json_object_get(r->j, "prompt")
			       ? bad(r, "messages", "prompt is there too: which of them?")
			       : get_messages(r, "messages", messages, &t->messages);
	v = use_first(r, names, sizeof names / sizeof *names, &name);
	if (!v)
		return fail(r->why, ST_INPUT, "%s: no prompt, messages, question or problem",
			    r->where);
	if (json_is_array(v) && strcmp(name, "prompt") == 0) /* verl, DAPO */
		return get_messages(r, name, v, &t->messages);
	st = get_text(r, name, v, &t->prompt);
	if (!st && is_printed_list(t->prompt))
		st = bad(r, name,
			 "a list of messages written as text: it must be JSON "
			 "(pandas: to_json, not to_csv)");
	return st;
}

static bool has_problem(const struct row *r)
{
	return json_is_string(json_object_get(r->j, "problem")) ||
	       json_is_string(json_object_get(r->j, "Problem"));
}

static void imply(struct task *t, const char *verifier)
{
	t->verifier = xstrdup(verifier);
	t->implied = true;
}

/* The inside of the last \boxed{...} of a solution, or the word behind "\boxed "; NULL: none. */
static char *boxed(const char *text)
{
	const char *p = NULL, *end;
	int depth = 0;

	for (const char *q = text; (q = strstr(q, "\\boxed")); q++)
		p = q + strlen("\\boxed");
	if (!p)
		return NULL;
	if (*p == ' ') {
		p += strspn(p, " ");
		end = p + strcspn(p, " $.,\n");
		return end > p ? xstrndup(p, (size_t)(end - p)) : NULL;
	}
	if (*p++ != '{')
		return NULL;
	for (end = p; *end && (*end != '}' || depth); end++) {
		if (*end == '\\' && end[1]) /* \{ */
			end++;
		else
			depth += *end == '{' ? 1 : *end == '}' ? -1 : 0;
	}
	return *end ? xstrndup(p, (size_t)(end - p)) : NULL;
}

/* MATH as it was published: the answer stands in the solution. */
static void solution_answer(const struct row *r, struct task *t)
{
	const char *solution = json_string_value(json_object_get(r->j, "solution"));

	if (!has_problem(r) || !solution)
		return;
	t->answer = boxed(solution);
	imply(t, "math");
}

/* An "answer": the end of a worked solution in GSM8K, an expression in MATH. */
static void known_form(const struct row *r, struct task *t)
{
	bool question = json_is_string(json_object_get(r->j, "question"));
	char *number = question ? gsm8k_answer(t->answer) : NULL;

	if (number) {
		free(t->answer);
		t->answer = number;
		imply(t, "gsm8k");
	} else if (has_problem(r)) {
		imply(t, "math");
	}
}

static bool mentions(const json_t *v, const char *word)
{
	return json_is_string(v) && strcasestr(json_string_value(v), word);
}

/* verl's rows say what they are about. */
static void known_source(const struct row *r, struct task *t)
{
	const json_t *source = json_object_get(r->j, "data_source");

	if (mentions(source, "gsm8k"))
		imply(t, "gsm8k");
	else if (mentions(source, "math") || mentions(source, "aime") ||
		 mentions(json_object_get(r->j, "ability"), "math"))
		imply(t, "math");
}

/* Some sets write every answer as a list of one, or as the text of such a list: ["34"]. More than
 * one would never be what a response says, and reward nobody. */
static int unwrap(const struct row *r, struct task *t)
{
	json_t *j = json_loads(t->answer, JSON_ALLOW_NUL, NULL), *only = json_array_get(j, 0);
	size_t n = json_array_size(j);
	int st = 0;

	if (n == 1 && json_is_string(only) && !has_nul(only)) {
		free(t->answer);
		t->answer = xstrdup(json_string_value(only));
	} else if (n == 1 && json_is_integer(only)) {
		free(t->answer);
		t->answer = xasprintf("%lld", (long long)json_integer_value(only));
	} else if (json_is_object(j) || (j && n == 0) || json_is_string(only)) {
		st = fail(r->why, ST_INPUT,
			  "%s: answer %.80s: one text is wanted, or another verifier than %s",
			  r->where, t->answer, t->verifier);
	}
	json_decref(j);
	return st;
}

static int get_answer(struct row *r, struct task *t)
{
	static const char *const names[] = {"answer", "Answer", "final_answer", "expected_answer",
					    "ground_truth"};
	const json_t *truth =
		json_object_get(json_object_get(r->j, "reward_model"), "ground_truth");
	bool verl = truth && !json_is_null(truth) && !use(r, "answer");
	const char *name;
	json_t *v;
	int st;

	if (verl) { /* read, but left among the user's keys, since it may hold more */
		st = get_value(r, "reward_model.ground_truth", truth, &t->answer);
		if (!st)
			known_source(r, t);
		return st;
	}
	v = use_first(r, names, sizeof names / sizeof *names, &name);
	if (!v) {
		solution_answer(r, t);
		return 0;
	}
	st = get_value(r, name, v, &t->answer);
	if (!st)
		known_form(r, t);
	return st;
}

static int get_id(struct row *r, struct task *t, size_t line)
{
	static const char *const names[] = {"id", "unique_id", "ID"};
	const char *name;
	json_t *v = use_first(r, names, sizeof names / sizeof *names, &name);

	if (!v)
		v = json_object_get(json_object_get(r->j, "extra_info"), name = "index");
	if (!v || json_is_null(v)) {
		t->id = xasprintf("line:%zu", line);
		return 0;
	}
	if (!json_is_string(v) && !json_is_integer(v))
		return bad(r, name, "neither a string nor a whole number");
	return get_value(r, name, v, &t->id);
}

static bool is_used(const struct row *r, const char *key)
{
	for (size_t i = 0; i < r->n_used; i++)
		if (strcmp(r->used[i], key) == 0)
			return true;
	return false;
}

/* The row's own meta with the keys that nobody understood added to it. */
static int get_meta(struct row *r, struct task *t)
{
	json_t *own = use(r, "meta"), *all, *v;
	const char *key;
	size_t len;
	int st = 0;

	if (own && !json_is_object(own))
		return bad(r, "meta", "not an object");
	all = own ? json_copy(own) : json_object();
	json_object_foreach(r->j, key, v)
	{
		if (is_used(r, key))
			continue;
		if (json_object_get(all, key) && !st)
			st = bad(r, key, "the key stands in the row and in its meta");
		json_object_set(all, key, v);
	}
	if (!st && json_object_size(all)) {
		mpjson_to(&t->meta, all);
		if (mp_skim(t->meta.p, t->meta.n, &len) != MP_OK ||
		    mp_type((struct mp){(const uint8_t *)t->meta.p, len}) != MP_MAP)
			st = bad(r, "meta", "nested too deep, too large, or no map");
	}
	json_decref(all);
	return st;
}

static int read_row(struct row *r, struct task *t, size_t line)
{
	json_t *v;
	int st;

	if (!json_is_object(r->j))
		return fail(r->why, ST_INPUT, "%s: not a JSON object", r->where);
	st = get_prompt(r, t);
	if (!st)
		st = get_tools(r, t);
	if (!st)
		st = get_answer(r, t);
	if (!st)
		st = get_id(r, t, line);
	v = st ? NULL : use(r, "verifier");
	if (v) {
		free(t->verifier);
		t->verifier = NULL;
		t->implied = false;
		st = get_text(r, "verifier", v, &t->verifier);
	}
	if (!st && t->implied && t->answer)
		st = unwrap(r, t);
	return st ? st : get_meta(r, t);
}

int task_from_row(const json_t *row, const char *where, size_t line, struct task *out,
		  struct reason *why)
{
	struct row r = {.j = (json_t *)row, .where = where, .why = why};

	return read_row(&r, out, line);
}
