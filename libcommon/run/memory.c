/* memory.c - what memory a run will need. See memory.h. */
#include "run/memory.h"
#include "base/file.h"
#include "base/rank.h"

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

	if (rank_count() > 1)
		at += snprintf(text + at, (size_t)(MEMORY_TEXT - at),
			       " for each of %d ranks, %s for the %d on this host", rank_count(),
			       memory_size(s->host, size), s->ranks);
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

struct want { /* bytes: of a process, or of all ranks on this host */
	size_t have, more;
};

struct room {
	size_t more, left; /* what is wanted, what there is */
	const char *limit; /* what says so; NULL: nothing does */
};

/* Takes the limit that leaves the least beyond what is wanted. */
static void limited(struct room *r, size_t more, size_t left, const char *limit)
{
	double spare = (double)left - (double)more;

	if (!r->limit || spare < (double)r->left - (double)r->more)
		*r = (struct room){more, left, limit};
}

static struct room find_room(struct want own, struct want host)
{
	static const char *const groups[] = {"/sys/fs/cgroup/memory.max",
					     "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n;
	struct room r = {0};
	struct rlimit as;

	if (number_in("/proc/meminfo", "MemAvailable:", 1024, &n))
		limited(&r, host.more, n, "the machine");
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (number_in(groups[i], NULL, 1, &n))
			limited(&r, host.more, n > host.have ? n - host.have : 0,
				"the control group");
	if (getrlimit(RLIMIT_AS, &as) == 0 && as.rlim_cur != RLIM_INFINITY &&
	    number_in("/proc/self/statm", NULL, page, &n))
		limited(&r, own.more, as.rlim_cur > n ? as.rlim_cur - n : 0,
			"the limit of address space");
	return r;
}

int memory_check(struct memory *s, struct reason *why)
{
	struct want own = {s->weights, memory_total(s) - s->weights}, host;
	struct room r;
	char a[MEMORY_SIZE], b[MEMORY_SIZE], all[MEMORY_TEXT];
	int st = 0;

	host.have = rank_host_sum(own.have, &s->ranks);
	host.more = rank_host_sum(own.more, &s->ranks);
	s->host = host.have + host.more;
	r = find_room(own, host);
	if (r.more > r.left)
		st = fail(why, ST_SYSTEM,
			  "memory: %s more are needed, %s are left by %s; in all %s",
			  memory_size(r.more, a), memory_size(r.left, b), r.limit,
			  memory_text(s, all));
	return rank_agree(st, why);
}
