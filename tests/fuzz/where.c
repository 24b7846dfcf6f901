/*
 * where.c - a condition, and behind a NUL a record: what equals is not unequal, "<=" is "<" or "=",
 * and so on; columns of the record are one line.
 */
#include "common/fuzz.h"

#include "base/mem.h"
#include "stream/columns.h"
#include "stream/trajscan.h"
#include "stream/where.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 2000, 0};

static bool holds_as(const struct where *w, enum where_op op, struct mp map)
{
	struct where copy = *w;
	bool is;

	copy.op = op;
	copy.scratch = (struct buf){0};
	is = where_holds(&copy, map);
	buf_free(&copy.scratch);
	return is;
}

static void is_an_order(const struct where *w, struct mp map)
{
	bool eq = holds_as(w, WHERE_EQ, map), ne = holds_as(w, WHERE_NE, map);
	bool lt = holds_as(w, WHERE_LT, map), gt = holds_as(w, WHERE_GT, map);
	bool there = holds_as(w, WHERE_THERE, map);

	MUST(eq != ne);
	MUST(there || (ne && !lt && !gt));
	MUST(!(lt && gt) && !(lt && eq) && !(gt && eq));
	if (!w->is_num) {
		MUST(!lt && !gt && !holds_as(w, WHERE_LE, map));
		return;
	}
	/* text that reads as the number may be other text: at most that, but not equal */
	MUST(holds_as(w, WHERE_LE, map) >= (lt || eq) && !(holds_as(w, WHERE_LE, map) && gt));
	MUST(holds_as(w, WHERE_GE, map) >= (gt || eq) && !(holds_as(w, WHERE_GE, map) && lt));
}

static void is_a_line(const char *list, struct mp map)
{
	struct columns c;
	struct reason why = {0};
	struct buf row = {0};
	size_t tabs = 0;

	if (columns_parse(&c, list, &why)) {
		MUST(why.status == ST_USAGE && why.text[0]);
		return;
	}
	columns_row(&row, &c, map);
	for (size_t i = 0; i < row.n; i++) {
		MUST((unsigned char)row.p[i] >= ' ' || row.p[i] == '\t' ||
		     (row.p[i] == '\n' && i + 1 == row.n));
		tabs += row.p[i] == '\t';
	}
	MUST(tabs + 1 == c.n);
	buf_free(&row);
	columns_free(&c);
}

/* glibc's regcomp takes time and memory without bound for some patterns; a pattern is its user's
 * own, so that only simple ones are of interest here. */
static bool too_clever(const char *condition)
{
	size_t n = 0;

	for (const char *s = strpbrk(condition, "+*?{(\\"); s; s = strpbrk(s + 1, "+*?{(\\"))
		n++;
	return n > 3 || strchr(condition, '{');
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span rest = {(const char *)p, n}, first = fuzz_cut(&rest, '\0');
	char *condition = xstrndup(first.p, first.n);
	struct mp map = {(const uint8_t *)rest.p, 0};
	struct reason why = {0};
	struct where w;

	if (!too_clever(condition) && mp_skim(rest.p, rest.n, &map.n) == MP_OK &&
	    mp_type(map) == MP_MAP) {
		is_a_line(condition, map);
		if (where_parse(&w, condition, &why)) {
			MUST(why.status == ST_USAGE && why.text[0]);
		} else {
			where_holds(&w, map);
			if (w.op != WHERE_RE)
				is_an_order(&w, map);
			where_free(&w);
		}
	}
	free(condition);
}
