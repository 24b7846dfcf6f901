/*
 * rankcalls.h - what base/rank asks of MPI. rloop-mpi.so (mpi/calls.c) holds these functions under
 * the name rank_calls, and is the only thing that is built with mpicc.
 */
#ifndef BASE_RANKCALLS_H
#define BASE_RANKCALLS_H

#include "base/tool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What both sides have to mean by the struct: another number with each change of it */
#define RANK_CALLS_VERSION SUITE_VERSION ", calls 3"

struct rank_calls {
	const char *version; /* RANK_CALLS_VERSION of the tools that it was built for */
	const char *mpi;     /* that it was built with, by name */
	void (*start)(int *self, int *count);
	void (*broadcast)(void *p, size_t n, int from);
	/* out[r], n_out[r] bytes, go to rank r, in[r] comes from there. 0 bytes: no message */
	void (*exchange)(void *const *out, const size_t *n_out, void *const *in,
			 const size_t *n_in);
	void (*most)(int *v); /* *v becomes the greatest of all ranks' */
	/* *v becomes the sum of those of the ranks on this host, *ranks how many they are */
	void (*host)(uint64_t *v, int *ranks);
	/* see rank_deal; calls come from one thread at a time */
	void (*deal)(size_t from, size_t to, size_t most);
	int (*dealt)(size_t *from, size_t *n);
	void (*answer)(void);
	void (*deal_end)(bool failed);
	void (*end)(void);
	void (*abort)(int status); /* ends all ranks, and the launcher with that status */
};

#endif
