/* fromrow.c - rows and samples, whatever the format is. See fromrow.h. */
#include "convert/fromrow.h"
#include "base/kept.h"
#include "base/rows.h"
#include "convert/formats.h"
#include "convert/keep.h"
#include "stream/pack.h"
#include "task/taskrow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_ROW = 256 * 1024 * 1024,
	ROOM = 4096,        /* what a record has besides texts and ids */
	IMPOSSIBLE = -9999, /* how vLLM writes the logarithm of 0 */
};

/* ---- samples ---- */

static void set_meta(struct from *f, struct sample *s)
{
	char room[16]; /* more than the packer asks for */
	struct buf head = {room, 0, sizeof room};
	msgpack_packer pk;
	struct mp all;
	size_t len;

	if (!s->n_meta)
		return;
	pack_init(&pk, &head);
	pack_map(&pk, s->n_meta);
	memcpy(s->meta.p + META_HEAD - head.n, head.p, head.n);
	all.p = (const uint8_t *)s->meta.p + META_HEAD - head.n;
	all.n = s->meta.n - META_HEAD + head.n;
	/* as many objects as bytes at most, and none too deep: pack_value saw to that */
	if (all.n <= MP_MAX_OBJECTS || mp_skim(all.p, all.n, &len) == MP_OK)
		s->t.meta = all;
	else
		from_lost(f, "other keys are too large for a record: left out");
}

static void name_task(struct from *f, struct sample *s)
{
	struct span text[4] = {s->t.prompt, s->messages, {0}, s->t.answer};
	char id[TASKROW_ID];

	if (s->messages.p)
		text[0] = (struct span){0};
	else if (!text[0].p && s->t.n_prompt_tokens)
		text[0] = (struct span){(const char *)s->t.prompt_tokens, 4 * s->t.n_prompt_tokens};
	taskrow_content_id(text, id);
	s->t.task = from_copy(f, id, strlen(id));
}

static void check_logprobs(struct from *f, struct traj *t)
{
	bool ok = t->n_logprobs == t->n_tokens && t->n_tokens;
	size_t at;

	for (size_t i = 0; ok && i < t->n_logprobs; i++)
		ok = t->logprobs[i] <= 0 && t->logprobs[i] > IMPOSSIBLE;
	if (t->n_logprobs && !ok)
		from_lost(f, "log-probs left out: not one for each token, or one above 0");
	if (!ok) {
		t->logprobs = NULL;
		t->n_logprobs = 0;
	}
	if (t->kept.p && (!t->n_tokens || kept_check(t->kept, t->tokens, t->n_tokens, &at))) {
		from_lost(f, "kept left out: not a set for each token, with the token in it");
		t->kept = (struct span){0};
	}
	if (!t->n_tokens)
		t->tokens = NULL;
	if (!t->n_prompt_tokens)
		t->prompt_tokens = NULL;
}

static bool fits(const struct traj *t)
{
	size_t n = t->task.n + t->prompt.n + t->response.n + t->answer.n + t->extracted.n +
		   t->meta.n + t->kept.n + 4 * (t->n_prompt_tokens + t->n_tokens + t->n_logprobs);

	return n + ROOM <= MP_MAX_BYTES;
}

int from_put(struct from *f, struct sample *s)
{
	struct traj *t = &s->t;
	int st = keep_read(f, s, f->row);

	if (st)
		return st;
	if (t->task.p)
		from_find(f, s, t->task);
	else
		name_task(f, s);
	from_decode(f, s);
	if (!t->prompt.p) {
		if (!t->n_prompt_tokens)
			from_lost(f, "the prompt is not in the file");
		t->prompt = (struct span){"", 0};
	}
	if (f->o->reward && !isnan(t->reward)) /* the number that was asked for by name */
		t->verdict = (struct span){0};
	else if (t->verdict.p && !span_is(t->verdict, "ok"))
		t->reward = NAN;
	t->utf8 = !f->o->tok; /* of JSON alone */
	check_logprobs(f, t);
	set_meta(f, s);
	if (!fits(t))
		return fail(f->why, ST_INPUT, "%s:%zu: longer than a record may be (%d bytes)",
			    f->name, f->line, MP_MAX_BYTES);
	traj_write(f->out, t);
	f->samples++;
	return 0;
}

/* ---- files ---- */

static void set_format(struct from *f, const struct format *format)
{
	if (f->free_own && f->format != format) {
		f->free_own(f->own);
		f->own = NULL;
		f->free_own = NULL;
	}
	f->format = format;
}

static int one_object(struct from *f, struct tape_val row)
{
	const struct format *format;

	f->row = row;
	if (!f->told) {
		if (formats_tell(&format, row, f->why))
			return fail_prefix(f->why, "%s:%zu", f->name, f->line);
		set_format(f, format);
		f->told = true;
	}
	if (tape_type(row) != TAPE_OBJECT)
		return fail(f->why, ST_INPUT, "%s:%zu: not an object", f->name, f->line);
	return f->format->read(f, row);
}

/* A line may be an array: the answers to one request. */
static int one_row(struct from *f, struct tape_val row)
{
	struct tape_iter it = tape_walk(row);
	struct tape_val none, one;
	int st = 0;

	f->rows++;
	if (tape_type(row) != TAPE_ARRAY)
		st = one_object(f, row);
	else
		while (!st && tape_next(&it, &none, &one))
			st = one_object(f, one);
	f->first = false;
	from_forget(f);
	return st;
}

static int all_rows(struct from *f, struct rows *in)
{
	struct tape tape = {0};
	int got = 0, st = 0;

	while (!st && (got = rows_tape(in, &tape, &f->line, f->why)) > 0)
		st = one_row(f, tape_root(&tape));
	tape_free(&tape);
	return got < 0 ? f->why->status : st;
}

static int end_file(struct from *f, uint64_t rows, uint64_t samples)
{
	if (f->told && f->format->read_end && f->format->read_end(f))
		return f->why->status;
	if (f->rows == rows)
		return fail(f->why, ST_INPUT, "%s: no rows", f->name);
	if (f->samples + f->copies == samples)
		return fail(f->why, ST_INPUT, "%s: none of its rows holds a sample%s%s", f->name,
			    f->skipped.n ? ": " : "",
			    f->skipped.n ? f->skipped.v[f->skipped.n - 1].text : "");
	return 0;
}

int from_file(struct from *f, const char *path, const struct format *format)
{
	struct rows *in = rows_open(path, MAX_ROW, f->why);
	uint64_t samples = f->samples + f->copies, rows = f->rows;
	int st;

	if (!in)
		return f->why->status;
	rows_tie(in, f->out->o);
	f->told = format;
	if (format)
		set_format(f, format);
	f->name = rows_name(in);
	f->first = true;
	st = all_rows(f, in);
	if (!st)
		st = end_file(f, rows, samples);
	from_forget(f);
	rows_close(in);
	return st;
}

void from_free(struct from *f)
{
	from_forget(f);
	free(f->mem);
	free(f->room);
	buf_free(&f->meta);
	if (f->free_own)
		f->free_own(f->own);
}
