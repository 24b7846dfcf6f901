/*
 * reservoir.h - records held back until the end of the input: all of them, or a uniform sample of
 * each task.
 *
 * The sample is a reservoir (Vitter's algorithm R): whatever the number of records of a task, each
 * has the same chance to be among the cap that stay, and no more than cap are ever in memory. The
 * draws are a function of (seed, task, position within the task): how tasks are interleaved does
 * not matter. Zero-initialise, set cap and seed; free with reservoir_free.
 */
#ifndef STREAM_RESERVOIR_H
#define STREAM_RESERVOIR_H

#include "base/buf.h"

#include <stdint.h>

#define RESERVOIR_ALWAYS SIZE_MAX /* task of a record that belongs to none: never dropped */

struct kept {
	uint64_t seq; /* position in the input */
	size_t task;
	char *p; /* owned: the record's bytes */
	size_t n;
};

struct reservoir_task {
	uint64_t key, seen;
	size_t *at; /* indices in v of those that stay */
	size_t n;
};

struct reservoir {
	uint64_t cap;  /* records a task; 0: all */
	uint64_t seed; /* of the draws */
	struct kept *v;
	size_t n, room;
	uint64_t seq;
	struct reservoir_task *tasks;
	size_t n_tasks;
};

/* Takes a copy of the record. task: a small number, the same for the same id; id: its bytes. */
void reservoir_add(struct reservoir *k, size_t task, struct span id, struct span record);
/* Brings v[0..n) into the order of the input; nothing may be added afterwards. */
void reservoir_sort(struct reservoir *k);
void reservoir_free(struct reservoir *k);

#endif
