/* matcher.c - tokens found in text. See matcher.h. */
#include "tokenizer/matcher.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void matcher_add(struct matcher *m, struct span text, uint32_t id)
{
	assert(text.n);
	m->v = xgrow(m->v, m->n + 1, sizeof *m->v);
	m->v[m->n] = (struct literal){.id = id};
	buf_add(&m->v[m->n++].text, text.p, text.n);
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

const struct literal *matcher_find(const struct matcher *m, struct span text, size_t *at)
{
	assert(!m->n || m->start[256] == m->n); /* it was sorted */
	for (size_t i = 0; m->n && i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		for (size_t k = m->start[c]; k < m->start[c + 1]; k++) {
			const struct buf *t = &m->v[k].text;

			if (t->n <= text.n - i && memcmp(t->p, text.p + i, t->n) == 0) {
				*at = i;
				return &m->v[k];
			}
		}
	}
	return NULL;
}
