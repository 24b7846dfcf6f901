/* matcher.c - tokens found in text. See matcher.h. */
#include "tokenizer/matcher.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void matcher_add(struct matcher *m, const struct literal *l)
{
	assert(l->text.n);
	m->v = xgrow(m->v, m->n + 1, sizeof *m->v);
	m->v[m->n++] = *l;
}

static int literal_order(const void *a, const void *b)
{
	const struct literal *x = a, *y = b;
	unsigned char c = (unsigned char)*x->text.p, d = (unsigned char)*y->text.p;

	if (c != d)
		return c < d ? -1 : 1;
	return (x->text.n < y->text.n) - (x->text.n > y->text.n);
}

void matcher_sort(struct matcher *m)
{
	size_t i = 0;

	if (m->n)
		qsort(m->v, m->n, sizeof *m->v, literal_order);
	for (int c = 0; c < 257; c++) {
		while (i < m->n && (unsigned char)*m->v[i].text.p < c)
			i++;
		m->start[c] = i;
	}
}

void matcher_free(struct matcher *m)
{
	for (size_t i = 0; i < m->n; i++)
		buf_free(&m->v[i].text);
	free(m->v);
}

/* The longest token that text begins with from byte i on */
static const struct literal *literal_at(const struct matcher *m, struct span text, size_t i)
{
	unsigned char c = (unsigned char)text.p[i];

	for (size_t k = m->start[c]; k < m->start[c + 1]; k++) {
		const struct buf *t = &m->v[k].text;

		if (t->n <= text.n - i && memcmp(t->p, text.p + i, t->n) == 0)
			return &m->v[k];
	}
	return NULL;
}

/* The character that text[from..to) begins with; -1: none */
static utf8proc_int32_t char_at(struct span text, size_t from, size_t to)
{
	utf8proc_int32_t code = -1;

	if (from < to)
		utf8proc_iterate((const utf8proc_uint8_t *)text.p + from,
				 (utf8proc_ssize_t)(to - from), &code);
	return code;
}

/* Where the character before byte at begins */
static size_t before(struct span text, size_t at)
{
	size_t i = at;

	while (i > 0 && at - i < 4 && ((unsigned char)text.p[--i] & 0xc0) == 0x80)
		continue;
	return i;
}

static bool is_space(utf8proc_int32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

/* Letters, marks, digits, connectors, joiners, and letters in circles */
static bool is_word(utf8proc_int32_t c)
{
	utf8proc_category_t k = c < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(c);

	return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NL) ||
	       k == UTF8PROC_CATEGORY_PC || c == 0x200c || c == 0x200d ||
	       (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
	       (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

static bool is_in_word(struct span text, size_t begin, size_t end)
{
	return is_word(char_at(text, before(text, begin), begin)) ||
	       is_word(char_at(text, end, text.n));
}

/* Takes white space along; none that went with the token before, which ended at `least`. */
static void take_space(const struct literal *l, struct span text, size_t least, struct found *at)
{
	if (l->lstrip && at->begin < least)
		at->begin = least;
	while (l->lstrip && at->begin > least &&
	       is_space(char_at(text, before(text, at->begin), at->begin)))
		at->begin = before(text, at->begin);
	while (l->rstrip && is_space(char_at(text, at->end, text.n)))
		at->end += utf8_char(text.p + at->end, text.n - at->end);
}

const struct literal *matcher_find(const struct matcher *m, struct span text, struct found *at)
{
	assert(!m->n || m->start[256] == m->n); /* it was sorted */
	assert(at->from <= text.n);
	for (size_t i = at->from; m->n && i < text.n; i++) {
		const struct literal *l = literal_at(m, text, i);
		size_t last = at->end;

		if (!l)
			continue;
		if (l->single_word && is_in_word(text, i, i + l->text.n)) {
			i += l->text.n - 1; /* nor is another one looked for within it */
			continue;
		}
		*at = (struct found){i, i + l->text.n, i + l->text.n};
		take_space(l, text, last, at);
		if (at->begin < at->end)
			return l;
		i = at->from - 1; /* it went with the token before, as all that it has before it */
		at->end = last;
	}
	return NULL;
}
