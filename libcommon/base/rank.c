/* rank.c - the processes of one run. See rank.h. */
#include "base/rank.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rankcalls.h"
#include "base/tool.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ROOM = 1 << 22 }; /* floats that come from all ranks at a time, at least one of each */

extern char **environ;

static struct {
	const struct rank_calls *mpi; /* NULL: one rank */
	int count, self;
	int agreed; /* on a failure: its status */
} ranks = {.count = 1};

int rank_count(void)
{
	return ranks.count;
}

int rank_self(void)
{
	return ranks.self;
}

/* ---- beginning ---- */

static int64_t number_of(const char *name)
{
	const char *text = getenv(name);
	int64_t n;

	return text && num_i64(text, 0, 1 << 20, &n) ? n : 0;
}

/* Processes that a launcher started together. Slurm's own variables alone do not make ranks: a
 * batch script has some of them. */
static int64_t launched(void)
{
	int64_t n = number_of("OMPI_COMM_WORLD_SIZE");

	n = n ? n : number_of("PMI_SIZE");
	return n ? n : number_of("SLURM_STEP_NUM_TASKS");
}

/* Which of them this is, as far as is known before MPI tells */
static int64_t launched_as(void)
{
	int64_t n = number_of("OMPI_COMM_WORLD_RANK");

	n = n ? n : number_of("PMI_RANK");
	return n ? n : number_of("PMIX_RANK");
}

static bool has_mpi(void)
{
	return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK");
}

/* PREFIX/libexec/rloop/rloop-mpi.so, of the tool in PREFIX/bin */
static char *module_path(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *slash;

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	return xasprintf("%s/../libexec/rloop/rloop-mpi.so", exe);
}

/* Stays loaded: MPI's threads live in it. */
static int load_module(struct reason *why)
{
	char *path = module_path();
	void *module = dlopen(path, RTLD_NOW);

	ranks.mpi = module ? dlsym(module, "rank_calls") : NULL;
	free(path);
	if (!ranks.mpi)
		return fail(why, ST_SYSTEM, "%s (make mpi builds it)", dlerror());
	if (strcmp(ranks.mpi->version, RANK_CALLS_VERSION) == 0)
		return 0;
	ranks.mpi = NULL;
	return fail(why, ST_SYSTEM, "rloop-mpi.so is of another version than the tool");
}

/* A program that we start is no rank: it may be one that uses MPI itself. */
static void hide_launcher(void)
{
	static const char *const ours[] = {"OMPI_", "PMIX_", "PMI_", "MPI_LOCAL",
					   "SLURM_STEP_NUM_TASKS"};

	for (char **e = environ; *e;) {
		char name[256];
		bool hide = false;

		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			hide |= strncmp(*e, ours[i], strlen(ours[i])) == 0;
		if (hide && strcspn(*e, "=") < sizeof name) {
			snprintf(name, sizeof name, "%.*s", (int)strcspn(*e, "="), *e);
			unsetenv(name); /* moves the rest down */
		} else {
			e++;
		}
	}
}

/* MPI's sockets: a child that held them would keep the launcher waiting. */
static void close_on_exec(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int64_t fd;

	while (dir && (e = readdir(dir)))
		if (num_i64(e->d_name, 3, 1 << 20, &fd))
			fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	if (dir)
		closedir(dir);
}

/* mpirun passes USR1 on, and TERM not. */
static void as_term(int sig)
{
	(void)sig;
	raise(SIGTERM);
}

/* What all ranks must have in common: the tool and the options that its result depends on */
static uint64_t kind(void)
{
	struct hash *h = hash_new();
	uint64_t sum;
	int n;
	char *const *v = tool_args(&n);

	hash_add(h, msg_tool(), strlen(msg_tool()) + 1);
	hash_add(h, SUITE_VERSION, sizeof SUITE_VERSION);
	for (int i = 0; i < n; i++)
		hash_add(h, v[i], strlen(v[i]) + 1);
	sum = hash_64(h);
	hash_free(h);
	return sum;
}

/* A launcher kills the others when one of its processes fails: they let the first one be that. */
static void wait_for_first(void)
{
	const struct timespec most = {5, 0};
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	sigtimedwait(&term, NULL, &most);
}

/* All processes are alone, and each finds that out by itself: the first one says it. */
static int wrong_mpi(int64_t n, int64_t as, struct reason *why)
{
	ranks.self = (int)as;
	ranks.agreed = ST_USAGE;
	msg_hear(as ? MSG_NOTHING : MSG_ALL);
	if (as)
		wait_for_first();
	return fail(why, ST_USAGE,
		    "the launcher started %lld processes, and MPI tells of %d: rloop-mpi.so was "
		    "built with %s, and the launcher is not of it (make mpi MPICC=... builds it "
		    "with another)",
		    (long long)n, ranks.count, ranks.mpi->mpi);
}

