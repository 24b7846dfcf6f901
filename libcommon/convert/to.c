/* to.c - records into rows of other programs. See to.h. */
#include "convert/to.h"
#include "base/fmt.h"
#include "base/json.h"
#include "base/utf8.h"
#include "convert/keep.h"
#include "convert/talk.h"
#include "stream/mpjson.h"
#include "stream/trajfield.h"

#include <math.h>
#include <string.h>

void to_lost(struct to *t, const char *note)
{
	notes_add(&t->lost, note);
}

void to_skipped(struct to *t, const char *note)
{
	notes_add(&t->skipped, note);
}

/* ---- a row ---- */

void to_open(struct to *t)
{
	buf_reset(&t->line);
	buf_char(&t->line, '{');
	t->more = false;
}

void to_key(struct to *t, const char *key)
{
	if (t->more)
		buf_str(&t->line, ", ");
	t->more = true;
	json_string_to(&t->line, key, strlen(key));
	buf_str(&t->line, ": ");
}

void to_text(struct to *t, const char *key, struct span s)
{
	if (!s.p)
		return;
	to_key(t, key);
	json_string_to(&t->line, s.p, s.n);
}

void to_word(struct to *t, const char *key, const char *word)
{
	to_text(t, key, (struct span){word, strlen(word)});
}

void to_num(struct to *t, const char *key, double x)
{
	if (isnan(x))
		return;
	to_key(t, key);
	buf_reserve(&t->line, FMT_MAX);
	t->line.n += fmt_f64(t->line.p + t->line.n, x);
}

void to_int(struct to *t, const char *key, int64_t x)
{
	if (x < 0)
		return;
	to_key(t, key);
	buf_reserve(&t->line, FMT_MAX);
	t->line.n += fmt_u64(t->line.p + t->line.n, (uint64_t)x);
}

static void put_words(struct to *t, const void *v, size_t n,
		      size_t (*list)(char *, const void *, size_t))
{
	buf_reserve(&t->line, n * FMT_ELEMENT + FMT_MAX);
	if (n)
		t->line.n += list(t->line.p + t->line.n, v, n);
	buf_char(&t->line, ']');
}

void to_more_ids(struct to *t, const uint32_t *v, size_t n)
{
	put_words(t, v, n, fmt_u32_list);
}

void to_ids(struct to *t, const char *key, const uint32_t *v, size_t n)
{
	if (!v)
		return;
	to_key(t, key);
	buf_char(&t->line, '[');
	to_more_ids(t, v, n);
}

void to_floats(struct to *t, const char *key, const float *v, size_t n)
{
	if (!v)
		return;
	to_key(t, key);
	buf_char(&t->line, '[');
	put_words(t, v, n, fmt_f32_list);
}

void to_null(struct to *t, const char *key)
{
	to_key(t, key);
	buf_str(&t->line, "null");
}

static bool is_word(const char *words, struct span s)
{
	for (const char *p = words; s.n && (p = memmem(p, strlen(p), s.p, s.n)); p++)
		if (p > words && p[-1] == ' ' && p[s.n] == ' ')
			return true;
	return false;
}

void to_rest(struct to *t, struct mp meta, const char *taken)
{
	struct mp_iter it;
	struct mp key, v;
	struct span s;

	if (!meta.p || !mp_enter(meta, &it))
		return;
	while (mp_next_pair(&it, &key, &v)) {
		if (!mp_str(key, &s) || !utf8_valid(s.p, s.n) || is_word(taken, s) ||
		    span_is(s, KEEP_KEY)) {
			to_lost(t, "a key of meta that the row has for something else");
			continue;
		}
		buf_str(&t->line, t->more ? ", " : "");
		t->more = true;
		json_string_to(&t->line, s.p, s.n);
		buf_str(&t->line, ": ");
		mpjson_from(&t->line, v);
	}
}

void to_close(struct to *t, const struct traj *r)
{
	size_t before = t->line.n;
	bool more = t->more;

	if (t->o->keep) {
		to_key(t, KEEP_KEY);
		if (!keep_write(&t->line, r, t->format)) {
			t->line.n = before;
			t->more = more;
		}
	}
	buf_str(&t->line, "}\n");
	out_write(t->out, t->line.p, t->line.n);
	t->rows++;
}

/* ---- messages ---- */

