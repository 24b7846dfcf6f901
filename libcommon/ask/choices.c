/* choices.c - what a server of OpenAI's API answered. See choices.h. */
#include "ask/choices.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_BYTES = 300 };

static struct span text_of(const json_t *j)
{
	return json_is_string(j) ? (struct span){json_string_value(j), json_string_length(j)}
				 : (struct span){0};
}

static bool is_text(const json_t *j, const char *what)
{
	return span_is(text_of(j), what);
}

/* ---- errors ---- */

/* The message of an error's JSON; p NULL: none was found */
static struct span message_in(const json_t *j)
{
	const json_t *error = json_object_get(j, "error"), *detail = json_object_get(j, "detail");
	const json_t *places[] = {json_object_get(error, "message"),
				  error,
				  json_object_get(j, "message"),
				  detail,
				  json_object_get(json_array_get(detail, 0), "msg"),
				  json_object_get(detail, "message")};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (text_of(places[i]).n)
			return text_of(places[i]);
	return (struct span){0};
}

/* Which key a validator's message is about: " (body.top_k)" */
static void add_place(const json_t *j, struct buf *text)
{
	const json_t *loc = json_object_get(json_array_get(json_object_get(j, "detail"), 0), "loc");
	const char *before = " (";

	for (size_t i = 0; i < json_array_size(loc) && i < 4; i++) {
		struct span s = text_of(json_array_get(loc, i));

		if (!s.p || s.n > 60)
			break;
		buf_str(text, before);
		buf_add(text, s.p, s.n);
		before = ".";
	}
	if (*before == '.')
		buf_char(text, ')');
}

/* Cut behind the key's replacement: no beginning of it is left at the end. */
static void add_said(struct buf *text, struct span s, const char *hide)
{
	struct buf shown = {0};
	size_t n;

	if (hide)
		buf_replaced(&shown, s, (struct span){hide, strlen(hide)}, (struct span){"***", 3});
	else
		buf_add(&shown, s.p, s.n);
	n = shown.n;
	if (n > ERROR_BYTES)
		for (n = ERROR_BYTES; n && ((unsigned char)shown.p[n] & 0xc0) == 0x80;)
			n--;
	buf_add(text, shown.p, n);
	if (n < shown.n)
		buf_str(text, " ...");
	buf_free(&shown);
}

void choices_error(struct span body, const char *hide, struct buf *text)
{
	json_t *j = json_loadb(body.p ? body.p : "", body.n, JSON_ALLOW_NUL, NULL);
	struct span said = message_in(j);

	add_said(text, said.p ? said : body, hide);
	if (j)
		add_place(j, text);
	json_decref(j);
}

/* ---- the text ---- */

/* content as a text, or in parts */
static bool add_content(struct buf *b, const json_t *content)
{
	struct span s = text_of(content);
	bool any = s.p;

	buf_add(b, s.p ? s.p : "", s.n);
	for (size_t i = 0; i < json_array_size(content); i++) {
		s = text_of(json_object_get(json_array_get(content, i), "text"));
		any |= s.p != NULL;
		buf_add(b, s.p ? s.p : "", s.n);
	}
	return any;
}

/* A thought that the server took out of the answer goes back to where it was. */
static bool add_message(struct buf *b, const json_t *m)
{
	struct span thought = text_of(json_object_get(m, "reasoning_content"));
	const json_t *content = json_object_get(m, "content");

	if (!thought.n)
		thought = text_of(json_object_get(m, "reasoning"));
	if (thought.n) {
		buf_str(b, "<think>");
		buf_add(b, thought.p, thought.n);
		if (text_of(content).n || json_array_size(content))
			buf_str(b, "</think>");
	}
	return add_content(b, content) || thought.n;
}

/* Where the first of the strings begins in the text; its length when there is none */
static size_t find_stop(struct span text, const struct opt_list *stop)
{
	size_t at = text.n;

	for (size_t i = 0; stop && i < stop->n; i++) {
		size_t n = strlen(stop->v[i]);
		const char *p = n && text.n ? memmem(text.p, text.n, stop->v[i], n) : NULL;

		if (p && (size_t)(p - text.p) < at)
			at = (size_t)(p - text.p);
	}
	return at;
}

/* ---- token ids and log-probabilities ---- */