static void begin_mpi(void)
{
	struct sigaction usr1 = {.sa_handler = as_term, .sa_flags = SA_RESTART};

	setenv("HWLOC_COMPONENTS", "-opencl", 0); /* its drivers replace handlers of signals */
	ranks.mpi->start(&ranks.self, &ranks.count);
	close_on_exec();
	hide_launcher();
	sigemptyset(&usr1.sa_mask);
	sigaction(SIGUSR1, &usr1, NULL);
	msg_hear(ranks.self ? MSG_NOTHING : MSG_ALL);
	msg_quiet(msg_is_quiet() || ranks.self);
}

int rank_start(struct reason *why)
{
	int64_t n = launched(), as = launched_as();

	if (n <= 1)
		return 0;
	if (!has_mpi())
		return fail(why, ST_USAGE,
			    "srun started %lld processes that know nothing of each other: "
			    "--mpi=pmix is needed (--mpi=pmi2 of MPICH)",
			    (long long)n);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing may outlive the launcher */
	if (load_module(why))
		return why->status;
	begin_mpi();
	if (ranks.count != n)
		return wrong_mpi(n, as, why);
	if (rank_same(kind(), "another tool, version or options", why))
		return why->status;
	msg_hear(ranks.self ? MSG_NOTHING : MSG_ALL); /* until the options are agreed on */
	return 0;
}

/* ---- agreeing ---- */

int rank_agree(int st, struct reason *why)
{
	int first = st ? ranks.count - ranks.self : 0;

	if (!ranks.mpi || ranks.agreed)
		return st ? st : ranks.agreed;
	ranks.mpi->most(&first);
	if (!first) {
		msg_hear(ranks.self ? MSG_ERRORS : MSG_ALL);
		return 0;
	}
	if (st)
		why->status = st;
	ranks.mpi->broadcast(why, sizeof *why, ranks.count - first);
	ranks.agreed = why->status;
	msg_hear(ranks.self ? MSG_NOTHING : MSG_ALL);
	return why->status;
}

int rank_caught(void)
{
	int sig = tool_caught();

	if (!ranks.mpi)
		return sig;
	ranks.mpi->most(&sig);
	if (sig)
		tool_catch(sig);
	return sig;
}

int rank_same(uint64_t value, const char *what, struct reason *why)
{
	uint64_t first = value;
	int st = 0;

	rank_broadcast(&first, sizeof first, 0);
	if (first != value)
		st = fail(why, ST_INPUT, "rank %d differs from rank 0: %s", ranks.self, what);
	return rank_agree(st, why);
}

/* ---- moving ---- */

void rank_broadcast(void *p, size_t n, int from)
{
	assert(from >= 0 && from < ranks.count);
	if (ranks.mpi)
		ranks.mpi->broadcast(p, n, from);
}

void rank_join(void *all, const size_t *bound)
{
	for (int r = 0; r < ranks.count; r++)
		rank_broadcast((char *)all + bound[r], bound[r + 1] - bound[r], r);
}

size_t rank_share(size_t n, int r)
{
	return (size_t)((unsigned __int128)n * (unsigned)r / (unsigned)ranks.count);
}

/* ---- parts of an array ---- */

struct fold { /* where the pieces of one chunk are */
	void **out, **in;
	size_t *n_out, *n_in;
	float *room;  /* (count * chunk) */
	size_t chunk; /* floats of each part at a time */
};

static void open_fold(struct fold *f)
{
	size_t n = (size_t)ranks.count;

	f->out = xcalloc(n, sizeof *f->out);
	f->in = xcalloc(n, sizeof *f->in);
	f->n_out = xcalloc(n, sizeof *f->n_out);
	f->n_in = xcalloc(n, sizeof *f->n_in);
	f->room = NULL;
	f->chunk = ROOM / n + 1;
}

static void close_fold(struct fold *f)
{
	free(f->out);
	free(f->in);
	free(f->n_out);
	free(f->n_in);
	free(f->room);
}

static void move(struct fold *f)
{
	if (ranks.mpi)
		ranks.mpi->exchange(f->out, f->n_out, f->in, f->n_in);
}

/* Floats of rank r's part that the chunk which begins `at` behind its beginning has */
static size_t piece(const struct fold *f, const size_t *bound, int r, size_t at)
{
	size_t size = bound[r + 1] - bound[r];

	return at >= size ? 0 : size - at < f->chunk ? size - at : f->chunk;
}

