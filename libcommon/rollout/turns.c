/* turns.c - a conversation as what a policy learns from. See turns.h. */
#include "rollout/turns.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "rollout/prompt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct turns {
	const struct policy *p;
	struct chat chat;
	struct buf text;          /* of the row under construction: messages up to a turn */
	struct buf part;          /* struct jinja_part each: what of it is learned */
	bool marked;              /* by the template's generation blocks */
	struct buf next;          /* text with the next turn; */
	struct buf ask, like, no; /* asked for, with any answer, without one */
	struct ids ids;           /* of a row */
	struct buf learn;
	struct buf said, want; /* bare */
	uint64_t changed;
};

/* ---- text ---- */

static bool is_turn(const json_t *message)
{
	const char *role = json_string_value(json_object_get(message, "role"));

	return role && strcmp(role, "assistant") == 0;
}

/* The first n messages, with `more` behind them if there is one, replace *out. */
static int render(struct turns *s, const struct turns_ask *a, size_t n, json_t *more,
		  enum chat_end end, struct buf *out, struct buf *parts, struct reason *why)
{
	struct chat_ask ask = {.tools = a->tools, .args = a->args, .end = end};
	json_t *list = json_array();
	char *text;
	int st;

	for (size_t i = 0; i < n; i++)
		json_array_append(list, json_array_get(a->messages, i));
	if (more)
		json_array_append(list, more);
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	ask.messages = text;
	buf_reset(out);
	st = chat_render(&s->chat, &ask, out, parts, why);
	free(text);
	return st;
}

static size_t common(const struct buf *a, const struct buf *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && a->p[n] == b->p[n])
		n++;
	return n;
}

/* How far the text that asks for turn i is also that of an answer, whatever it says: 0 when not
 * even the messages before it are. */
static int agreed(struct turns *s, const struct turns_ask *a, size_t i, size_t *at,
		  struct reason *why)
{
	static const char any[] = "\xee\x80\x80"; /* a character that no template writes */
	json_t *answer = json_pack("{s:s, s:s}", "role", "assistant", "content", any);
	int st = render(s, a, i, answer, CHAT_WHOLE, &s->like, NULL, why);

	if (!st)
		st = render(s, a, i, NULL, CHAT_WHOLE, &s->no, NULL, why);
	json_decref(answer);
	*at = common(&s->ask, &s->like);
	if (*at < common(&s->ask, &s->no))
		*at = 0;
	return st;
}

/* Where turn i begins in s->next, the text that ends with it. */
static int turn_begin(struct turns *s, const struct turns_ask *a, size_t i, size_t *at,
		      struct reason *why)
{
	int st = render(s, a, i, NULL, CHAT_ASK, &s->ask, NULL, why);
	size_t same = common(&s->ask, &s->next);

	*at = s->ask.n;
	if (!st && same < s->ask.n)
		st = agreed(s, a, i, at, why);
	if (!st && (*at == 0 || same < *at))
		st = fail(
			why, ST_INPUT,
			"the chat template writes what is before message %zu otherwise when it is "
			"there (its text as \"prompt\" and \"completion\" can be learned)",
			i + 1);
	return st;
}

/* Is what a turn says in text, where it begins at or, as a prompt may have said its first words,
 * shortly before `at`? Templates drop thoughts. */
static void compare(struct turns *s, const json_t *message, const struct buf *text, size_t at)
{
	const json_t *content = json_object_get(message, "content");
	size_t n = json_string_length(content);

	if (!json_is_string(content))
		return;
	at = at > n ? at - n : 0;
	utf8_bare(&s->said, (struct span){text->p + at, text->n - at});
	utf8_bare(&s->want, (struct span){json_string_value(content), n});
	s->changed +=
		s->want.n && !memmem(s->said.p ? s->said.p : "", s->said.n, s->want.p, s->want.n);
}

/* ---- tokens ---- */

static int encode(struct turns *s, size_t from, size_t to, struct reason *why)
{
	return tok_encode(s->p->tok, s->text.p + from, to - from, false, &s->ids, why);
}

/* Place of the first stop token of ids[from ..), or their end */
static size_t first_stop(const struct turns *s, size_t from)
{
	while (from < s->ids.n && !config_is_eos(&s->p->cfg, s->ids.v[from]) &&
	       s->ids.v[from] != (uint64_t)s->p->end)
		from++;
	return from;
}

static void mark(struct turns *s, size_t n_prompt, bool learn)
{
	while (s->learn.n < s->ids.n - n_prompt)
		buf_char(&s->learn, learn);
}

/* A turn ends with its first stop token; the row's last one gets one where it has none. */
static void end_turn(struct turns *s, size_t from, size_t n_prompt, bool last)
{
	size_t stop = first_stop(s, from), all = s->ids.n;
	uint32_t end = (uint32_t)s->p->end;

	s->ids.n = stop < all ? stop + 1 : stop;
	if (last && stop == all && s->p->end >= 0)
		tok_append(&s->ids, &end, 1);
	mark(s, n_prompt, true);
	if (!last && stop < all)
		s->ids.n = all;
	mark(s, n_prompt, false);
}

