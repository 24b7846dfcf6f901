/* calls.c - MPI, as base/rank asks for it: the whole of rloop-mpi.so. See base/rankcalls.h. */
#include "base/rankcalls.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#if defined OPEN_MPI
#define BUILT_WITH "Open MPI"
#elif defined MPICH_NAME
#define BUILT_WITH "MPICH" /* and what is made of it */
#else
#define BUILT_WITH "another MPI"
#endif

enum { PIECE = 1 << 28 };    /* bytes at a time: counts are int */
enum { MOVE, ASK, GIVE };    /* tags */
enum { PATIENCE = 1 << 12 }; /* looks until a rank that waits sleeps between two */

static int n_ranks, self_rank;
static MPI_Request *request; /* (2 * n_ranks) */
static MPI_Status *outcome;  /* of each: what MPI offers to ignore them makes gcc warn */

static void start(int *self, int *count)
{
	int level;

	MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
	MPI_Comm_rank(MPI_COMM_WORLD, &self_rank);
	MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
	*self = self_rank;
	*count = n_ranks;
	request = calloc(2 * (size_t)n_ranks, sizeof(MPI_Request));
	outcome = calloc(2 * (size_t)n_ranks, sizeof(MPI_Status));
	if (!request || !outcome || level < MPI_THREAD_SERIALIZED)
		MPI_Abort(MPI_COMM_WORLD, ST_SYSTEM);
}

/* MPI's own waiting keeps the processor busy, which another rank may need (MPICH's does so even
 * where there are more ranks than processors) and which is of no use to a rank that waits for
 * seconds. */
static void wait_for(int n)
{
	static const struct timespec nap = {.tv_nsec = 50000};
	int looks = 0, done;

	for (;;) {
		MPI_Testall(n, request, &done, outcome);
		if (done)
			return;
		if (++looks < PATIENCE)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
}

static void broadcast(void *p, size_t n, int from)
{
	for (size_t at = 0; at < n; at += PIECE) {
		MPI_Ibcast((char *)p + at, (int)(n - at < PIECE ? n - at : PIECE), MPI_BYTE, from,
			   MPI_COMM_WORLD, request);
		wait_for(1);
	}
}

static void exchange(void *const *out, const size_t *n_out, void *const *in, const size_t *n_in)
{
	int n = 0;

	for (int r = 0; r < n_ranks; r++)
		if (n_in[r])
			MPI_Irecv(in[r], (int)n_in[r], MPI_BYTE, r, MOVE, MPI_COMM_WORLD,
				  &request[n++]);
	for (int r = 0; r < n_ranks; r++)
		if (n_out[r])
			MPI_Isend(out[r], (int)n_out[r], MPI_BYTE, r, MOVE, MPI_COMM_WORLD,
				  &request[n++]);
	wait_for(n);
}

static void most(int *v)
{
	MPI_Iallreduce(MPI_IN_PLACE, v, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD, request);
	wait_for(1);
}

static void host(uint64_t *v, int *ranks)
{
	MPI_Comm here;

	MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
	MPI_Comm_size(here, ranks);
	MPI_Allreduce(MPI_IN_PLACE, v, 1, MPI_UINT64_T, MPI_SUM, here);
	MPI_Comm_free(&here);
}

/* ---- dealing: rank 0 has the pile, the others ask ---- */

static struct {
	uint64_t next, end, most; /* rank 0: of the pile */
	int told;                 /* rank 0: ranks that know that nothing is left */
	bool asked, none;
	int failed;
	uint64_t given[2]; /* from, n; n 0: none is left */
	MPI_Request answer;
} pile;

static void deal(size_t from, size_t to, size_t most)
{
	pile.next = from;
	pile.end = to;
	pile.most = most;
	pile.none = from >= to; /* as all know */
	pile.told = pile.none ? n_ranks - 1 : 0;
	pile.asked = false;
	pile.failed = 0;
}

static void cut(uint64_t *piece)
{
	uint64_t left = pile.end - pile.next, n = left / (4 * (uint64_t)n_ranks);

	if (n >= pile.most)
		n = pile.most - pile.next % pile.most;
	piece[0] = pile.next;
	piece[1] = n ? n : left > 0;
	pile.next += piece[1];
}

/* Rank 0: answers who has asked. */
static void serve(void)
{
	MPI_Status who;
	int asked, failed;
	uint64_t piece[2];

	while (self_rank == 0 && pile.told < n_ranks - 1) {
		MPI_Iprobe(MPI_ANY_SOURCE, ASK, MPI_COMM_WORLD, &asked, &who);
		if (!asked)
			return;
		MPI_Recv(&failed, 1, MPI_INT, who.MPI_SOURCE, ASK, MPI_COMM_WORLD, &who);
		if (failed)
			pile.next = pile.end;
		cut(piece);
		MPI_Send(piece, 2, MPI_UINT64_T, who.MPI_SOURCE, GIVE, MPI_COMM_WORLD);
		pile.told += piece[1] == 0;
	}
}

/* A question fits into what MPI sends without waiting for the other side. */
static bool is_answered(void)
{
	int there;

	if (!pile.asked) {
		MPI_Irecv(pile.given, 2, MPI_UINT64_T, 0, GIVE, MPI_COMM_WORLD, &pile.answer);
		MPI_Send(&pile.failed, 1, MPI_INT, 0, ASK, MPI_COMM_WORLD);
		pile.asked = true;
	}
	MPI_Test(&pile.answer, &there, MPI_STATUS_IGNORE);
	pile.asked = !there;
	return there;
}

static int dealt(size_t *from, size_t *n)
{
	if (self_rank == 0) {
		serve();
		cut(pile.given);
	} else if (!pile.none && !is_answered()) {
		return 0;
	}
	pile.none |= pile.given[1] == 0;
	if (pile.none)
		return -1;
	*from = pile.given[0];
	*n = pile.given[1];
	return 1;
}

static void deal_end(bool failed)
{
	size_t from, n;

	pile.failed = failed;
	if (failed)
		pile.next = pile.end;
	while (self_rank ? dealt(&from, &n) >= 0 : pile.told < n_ranks - 1) {
		if (!self_rank)
			serve();
		sched_yield();
	}
}

static void end(void)
{
	MPI_Ibarrier(MPI_COMM_WORLD, request);
	wait_for(1);
	free(request);
	free(outcome);
	MPI_Finalize();
}

static void stop(int status)
{
	MPI_Abort(MPI_COMM_WORLD, status);
}

extern const struct rank_calls rank_calls;
const struct rank_calls rank_calls = {.version = RANK_CALLS_VERSION,
				      .mpi = BUILT_WITH,
				      .start = start,
				      .broadcast = broadcast,
				      .exchange = exchange,
				      .most = most,
				      .host = host,
				      .deal = deal,
				      .dealt = dealt,
				      .answer = serve,
				      .deal_end = deal_end,
				      .end = end,
				      .abort = stop};
