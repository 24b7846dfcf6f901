/* from.c - rows of other programs into records. See from.h. */
#include "convert/from.h"
#include "convert/talk.h"
#include "base/json.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/num.h"
#include "stream/pack.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory of a row ---- */

enum { ROOM = 64 * 1024, SMALL = 4096 };

void *from_mem(struct from *f, size_t n)
{
	size_t whole = (n + 16) & ~(size_t)15; /* never nothing, and the next is aligned */

	if (n <= SMALL && ROOM - f->taken >= whole) {
		if (!f->room)
			f->room = xmalloc(ROOM);
		f->taken += whole;
		return f->room + f->taken - whole;
	}
	if (f->n_mem == f->cap_mem) {
		f->cap_mem = f->cap_mem ? 2 * f->cap_mem : 16;
		f->mem = xgrow(f->mem, f->cap_mem, sizeof *f->mem);
	}
	return f->mem[f->n_mem++] = xmalloc(n ? n : 1);
}

void from_forget(struct from *f)
{
	f->taken = 0;
	while (f->n_mem)
		free(f->mem[--f->n_mem]);
}

struct span from_copy(struct from *f, const void *p, size_t n)
{
	char *to = from_mem(f, n);

	if (n)
		memcpy(to, p, n);
	return (struct span){to, n};
}

struct span from_print(struct from *f, const char *fmt, ...)
{
	struct span s;
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		no_memory(0);
	s = from_copy(f, text, (size_t)n);
	free(text);
	return s;
}

void from_sample(struct sample *s)
{
	traj_clear(&s->t);
	s->messages = (struct span){0};
	s->meta = (struct buf){0};
	s->n_meta = 0;
}

void from_sample_free(struct from *f, struct sample *s)
{
	buf_free(&f->meta);
	f->meta = s->meta; /* for the next one */
	buf_reset(&f->meta);
	s->meta = (struct buf){0};
}

/* ---- messages ---- */

int from_bad(struct from *f, const char *key, const char *what)
{
	return fail(f->why, ST_INPUT, "%s:%zu: %s: %s", f->name, f->line, key, what);
}

void from_lost(struct from *f, const char *note)
{
	notes_add(&f->lost, note);
}

void from_skipped(struct from *f, const char *note)
{
	notes_add(&f->skipped, note);
}

/* ---- values ---- */

int from_text(struct from *f, struct tape_val row, const char *key, struct span *s)
{
	struct tape_val v = tape_get(row, key);

	if (tape_text(v, s))
		return 0;
	return from_bad(f, key, tape_none(v) ? "missing" : "not a string");
}

struct span from_maybe(struct tape_val row, const char *key)
{
	struct span s = {0};

	tape_text(tape_get(row, key), &s);
	return s;
}

static void add_json(struct buf *b, struct tape_val v)
{
	static const char *const words[] = {
		[TAPE_NULL] = "null", [TAPE_FALSE] = "false", [TAPE_TRUE] = "true"};
	enum tape_type type = tape_type(v);
	struct tape_iter it = tape_walk(v);
	struct tape_val key, value;
	struct span s;

	if (tape_text(v, &s)) {
		json_string_to(b, s.p, s.n);
	} else if (type == TAPE_INT || type == TAPE_REAL) {
		buf_add(b, v.t->text + v.t->v[v.i].at, v.t->v[v.i].n);
	} else if (type == TAPE_ARRAY || type == TAPE_OBJECT) {
		buf_char(b, type == TAPE_ARRAY ? '[' : '{');
		for (bool first = true; tape_next(&it, &key, &value); first = false) {
			if (!first)
				buf_char(b, ',');
			if (tape_text(key, &s)) {
				json_string_to(b, s.p, s.n);
				buf_char(b, ':');
			}
			add_json(b, value);
		}
		buf_char(b, type == TAPE_ARRAY ? ']' : '}');
	} else {
		buf_str(b, words[type]);
	}
}

struct span from_json(struct from *f, struct tape_val v)
{
	struct buf b = {0};
	struct span s;

