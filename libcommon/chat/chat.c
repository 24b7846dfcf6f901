/* chat.c - the chat template of a policy, and what it is given. See chat.h. */
#include "chat/chat.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer.h"

#include <string.h>

/* Behind the text of a last message that is to go on: what no message has, and one blank, which
 * shows whether the template cuts blanks off */
static const char MARK[] = "\x02the message goes on\x03", MARKED[] = "\x02the message goes on\x03 ";

/* ---- where templates stand ---- */

static struct span text_of(const json_t *v)
{
	return (struct span){json_string_value(v), json_string_length(v)};
}

/* The template of that name in a list of them */
static struct span named(const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(json_object_get(item, "name"));

		if (s && strcmp(s, name) == 0)
			return text_of(json_object_get(item, "template"));
	}
	return (struct span){0};
}

static int open_one(struct jinja **t, struct span text, const char *what, struct reason *why)
{
	if (!text.p)
		return 0;
	*t = jinja_open(text, why);
	return *t ? 0 : fail_prefix(why, "the policy's chat template%s", what);
}

static int open_any(struct chat *c, const json_t *v, struct reason *why)
{
	int st;

	if (!json_is_array(v))
		return open_one(&c->plain, text_of(v), "", why);
	st = open_one(&c->plain, named(v, "default"), " default", why);
	if (!st)
		st = open_one(&c->with_tools, named(v, "tool_use"), " tool_use", why);
	return st;
}

/* Tokens of the configuration under their names: bos_token and the like */
static void add_tokens(json_t *tokens, json_t *config)
{
	const char *key, *text;
	json_t *v;

	json_object_foreach(config, key, v)
	{
		size_t n = strlen(key);

		text = n > 6 && strcmp(key + n - 6, "_token") == 0 ? tok_content(config, key)
								   : NULL;
		if (text && !json_object_get(tokens, key))
			json_object_set_new(tokens, key, json_string(text));
	}
}

static int open_files(struct chat *c, const struct chat_files *f, json_t *config, json_t *json,
		      struct reason *why)
{
	const json_t *v = json_object_get(json, "chat_template");
	int st;

	if (f->jinja->n)
		st = open_one(&c->plain, (struct span){f->jinja->p, f->jinja->n}, "", why);
	else
		st = open_any(c, v ? v : json_object_get(config, "chat_template"), why);
	if (!st && !c->plain && !c->with_tools)
		st = fail(why, ST_INPUT, "the policy has no chat template");
	return st;
}

static json_t *object_in(const struct buf *file, const char *name, struct reason *why)
{
	return file->n ? json_parse(file->p, file->n, name, why) : json_object();
}

int chat_open(struct chat *c, const struct chat_files *f, struct reason *why)
{
	json_t *config = object_in(f->config, "tokenizer_config.json", why);
	json_t *json = config ? object_in(f->json, "chat_template.json", why) : NULL;
	int st = json ? open_files(c, f, config, json, why) : ST_INPUT;

	if (!st) {
		c->tokens = json_object();
		add_tokens(c->tokens, config);
	}
	json_decref(config);
	json_decref(json);
	return st;
}

void chat_free(struct chat *c)
{
	jinja_free(c->plain);
	jinja_free(c->with_tools);
	json_decref(c->tokens);
	json_decref(c->args);
	*c = (struct chat){0};
}

/* ---- arguments ---- */