/* One chunk of every part goes to its rank. */
static void move_chunk(struct fold *f, const float *mine, const bool *has, const size_t *bound,
		       size_t at)
{
	size_t here = piece(f, bound, ranks.self, at);
	bool sends = has[ranks.self];

	for (int r = 0; r < ranks.count; r++) {
		bool other = r != ranks.self;

		if (sends)
			f->out[r] = (void *)(uintptr_t)(mine + bound[r] + at);
		f->n_out[r] = other && sends ? piece(f, bound, r, at) * sizeof *mine : 0;
		f->in[r] = f->room ? (void *)(f->room + (size_t)r * f->chunk) : f->out[r];
		f->n_in[r] = other && has[r] ? here * sizeof *mine : 0;
	}
	if (sends && here && f->room) /* the total may be where it is */
		memcpy(f->in[ranks.self], f->out[ranks.self], here * sizeof *mine);
	move(f);
}

static void add_to(float *total, const float *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		total[i] += more[i];
}

static size_t longest_part(const size_t *bound)
{
	size_t most = 0;

	for (int r = 0; r < ranks.count; r++)
		most = bound[r + 1] - bound[r] > most ? bound[r + 1] - bound[r] : most;
	return most;
}

void rank_fold(float *total, const float *mine, const bool *has, const size_t *bound, bool first)
{
	size_t longest = longest_part(bound);
	struct fold f;

	assert(mine || !has[ranks.self]);
	open_fold(&f);
	if (ranks.mpi)
		f.room = xarray((size_t)ranks.count, f.chunk * sizeof *f.room);
	for (size_t at = 0; at < longest; at += f.chunk) {
		size_t here = piece(&f, bound, ranks.self, at);
		bool none = first;

		move_chunk(&f, mine, has, bound, at);
		for (int r = 0; r < ranks.count; r++) {
			if (!has[r] || !here)
				continue;
			if (!none)
				add_to(total + at, f.in[r], here);
			else
				memmove(total + at, f.in[r], here * sizeof *total);
			none = false;
		}
	}
	close_fold(&f);
}

void rank_join_floats(float *all, const size_t *bound)
{
	size_t longest = longest_part(bound);
	struct fold f;

	open_fold(&f);
	for (size_t at = 0; at < longest; at += f.chunk) {
		size_t here = piece(&f, bound, ranks.self, at);

		for (int r = 0; r < ranks.count; r++) {
			bool other = r != ranks.self;

			f.out[r] = all + bound[ranks.self] + at;
			f.n_out[r] = other ? here * sizeof *all : 0;
			f.in[r] = all + bound[r] + at;
			f.n_in[r] = other ? piece(&f, bound, r, at) * sizeof *all : 0;
		}
		move(&f);
	}
	close_fold(&f);
}

void rank_collect(float *to, const float *part, const size_t *bound, size_t from, size_t n)
{
	struct fold f;

	open_fold(&f);
	for (int r = 0; r < ranks.count; r++) {
		size_t a = bound[r] > from ? bound[r] : from;
		size_t z = bound[r + 1] < from + n ? bound[r + 1] : from + n;
		size_t bytes = a < z ? (z - a) * sizeof *to : 0;

		if (bytes && r == ranks.self && r == 0)
			memcpy(to + (a - from), part + (a - bound[r]), bytes);
		else if (bytes && r == ranks.self) {
			f.out[0] = (void *)(uintptr_t)(part + (a - bound[r]));
			f.n_out[0] = bytes;
		} else if (bytes && ranks.self == 0) {
			f.in[r] = to + (a - from);
			f.n_in[r] = bytes;
		}
	}
	move(&f);
	close_fold(&f);
}

/* ---- dealing: without other ranks nothing is dealt ---- */

void rank_deal(size_t from, size_t to, size_t most)
{
	assert(most >= 1);
	if (ranks.mpi)
		ranks.mpi->deal(from, to, most);
}

int rank_dealt(size_t *from, size_t *n)
{
	return ranks.mpi ? ranks.mpi->dealt(from, n) : -1;
}

void rank_deal_answer(void)
{
	if (ranks.mpi)
		ranks.mpi->answer();
}

void rank_deal_end(bool failed)
{
	if (ranks.mpi)
		ranks.mpi->deal_end(failed);
}

size_t rank_host_sum(size_t value, int *n)
{
	uint64_t sum = value;

	*n = 1;
	if (ranks.mpi)
		ranks.mpi->host(&sum, n);
	return (size_t)sum;
}

/* ---- end ---- */

int rank_end(int st)
{
	if (!ranks.mpi)
		return st;
	if (st && !ranks.agreed)
		ranks.mpi->abort(st);
	ranks.mpi->end();
	ranks.mpi = NULL;
	return st;
}
