/* taskrow.c - one problem from its row of JSON, in whatever form people have it. See taskrow.h. */
#include "task/taskrow.h"
#include "base/hash.h"
#include "base/mem.h"
#include "math/box.h"
#include "stream/mpjson.h"
#include "task/pylist.h"
#include "task/rowkeys.h"
#include "task/taskcode.h"
#include "task/taskgame.h"

#include <ctype.h>

#include <stdlib.h>
#include <string.h>

static bool is_from(const json_t *message, const char *role)
{
	const char *s = json_string_value(json_object_get(message, "role"));

	return s && strcmp(s, role) == 0;
}

/* One that calls tools may have no text. */
static bool has_content(const json_t *m)
{
	const json_t *content = json_object_get(m, "content");

	return json_is_string(content) || ((!content || json_is_null(content)) &&
					   json_array_size(json_object_get(m, "tool_calls")));
}

/* Messages that end in the assistant's are a worked solution, which the policy must not see, or a
 * beginning to go on with: whoever shows them has to know. What of them is the prompt. */
static size_t asked(const struct row *r, const json_t *v, struct task *t)
{
	size_t all = json_array_size(v), n = all;
	bool solved = row_str(r, "problem") || row_str(r, "question") || row_str(r, "solution") ||
		      json_object_get(r->j, "answer");

	t->go_on = json_is_true(json_object_get(r->j, "continue_final_message"));
	while (n && is_from(json_array_get(v, n - 1), "assistant"))
		n--;
	t->open = n < all && (t->go_on || !solved);
	return t->open ? all : n;
}

static int get_messages(const struct row *r, const char *key, const json_t *v, struct task *t)
{
	size_t i, n;
	json_t *m, *shown;

	if (!json_is_array(v) || json_array_size(v) == 0)
		return row_bad(r, key, "not a list of messages");
	json_array_foreach(v, i, m)
	{
		if (!json_is_string(json_object_get(m, "role")) || !has_content(m))
			return row_bad(r, key, "a message without the strings role and content");
		if (json_is_string(json_object_get(m, "content")) &&
		    row_has_nul(json_object_get(m, "content")))
			return row_bad(r, key, "a NUL character in the text");
	}
	n = asked(r, v, t);
	if (!n)
		return row_bad(r, key, "all of them are the assistant's");
	shown = json_array();
	for (i = 0; i < n; i++)
		json_array_append(shown, json_array_get(v, i));
	t->messages = json_dumps(shown, JSON_COMPACT);
	json_decref(shown);
	return 0;
}

/* Tools are the messages' business: beside a prompt they are the user's own. */
static int get_tools(struct row *r, struct task *t)
{
	json_t *v = t->messages ? row_use(r, "tools") : NULL;

	if (v && !json_is_array(v))
		return row_bad(r, "tools", "not a list");
	if (json_array_size(v))
		t->tools = json_dumps(v, JSON_COMPACT);
	return 0;
}

