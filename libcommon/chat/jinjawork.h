/*
 * jinjawork.h - what parsing and rendering a template have in common: memory that is freed as a
 * whole, the text that is being written, limits, and failures.
 *
 * A failure leaves by longjmp to where the work began (jinja.c), since an expression may fail at
 * any depth: nothing that these functions call may own memory of its own. Templates come from
 * strangers: each step, byte and level is counted.
 */
#ifndef CHAT_JINJAWORK_H
#define CHAT_JINJAWORK_H

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdint.h>
#include <time.h>

/* What one template may take: a conversation of thousands of turns needs a hundredth of it. */
#define JINJA_STEPS 50000000
#define JINJA_MEMORY ((size_t)256 << 20)
#define JINJA_TEXT ((size_t)64 << 20)
#define JINJA_DEPTH 1000 /* expressions, statements and macros in each other */
#define JINJA_NEST 2500  /* lists and maps in each other */

struct jchunk {
	struct jchunk *next;
	size_t n, used;
};

struct jwork {
	struct jchunk *chunks;
	size_t memory;
	struct buf out;       /* the text so far, and behind it what is being made */
	struct buf scratch;   /* of the lexer */
	uint64_t steps, most; /* most 0: JINJA_STEPS */
	int depth, nest;
	int line;             /* of the template: where it is at */
	const char *stack;    /* where the C stack was when the work began */
	size_t stack_room;    /* how much of it may be in use */
	const struct tm *now; /* what strftime_now takes for the time */
	struct reason *why;
	jmp_buf fail;
};

/* Where the work begins: measures the stack. The caller sets w->fail by setjmp. */
void jinja_work_begin(struct jwork *w, struct reason *why);
void jinja_work_free(struct jwork *w);
/* Zeroed, 16-byte aligned, valid until jinja_work_free. */
void *jinja_alloc(struct jwork *w, size_t n, size_t size);
/* Leaves with ST_INPUT and "line N: ...". */
_Noreturn void jinja_fail(struct jwork *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Counts work that is not one step each: n bytes that are looked through. */
void jinja_scan(struct jwork *w, size_t n);
void jinja_step(struct jwork *w);
/* One level deeper, unless the C stack ends; the caller takes it back by w->depth-- or w->nest--.
 */
void jinja_deeper(struct jwork *w);
void jinja_nested(struct jwork *w);
/* Appends to the text. */
void jinja_put(struct jwork *w, const void *p, size_t n);
void jinja_puts(struct jwork *w, const char *s);

#endif