/* Text and parts as tokens */
static int encode_row(struct turns *s, size_t *n_prompt, struct reason *why)
{
	const struct jinja_part *part = (const struct jinja_part *)s->part.p;
	size_t n = s->part.n / sizeof *part, at = 0;
	int st = 0;

	s->ids.n = 0;
	buf_reset(&s->learn);
	for (size_t i = 0; i < n && !st; i++) {
		size_t begin;

		st = encode(s, at, part[i].from, why);
		if (i == 0)
			*n_prompt = s->ids.n;
		mark(s, *n_prompt, false);
		begin = s->ids.n;
		at = part[i].to;
		if (!st)
			st = encode(s, part[i].from, at, why);
		if (!st && s->marked)
			mark(s, *n_prompt, true);
		else if (!st)
			end_turn(s, begin, *n_prompt, i + 1 == n);
	}
	return st;
}

/* Hands the row out, if there is one, and begins anew. */
static int give(struct turns *s, turns_fn *fn, void *ctx, struct reason *why)
{
	struct turns_row row = {0};
	int st = s->part.n ? encode_row(s, &row.n_prompt, why) : 0;

	if (!st && s->part.n && row.n_prompt == 0)
		st = fail(why, ST_INPUT, "there is no token before the assistant's turn");
	if (!st && s->part.n) {
		row.ids = s->ids.v;
		row.n = s->ids.n;
		if (memchr(s->learn.p ? s->learn.p : "", 0, s->learn.n))
			row.learn = (const uint8_t *)s->learn.p;
		st = fn(ctx, &row, why);
	}
	buf_reset(&s->part);
	return st;
}

/* ---- turns ---- */

static const struct jinja_part *last_part(const struct turns *s)
{
	return (const struct jinja_part *)(s->part.p + s->part.n) - 1;
}

/* The text in s->next ends with a turn that begins at `at`: it goes on from the row, or, where it
 * does not, begins one. */
static int add_turn(struct turns *s, size_t at, turns_fn *fn, void *ctx, struct reason *why)
{
	struct jinja_part part = {at, s->next.n};
	struct buf old = s->text;
	int st = 0;

	if (s->part.n && (common(&s->text, &s->next) < last_part(s)->to || at < last_part(s)->to))
		st = give(s, fn, ctx, why);
	buf_add(&s->part, &part, sizeof part);
	s->text = s->next;
	s->next = old;
	return st;
}

/* Turns are found by what asks for them. */
static int by_place(struct turns *s, const struct turns_ask *a, size_t n, turns_fn *fn, void *ctx,
		    struct reason *why)
{
	int st = 0;

	for (size_t i = a->all ? a->from : n - 1; i < n && !st; i++) {
		const json_t *m = json_array_get(a->messages, i);
		size_t at = 0;

		if (!i || !is_turn(m))
			continue;
		st = render(s, a, i + 1, NULL, CHAT_WHOLE, &s->next, NULL, why);
		if (!st)
			st = turn_begin(s, a, i, &at, why);
		if (st)
			break;
		compare(s, m, &s->next, at);
		st = add_turn(s, at, fn, ctx, why);
	}
	return st ? st : give(s, fn, ctx, why);
}

/* Keeps of the template's parts those of the turns that are wanted: as many as the messages before
 * them have come first. */
static int by_mark(struct turns *s, const struct turns_ask *a, size_t n, turns_fn *fn, void *ctx,
		   struct reason *why)
{
	size_t before = a->all ? a->from : n - 1, kept = 0;
	struct buf parts = {0};
	struct jinja_part *part;
	int st = before ? render(s, a, before, NULL, CHAT_WHOLE, &s->no, &parts, why) : 0;

	part = (struct jinja_part *)s->part.p;
	for (size_t i = parts.n / sizeof *part; i < s->part.n / sizeof *part; i++)
		if (part[i].to > part[i].from && part[i].from)
			part[kept++] = part[i];
	s->part.n = kept * sizeof *part;
	buf_free(&parts);
	if (!st && !kept)
		st = fail(why, ST_INPUT, "the chat template marks nothing of it as generated");
	if (kept)
		compare(s, json_array_get(a->messages, n - 1), &s->text, part[kept - 1].from);
	return st ? st : give(s, fn, ctx, why);
}

int turns_make(struct turns *s, const struct turns_ask *a, turns_fn *fn, void *ctx,
	       struct reason *why)
{
	size_t n = json_array_size(a->messages);
	int st;

	while (n && !is_turn(json_array_get(a->messages, n - 1)))
		n--;
	if (n < 2 || n <= a->from)
		return fail(why, ST_INPUT, "no turn of the assistant's behind another message");
	buf_reset(&s->part);
	st = render(s, a, n, NULL, CHAT_WHOLE, &s->text, &s->part, why);
	s->marked = s->part.n > 0;
	if (st)
		return st;
	return s->marked ? by_mark(s, a, n, fn, ctx, why) : by_place(s, a, n, fn, ctx, why);
}

struct turns *turns_open(const struct policy *p, const struct opt_list *args, struct reason *why)
{
	struct turns *s = xcalloc(1, sizeof *s);

	s->p = p;
	if (!policy_chat(p, &s->chat, why) && !prompt_args(&s->chat, args, why))
		return s;
	turns_free(s);
	return NULL;
}

uint64_t turns_changed(const struct turns *s)
{
	return s->changed;
}

void turns_free(struct turns *s)
{
	if (!s)
		return;
	chat_free(&s->chat);
	buf_free(&s->text);
	buf_free(&s->part);
	buf_free(&s->next);
	buf_free(&s->ask);
	buf_free(&s->like);
	buf_free(&s->no);
	free(s->ids.v);
	buf_free(&s->learn);
	buf_free(&s->said);
	buf_free(&s->want);
	free(s);
}