static bool read_ids(const json_t *array, uint32_t **ids, size_t *n)
{
	size_t size = json_array_size(array);

	if (!json_is_array(array))
		return false;
	*ids = xarray(size + 1, sizeof **ids);
	for (*n = 0; *n < size; ++*n) {
		const json_t *j = json_array_get(array, *n);
		json_int_t v = json_is_integer(j) ? json_integer_value(j) : -1;

		if (v < 0 || v > INT32_MAX)
			break;
		(*ids)[*n] = (uint32_t)v;
	}
	if (*n == size)
		return true;
	free(*ids);
	*ids = NULL;
	*n = 0;
	return false;
}

/* "token_id:17", as vLLM writes tokens on request; -1: another text */
static int64_t id_in_text(struct span s)
{
	char digits[16];
	int64_t v = -1;

	if (s.n < 10 || s.n > 19 || memcmp(s.p, "token_id:", 9) != 0)
		return -1;
	memcpy(digits, s.p + 9, s.n - 9);
	digits[s.n - 9] = '\0';
	return num_i64(digits, 0, INT32_MAX, &v) ? v : -1;
}

/* Ids that stand beside log-probabilities: {"id"}, as llama-server has them, or in the token */
static int64_t id_beside(const json_t *entry)
{
	const json_t *id = json_object_get(entry, "id");

	if (json_is_integer(id))
		return json_integer_value(id) <= INT32_MAX ? json_integer_value(id) : -1;
	return id_in_text(text_of(json_is_string(entry) ? entry : json_object_get(entry, "token")));
}

static void read_ids_beside(struct choice *c, const json_t *entries)
{
	size_t size = json_array_size(entries);

	c->ids = xarray(size + 1, sizeof *c->ids);
	for (c->n_ids = 0; c->n_ids < size; c->n_ids++) {
		int64_t id = id_beside(json_array_get(entries, c->n_ids));

		if (id < 0)
			break;
		c->ids[c->n_ids] = (uint32_t)id;
	}
	if (size && c->n_ids == size)
		return;
	free(c->ids);
	c->ids = NULL;
	c->n_ids = 0;
}

/* -9999 stands for minus infinity; a little above 0 is rounding. */
static bool read_float(const json_t *j, float *v)
{
	double x = json_is_number(j) ? json_number_value(j) : NAN;

	*v = (float)(x > 0 ? 0 : x);
	return x > -9999 && x < 1e-3;
}

static void read_logprobs(struct choice *c, const json_t *values, bool in_maps)
{
	size_t size = json_array_size(values);

	if (!c->ids || size != c->n_ids) {
		c->no_logs = c->ids ? "the server gives other numbers of ids and of "
				      "log-probabilities"
				    : "the server gives no token ids";
		return;
	}
	c->logprobs = xarray(size + 1, sizeof *c->logprobs);
	for (size_t i = 0; i < size; i++) {
		const json_t *j = json_array_get(values, i);

		if (read_float(in_maps ? json_object_get(j, "logprob") : j, &c->logprobs[i]))
			continue;
		free(c->logprobs);
		c->logprobs = NULL;
		c->no_logs = "the server gives some that are no logarithm of a probability";
		return;
	}
}

static void read_tokens(struct choice *c, const json_t *j, const json_t *root)
{
	const json_t *prompt = json_object_get(j, "prompt_token_ids");
	const json_t *logs = json_object_get(j, "logprobs");
	const json_t *content = json_object_get(logs, "content");
	const json_t *values = json_object_get(logs, "token_logprobs");
	const json_t *beside = content ? content : json_object_get(logs, "tokens");

	read_ids(json_is_array(prompt) ? prompt : json_object_get(root, "prompt_token_ids"),
		 &c->prompt_ids, &c->n_prompt_ids);
	if (!read_ids(json_object_get(j, "token_ids"), &c->ids, &c->n_ids) && beside)
		read_ids_beside(c, beside);
	if (json_array_size(content))
		read_logprobs(c, content, true);
	else if (json_array_size(values))
		read_logprobs(c, values, false);
}

/* ---- the end ---- */

/* finish_reason "stop" is the end token or a stop string; vLLM and SGLang say which. */
static enum choice_end stopped(const json_t *j, const struct choices_want *w, bool cut)
{
	const json_t *which = json_object_get(j, "stop_reason");

