/* rftrows.c - rows of JSON to learn from. See rftrows.h. */
#include "learn/rftrows.h"
#include "base/mem.h"
#include "base/rows.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAX_ROW = 64 << 20, UNLABELED = -100 };

struct reader {
	struct rft_data *d;
	const struct rftrows_opts *o;
	struct turns *turns; /* opened for the first conversation */
	struct rft_of of;    /* the present row */
};

static uint64_t json_hash(const json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	uint64_t hash = text ? XXH3_64bits(text, strlen(text)) : 0;

	free(text);
	return hash;
}

/* The problem that a row is of: by its name, else by what comes before the first answer. */
static uint64_t problem(const json_t *row, const json_t *beginning)
{
	static const char *const names[] = {"id", "task", "task_id", "uuid"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const json_t *v = json_object_get(row, names[i]);

		if (json_is_string(v)) /* as in a stream */
			return XXH3_64bits(json_string_value(v), json_string_length(v));
		if (json_is_integer(v))
			return json_hash(v);
	}
	return json_hash(beginning);
}

/* ---- conversations ---- */

static int add_row(void *ctx, const struct turns_row *row, struct reason *why)
{
	const struct reader *r = ctx;

	return rft_add_row(r->d, row, r->of, why);
}

/* The messages before the first of the assistant's at or behind `from`: the caller's. */
static json_t *beginning(const json_t *messages, size_t from)
{
	json_t *out = json_array(), *m;
	size_t i;

	json_array_foreach(messages, i, m)
	{
		const char *role = json_string_value(json_object_get(m, "role"));

		if (i >= from && role && strcmp(role, "assistant") == 0)
			break;
		json_array_append(out, m);
	}
	return out;
}

/* The key's value as text of JSON: the caller's; *out NULL without it. Data sets keep lists as text
 * too. */
static int take_json(const json_t *row, const char *key, bool list, char **out, struct reason *why)
{
	json_t *v = json_object_get(row, key);

	*out = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (json_is_string(v))
		v = json_loadb(json_string_value(v), json_string_length(v), 0, NULL);
	else
		json_incref(v);
	if (!(list ? json_is_array(v) : json_is_object(v))) {
		json_decref(v);
		return fail(why, ST_INPUT, "%s: not %s", key, list ? "a list" : "an object");
	}
	if (list ? json_array_size(v) : json_object_size(v))
		*out = json_dumps(v, JSON_COMPACT);
	json_decref(v);
	return 0;
}

/* messages[0 .. from) are the prompt. */
static int add_talk(struct reader *r, const json_t *row, const json_t *messages, size_t from,
		    struct reason *why)
{
	struct turns_ask ask = {.messages = messages, .from = from, .all = r->o->all};
	char *tools = NULL, *args = NULL;
	json_t *before = beginning(messages, from);
	int st = take_json(row, "tools", true, &tools, why);

	r->of.task = problem(row, before);
	json_decref(before);
	if (!st)
		st = take_json(row, "chat_template_kwargs", false, &args, why);
	if (!st && !r->turns && !(r->turns = turns_open(r->d->policy, &r->o->args, why)))
		st = why->status;
	ask.tools = tools;
	ask.args = args;
	if (!st)
		st = turns_make(r->turns, &ask, add_row, r, why);
	free(tools);
	free(args);
	return st;
}

/* ShareGPT's words for roles */
static const char *role_of(const char *from)
{
	static const char *const names[][2] = {
		{"human", "user"},       {"gpt", "assistant"},     {"function_call", "assistant"},
		{"observation", "tool"}, {"chatgpt", "assistant"}, {"bing", "assistant"}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(from, names[i][0]) == 0)
			return names[i][1];
	return from;
}

/* Messages of {"from", "value"} with the usual keys: the caller's */
static json_t *usual_keys(const json_t *list)
{
	json_t *out = json_array(), *m;
	size_t i;

	json_array_foreach(list, i, m)
	{
		json_t *made = json_is_object(m) ? json_copy(m) : json_object();
		const char *from = json_string_value(json_object_get(m, "from"));

		if (from && !json_object_get(m, "role")) {
			json_object_set_new(made, "role", json_string(role_of(from)));
			json_object_set(made, "content", json_object_get(m, "value"));
			json_object_del(made, "from");
			json_object_del(made, "value");
		}
		json_array_append_new(out, made);
	}
	return out;
}

static int add_messages(struct reader *r, const json_t *row, const json_t *first,
			const json_t *more, struct reason *why)
{
	json_t *all = usual_keys(first), *rest = usual_keys(more);
	size_t from = more ? json_array_size(all) : 0;
	int st;

	json_array_extend(all, rest);
	st = add_talk(r, row, all, from, why);
	json_decref(all);
	json_decref(rest);
	return st;
}

