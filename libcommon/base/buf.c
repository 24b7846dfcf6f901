/* buf.c - a byte buffer that grows. See buf.h. */
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_grow(struct buf *b, size_t more)
{
	size_t need;

	if (!size_add(b->n, more, &need))
		need = (size_t)-1; /* xrealloc refuses it */
	b->cap = need < 64 ? 64 : need + (need >> 1 < (size_t)-1 - need ? need >> 1 : 0);
	b->p = xrealloc(b->p, b->cap);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

const char *buf_cstr(struct buf *b)
{
	buf_reserve(b, 1);
	b->p[b->n] = '\0';
	return b->p;
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

void buf_replaced(struct buf *b, struct span text, struct span what, struct span by)
{
	const char *next;

	while (text.n && (next = memmem(text.p, text.n, what.p, what.n))) {
		size_t n = (size_t)(next - text.p);

		buf_add(b, text.p, n);
		buf_add(b, by.p, by.n);
		n += what.n;
		text = (struct span){text.p + n, text.n - n};
	}
	buf_add(b, text.p, text.n);
}
