/* fuzz.c - what the fuzz targets share. See fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define COUNTED 1
#endif

_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
	abort();
}

#ifdef COUNTED
/* of sanitizer/allocator_interface.h, which gcc's package lacks */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
					      void (*)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *);

static int64_t live, peak; /* bytes since the input began */
static int counting;

static void on_malloc(const volatile void *p, size_t n)
{
	(void)p;
	if (!counting)
		return;
	live += (int64_t)n;
	peak = live > peak ? live : peak;
}

static void on_free(const volatile void *p)
{
	if (counting && p)
		live -= (int64_t)__sanitizer_get_allocated_size(p);
}

static void counted(const uint8_t *p, size_t n)
{
	static int installed;
	size_t most;

	if (!installed)
		installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	most = fuzz_memory.base + n * fuzz_memory.factor;
	if (n >= 4 && memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0)
		most += fuzz_memory.packed;
	live = peak = 0;
	counting = 1;
	fuzz_one(p, n);
	counting = 0;
	if (peak > (int64_t)most) {
		fprintf(stderr, "%lld bytes of memory for an input of %zu\n", (long long)peak, n);
		fuzz_broken(__FILE__, __LINE__, "memory is bounded by the input");
	}
}
#else
static void counted(const uint8_t *p, size_t n)
{
	fuzz_one(p, n);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	counted(p, n);
	return 0;
}

const char *fuzz_file(int slot, const void *p, size_t n)
{
	static int fd[FUZZ_FILES];
	static char path[FUZZ_FILES][32];

	if (!path[slot][0]) {
		fd[slot] = memfd_create("fuzz", MFD_CLOEXEC);
		MUST(fd[slot] >= 0);
		snprintf(path[slot], sizeof path[slot], "/proc/self/fd/%d", fd[slot]);
	}
	MUST(ftruncate(fd[slot], 0) == 0 && (!n || pwrite(fd[slot], p, n, 0) == (ssize_t)n));
	return path[slot];
}

struct span fuzz_cut(struct span *rest, char sep)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct span part = {rest->p, at ? (size_t)(at - rest->p) : rest->n};
	size_t used = part.n + (at != NULL);

	*rest = (struct span){rest->p + used, rest->n - used};
	return part;
}
