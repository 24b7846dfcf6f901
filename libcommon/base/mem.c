/* mem.c - memory and sizes. See mem.h. */
#include "base/mem.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void (*_Atomic before_end)(void);

void no_memory_first(void (*fn)(void))
{
	before_end = fn;
}

_Noreturn void no_memory(size_t n)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	static _Thread_local bool ending; /* fn got no memory either */
	void (*fn)(void) = before_end;

	if (ending)
		_exit(ST_SYSTEM);
	while (atomic_flag_test_and_set(&told))
		pause(); /* until the thread that has told of it ends the process */
	ending = true;
	msg_error("out of memory: %zu bytes refused", n);
	if (fn)
		fn();
	_exit(ST_SYSTEM);
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		no_memory(n);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (!size_mul(n, size, &bytes))
		no_memory((size_t)-1);
	p = calloc(1, bytes ? bytes : 1);
	if (!p)
		no_memory(bytes);
	return p;
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		no_memory(n);
	return p;
}

void *xarray(size_t n, size_t size)
{
	return xgrow(NULL, n, size);
}

void *xgrow(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (!size_mul(n, size, &bytes))
		no_memory((size_t)-1);
	return xrealloc(p, bytes);
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = xmalloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

bool size_mul(size_t a, size_t b, size_t *r)
{
	return !__builtin_mul_overflow(a, b, r);
}

bool size_add(size_t a, size_t b, size_t *r)
{
	return !__builtin_add_overflow(a, b, r);
}

enum { SLACK = 256 }; /* bytes that may be read behind big memory */

void *big_alloc(size_t n)
{
	size_t all;
	void *p = MAP_FAILED;

	if (size_add(n, SLACK, &all))
		p = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		no_memory(n);
	madvise(p, n, MADV_HUGEPAGE); /* advice only: the answer does not matter */
	return p;
}

void big_free(void *p, size_t n)
{
	if (p)
		munmap(p, n + SLACK);
}