static bool is_reserved(const char *name)
{
	static const char *const names[] = {"messages", "tools", "add_generation_prompt"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int check_name(const char *name, struct reason *why)
{
	return is_reserved(name) ? fail(why, ST_INPUT, "%s is no argument of a chat template", name)
				 : 0;
}

int chat_set(struct chat *c, const char *arg, struct reason *why)
{
	const char *is = strchr(arg, '=');
	struct buf name = {0};
	json_t *v = NULL;
	int st = 0;

	if (!is || is == arg || !utf8_valid(arg, (size_t)(is - arg)))
		return fail(why, ST_USAGE, "%s: NAME=JSON is wanted", arg);
	buf_add(&name, arg, (size_t)(is - arg));
	if (check_name(buf_cstr(&name), why))
		st = ST_USAGE;
	if (!st && !(v = json_loads(is + 1, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)))
		st = fail(why, ST_USAGE,
			  "%s: what stands behind = is no JSON (a text is written with quotes: "
			  "'%s=\"...\"')",
			  arg, buf_cstr(&name));
	if (!st && !c->args)
		c->args = json_object();
	if (v)
		json_object_set_new(c->args, buf_cstr(&name), v);
	buf_free(&name);
	return st;
}

static int add_args(json_t *to, json_t *args, struct reason *why)
{
	const char *key;
	json_t *v;

	json_object_foreach(args, key, v)
	{
		if (check_name(key, why))
			return ST_INPUT;
		json_object_set(to, key, v);
	}
	return 0;
}

static int row_args(json_t *to, const char *args, struct reason *why)
{
	json_t *j =
		args ? json_parse(args, strlen(args), "chat_template_kwargs", why) : json_object();
	int st = j ? 0 : ST_INPUT;

	if (!st && !json_is_object(j))
		st = fail(why, ST_INPUT, "chat_template_kwargs is no object");
	if (!st)
		st = add_args(to, j, why);
	json_decref(j);
	return st;
}

/* ---- messages ---- */

/* Leaves out keys whose value is null, in maps within maps too, not in lists. */
static void drop_nulls(json_t *j)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(j, next, key, v)
	{
		if (json_is_null(v))
			json_object_del(j, key);
		else if (json_is_object(v))
			drop_nulls(v);
	}
}

static int take_message(json_t *m, struct reason *why)
{
	if (!json_is_string(json_object_get(m, "role")))
		return fail(why, ST_INPUT, "a message without a role");
	drop_nulls(m);
	if (!json_object_get(m, "content") && json_object_get(m, "tool_calls"))
		json_object_set_new(m, "content", json_string(""));
	if (!json_object_get(m, "content") && json_object_size(m) < 2)
		return fail(why, ST_INPUT, "a message without content");
	return 0;
}

static json_t *take_messages(const char *text, struct reason *why)
{
	json_t *j = json_parse(text, strlen(text), "messages", why), *m;
	int st = 0;
	size_t i;

	if (j && !json_array_size(j))
		st = fail(why, ST_INPUT, "no messages");
	json_array_foreach(j, i, m) st = st ? st : take_message(m, why);
	if (!st)
		return j;
	json_decref(j);
	return NULL;
}

/* Puts the mark behind the last message's text, of parts the last one that is text. */
static int mark_last(json_t *messages, struct reason *why)
{
	json_t *at = json_array_get(messages, json_array_size(messages) - 1);
	const char *key = "content";
	struct buf b = {0};
	json_t *v = json_object_get(at, key);

	for (size_t i = json_array_size(v); json_is_array(v) && i-- > 0;) {
		at = json_array_get(v, i);
		if (json_is_string(json_object_get(at, "text"))) {
			key = "text";
			v = json_object_get(at, key);
		}
	}
	if (!json_is_string(v))
		return fail(why, ST_INPUT, "the last message has no text to go on with");
	buf_add(&b, json_string_value(v), json_string_length(v));
	buf_str(&b, MARKED);
	json_object_set_new(at, key, json_stringn(b.p, b.n));
	buf_free(&b);
	return 0;
}

/* Cuts the text behind `from` at the last mark. */
static int cut_at_mark(struct buf *out, size_t from, struct reason *why)
{
	size_t n = sizeof MARK - 1, at = out->n;
	bool trimmed;

	while (at > from && !(out->n - at >= n && memcmp(out->p + at, MARK, n) == 0))
		at--;
	if (out->n - at < n || memcmp(out->p + at, MARK, n) != 0)
		return fail(why, ST_INPUT,
			    "the template changes the last message's text: nothing can go on from "
			    "it");
	trimmed = out->n - at < n + 1 || out->p[at + n] != ' ';
	while (trimmed && at > from && strchr(" \t\n\r\v\f", out->p[at - 1]))
		at--;
	out->n = at;
	return 0;
}

/* ---- */

static int take_date(json_t *variables, struct tm *now, struct reason *why)
{
	const json_t *v = json_object_get(variables, "strftime_now");
	const char *text = v ? json_string_value(v) : "2024-07-26", *end = NULL;

	*now = (struct tm){.tm_isdst = 0};
	if (text)
		end = strptime(text, "%Y-%m-%d", now);
	if (end && *end)
		end = strptime(end, " %H:%M", now);
	if (!end || *end)
		return fail(why, ST_INPUT,
			    "the argument strftime_now is no date like \"2026-11-28\" or "
			    "\"2026-11-28 17:30\"");
	json_object_del(variables, "strftime_now"); /* the function's name again */
	return 0;
}

/* What the template is given, but for messages */
static int take_variables(const struct chat *c, const struct chat_ask *a, json_t *to,
			  struct reason *why)
{
	json_t *tools =
		a->tools ? json_parse(a->tools, strlen(a->tools), "tools", why) : json_null();

	if (!tools)
		return ST_INPUT;
	json_object_set_new(to, "documents", json_null());
	json_object_update(to, c->tokens);
	if (c->args)
		json_object_update(to, c->args);
	json_object_set_new(to, "tools", tools);
	json_object_set_new(to, "add_generation_prompt", json_boolean(a->end == CHAT_ASK));
	return row_args(to, a->args, why);
}

static int choose(const struct chat *c, const struct chat_ask *a, const struct jinja **t,
		  struct reason *why)
{
	*t = a->tools && c->with_tools ? c->with_tools : c->plain;
	return *t ? 0
		  : fail(why, ST_INPUT, "the policy has a chat template for tools only (tool_use)");
}

static int render(const struct chat *c, const struct chat_ask *a, json_t *variables,
		  struct buf *out, struct buf *parts, struct reason *why)
{
	const struct jinja *t;
	size_t from = out->n;
	struct tm now;
	int st = choose(c, a, &t, why);

	if (!st)
		st = take_date(variables, &now, why);
	if (st)
		return st;
	st = jinja_render(t, &(struct jinja_given){variables, &now, a->steps}, out, parts, why);
	if (st)
		return fail_prefix(why, "the policy's chat template");
	if (a->end == CHAT_GO_ON)
		st = cut_at_mark(out, from, why);
	if (st)
		out->n = from;
	return st;
}

int chat_render(const struct chat *c, const struct chat_ask *a, struct buf *out, struct buf *parts,
		struct reason *why)
{
	json_t *variables = json_object(), *messages = take_messages(a->messages, why);
	int st = messages ? 0 : ST_INPUT;

	if (!st && a->end == CHAT_GO_ON)
		st = mark_last(messages, why);
	if (!st)
		st = take_variables(c, a, variables, why);
	if (!st) {
		json_object_set(variables, "messages", messages);
		st = render(c, a, variables, out, parts, why);
	}
	json_decref(messages);
	json_decref(variables);
	return st;
}
