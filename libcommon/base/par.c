/* par.c - a pool of threads for loops over independent blocks. See par.h. */
#include "base/par.h"
#include "base/mem.h"
#include "base/profile.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPIN = 10000 }; /* looks before a waiting thread goes to sleep: some hundred microseconds */

static struct pool {
	int n;
	pthread_t *thread; /* n - 1 helpers */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	atomic_ulong round; /* counts loops; a helper waits for it to change */
	atomic_size_t next; /* next index to take */
	atomic_int busy;    /* helpers that have not finished this round */
	size_t count;
	void (*fn)(void *, size_t, int);
	void *ctx;
	bool stop;
} pool = {.n = 1,
	  .lock = PTHREAD_MUTEX_INITIALIZER,
	  .work = PTHREAD_COND_INITIALIZER,
	  .done = PTHREAD_COND_INITIALIZER};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static void take_all(int thread)
{
	size_t i;

	while ((i = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed)) < pool.count)
		pool.fn(pool.ctx, i, thread);
}

static void *helper(void *arg)
{
	int id = (int)(long)arg;
	unsigned long seen = 0;

	for (;;) {
		for (int s = 0; s < SPIN && atomic_load(&pool.round) == seen; s++)
			relax();
		if (atomic_load(&pool.round) == seen) {
			pthread_mutex_lock(&pool.lock);
			while (atomic_load(&pool.round) == seen)
				pthread_cond_wait(&pool.work, &pool.lock);
			pthread_mutex_unlock(&pool.lock);
		}
		seen++;
		if (pool.stop)
			return NULL;
		take_all(id);
		if (atomic_fetch_sub(&pool.busy, 1) == 1) {
			pthread_mutex_lock(&pool.lock);
			pthread_cond_signal(&pool.done);
			pthread_mutex_unlock(&pool.lock);
		}
	}
}

static void announce(void)
{
	pthread_mutex_lock(&pool.lock);
	atomic_fetch_add(&pool.round, 1);
	pthread_cond_broadcast(&pool.work);
	pthread_mutex_unlock(&pool.lock);
}

void par_start(int n)
{
	cpu_set_t set;

	if (n <= 0)
		n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	pool.n = n;
	pool.thread = xcalloc((size_t)n, sizeof *pool.thread);
	for (int i = 0; i < n - 1; i++)
		if (pthread_create(&pool.thread[i], NULL, helper, (void *)(long)(i + 1)) != 0) {
			pool.n = i + 1; /* fewer threads: slower, the same results */
			break;
		}
}

int par_threads(void)
{
	return pool.n;
}

void par_stop(void)
{
	pool.stop = true;
	announce();
	for (int i = 0; i < pool.n - 1; i++)
		pthread_join(pool.thread[i], NULL);
	free(pool.thread);
	pool.thread = NULL;
	pool.n = 1;
	pool.stop = false;
	atomic_store(&pool.round, 0);
}

static void wait_for_helpers(void)
{
	enum profile_part before = profile_to(PROFILE_WAIT);

	for (int s = 0; s < SPIN && atomic_load(&pool.busy) > 0; s++)
		relax();
	if (atomic_load(&pool.busy) > 0) {
		pthread_mutex_lock(&pool.lock);
		while (atomic_load(&pool.busy) > 0)
			pthread_cond_wait(&pool.done, &pool.lock);
		pthread_mutex_unlock(&pool.lock);
	}
	profile_to(before);
}

void par_for(size_t n, void (*fn)(void *ctx, size_t i, int thread), void *ctx)
{
	if (pool.n == 1 || n <= 1) {
		for (size_t i = 0; i < n; i++)
			fn(ctx, i, 0);
		return;
	}
	pool.fn = fn;
	pool.ctx = ctx;
	pool.count = n;
	atomic_store(&pool.next, 0);
	atomic_store(&pool.busy, pool.n - 1);
	announce();
	take_all(0);
	if (atomic_load(&pool.busy) > 0)
		wait_for_helpers();
}
