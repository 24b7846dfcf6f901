/*
 * state.h - a run that goes on where it was stopped: checkpoints in a folder that one process owns.
 *
 *     state_open(&s, "DIR", &why);                        waits for nobody
 *     state_same(&s, "--seed", "1"); ...                  what a run that goes on must share
 *     state_made(&s, "threads", "2"); ...                 what it should share
 *     state_count(&s, "step", &run.step); ...             what it is made of: numbers
 *     state_array(&s, "model.safetensors", "", w, n_w, params); ...         and arrays
 *     while (... state_load(&s, &why) ...)                1: all of that is as it was saved
 *     state_save(&s, step, &why);
 *     state_close(&s);
 *
 * Checkpoint DIR/step-N holds the arrays' files, state.json and "manifest", a line for each of
 * those files: XXH3-64, bytes, name. It appears whole or not at all; the one before it is kept,
 * and older ones are dropped after that. One whose files are not what the manifest says is never
 * loaded.
 */
#ifndef RUN_STATE_H
#define RUN_STATE_H

#include "base/tool.h"
#include "model/weight.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct state_value {
	const char *name;
	enum state_kind { STATE_COUNT, STATE_REAL, STATE_HASH } kind;
	void *v; /* uint64_t *; of a STATE_REAL double *. The run's own */
};

struct state_array {
	const char *file, *prefix; /* tensors are named prefix + weight's name */
	const struct weight *w;    /* (n_w) where which weight is in v; borrowed */
	size_t n_w;
	float *v;            /* the run's own; with bound, this rank's part of it */
	const size_t *bound; /* (ranks + 1) see state_parts; NULL: each rank has all */
};

struct state {
	const char *dir; /* borrowed; NULL: no state, and all functions but state_open do nothing */
	int lock;
	bool begun;    /* when it was opened there was a checkpoint, whole or not */
	uint64_t last; /* step of the newest whole checkpoint; 0: none */
	json_t *same, *made;
	struct state_value *value;
	struct state_array *array;
	size_t n_value, n_array;
	/* after state_load: a damaged checkpoint was passed over; the run was begun elsewhere */
	struct reason damaged, elsewhere;
};

/* Makes the folder when it is not there. Rank 0 does so and has it, before others come here, which
 * only read it. ST_SYSTEM when another process has it, ST_USAGE when it is
 * a folder of something else. */
int state_open(struct state *s, const char *dir, struct reason *why);
void state_close(struct state *s);

void state_same(struct state *s, const char *what, const char *value);
void state_same_hash(struct state *s, const char *what, uint64_t sum);
/* The options with their live values, but for those that are OPT_FREE or OPT_BY_CONTENT. */
void state_same_options(struct state *s, const struct opt *opts);
uint64_t state_options_hash(const struct opt *opts); /* of the same values */
void state_made(struct state *s, const char *what, const char *value);
/* Version of the suite, compiler, width of vectors, threads. */
void state_made_here(struct state *s);

/* Names are borrowed. */
void state_count(struct state *s, const char *name, uint64_t *v);
void state_real(struct state *s, const char *name,
		double *v); /* NaN is kept, infinity becomes it */
void state_hash(struct state *s, const char *name, uint64_t *v);
void state_array(struct state *s, const char *file, const char *prefix, const struct weight *w,
		 size_t n_w, float *v);
/* The array that was named last is shared out: v has floats bound[r] .. bound[r + 1] of it on rank
 * r alone. In the file all of it is. Borrowed. */
void state_parts(struct state *s, const size_t *bound);

/* * Rank 0 writes, and all ranks know how that went. step is above 0; nothing is done when s->last
 * is that. Files of the run that a value tells a place in must be on the disk before. */
int state_save(struct state *s, uint64_t step, struct reason *why);
/* The newest whole checkpoint: 1; 0: there never was one; -1 with the reason: none is whole, or it
 * was begun with other options (ST_USAGE). After -1 values and arrays are undefined. */
int state_load(struct state *s, struct reason *why);

#endif
