/* logread.c - rows of training logs. See logread.h. */
#include "stats/logread.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "stream/columns.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 24 };

int logread_open(struct logread *l, const char *path, const struct names *keys, struct reason *why)
{
	*l = (struct logread){.keys = keys, .cell = xcalloc(keys->n, sizeof *l->cell)};
	return in_open(&l->in, path, why);
}

void logread_close(struct logread *l)
{
	for (size_t i = 0; i < l->keys->n; i++)
		buf_free(&l->cell[i]);
	free(l->cell);
	names_free(&l->header);
	in_close(&l->in);
}

/* ---- JSON ---- */

static int read_value(const json_t *v, struct span key, struct buf *cell, struct reason *why)
{
	char text[32];

	if (json_is_string(v))
		buf_add(cell, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		buf_printf(cell, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		buf_str(cell, num_text(json_real_value(v), text));
	else if (v && !json_is_null(v))
		return fail(why, ST_INPUT, "%.*s: neither number nor text", (int)key.n, key.p);
	return 0;
}

static int read_object(struct logread *l, struct span line, struct reason *why)
{
	json_error_t e;
	json_t *j = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	int st = 0;

	if (!j)
		return fail(why, ST_INPUT, "column %d: %s", e.column, e.text);
	if (!json_is_object(j))
		st = fail(why, ST_INPUT, "no JSON object");
	for (size_t i = 0; !st && i < l->keys->n; i++) {
		struct span key = names_get(l->keys, i);

		st = read_value(json_object_getn(j, key.p, key.n), key, &l->cell[i], why);
	}
	json_decref(j);
	return st;
}

/* ---- tables ---- */

static int read_header(struct logread *l, struct span line, struct reason *why)
{
	struct span field;

	for (size_t n = 0; columns_field(&line, &field); n++)
		if (names_id(&l->header, field) != n)
			return fail(why, ST_INPUT, "two columns are called %.*s", (int)field.n,
				    field.p);
	return 0;
}

static int read_fields(struct logread *l, struct span line, struct reason *why)
{
	struct span field;
	size_t n = 0;

	for (; columns_field(&line, &field); n++) {
		size_t key = n < l->header.n ? names_find(l->keys, names_get(&l->header, n))
					     : (size_t)-1;

		if (key != (size_t)-1 && !span_is(field, "n/a") && !span_is(field, "-"))
			buf_add(&l->cell[key], field.p, field.n);
	}
	if (n != l->header.n)
		return fail(why, ST_INPUT, "%zu columns, %zu in the header", n, l->header.n);
	return 0;
}

/* ---- lines ---- */

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	return true;
}

/* The next line that is not blank: as in_line, and whether it has an end */
static int next_line(struct logread *l, struct span *line, bool *ended, struct reason *why)
{
	int got;

	do {
		uint64_t at = l->in.offset;

		got = in_line(&l->in, MAX_LINE, line, why);
		*ended = l->in.offset - at > line->n;
		l->line += got > 0;
	} while (got > 0 && is_blank(*line));
	return got;
}

static int read_row(struct logread *l, struct span line, struct reason *why)
{
	for (size_t i = 0; i < l->keys->n; i++)
		buf_reset(&l->cell[i]);
	return l->header.n ? read_fields(l, line, why) : read_object(l, line, why);
}

int logread_next(struct logread *l, struct reason *why)
{
	struct span line = {0};
	bool ended, first = l->line == 0;
	int got = next_line(l, &line, &ended, why), st = 0;

	if (got > 0 && first && line.p[0] != '{') {
		st = read_header(l, line, why);
		got = st ? 1 : next_line(l, &line, &ended, why);
	}
	if (got <= 0)
		return got;
	if (!st)
		st = read_row(l, line, why);
	l->cut = st && !ended;
	if (l->cut)
		return 0;
	if (st)
		fail_prefix(why, "%s:%zu", l->in.name, l->line);
	return st ? -1 : 1;
}
