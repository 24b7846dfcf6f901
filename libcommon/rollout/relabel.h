/*
 * relabel.h - hindsight: a wrong response as a right one to the problem that it does solve.
 *
 *     r = relabel_new(&policy, 0, &why);
 *     relabel_hold_out(r, &test);
 *     relabel_one(r, &t, rec.map, &end, &made, &why);      // of each trajectory
 *     relabel_free(r);
 *
 * A record says by its key hindsight which problem that is, by the name that task-gen gives it. Its
 * prompt is the record's, in which the new problem stands where the old one stood, so that
 * wrappers and chat templates stay. The response and its tokens stay; what was measured for the old
 * problem goes.
 */
#ifndef ROLLOUT_RELABEL_H
#define ROLLOUT_RELABEL_H

#include "policy/policy.h"
#include "stream/traj.h"
#include "task/task.h"

enum relabel_end {
	RELABEL_DONE,
	RELABEL_NONE,     /* no hindsight */
	RELABEL_FOREIGN,  /* its prompt does not hold the problem as task-gen writes it */
	RELABEL_HELD_OUT, /* the new problem may not be learned */
	RELABEL_COPY,     /* task, prompt and response came before */
	RELABEL_CAPPED,   /* so did enough responses to the new problem */
	RELABEL_ENDS
};

struct relabel; /* opaque */
/* p: whose tokenizer encodes prompts where a record has prompt_tokens, borrowed; NULL: those are
 * left out. per_task: most records of a new problem, 0: any number. NULL with the reason. */
struct relabel *relabel_new(const struct policy *p, int64_t per_task, struct reason *why);
/* Problems that no record may be made of: those with the name of one of them, which is its id or
 * follows from its verifier, meta and answer, or with its prompt, compared as taskleak.h does. */
void relabel_hold_out(struct relabel *r, const struct task_set *s);
/* t: map, decoded. RELABEL_DONE: the new record is in *made, which is emptied before. ST_INPUT:
 * hindsight names no problem of a generated kind, or the response does not solve it; prompt_tokens
 * that are not those of prompt in the policy's tokenizer. */
int relabel_one(struct relabel *r, const struct traj *t, struct mp map, enum relabel_end *end,
		struct buf *made, struct reason *why);
size_t relabel_problems(const struct relabel *r); /* that records were made of */
void relabel_free(struct relabel *r);

#endif