	add_json(&b, v);
	s = from_copy(f, b.p, b.n);
	buf_free(&b);
	return s;
}

struct span from_answer(struct from *f, struct tape_val v)
{
	struct span s = {0};

	if (tape_type(v) == TAPE_ARRAY && tape_count(v) < 2)
		v = tape_at(v, 0);
	if (tape_none(v) || tape_text(v, &s))
		return s;
	return from_json(f, v);
}

static bool num_of(struct tape_val v, double *x)
{
	enum tape_type type = tape_type(v);
	char text[64];
	struct span s;

	if (tape_f64(v, x))
		return true;
	if (type == TAPE_TRUE || tape_is(v, "True") || tape_is(v, "true"))
		*x = 1;
	else if (type == TAPE_FALSE || tape_is(v, "False") || tape_is(v, "false"))
		*x = 0;
	else if (!tape_text(v, &s) || s.n >= sizeof text)
		return false;
	else
		return snprintf(text, sizeof text, "%.*s", (int)s.n, s.p) == (int)s.n &&
		       num_f64(text, -INFINITY, INFINITY, x);
	return true;
}

int from_num(struct from *f, struct tape_val row, const char *key, double *x)
{
	struct tape_val v = tape_get(row, key);

	return tape_none(v) || num_of(v, x) ? 0 : from_bad(f, key, "not a number");
}

int from_int(struct from *f, struct tape_val row, const char *key, int64_t *x)
{
	struct tape_val v = tape_get(row, key);
	int64_t i;

	if (tape_none(v))
		return 0;
	if (!tape_i64(v, &i) || i < 0)
		return from_bad(f, key, "not a whole number from 0");
	*x = i;
	return 0;
}

int from_ids(struct from *f, struct tape_val v, const char *key, const uint32_t **ids, size_t *n)
{
	uint32_t count = tape_count(v), *to;
	int64_t x;

	*n = 0;
	if (tape_none(v))
		return 0;
	if (tape_type(v) != TAPE_ARRAY)
		return from_bad(f, key, "not a list of token ids");
	*ids = to = from_mem(f, 4 * (size_t)count);
	for (; *n < count; to[(*n)++] = (uint32_t)x) {
		v.i++; /* numbers lie side by side; anything else ends the loop */
		if (!tape_i64(v, &x) || x < 0 || x > UINT32_MAX)
			return from_bad(f, key, "not a list of token ids");
	}
	return 0;
}

int from_floats(struct from *f, struct tape_val v, const char *key, const float **x, size_t *n)
{
	uint32_t count = tape_count(v);
	float *to;
	double d;

	*n = 0;
	if (tape_none(v))
		return 0;
	if (tape_type(v) != TAPE_ARRAY)
		return from_bad(f, key, "not a list of numbers");
	*x = to = from_mem(f, 4 * (size_t)count);
	for (; *n < count; to[(*n)++] = (float)d) {
		v.i++;
		if (!tape_f64(v, &d))
			return from_bad(f, key, "not a list of numbers");
	}
	return 0;
}

/* Appends a list of ids as a set; false: it is none. */
static bool add_set(struct buf *b, struct tape_val list)
{
	uint32_t count = tape_count(list), ids[KEPT_MOST];
	int64_t x;

	if (tape_type(list) != TAPE_ARRAY || count > KEPT_MOST)
		return false;
	for (uint32_t n = 0; n < count; ids[n++] = (uint32_t)x) {
		list.i++;
		if (!tape_i64(list, &x) || x < 0 || x > UINT32_MAX ||
		    (n && (uint32_t)x <= ids[n - 1]))
			return false;
	}
	kept_put(b, ids, count);
	return true;
}

