/*
 * session.h - a run that trains, from its first message to its last: the state that it goes on
 * from, its log, the policies that it writes.
 *
 *     struct session s = {.o = &run, .unit = "step"};
 *     st = session_open(&s, &why);
 *     ... session_load_policy, make what trains ...
 *     session_name(&s, opts, &p);                // and the run's own, by s.state
 *     got = session_load(&s, &why);              // 1: it goes on
 *     ... session_open_log(&s, got > 0, &why); work, s.done++, session_checkpoint ...
 *     st = session_close_log(&s, st, &why);
 *     ... session_save(&s, &p, dir, &why) ...
 *     return session_close(&s, st, &why);
 */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include "run/memory.h"
#include "run/options.h"
#include "run/runlog.h"
#include "run/state.h"

struct session {
	const struct run_options *o; /* borrowed */
	const char *unit;            /* what is counted: "step", "update" */
	uint64_t done, all;          /* of them; all: 0 until it is known */
	struct state state;
	struct runlog log;
	struct profile logged; /* when the last line was written */
	uint64_t log_mark;     /* where the log was when a state was saved */
};

/* * Opens a state, if dir is not NULL: rank 0's is there before the others look. */
int session_open_state(struct state *s, const char *dir, struct reason *why);
/* * Starts threads, holds signals if `hold`, opens the state if there is one. */
int session_open(struct session *s, bool hold, struct reason *why);
/* * --policy, to be trained; how: beside what --compute says. */
int session_load_policy(struct session *s, struct policy *p, int how, struct reason *why);
/* What the run must have in common with the one before: tool, options that the
 * result depends on, weights; and its counters. p's weights are still those of --policy. */
void session_name(struct session *s, const struct opt *opts, const struct policy *p);
/* * The state, when there is one: 1; 0: the run begins; -1 with the reason. */
int session_load(struct session *s, struct reason *why);
void session_tell(const struct session *s); /* where it goes on, once what was loaded fits */
int session_open_log(struct session *s, bool resumed, struct reason *why);
/* Ends the line of the log that was put together, with where the time since the last one went. */
int session_log(struct session *s, struct reason *why);
/* * All that the rest of the run depends on is on the disk when this returns 0; what else the run
 * wrote must be there before. */
int session_checkpoint(struct session *s, struct reason *why);
/* st, or the log's own failure where st is 0. */
int session_close_log(struct session *s, int st, struct reason *why);
/* Tells what the run needs: memory, and disk for each policy that session_save writes; warns when
 * there is less than the n in folders beside or in `where` (NULL: none is written) and the state
 * take. */
void session_plan(const struct session *s, const struct policy *p, const struct memory *need,
		  const char *where, uint64_t n);
/* As --dtype says, unless it was saved before the run was stopped. */
int session_save(const struct session *s, const struct policy *p, const char *dir,
		 struct reason *why);
/* The weights of a run that got stuck, beside the place where the finished ones would be: tells
 * how that went. */
void session_rescue(const struct session *s, const struct policy *p, const char *dir);
/* Tells the reason when st is not 0. The process's status; a signal that stopped the run is raised,
 * or, of ranks, becomes the status that shells have for it. */
int session_close(struct session *s, int st, const struct reason *why);

#endif
