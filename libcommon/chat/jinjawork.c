/* jinjawork.c - memory, limits and failures of a template. See jinjawork.h. */
#include "chat/jinjawork.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CHUNK = 64 << 10, STACK = 8 << 20 };

void jinja_work_begin(struct jwork *w, struct reason *why)
{
	struct rlimit r;
	char here;

	if (getrlimit(RLIMIT_STACK, &r) || r.rlim_cur > STACK)
		r.rlim_cur = STACK;
	w->stack = &here;
	w->stack_room = r.rlim_cur / 2;
	w->why = why;
	w->line = 1;
	w->most = w->most ? w->most : JINJA_STEPS;
	buf_reserve(&w->out, 64); /* its memory is there from now on */
}

void jinja_work_free(struct jwork *w)
{
	while (w->chunks) {
		struct jchunk *next = w->chunks->next;

		free(w->chunks);
		w->chunks = next;
	}
	buf_free(&w->out);
	buf_free(&w->scratch);
}

static struct jchunk *new_chunk(struct jwork *w, size_t n)
{
	size_t room = n > CHUNK / 4 ? n : CHUNK;
	struct jchunk *c = xcalloc(1, sizeof *c + 16 + room);

	c->n = room;
	w->memory += room;
	/* a large block is full at once: the one that small ones come from stays in front */
	if (w->chunks && room == n) {
		c->next = w->chunks->next;
		w->chunks->next = c;
	} else {
		c->next = w->chunks;
		w->chunks = c;
	}
	return c;
}

static char *chunk_start(struct jchunk *c)
{
	return (char *)(((uintptr_t)(c + 1) + 15) & ~(uintptr_t)15);
}

void *jinja_alloc(struct jwork *w, size_t n, size_t size)
{
	struct jchunk *c = w->chunks;
	size_t bytes;

	if (!size_mul(n, size, &bytes) || bytes > JINJA_MEMORY)
		jinja_fail(w, "it takes more than %zu MiB of memory", JINJA_MEMORY >> 20);
	bytes = bytes ? (bytes + 15) & ~(size_t)15 : 16;
	if (!c || c->n - c->used < bytes) {
		if (w->memory + bytes > JINJA_MEMORY)
			jinja_fail(w, "it takes more than %zu MiB of memory", JINJA_MEMORY >> 20);
		c = new_chunk(w, bytes);
	}
	c->used += bytes;
	return chunk_start(c) + c->used - bytes;
}

void jinja_fail(struct jwork *w, const char *fmt, ...)
{
	char text[sizeof w->why->text];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fail(w->why, ST_INPUT, "line %d: %s", w->line, text);
	longjmp(w->fail, 1);
}

void jinja_scan(struct jwork *w, size_t n)
{
	w->steps += n / 32;
	if (w->steps > w->most)
		jinja_fail(w, "it takes more than %" PRIu64 " steps", w->most);
}

void jinja_step(struct jwork *w)
{
	if (++w->steps > w->most)
		jinja_fail(w, "it takes more than %" PRIu64 " steps", w->most);
}

static void check_stack(struct jwork *w)
{
	char here;

	if (w->stack - &here > (ptrdiff_t)w->stack_room)
		jinja_fail(w, "too many levels in each other for a stack of %zu KiB",
			   2 * w->stack_room >> 10);
}

void jinja_deeper(struct jwork *w)
{
	if (++w->depth > JINJA_DEPTH)
		jinja_fail(w, "more than %d levels in each other", JINJA_DEPTH);
	check_stack(w);
}

void jinja_nested(struct jwork *w)
{
	if (++w->nest > JINJA_NEST)
		jinja_fail(w, "more than %d lists in each other", JINJA_NEST);
	check_stack(w);
}

void jinja_put(struct jwork *w, const void *p, size_t n)
{
	if (n > JINJA_TEXT - w->out.n)
		jinja_fail(w, "its text has more than %zu MiB", JINJA_TEXT >> 20);
	buf_add(&w->out, p, n);
}

void jinja_puts(struct jwork *w, const char *s)
{
	jinja_put(w, s, strlen(s));
}
