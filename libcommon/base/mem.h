/*
 * mem.h - memory and sizes.
 *
 * The x* functions never return NULL: without memory the process says so and
 * ends with ST_SYSTEM. What they return is freed with free(3).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Says so and ends the process: for what libraries report as an error of theirs. */
_Noreturn void no_memory(size_t n);
/* fn is called before that: it may not ask for memory. NULL: nothing is called. */
void no_memory_first(void (*fn)(void));

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
/* n objects of the given size, the product checked */
void *xarray(size_t n, size_t size);
void *xgrow(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* False when the result does not fit a size_t; *r is then unspecified. */
bool size_mul(size_t a, size_t b, size_t *r);
bool size_add(size_t a, size_t b, size_t *r);

/*
 * Large zeroed memory for numbers: 64-byte aligned, huge pages asked for.
 * 256 bytes behind it may be read. Freed with big_free, given the same n.
 */
void *big_alloc(size_t n);
void big_free(void *p, size_t n);

#endif
