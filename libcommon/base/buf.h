/* buf.h - a byte buffer that grows. Zero-initialise it; free with buf_free; .p is owned by it. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <string.h>

struct buf {
	char *p;  /* NULL while nothing was ever added; moves when it grows */
	size_t n; /* bytes used */
	size_t cap;
};

void buf_grow(struct buf *b, size_t more);
/* Makes room for more bytes after n. */
static inline void buf_reserve(struct buf *b, size_t more)
{
	if (b->cap - b->n < more)
		buf_grow(b, more);
}
static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!n)
		return;
	buf_reserve(b, n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}
static inline void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}
static inline void buf_char(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->n++] = c;
}
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *buf_cstr(struct buf *b);        /* NUL-terminated, the NUL not counted in n */
static inline void buf_reset(struct buf *b) /* memory kept */
{
	b->n = 0;
}
void buf_free(struct buf *b);

/* Bytes that belong to somebody else; p NULL: absent. Never NUL-terminated by promise. */
struct span {
	const char *p;
	size_t n;
};
static inline int span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline int span_is(struct span a, const char *s)
{
	return a.p && a.n == strlen(s) && memcmp(a.p, s, a.n) == 0;
}
/* Appends text with every what, which is not empty, replaced by by. text is not of b. */
void buf_replaced(struct buf *b, struct span text, struct span what, struct span by);

#endif
