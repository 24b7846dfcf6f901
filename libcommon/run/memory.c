/* memory.c - what memory a run will need. See memory.h. */
#include "run/memory.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_FILE = 1 << 20 };

size_t memory_total(const struct memory *s)
{
	return s->weights + s->reference + s->gradients + s->moments + s->work + s->activations +
	       s->cache;
}

const char *memory_size(size_t n, char *text)
{
	snprintf(text, MEMORY_SIZE, n < 1000000000 ? "%.1f MB" : "%.2f GB",
		 (double)n / (n < 1000000000 ? 1e6 : 1e9));
	return text;
}

char *memory_text(const struct memory *s, char *text)
{
	const struct {
		const char *name;
		size_t n;
	} part[] = {{"weights", s->weights},
		    {"reference", s->reference},
		    {"gradients", s->gradients},
		    {"moments", s->moments},
		    {"products of the optimizer", s->work},
		    {"activations", s->activations},
		    {"cache of sampling", s->cache}};
	const char *between = ": ";
	char size[MEMORY_SIZE];
	int at = snprintf(text, MEMORY_TEXT, "%s", memory_size(memory_total(s), size));

	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		if (!part[i].n)
			continue;
		at += snprintf(text + at, (size_t)(MEMORY_TEXT - at), "%s%s %s", between,
			       part[i].name, memory_size(part[i].n, size));
		between = ", ";
	}
	return text;
}

/* The number behind key in a small file of the kernel's, times unit; without a key, at its
 * beginning. False when it is not there. */
static bool number_in(const char *path, const char *key, size_t unit, size_t *n)
{
	struct buf text = {0};
	const char *p = NULL;
	char *end;

	if (access(path, R_OK) == 0 && file_read(path, MAX_FILE, &text, NULL) == 0)
		p = key ? strstr(buf_cstr(&text), key) : buf_cstr(&text);
	if (p) {
		unsigned long long v = strtoull(p + (key ? strlen(key) : 0), &end, 10);

		p = end > p ? p : NULL;
		*n = v > SIZE_MAX / unit ? SIZE_MAX : (size_t)v * unit;
	}
	buf_free(&text);
	return p != NULL;
}

/* Bytes that this process can still get, and what says so; have: those of its own already */
static size_t room(size_t have, const char **limit)
{
	static const char *const groups[] = {"/sys/fs/cgroup/memory.max",
					     "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	size_t page = (size_t)sysconf(_SC_PAGESIZE), least = SIZE_MAX, n;
	struct rlimit as;

	if (number_in("/proc/meminfo", "MemAvailable:", 1024, &n)) {
		least = n;
		*limit = "the machine";
	}
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (number_in(groups[i], NULL, 1, &n) && (n = n > have ? n - have : 0) < least) {
			least = n;
			*limit = "the control group";
		}
	if (getrlimit(RLIMIT_AS, &as) == 0 && as.rlim_cur != RLIM_INFINITY &&
	    number_in("/proc/self/statm", NULL, page, &n) &&
	    (n = as.rlim_cur > n ? as.rlim_cur - n : 0) < least) {
		least = n;
		*limit = "the limit of address space";
	}
	return least;
}

int memory_check(const struct memory *s, struct reason *why)
{
	size_t have = s->weights, more = memory_total(s) - have, left;
	const char *limit = "";
	char a[MEMORY_SIZE], b[MEMORY_SIZE], all[MEMORY_TEXT];

	left = room(have, &limit);
	if (more <= left)
		return 0;
	return fail(why, ST_SYSTEM, "memory: %s more are needed, %s are left by %s; in all %s",
		    memory_size(more, a), memory_size(left, b), limit, memory_text(s, all));
}
