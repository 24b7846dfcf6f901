/* columns.c - chosen keys of a record as one line of tab-separated values. See columns.h. */
#include "stream/columns.h"
#include "base/mem.h"
#include "stream/trajscan.h"
#include "stream/mpjson.h"

#include <stdlib.h>
#include <string.h>

struct column {
	char *name;    /* owned; the whole path */
	size_t top;    /* length of its first part */
	struct mp v;   /* in the record at hand */
	bool by_whole; /* v stands under the whole name, dots and all */
	bool seen;     /* in any record; nil counts */
	bool count;    /* "#name": how many elements */
};

int columns_parse(struct columns *c, const char *list, struct reason *why)
{
	*c = (struct columns){0};
	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		size_t n = strcspn(p, ",");

		if (n == 0) {
			columns_free(c);
			return fail(why, ST_USAGE, "'%s': a column without a name", list);
		}
		c->v = xgrow(c->v, c->n + 1, sizeof *c->v);
		c->v[c->n++] = (struct column){
			.name = xstrndup(p + (*p == '#' && n > 1), n - (*p == '#' && n > 1)),
			.count = *p == '#' && n > 1};
		c->v[c->n - 1].top = strcspn(c->v[c->n - 1].name, ".");
	}
	return 0;
}

void columns_free(struct columns *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].name);
	free(c->v);
	*c = (struct columns){0};
}

void columns_escape(struct buf *b, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char esc[4] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
		const char *letter = c ? strchr("\tt\nn\rr\\\\", c) : NULL;

		if (c >= ' ' && c != 0x7f && c != '\\')
			continue;
		if (letter)
			esc[1] = letter[1];
		buf_add(b, p + run, i - run);
		buf_add(b, esc, letter ? 2 : 4);
		run = i + 1;
	}
	buf_add(b, p + run, n - run);
}

bool columns_field(struct span *line, struct span *field)
{
	const char *tab = line->n ? memchr(line->p, '\t', line->n) : NULL;
	size_t n = tab ? (size_t)(tab - line->p) : line->n;

	if (!line->p)
		return false;
	*field = (struct span){line->p, n};
	*line = tab ? (struct span){tab + 1, line->n - n - 1} : (struct span){0};
	return true;
}

void columns_title(struct buf *b, const struct columns *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (i)
			buf_char(b, '\t');
		buf_str(b, c->v[i].count ? "#" : "");
		columns_escape(b, c->v[i].name, strlen(c->v[i].name));
	}
	buf_char(b, '\n');
}

static void find(struct columns *c, struct mp map)
{
	struct mp_iter it;
	struct mp key, v;
	struct span s;

	for (size_t i = 0; i < c->n; i++) {
		c->v[i].v = (struct mp){0};
		c->v[i].by_whole = false;
	}
	if (!mp_enter(map, &it))
		return;
	while (mp_next_pair(&it, &key, &v)) {
		if (!mp_str(key, &s))
			continue;
		for (size_t i = 0; i < c->n; i++) {
			struct column *k = &c->v[i];

			if (span_is(s, k->name) && !k->by_whole) {
				k->v = v;
				k->by_whole = true;
			} else if (!k->v.p && s.n == k->top && memcmp(s.p, k->name, s.n) == 0) {
				k->v = v;
			}
		}
	}
}

static void put_value(struct buf *b, struct mp v, const char *top)
{
	struct buf json = {0};
	struct span s;

	if (mp_type(v) == MP_NONE || mp_type(v) == MP_NIL)
		return;
	if (mp_str(v, &s)) {
		columns_escape(b, s.p, s.n);
	} else {
		mpjson_from_key(&json, top, v);
		columns_escape(b, json.p, json.n);
	}
	buf_free(&json);
}

static bool is_words(const char *key, size_t n)
{
	return n % 4 == 0 && mpjson_words((struct span){key, strlen(key)}) != MPJSON_NONE;
}

/* Elements of a list, also one of token ids or log-probabilities that is packed, pairs of a map,
 * bytes of a text */
static void put_count_of(struct buf *b, struct mp v, const char *top)
{
	struct mp_iter it;
	struct span s;

	if (mp_array(v, &it) || mp_enter(v, &it))
		buf_printf(b, "%zu", (size_t)it.left);
	else if (mp_bin(v, &s))
		buf_printf(b, "%zu", is_words(top, s.n) ? s.n / 4 : s.n);
	else if (mp_str(v, &s))
		buf_printf(b, "%zu", s.n);
}

void columns_row(struct buf *b, struct columns *c, struct mp map)
{
	find(c, map);
	for (size_t i = 0; i < c->n; i++) {
		struct column *k = &c->v[i];
		bool found = k->by_whole || !k->name[k->top];
		struct mp v = found ? k->v : trajscan_path(k->v, k->name + k->top + 1);

		if (i)
			buf_char(b, '\t');
		k->seen |= v.p != NULL;
		(k->count ? put_count_of : put_value)(b, v, k->name);
	}
	buf_char(b, '\n');
}

const char *columns_unseen(const struct columns *c, size_t *i)
{
	while (*i < c->n)
		if (!c->v[(*i)++].seen)
			return c->v[*i - 1].name;
	return NULL;
}