/* ---- texts and tokens ---- */

static struct span text_of(const json_t *v)
{
	return (struct span){json_string_value(v), json_string_length(v)};
}

static int bad_ids(struct reason *why)
{
	return fail(why, ST_INPUT,
		    "input_ids and labels: not two lists of one length, of token ids and of token "
		    "ids or %d",
		    UNLABELED);
}

/* A label is its token's id, or UNLABELED. */
static int add_ids(struct reader *r, const json_t *row, const json_t *list, const json_t *labels,
		   struct reason *why)
{
	size_t n = json_array_size(list), first;
	struct turns_row t = {.n = n};
	uint32_t *ids = xarray(n, sizeof *ids);
	uint8_t *learn = xarray(n, sizeof *learn);
	bool good = n > 0 && json_array_size(labels) == n;
	int st;

	for (size_t i = 0; i < n && good; i++) {
		const json_t *id = json_array_get(list, i), *label = json_array_get(labels, i);

		learn[i] = json_integer_value(label) != UNLABELED;
		ids[i] = (uint32_t)json_integer_value(id);
		good = json_is_integer(id) && json_is_integer(label) &&
		       json_integer_value(id) == (json_int_t)ids[i] &&
		       (!learn[i] || json_equal(id, label));
	}
	for (first = 1; first < n && good && !learn[first];) /* the first is never predicted */
		first++;
	t.ids = ids;
	t.n_prompt = first;
	t.learn = first < n ? learn + first : NULL;
	r->of.task = problem(row, list);
	st = good ? rft_add_row(r->d, &t, r->of, why) : bad_ids(why);
	free(ids);
	free(learn);
	return st;
}

/* ---- rows ---- */

/* The value at a path, as trajscan_path has it */
static const json_t *at_path(const json_t *row, const char *path)
{
	for (;;) {
		const json_t *v = json_object_get(row, path);
		const char *dot = strchr(path, '.');
		char *first;

		if (v || !dot)
			return v;
		first = xstrndup(path, (size_t)(dot - path));
		row = json_object_get(row, first);
		free(first);
		path = dot + 1;
	}
}

static int take_own(struct reader *r, const json_t *row, struct reason *why)
{
	const struct rft_opts *o = r->d->o;
	const json_t *v;

	r->of.own = 1;
	if (!o->weight_key)
		return 0;
	v = at_path(row, o->weight_key);
	r->of.own = json_number_value(v);
	return rft_own(o, json_is_number(v), r->of.own, why);
}

static int add_json(struct reader *r, const json_t *row, struct reason *why)
{
	const json_t *messages = json_object_get(row, "messages");
	const json_t *prompt = json_object_get(row, "prompt");
	const json_t *rest = json_object_get(row, "completion");
	const json_t *ids = json_object_get(row, "input_ids");

	messages = messages ? messages : json_object_get(row, "conversations");
	rest = rest ? rest : json_object_get(row, "response");
	if (json_is_array(messages))
		return add_messages(r, row, messages, NULL, why);
	if (json_is_array(prompt) && json_is_array(rest))
		return add_messages(r, row, prompt, rest, why);
	if (json_is_string(prompt) && json_is_string(rest)) {
		r->of.task = problem(row, prompt);
		return rft_add_text(r->d, text_of(prompt), text_of(rest), r->of, why);
	}
	if (json_is_array(ids))
		return add_ids(r, row, ids, json_object_get(row, "labels"), why);
	return fail(why, ST_INPUT,
		    "no list \"messages\" or \"conversations\", no \"prompt\" with \"completion\" "
		    "(two texts, or two lists of messages), no \"input_ids\" with \"labels\"");
}

int rftrows_read(struct rft_data *d, struct in *in, const struct rftrows_opts *o,
		 struct reason *why)
{
	struct reader r = {.d = d, .o = o};
	struct rows *rows = rows_take(in, MAX_ROW, why);
	int st = rows ? 0 : why->status, got = 0;
	size_t line;
	json_t *row;

	while (!st && (got = rows_next(rows, &row, &line, why)) > 0) {
		st = take_own(&r, row, why);
		if (!st)
			st = add_json(&r, row, why);
		if (st)
			fail_prefix(why, "%s:%zu", rows_name(rows), line);
		json_decref(row);
	}
	d->changed += r.turns ? turns_changed(r.turns) : 0;
	turns_free(r.turns);
	rows_close(rows);
	return st ? st : got < 0 ? why->status : 0;
}