int from_kept(struct from *f, struct tape_val v, const char *key, struct span *sets)
{
	struct tape_iter it;
	struct tape_val none, set;
	struct buf b = {0};
	bool ok = tape_type(v) == TAPE_ARRAY;

	if (tape_none(v))
		return 0;
	for (it = tape_walk(v); ok && tape_next(&it, &none, &set);)
		ok = add_set(&b, set);
	*sets = from_copy(f, b.p, b.n);
	buf_free(&b);
	return ok ? 0 : from_bad(f, key, "not a list of lists of token ids that ascend");
}

int from_reward(struct from *f, struct tape_val map, double *reward)
{
	*reward = NAN;
	if (!f->o->reward)
		return 0;
	f->reward_seen |= tape_type(tape_get(map, f->o->reward)) != TAPE_NONE;
	return from_num(f, map, f->o->reward, reward);
}

/* ---- prompts ---- */

int from_message(struct from *f, struct buf *b, struct tape_val m)
{
	struct tape_iter it = tape_walk(m);
	struct tape_val key, value;
	struct span s;

	if (!talk_has_role(m))
		return from_bad(f, "messages", "one without a role");
	buf_str(b, b->n ? ",{" : "[{");
	for (bool first = true; tape_next(&it, &key, &value);) {
		if (tape_none(value) || !tape_text(key, &s))
			continue;
		if (!first)
			buf_char(b, ',');
		json_string_to(b, s.p, s.n);
		buf_char(b, ':');
		add_json(b, value);
		first = false;
	}
	buf_char(b, '}');
	return 0;
}

void from_turn(struct buf *b, const char *role, struct span content)
{
	buf_char(b, b->n ? ',' : '[');
	talk_put(b, role, content);
}

/* What a policy of -p sees of messages; without one they stay what they are. */
static int show_messages(struct from *f, struct sample *s)
{
	struct chat_ask ask = {.end = CHAT_ASK};
	struct buf text = {0}, json = {0};
	int st;

	s->t.prompt = s->messages;
	if (!f->o->chat)
		return 0;
	buf_add(&json, s->messages.p, s->messages.n);
	ask.messages = buf_cstr(&json);
	st = chat_render(f->o->chat, &ask, &text, NULL, f->why);
	if (st)
		fail_prefix(f->why, "%s:%zu", f->name, f->line);
	else
		s->t.prompt = from_copy(f, text.p, text.n);
	buf_free(&text);
	buf_free(&json);
	return st;
}

int from_turns(struct from *f, struct sample *s, struct buf *b)
{
	buf_str(b, b->n ? "]" : "[]");
	s->messages = from_copy(f, b->p, b->n);
	return show_messages(f, s);
}

int from_messages(struct from *f, struct sample *s, struct tape_val v, uint32_t n)
{
	struct tape_iter it = tape_walk(v);
	struct tape_val none, m;
	struct buf b = {0};
	int st = 0;

	for (uint32_t i = 0; !st && i < n && tape_next(&it, &none, &m); i++)
		st = from_message(f, &b, m);
	if (!st)
		st = from_turns(f, s, &b);
	buf_free(&b);
	return st;
}

/* A text that is the JSON of messages; false: another text */
static bool from_printed(struct from *f, struct sample *s, struct span text, int *st)
{
	struct tape tape = {0};
	bool is;

	if (text.n < 12 || text.p[0] != '[' || !memchr(text.p, '{', 3))
		return false;
	is = tape_parse(&tape, text.p, text.n) == TAPE_WHOLE && talk_is(tape_root(&tape));
	if (is)
		*st = from_messages(f, s, tape_root(&tape), tape_count(tape_root(&tape)));
	tape_free(&tape);
	return is;
}

int from_prompt(struct from *f, struct sample *s, struct tape_val v, const char *key)
{
	int st = 0;

	if (tape_type(v) == TAPE_ARRAY && tape_count(v))
		return from_messages(f, s, v, tape_count(v));
	if (!tape_text(v, &s->t.prompt))
		return from_bad(f, key, tape_none(v) ? "missing" : "neither a string nor messages");
	from_printed(f, s, s->t.prompt, &st);
	return st;
}