/* So are the arguments of the chat template. */
static int get_args(struct row *r, struct task *t)
{
	json_t *v = t->messages ? row_use(r, "chat_template_kwargs") : NULL;

	if (v && !json_is_object(v) && !json_is_null(v))
		return row_bad(r, "chat_template_kwargs", "not an object");
	if (json_object_size(v))
		t->args = json_dumps(v, JSON_COMPACT);
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

static bool asks(const char *name)
{
	return strcasecmp(name, "question") == 0 || strcasecmp(name, "problem") == 0;
}

/* Some sets have a story in one column and the question about it in another. */
static int add_story(struct row *r, const char *name, char **prompt)
{
	static const char *const names[] = {"Body",    "body",    "context", "Context",
					    "passage", "Passage", "story",   "Story"};
	const char *key = "";
	json_t *v = row_first(r, names, sizeof names / sizeof *names, &key);
	char *story, *both;
	size_t n;
	int st;

	if (!v || (json_is_string(v) && strstr(*prompt, json_string_value(v))) ||
	    json_is_false(v) ||
	    (!json_is_string(v) && json_object_size(v) + json_array_size(v) == 0))
		return 0;
	if (!json_is_string(v))
		return fail(r->why, ST_INPUT,
			    "%s: %s beside %s is no text: write what the policy is to see as "
			    "\"prompt\"",
			    r->where, key, name);
	if ((st = row_text(r, key, v, &story)))
		return st;
	for (n = strlen(story); n && isspace((unsigned char)story[n - 1]); n--)
		;
	both = xasprintf("%.*s %s", (int)n, story, *prompt);
	free(story);
	free(*prompt);
	*prompt = both;
	return 0;
}

static int no_prompt(const struct row *r)
{
	struct buf keys = {0};
	int st;

	row_list(r, &keys);
	st = fail(r->why, ST_INPUT,
		  "%s: no prompt, messages, question, problem, instruction, query, input or "
		  "question_content; the row has %.300s",
		  r->where, keys.n ? buf_cstr(&keys) : "no keys");
	buf_free(&keys);
	return st;
}

static int prompt_text(struct row *r, struct task *t, const char *name, const json_t *v)
{
	int st = row_text(r, name, v, &t->prompt);

	if (!st && is_printed_list(t->prompt))
		return row_bad(r, name,
			       "a list of messages written as text: it must be JSON "
			       "(pandas: to_json, not to_csv)");
	r->published = strcmp(name, "prompt") != 0;
	if (!st && strcmp(name, "instruction") == 0 && row_str(r, "input") && *row_str(r, "input"))
		return row_bad(r, name,
			       "input is there too: write what the policy is to see as \"prompt\"");
	if (!st && r->code)
		taskcode_prompt(r, &t->prompt);
	return st || !asks(name) ? st : add_story(r, name, &t->prompt);
}

static int get_prompt(struct row *r, struct task *t)
{
	static const char *const names[] = {
		"prompt",      "question", "problem", "Question",         "Problem",
		"instruction", "query",    "input",   "question_content", "text"};
	const size_t n = sizeof names / sizeof *names - !r->code; /* text may be anything */
	json_t *messages = row_use(r, "messages"), *v;
	const char *name;

	if (messages && json_object_get(r->j, "prompt"))
		return row_bad(r, "messages", "prompt is there too: which of them?");
	r->published = true;
	if (messages)
		return get_messages(r, "messages", messages, t);
	v = row_first(r, names, n, &name);
	if (!v && r->numbers)
		return 0;
	if (!v)
		return no_prompt(r);
	if (json_is_array(v) && strcmp(name, "prompt") == 0) /* verl, DAPO, TRL */
		return get_messages(r, name, v, t);
	return prompt_text(r, t, name, v);
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

/* The word behind the last "\\boxed ", which has no braces; NULL: none. */
static char *boxed_word(const char *text)
{
	const char *p = NULL;
	size_t n;

	for (const char *q = text; (q = strstr(q, "\\boxed ")); q++)
		p = q + strlen("\\boxed ");
	if (!p)
		return NULL;
	p += strspn(p, " ");
	n = strcspn(p, " $.,\n");
	return n ? xstrndup(p, n) : NULL;
}

/* A worked solution as MATH has them: the answer is what its last boxes say; TRL's is the answer
 * itself. It stays among the user's keys. */
static int solution_answer(const struct row *r, struct task *t)
{
	const json_t *v = json_object_get(r->j, "solution");
	struct span text = {json_string_value(v), json_string_length(v)};
	struct box_place place;
	struct buf b = {0};
	int st = 0;

	if (!text.p)
		return 0;
	if (box_last(text, &b, &place))
		t->answer = xstrdup(buf_cstr(&b));
	else if (!(t->answer = boxed_word(text.p)) && !has_problem(r) && !row_str(r, "question"))
		st = row_text(r, "solution", v, &t->answer);
	if (has_problem(r))
		imply(t, "math");
	buf_free(&b);
	return st;
}

/* Names that others give an answer; a verifier of one's own may know them, so they stay in meta. */
static int other_answer(const struct row *r, struct task *t)
{
	static const char *const names[] = {"label",       "target",         "gold",
					    "gold_answer", "correct_answer", "reference_answer"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const json_t *v = json_object_get(r->j, names[i]);

		if (v && !json_is_null(v))
			return row_value(r, names[i], v, &t->answer);
	}
	return 0;
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

static bool is_json(const char *text)
{
	json_t *j = json_loads(text, JSON_ALLOW_NUL, NULL);

	json_decref(j);
	return j;
}

/* Some sets write every answer as a list of one, or as the text of such a list: ["34"]. More than
 * one would never be what a response says, and reward nobody. */
static int unwrap(const struct row *r, struct task *t)
{
	json_t *j = json_loads(t->answer, JSON_ALLOW_NUL, NULL), *only = json_array_get(j, 0);
	size_t n = json_array_size(j);
	int st = 0;

	if (n == 1 && json_is_string(only) && !row_has_nul(only)) {
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

/* A game's answer is its target; a solution beside it is the user's. */
static void game_answer(struct task *t, int64_t target)
{
	t->answer = xasprintf("%lld", (long long)target);
	imply(t, "countdown");
}

/* A program is judged by its tests; the answer is only somebody's program. */
static int code_answer(struct row *r, struct task *t)
{
	imply(t, "code");
	return taskcode_answer(r, &t->answer);
}

static int get_answer(struct row *r, struct task *t)
{
	static const char *const names[] = {"answer", "Answer", "final_answer", "expected_answer",
					    "ground_truth"};
	const json_t *truth =
		json_object_get(json_object_get(r->j, "reward_model"), "ground_truth");
	bool verl = truth && !json_is_null(truth) && !row_use(r, "answer");
	const char *name;
	json_t *v;
	int st;

	if (verl) { /* read, but left among the user's keys, since it may hold more */
		st = row_value(r, "reward_model.ground_truth", truth, &t->answer);
		if (!st && taskcode_text(t->answer))
			imply(t, "code");
		else if (!st)
			known_source(r, t);
		return st;
	}
	v = row_first(r, names, sizeof names / sizeof *names, &name);
	if (!v) {
		st = solution_answer(r, t);
		return st || t->answer || t->implied ? st : other_answer(r, t);
	}
	st = row_value(r, name, v, &t->answer);
	if (!st)
		known_form(r, t);
	return st;
}

static int unprint(const struct row *r, struct task *t)
{
	char *one = NULL;
	int got = pylist_one(t->answer, &one);

	if (got < 0)
		return fail(r->why, ST_INPUT,
			    "%s: answer %.80s: a list that Python printed, which is not of one: "
			    "one text is wanted",
			    r->where, t->answer);
	if (got) {
		free(t->answer);
		t->answer = one;
	}
	return 0;
}

/* Words that stand where there is no answer: who says them must not be rewarded. */
static int refuse_placeholder(const struct row *r, const struct task *t)
{
	static const char *const words[] = {
		"proof",        "notfound",      "not found", "not_found", "n/a",     "na",
		"nan",          "null",          "no answer", "noanswer",  "missing", "tbd",
		"not provided", "not available", "unknown",   "-",         "?",       "..."};
	const char *s = t->answer + strspn(t->answer, " \t\n");
	size_t n;

	if (strncmp(s, "\\text{", 6) == 0)
		s += 6;
	n = strcspn(s, "}");
	while (n && strchr(" \t\n.", s[n - 1]) && strncmp(s, "...", 3) != 0)
		n--;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == n && strncasecmp(s, words[i], n) == 0)
			return fail(
				r->why, ST_INPUT,
				"%s: answer \"%s\": a word that stands for no answer: leave such "
				"rows out, or name the row's verifier",
				r->where, t->answer);
	return 0;
}

/* The answers of published sets, unless the row says who judges */
static int clean_answer(const struct row *r, struct task *t)
{
	int st = 0;

	if (!t->answer || !(t->implied || (r->published && !t->verifier)) ||
	    (t->implied && strcmp(t->verifier, "code") == 0))
		return 0;
	st = refuse_placeholder(r, t);
	if (st)
		return st;
	return is_json(t->answer) ? (t->implied ? unwrap(r, t) : 0) : unprint(r, t);
}

/* Of verl's rows: the index counts from 0 in each source and in each of its parts. */
static char *index_id(const struct row *r, const json_t *index)
{
	const char *source = row_str(r, "data_source");
	const char *split =
		json_string_value(json_object_get(json_object_get(r->j, "extra_info"), "split"));
	const char *text = json_string_value(index);

	if (text && (!*text || text[strspn(text, "0123456789")])) /* one of its own */
		return xstrdup(text);
	if (!text && !source && !split)
		return xasprintf("%lld", (long long)json_integer_value(index));
	return text ? xasprintf("%s%s%s%s%s", source ? source : "", source ? ":" : "",
				split ? split : "", split ? ":" : "", text)
		    : xasprintf("%s%s%s%s%lld", source ? source : "", source ? ":" : "",
				split ? split : "", split ? ":" : "",
				(long long)json_integer_value(index));
}

void taskrow_content_id(const struct span text[4], char id[TASKROW_ID])
{
	char few[4096]; /* most are short */
	struct buf more = {0}, all = {few, 0, sizeof few};
	size_t n = 8 + text[0].n + text[1].n + text[2].n + text[3].n;

	if (n > sizeof few) {
		buf_reserve(&more, n);
		all = more;
	}
	for (int i = 0; i < 4; i++) {
		buf_add(&all, text[i].p ? text[i].p : "\1", text[i].p ? text[i].n : 1);
		all.p[all.n++] = '\0';
	}
	memcpy(id, "row:", 4);
	hash_hex(hash_once(all.p, all.n), id + 4);
	buf_free(&more);
}

static struct span span_of(const char *text)
{
	return (struct span){text, text ? strlen(text) : 0};
}

/* A row without an id is called after what it asks and what is right. */
static char *content_id(const struct task *t)
{
	const struct span text[4] = {span_of(t->prompt), span_of(t->messages), span_of(t->tools),
				     span_of(t->answer)};
	char id[TASKROW_ID];

	taskrow_content_id(text, id);
	return xstrdup(id);
}

static int get_id(struct row *r, struct task *t)
{
	static const char *const names[] = {"id",         "unique_id",   "ID",   "task_id",
					    "problem_id", "question_id", "uuid", "problem_idx"};
	const char *name;
	json_t *v = row_first(r, names, sizeof names / sizeof *names, &name);

	if (!v) {
		v = json_object_get(json_object_get(r->j, "extra_info"), name = "index");
		if (json_is_string(v) ? !row_has_nul(v) : json_is_integer(v)) {
			t->id = index_id(r, v);
			return 0;
		}
	}
	if (!v || json_is_null(v)) {
		t->id = content_id(t);
		t->unnamed = true;
		return 0;
	}
	if (!json_is_string(v) && !json_is_integer(v))
		return row_bad(r, name, "neither a string nor a whole number");
	return row_value(r, name, v, &t->id);
}

/* The row's own meta with the keys that nobody understood added to it. */
static int get_meta(struct row *r, struct task *t)
{
	json_t *own = row_use(r, "meta"), *all, *v;
	const char *key;
	size_t len;
	int st = 0;

	if (own && !json_is_object(own))
		return row_bad(r, "meta", "not an object");
	all = own ? json_copy(own) : json_object();
	json_object_foreach(r->j, key, v)
	{
		if (row_used(r, key))
			continue;
		if (json_object_get(all, key) && !st)
			st = row_bad(r, key, "the key stands in the row and in its meta");
		json_object_set(all, key, v);
	}
	if (r->numbers && !json_object_get(all, "numbers"))
		json_object_set(all, "numbers", (json_t *)r->numbers);
	if (r->code && row_str(r, "entry_point") && t->prompt) /* the program may continue it */
		json_object_set_new(all, "prompt", json_string(t->prompt));
	if (!st && json_object_size(all)) {
		mpjson_to(&t->meta, all);
		if (mp_skim(t->meta.p, t->meta.n, &len) != MP_OK ||
		    mp_type((struct mp){(const uint8_t *)t->meta.p, len}) != MP_MAP)
			st = row_bad(r, "meta", "nested too deep, too large, or no map");
	}
	json_decref(all);
	return st;
}

/* The verifier that the row itself names */
static int get_verifier(struct row *r, struct task *t)
{
	json_t *v = row_use(r, "verifier");

	if (!v)
		return 0;
	free(t->verifier);
	t->verifier = NULL;
	t->implied = false;
	return row_text(r, "verifier", v, &t->verifier);
}

static int read_row(struct row *r, struct task *t)
{
	int64_t target;
	bool game;
	int st;

	if (!json_is_object(r->j))
		return fail(r->why, ST_INPUT, "%s: not a JSON object", r->where);
	game = taskgame_find(r, &target);
	r->code = !game && taskcode_find(r);
	st = get_prompt(r, t);
	if (!st && !t->prompt && !t->messages)
		t->prompt = taskgame_prompt(r->numbers, target);
	if (!st)
		st = get_tools(r, t);
	if (!st)
		st = get_args(r, t);
	if (!st && game)
		game_answer(t, target);
	else if (!st)
		st = r->code ? code_answer(r, t) : get_answer(r, t);
	if (!st)
		st = get_verifier(r, t);
	if (!st)
		st = clean_answer(r, t);
	if (!st)
		st = get_id(r, t);
	return st ? st : get_meta(r, t);
}

int task_from_row(const json_t *row, const char *where, struct task *out, struct reason *why)
{
	struct row r = {.j = (json_t *)row, .where = where, .why = why};

	return read_row(&r, out);
}