void to_messages(struct to *t, const char *key, struct span prompt, struct span answer)
{
	struct buf *b = &t->line;

	to_key(t, key);
	if (tape_none(t->chat)) {
		buf_char(b, '[');
		talk_put(b, "user", prompt);
	} else { /* line feeds stand between its tokens alone */
		size_t from = b->n;

		buf_add(b, prompt.p, prompt.n - 1);
		for (char *p = b->p + from; (p = memchr(p, '\n', (size_t)(b->p + b->n - p)));)
			*p = ' ';
	}
	if (answer.p) {
		buf_str(b, ", ");
		talk_put(b, "assistant", answer);
	}
	buf_char(b, ']');
}

void to_answer(struct to *t, const char *key, struct span answer)
{
	if (tape_none(t->chat)) {
		to_text(t, key, answer);
		return;
	}
	to_key(t, key);
	buf_char(&t->line, '[');
	talk_put(&t->line, "assistant", answer);
	buf_char(&t->line, ']');
}

void to_prompt(struct to *t, const char *key, struct span prompt)
{
	if (tape_none(t->chat))
		to_text(t, key, prompt);
	else
		to_messages(t, key, prompt, (struct span){0});
}

/* ---- streams ---- */

/* JSON is UTF-8: bytes that are not cannot be said. */
static bool is_text(const struct traj *r)
{
	const struct span *const v[] = {&r->task, &r->prompt, &r->response, &r->answer,
					&r->extracted};

	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if (v[i]->p && !utf8_valid(v[i]->p, v[i]->n))
			return false;
	return true;
}

static void count_lost(struct to *t, const struct traj *r)
{
	for (int i = 0; i < TRAJ_FIELDS; i++) {
		const struct field *f = &traj_fields[i];

		if (f->form != F_KIND && strcmp(f->name, "id") != 0 && traj_has(r, f) &&
		    !(f->form == F_BYTES && strcmp(f->name, "verdict") == 0 &&
		      span_is(r->verdict, "ok")) &&
		    !is_word(t->format->holds, (struct span){f->name, strlen(f->name)}))
			to_lost(t, f->name);
	}
}

/* Has the record keys that no trajectory has? */
static bool has_others(struct mp map)
{
	struct mp_iter it;
	struct mp key, v;
	struct span s = {0};
	int i;

	for (mp_enter(map, &it); mp_next_pair(&it, &key, &v);) {
		mp_str(key, &s);
		for (i = 0; i < TRAJ_FIELDS && !span_is(s, traj_fields[i].name); i++)
			;
		if (i == TRAJ_FIELDS)
			return true;
	}
	return false;
}

static void read_chat(struct to *t, struct span prompt)
{
	t->chat = (struct tape_val){0};
	if (prompt.n < 12 || prompt.p[0] != '[' || prompt.p[prompt.n - 1] != ']')
		return;
	buf_reset(&t->prompt);
	buf_add(&t->prompt, prompt.p, prompt.n);
	if (tape_parse(&t->tape, t->prompt.p, t->prompt.n) == TAPE_WHOLE &&
	    talk_is(tape_root(&t->tape)))
		t->chat = tape_root(&t->tape);
}

static int one_record(struct to *t, const struct rec *r, const char *name, struct traj_mem *mem)
{
	struct traj traj;
	int st;

	if (!r->is_traj) {
		to_skipped(t, "records that are no trajectories");
		return 0;
	}
	if ((st = traj_read(&traj, r, name, mem, t->why)))
		return st;
	t->records++;
	if (!is_text(&traj)) {
		to_skipped(t, "records with bytes that are no text");
		return 0;
	}
	if (!t->o->keep)
		count_lost(t, &traj);
	if (has_others(r->map))
		to_lost(t, "keys of no trajectory");
	read_chat(t, traj.prompt);
	return t->format->write(t, &traj);
}

int to_file(struct to *t, const char *path)
{
	struct rec_in *in = rec_open(path, 0, t->why);
	struct traj_mem mem = {0};
	struct rec r;
	int got = 0, st = 0;

	if (!in)
		return t->why->status;
	rec_tie(in, t->out);
	while (!st && (got = rec_next(in, &r, t->why)) > 0)
		st = one_record(t, &r, rec_name(in), &mem);
	traj_mem_free(&mem);
	rec_close(in);
	return got < 0 ? t->why->status : st;
}

void to_free(struct to *t)
{
	buf_free(&t->line);
	buf_free(&t->prompt);
	tape_free(&t->tape);
	if (t->free_own)
		t->free_own(t->own);
}