int from_completion(struct from *f, struct sample *s, struct tape_val v, const char *key)
{
	struct tape_val m = tape_at(v, 0);

	if (tape_text(v, &s->t.response))
		return 0;
	if (tape_type(v) != TAPE_ARRAY)
		return from_bad(f, key, tape_none(v) ? "missing" : "neither a string nor messages");
	if (tape_count(v) == 1 && tape_is(tape_get(m, "role"), "assistant") &&
	    tape_none(tape_get(m, "tool_calls")))
		tape_text(tape_get(m, "content"), &s->t.response);
	return 0; /* without a response: more than one turn */
}

const struct from_known *from_find(struct from *f, struct sample *s, struct span name)
{
	size_t i = f->o->known ? names_find(&f->o->known_names, name) : (size_t)-1;
	const struct from_known *k = i < f->o->n_known ? &f->o->known[i] : NULL;

	if (!k)
		return NULL;
	if (!s->t.prompt.p && k->prompt)
		s->t.prompt = (struct span){k->prompt, strlen(k->prompt)};
	if (!s->t.prompt.p && k->messages) {
		s->messages = (struct span){k->messages, strlen(k->messages)};
		if (show_messages(f, s))
			s->t.prompt = s->messages;
	}
	if (!s->t.answer.p && k->answer)
		s->t.answer = (struct span){k->answer, strlen(k->answer)};
	return k;
}

/* How long is the end token's text that ends s? "<|name|>" and a few others; 0: none does. */
static size_t end_length(struct from *f, struct span s)
{
	static const char *const others[] = {
		"</s>", "<eos>", "<end_of_turn>", "<turn|>",
		/* DeepSeek's, with lines and blocks of full width */
		"<\xef\xbd\x9c\x65nd\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"};
	const char *const *v = f->o->end ? &f->o->end : others;
	size_t count = f->o->end ? 1 : sizeof others / sizeof *others, n = 2;

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(v[i]);

		if (len && s.n >= len && memcmp(s.p + s.n - len, v[i], len) == 0)
			return len;
	}
	if (f->o->end || s.n < 5 || memcmp(s.p + s.n - 2, "|>", 2) != 0)
		return 0;
	while (n < s.n && n < 40 && (s.p[s.n - 1 - n] | 32) >= '_' && s.p[s.n - 1 - n] != '|')
		n++;
	return n > 2 && n + 2 <= s.n && memcmp(s.p + s.n - n - 2, "<|", 2) == 0 ? n + 2 : 0;
}

bool from_cut_end(struct from *f, struct sample *s)
{
	size_t n = end_length(f, s->t.response);

	s->t.response.n -= n;
	if (n)
		s->t.finish = (struct span){"stop", 4};
	return n;
}

static void decode_one(struct from *f, struct span *text, const uint32_t *ids, size_t n, bool keep)
{
	struct buf b = {0};

	if (text->p || !n)
		return;
	tok_decode(f->o->tok, ids, n, keep, &b);
	*text = from_copy(f, b.p, b.n);
	buf_free(&b);
}

void from_decode(struct from *f, struct sample *s)
{
	if (f->o->tok) {
		decode_one(f, &s->t.prompt, s->t.prompt_tokens, s->t.n_prompt_tokens, true);
		decode_one(f, &s->t.response, s->t.tokens, s->t.n_tokens, false);
	} else if (!s->t.response.p) {
		from_lost(f, "the texts are not in the file: -p DIR makes them of the ids");
	}
	if (!s->t.response.p)
		s->t.response = (struct span){"", 0};
}

/* ---- meta ---- */

