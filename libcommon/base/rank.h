/*
 * rank.h - the processes of one run, on one machine or many: ranks, as MPI starts them. The only
 * module that knows of them; MPI itself is in rloop-mpi.so, which is loaded where a launcher
 * (mpirun, srun) started more than one process. Without one there is one rank, and all of this
 * costs nothing.
 *
 *     i = tool_start(&tool, argc, argv);
 *     st = rank_start(&why);
 *     ... every rank does the same, but for the share of the work that it computes ...
 *     st = rank_agree(st, &why);        where one rank alone may have failed
 *     return rank_end(tool_finish(st));
 *
 * All ranks must come to each collective function, in the same order: those marked with *. Nothing
 * depends on the number of ranks: a piece of data is one rank's own and moved, or a sum whose order
 * is fixed. Rank 0 alone writes and speaks; the others are silent, but for an error that one of
 * them ends by before it is agreed on.
 */
#ifndef BASE_RANK_H
#define BASE_RANK_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* * Before threads and handlers of signals. ST_USAGE where the launcher's processes are not ranks
 * of one run of the same tool, options and version; ST_SYSTEM without the module. */
int rank_start(struct reason *why);
int rank_count(void); /* 1 without a launcher */
int rank_self(void);  /* from 0 */

/* * st, or the status and the reason of the first rank where it is not 0. That all know of a
 * failure is for good: whoever asks again is told at once, without the others. */
int rank_agree(int st, struct reason *why);
/* * The signal that any rank caught (tool_caught, which then has it too); 0: none */
int rank_caught(void);
/* * ST_INPUT where a rank has another value than rank 0 */
int rank_same(uint64_t value, const char *what, struct reason *why);

/* * The n bytes of rank `from` become everybody's. */
void rank_broadcast(void *p, size_t n, int from);
/* * Bytes bound[r] .. bound[r + 1] of all are rank r's, and become everybody's. */
void rank_join(void *all, const size_t *bound);
/* The part of n things that is rank r's: from n * r / count on. rank_share(n, count) is n. */
size_t rank_share(size_t n, int r);

/* The following are about an array of floats of which bound[r] .. bound[r + 1] are rank r's part.
 */

/* * ((total + mine of rank 0) + mine of rank 1) + ... of those ranks that have one (mine: of the
 * whole array), each rank in its part, which is all that total has; first: there is no total yet,
 * the first is copied. total may be where mine has the part. */
void rank_fold(float *total, const float *mine, const bool *has, const size_t *bound, bool first);
/* * The parts of all become everybody's. */
void rank_join_floats(float *all, const size_t *bound);
/* * Floats from .. from + n of an array of which each rank has its part alone, for rank 0. */
void rank_collect(float *to, const float *part, const size_t *bound, size_t from, size_t n);

/* Things that are dealt: whoever is ready for more asks for them, in any number of threads, one at
 * a time. Which rank gets which depends on who is quick. */

/* * Those from .. to, in pieces: from one multiple of most to the next, or, towards the end,
 * smaller ones */
void rank_deal(size_t from, size_t to, size_t most);
/* The next piece: 1, *from and *n are this rank's; 0: it is on its way; -1: none is left. */
int rank_dealt(size_t *from, size_t *n);
/* Rank 0 answers others, as in rank_dealt: it must come often to one of them. */
void rank_deal_answer(void);
/* * Ends it, once that was -1, or at any time where this rank has failed: nobody gets more then. */
void rank_deal_end(bool failed);

/* * Of the ranks that share this one's memory: the sum of their values; how many they are */
size_t rank_host_sum(size_t value, int *ranks);

/* * The process's status. One that was not agreed on ends all ranks at once. */
int rank_end(int st);

#endif
