/*
 * task.h - problem sets: JSONL with one problem a line, as people have them.
 *
 * Ours:   {"id", "prompt" | "messages" ("tools"), "answer", "verifier", "meta"}
 * GSM8K:  {"question", "answer": "... #### N"}
 * MATH, AIME: {"problem", "answer", "unique_id"}; without an answer, what is in the last \boxed{}
 * of "solution"; also "Problem", "Question", "Answer", "ID", and for answer "final_answer",
 *         "expected_answer" and "ground_truth"
 * verl, DAPO: {"prompt": [messages], "reward_model": {"ground_truth"}, "extra_info": {"index"}}
 * The last three imply a verifier where their form says what it must be: gsm8k for an answer with
 * "####" or data_source that names GSM8K, math for MATH's form and for verl's mathematics; then an
 * answer that is a list of one is that one.
 * A row without an id gets "line:N". Keys that are not understood go into meta as they are; so do
 * reward_model and extra_info. Answers that are no strings are kept as their JSON text.
 */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include "task/taskrow.h"

#include <stdint.h>

struct task_set {
	struct task *v; /* owned */
	size_t n;
};

/* "-" is standard input. A bad row, a repeated id or an empty file: ST_INPUT naming file and line.
 */
int task_load(struct task_set *s, const char *path, struct reason *why);
uint64_t task_hash(const struct task_set *s); /* XXH3 of all that is read of them, in order */
void task_free(struct task_set *s);
/* Who judges it: the verifier that the row names; else the option's, if there is one; else the one
 * that the row's form implies. NULL: nobody is known. */
const char *task_verifier(const struct task *t, const char *option);

#endif