	if (!which)
		which = json_object_get(j, "matched_stop");
	if (cut || json_is_string(which))
		return CHOICE_STRING;
	return which || !w->stop || !w->stop->n ? CHOICE_STOP : CHOICE_STRING;
}

static void broken(struct choice *c, enum choice_end end, const char *said)
{
	c->end = end;
	snprintf(c->said, sizeof c->said, "%s", said);
}

static void read_end(struct choice *c, const json_t *j, const struct choices_want *w, bool cut)
{
	const json_t *finish = json_object_get(j, "finish_reason");

	if (is_text(finish, "stop"))
		c->end = stopped(j, w, cut);
	else if (is_text(finish, "length"))
		c->end = cut ? CHOICE_STRING : CHOICE_LENGTH;
	else if (!text_of(finish).n)
		broken(c, CHOICE_BROKEN, "no finish_reason");
	else if (is_text(finish, "abort") || is_text(finish, "error"))
		broken(c, CHOICE_BROKEN, json_string_value(finish));
	else
		broken(c, CHOICE_OTHER, json_string_value(finish));
}

static void read_choice(struct choices *all, struct choice *c, const json_t *j,
			const struct choices_want *w)
{
	size_t from = all->text.n, n;
	bool any = w->chat ? add_message(&all->text, json_object_get(j, "message"))
			   : add_content(&all->text, json_object_get(j, "text"));

	n = find_stop((struct span){all->text.p ? all->text.p + from : "", all->text.n - from},
		      w->stop);
	read_end(c, j, w, from + n < all->text.n);
	all->text.n = from + n;
	c->text.n = n;
	if (!any && c->end <= CHOICE_STRING)
		broken(c, CHOICE_OTHER, "no text");
	read_tokens(c, j, all->root);
}

/* Texts moved while the buffer grew. */
static void place_texts(struct choices *all)
{
	size_t at = 0;

	for (size_t i = 0; i < all->n; at += all->v[i++].text.n)
		all->v[i].text.p = all->text.n ? all->text.p + at : "";
}

static bool has_index(const struct choices *c, int64_t index)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].index == index)
			return true;
	return false;
}

static int read_all(struct choices *c, const json_t *array, const struct choices_want *w,
		    struct reason *why)
{
	size_t n = json_array_size(array);

	if (n > (size_t)w->most)
		n = (size_t)w->most; /* more than were asked for */
	c->v = xcalloc(n + 1, sizeof *c->v);
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(array, i), *index = json_object_get(j, "index");
		int64_t at = json_is_integer(index) ? json_integer_value(index) : (int64_t)i;

		if (!json_is_object(j) || at < 0 || at >= w->most || has_index(c, at))
			return fail(why, ST_INPUT, "its choices have no proper index");
		c->v[c->n].index = at;
		read_choice(c, &c->v[c->n++], j, w);
	}
	return n ? 0 : fail(why, ST_INPUT, "it has no choices");
}

static int fail_said(struct reason *why, const char *what, struct span said, const char *hide)
{
	struct buf text = {0};
	int st;

	add_said(&text, said, hide);
	st = fail(why, ST_INPUT, "%s%s%s", what, text.n ? ": " : "", buf_cstr(&text));
	buf_free(&text);
	return st;
}

int choices_read(struct choices *c, struct span body, const struct choices_want *w,
		 struct reason *why)
{
	const json_t *array;
	json_error_t e;
	char where[64];
	int st;

	*c = (struct choices){0};
	c->root = json_loadb(body.p ? body.p : "", body.n, JSON_ALLOW_NUL, &e);
	if (!c->root) {
		snprintf(where, sizeof where, "it is no JSON: line %d, column %d", e.line,
			 e.column);
		return fail_said(why, where, (struct span){e.text, strlen(e.text)}, w->hide);
	}
	array = json_object_get(c->root, "choices");
	if (json_is_array(array))
		st = read_all(c, array, w, why);
	else
		st = fail_said(why, "it has no choices", message_in(c->root), w->hide);
	if (st)
		choices_free(c);
	else
		place_texts(c);
	return st;
}

void choices_free(struct choices *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].ids);
		free(c->v[i].prompt_ids);
		free(c->v[i].logprobs);
	}
	free(c->v);
	buf_free(&c->text);
	json_decref(c->root);
	*c = (struct choices){0};
}
