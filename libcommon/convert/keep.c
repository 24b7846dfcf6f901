/* keep.c - a record's keys beside a foreign row. See keep.h. */
#include "convert/keep.h"
#include "base/fmt.h"
#include "base/json.h"
#include "stream/mpjson.h"
#include "stream/trajfield.h"

#include <string.h>

static bool is_among(const char *words, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = words ? words : ""; (p = strstr(p, name)); p++)
		if (p > words && p[-1] == ' ' && p[n] == ' ')
			return true;
	return false;
}

/* Does the row give the key back as it was? meta may be of other forms than JSON has. */
static bool is_said(const struct format *f, const char *name)
{
	return is_among(f->holds, name) && !is_among(f->changes, name) && strcmp(name, "meta") != 0;
}

static void put_list(struct buf *b, const struct field *f, const void *v, size_t n)
{
	buf_char(b, '[');
	buf_reserve(b, n * FMT_ELEMENT + FMT_MAX);
	if (n)
		b->n += (f->form == F_FLOATS ? fmt_f32_list : fmt_u32_list)(b->p + b->n, v, n);
	buf_char(b, ']');
}

static void put_value(struct buf *b, const struct field *f, const struct traj *r)
{
	const char *at = (const char *)r + f->at;
	const struct span *text = (const void *)at;

	buf_reserve(b, FMT_MAX);
	switch (f->form) {
	case F_MAP:
		mpjson_from(b, r->meta);
		break;
	case F_TOKENS:
	case F_FLOATS:
		put_list(b, f, *(const void *const *)(const void *)at,
			 *(const size_t *)(const void *)((const char *)r + f->n_at));
		break;
	case F_KEPT:
		mpjson_kept(b, *text);
		break;
	case F_NUM:
		b->n += fmt_f64(b->p + b->n, *(const double *)(const void *)at);
		break;
	case F_INT:
		b->n += fmt_u64(b->p + b->n, (uint64_t) * (const int64_t *)(const void *)at);
		break;
	case F_BOOL:
		buf_str(b, r->used ? "true" : "false");
		break;
	default:
		json_string_to(b, text->p, text->n);
		break;
	}
}

bool keep_write(struct buf *b, const struct traj *r, const struct format *in)
{
	bool more = false;

	buf_char(b, '{');
	for (int i = 0; i < TRAJ_FIELDS; i++) {
		const struct field *f = &traj_fields[i];

		if (f->form == F_KIND || strcmp(f->name, "id") == 0 || is_said(in, f->name) ||
		    !traj_has(r, f))
			continue;
		buf_str(b, more ? ", " : "");
		json_string_to(b, f->name, strlen(f->name));
		buf_str(b, ": ");
		put_value(b, f, r);
		more = true;
	}
	buf_char(b, '}');
	return more;
}

static int read_list(struct from *f, struct sample *s, const struct field *k, struct tape_val v)
{
	char *at = (char *)&s->t + k->at;
	size_t *n = (size_t *)(void *)((char *)&s->t + k->n_at);

	return k->form == F_FLOATS ? from_floats(f, v, k->name, (const float **)(void *)at, n)
				   : from_ids(f, v, k->name, (const uint32_t **)(void *)at, n);
}

/* Meta as it was: what stands flat in the row is part of it. */
static int read_meta(struct from *f, struct sample *s, struct tape_val v)
{
	if (tape_type(v) != TAPE_OBJECT)
		return from_bad(f, KEEP_KEY, "meta is no object");
	buf_reset(&s->meta);
	s->n_meta = 0;
	from_rest(f, s, v, NULL);
	return 0;
}

static int read_value(struct from *f, struct sample *s, const struct field *k, struct tape_val all)
{
	char *at = (char *)&s->t + k->at;
	struct tape_val v = tape_get(all, k->name);

	switch (k->form) {
	case F_MAP:
		return read_meta(f, s, v);
	case F_TOKENS:
	case F_FLOATS:
		return read_list(f, s, k, v);
	case F_KEPT:
		return from_kept(f, v, k->name, (struct span *)(void *)at);
	case F_NUM:
		return from_num(f, all, k->name, (double *)(void *)at);
	case F_INT:
		return from_int(f, all, k->name, (int64_t *)(void *)at);
	case F_BOOL:
		s->t.used = tape_type(v) == TAPE_TRUE;
		return 0;
	default:
		return from_text(f, all, k->name, (struct span *)(void *)at);
	}
}

int keep_read(struct from *f, struct sample *s, struct tape_val row)
{
	struct tape_val all = tape_get(row, KEEP_KEY);
	int st = 0;

	for (int i = 0; !st && i < TRAJ_FIELDS && tape_type(all) == TAPE_OBJECT; i++) {
		const struct field *k = &traj_fields[i];

		if (k->form != F_KIND && strcmp(k->name, "id") != 0 &&
		    !tape_none(tape_get(all, k->name)))
			st = read_value(f, s, k, all);
	}
	return st;
}
