/* calls.c - MPI, as base/rank asks for it: the whole of rloop-mpi.so. See base/rankcalls.h. */
#include "base/rankcalls.h"
#include "base/tool.h"

#include <mpi.h>
#include <stdlib.h>

enum { PIECE = 1 << 28 }; /* bytes at a time: counts are int */

static int n_ranks;
static MPI_Request *request; /* (2 * n_ranks) */

static void start(int *self, int *count)
{
	int level;

	MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, self);
	MPI_Comm_size(MPI_COMM_WORLD, count);
	n_ranks = *count;
	request = calloc(2 * (size_t)n_ranks, sizeof(MPI_Request));
	if (!request)
		MPI_Abort(MPI_COMM_WORLD, ST_SYSTEM);
}

static void broadcast(void *p, size_t n, int from)
{
	for (size_t at = 0; at < n; at += PIECE)
		MPI_Bcast((char *)p + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, from,
			  MPI_COMM_WORLD);
}

static void exchange(void *const *out, const size_t *n_out, void *const *in, const size_t *n_in)
{
	int n = 0;

	for (int r = 0; r < n_ranks; r++)
		if (n_in[r])
			MPI_Irecv(in[r], (int)n_in[r], MPI_BYTE, r, 0, MPI_COMM_WORLD,
				  &request[n++]);
	for (int r = 0; r < n_ranks; r++)
		if (n_out[r])
			MPI_Isend(out[r], (int)n_out[r], MPI_BYTE, r, 0, MPI_COMM_WORLD,
				  &request[n++]);
	MPI_Waitall(n, request, MPI_STATUSES_IGNORE);
}

static void most(int *v)
{
	MPI_Allreduce(MPI_IN_PLACE, v, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
}

static void host(uint64_t *v, int *ranks)
{
	MPI_Comm here;

	MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
	MPI_Comm_size(here, ranks);
	MPI_Allreduce(MPI_IN_PLACE, v, 1, MPI_UINT64_T, MPI_SUM, here);
	MPI_Comm_free(&here);
}

static void end(void)
{
	free(request);
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Finalize();
}

static void stop(int status)
{
	MPI_Abort(MPI_COMM_WORLD, status);
}

extern const struct rank_calls rank_calls;
const struct rank_calls rank_calls = {.version = SUITE_VERSION,
				      .start = start,
				      .broadcast = broadcast,
				      .exchange = exchange,
				      .most = most,
				      .host = host,
				      .end = end,
				      .abort = stop};