/* False: nested too deep for a record */
static bool pack_value(struct buf *b, struct tape_val v, int depth)
{
	struct tape_iter it = tape_walk(v);
	enum tape_type type = tape_type(v);
	struct tape_val key, value;
	msgpack_packer pk;
	struct span s;
	bool ok = true;
	int64_t i;
	double x;

	pack_init(&pk, b);
	if (tape_text(v, &s))
		pack_utf8(&pk, s);
	else if (tape_i64(v, &i))
		msgpack_pack_int64(&pk, i);
	else if (tape_f64(v, &x))
		pack_float(&pk, x);
	else if (type == TAPE_TRUE)
		msgpack_pack_true(&pk);
	else if (type == TAPE_FALSE)
		msgpack_pack_false(&pk);
	else if (type == TAPE_ARRAY)
		pack_array(&pk, it.left);
	else if (type == TAPE_OBJECT)
		pack_map(&pk, it.left);
	else
		msgpack_pack_nil(&pk);
	if (it.left && depth == MP_MAX_DEPTH)
		return false;
	while (ok && tape_next(&it, &key, &value)) {
		if (tape_text(key, &s))
			pack_utf8(&pk, s);
		ok = pack_value(b, value, depth + 1);
	}
	return ok;
}

static void begin_meta(struct buf *meta)
{
	if (!meta->n)
		buf_add(meta, "\0\0\0\0\0", META_HEAD);
}

static void meta_pair(struct from *f, struct sample *s, struct span name, struct tape_val v)
{
	msgpack_packer pk;
	size_t before;

	if (tape_none(v))
		return;
	if (!s->meta.p) {
		s->meta = f->meta;
		f->meta = (struct buf){0};
	}
	begin_meta(&s->meta);
	before = s->meta.n;
	pack_init(&pk, &s->meta);
	pack_utf8(&pk, name);
	if (pack_value(&s->meta, v, 3)) {
		s->n_meta++;
	} else {
		s->meta.n = before;
		from_lost(f, "a key is nested too deep for a record: left out");
	}
}

void from_meta(struct from *f, struct sample *s, const char *name, struct tape_val v)
{
	meta_pair(f, s, (struct span){name, strlen(name)}, v);
}

void from_meta_text(struct sample *s, const char *name, struct span text)
{
	msgpack_packer pk;

	begin_meta(&s->meta);
	pack_init(&pk, &s->meta);
	pack_str(&pk, name);
	pack_text(&pk, text);
	s->n_meta++;
}

void from_meta_bool(struct sample *s, const char *name, bool is)
{
	msgpack_packer pk;

	begin_meta(&s->meta);
	pack_init(&pk, &s->meta);
	pack_str(&pk, name);
	if (is)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	s->n_meta++;
}

static inline bool is_name(const char *s, struct span name)
{
	size_t i = 0;

	while (i < name.n && s[i] && s[i] == name.p[i])
		i++;
	return i == name.n && !s[i];
}

/* Notes a name of a reader's list by its place. */
static void note_used(struct from *f, const char *name)
{
	struct span s = {name, strlen(name)};
	unsigned place = tape_place(tape_tag(s.p, s.n), s.n);

	f->used_at[place] = s;
	f->used_bits |= UINT64_C(1) << place;
}

/* A reader's list is the same for all of its rows. */
static void note_list(struct from *f, const char *const used[])
{
	f->used = used;
	f->used_bits = 0;
	if (used)
		note_used(f, KEEP_KEY);
	for (; used && *used; used++)
		note_used(f, *used);
}

static bool is_listed(const char *const used[], struct span name)
{
	for (; *used; used++)
		if (name.n && **used == *name.p && is_name(*used, name))
			return true;
	return is_name(KEEP_KEY, name);
}

static inline bool is_used(const struct from *f, struct tape_val key, struct span name)
{
	unsigned place = tape_place(key.t->v[key.i].tag, name.n);

	return f->used_bits >> place & 1 &&
	       (span_eq(f->used_at[place], name) || is_listed(f->used, name));
}

void from_rest(struct from *f, struct sample *s, struct tape_val row, const char *const used[])
{
	struct tape_iter it = tape_walk(row);
	struct tape_val key, v;
	struct span name;

	if (f->used != used || !used)
		note_list(f, used);
	while (tape_next(&it, &key, &v))
		if (tape_text(key, &name) && !is_used(f, key, name))
			meta_pair(f, s, name, v);
}
