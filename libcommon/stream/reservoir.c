/* reservoir.c - records held back until the end of the input. See reservoir.h. */
#include "stream/reservoir.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static void set(struct reservoir *k, size_t i, size_t task, struct span record)
{
	assert(i < k->room);
	k->v[i] = (struct kept){k->seq, task, xmalloc(record.n), record.n};
	if (record.n)
		memcpy(k->v[i].p, record.p, record.n);
}

static size_t append(struct reservoir *k, size_t task, struct span record)
{
	if (k->n == k->room) {
		k->room = k->room ? 2 * k->room : 64;
		k->v = xgrow(k->v, k->room, sizeof *k->v);
	}
	set(k, k->n, task, record);
	return k->n++;
}

static struct reservoir_task *task_of(struct reservoir *k, size_t task, struct span id)
{
	struct reservoir_task *t;

	k->tasks = names_room(k->tasks, &k->n_tasks, task, sizeof *k->tasks);
	t = &k->tasks[task];
	if (!t->seen)
		t->key = rng_key(k->seed, RNG_RESERVOIR, XXH3_64bits(id.p, id.n), 0, 0);
	return t;
}

static void sample(struct reservoir *k, size_t task, struct span id, struct span record)
{
	struct reservoir_task *t = task_of(k, task, id);
	uint64_t j = t->seen++;

	assert(t->n == (j < k->cap ? j : k->cap)); /* as many stay as can */
	if (j < k->cap) {
		t->at = xgrow(t->at, t->n + 1, sizeof *t->at);
		t->at[t->n++] = append(k, task, record);
		return;
	}
	j = rng_below(t->key, j, j + 1);
	if (j < k->cap) {
		assert(t->at[j] < k->n && k->v[t->at[j]].task == task);
		free(k->v[t->at[j]].p);
		set(k, t->at[j], task, record);
	}
}

void reservoir_add(struct reservoir *k, size_t task, struct span id, struct span record)
{
	if (k->cap && task != RESERVOIR_ALWAYS)
		sample(k, task, id, record);
	else
		append(k, task, record);
	k->seq++;
}

static int by_seq(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

void reservoir_sort(struct reservoir *k)
{
	if (k->n)
		qsort(k->v, k->n, sizeof *k->v, by_seq);
}

void reservoir_free(struct reservoir *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].p);
	for (size_t i = 0; i < k->n_tasks; i++)
		free(k->tasks[i].at);
	free(k->v);
	free(k->tasks);
	memset(k, 0, sizeof *k);
}
