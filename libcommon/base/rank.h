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
/* ST_USAGE where a launcher started several of a tool that does not share its work out. */
int rank_refuse(struct reason *why);
int rank_count(void); /* 1 without a launcher */
int rank_self(void);  /* from 0 */

/* * st, or the status and the reason of the first rank where it is not 0 */
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

/* * ((total + mine of rank 0) + mine of rank 1) + ... of those ranks that have one, each in the
 * floats of its share of n; first: there is no total yet, the first is copied. mine may be total
 * then, and where a rank has none. */
void rank_fold(float *total, const float *mine, const bool *has, size_t n, bool first);
/* * Shares of n floats, as rank_fold leaves them, become everybody's. */
void rank_join_floats(float *all, size_t n);

/* * The process's status. One that was not agreed on ends all ranks at once. */
int rank_end(int st);

#endif
