/*
 * alloc.c - preloaded into a tool: its n-th allocation fails. See alloc.sh.
 *
 * ALLOC_FAIL=N: the N-th fails; N+: that and all after it. ALLOC_COUNT=FILE: how many there were is
 * written there. Counted from main on: malloc and its like, of whichever library, and anonymous
 * mmap of the program itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static _Atomic bool counting;
static _Atomic unsigned long count;
static unsigned long fail_at; /* 0: never */
static bool fail_on;

/* May there be memory? */
static bool granted(void)
{
	unsigned long n;

	if (!counting)
		return true;
	n = ++count;
	if (!fail_at || (n != fail_at && !(fail_on && n > fail_at)))
		return true;
	errno = ENOMEM;
	return false;
}

void *malloc(size_t n)
{
	return granted() ? __libc_malloc(n) : NULL;
}

void *calloc(size_t n, size_t size)
{
	return granted() ? __libc_calloc(n, size) : NULL;
}

void *realloc(void *p, size_t n)
{
	return granted() ? __libc_realloc(p, n) : NULL;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	if ((flags & MAP_ANONYMOUS) && !granted())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}

static void tell(void)
{
	const char *path = getenv("ALLOC_COUNT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;

	counting = false;
	if (fd >= 0) {
		dprintf(fd, "%lu\n", (unsigned long)count);
		close(fd);
	}
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **env)
{
	const char *n = getenv("ALLOC_FAIL");

	fail_at = n ? strtoul(n, NULL, 10) : 0;
	fail_on = n && strchr(n, '+');
	atexit(tell);
	unsetenv("LD_PRELOAD"); /* not the programs that it starts */
	counting = true;
	return real_main(argc, argv, env);
}

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack)
{
	int (*next)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
		    void (*)(void), void *);

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	real_main = start;
	return next(counted_main, argc, argv, init, fini, rtld_fini, stack);
}
