/*
 * task.h - problem sets: JSON rows, one problem each, as people have them (base/rows.h: lines, an
 * array, pretty print, gzip, zstd).
 *
 * Ours:   {"id", "prompt" | "messages" ("tools", "chat_template_kwargs"), "answer", "verifier",
 * "meta"} GSM8K:  {"question", "answer": "... #### N"} MATH, AIME: {"problem", "answer",
 * "unique_id"}; without an answer, what is in the last boxes of "solution"; also "Problem",
 * "Question", "Answer", "ID", and for answer "final_answer", "expected_answer" and "ground_truth"
 * verl, DAPO: {"prompt": [messages], "reward_model": {"ground_truth"}, "extra_info": {"index"}}
 * SVAMP and others: a story (body, context, passage, story) beside the question is put before it.
 * Countdown of TinyZero, verl, reasoning-gym: taskgame.h
 * HumanEval, MBPP, LiveCodeBench, APPS, TACO: taskcode.h
 * Alpaca, TRL and others: "instruction", "query", "input"; "solution", "label", "target", "gold",
 * "gold_answer", "correct_answer", "reference_answer"; "task_id", "problem_id", "question_id",
 *         "uuid", "problem_idx"
 * Known forms imply a verifier where they say what it must be: gsm8k for an answer with "####" or
 * data_source that names GSM8K, math for MATH's form and for verl's mathematics, countdown, code;
 * but for code, an answer that is a list of one is that one, also as Python prints it. A word that
 * stands for no answer ("proof", "notfound") is refused there.
 *
 * Messages that end in the assistant's: a solution is left out when the row has the question or
 * the answer beside it; else they are kept and task.open is set, and whether the row says
 * "continue_final_message": true.
 *
 * A row without an id is called "row:" and a hash of what is asked and what is right, and "-2" and
 * so on behind it where rows are equal; an extra_info.index has data_source and split before it.
 * Keys that are not understood go into meta as they are; so do reward_model and extra_info. Answers
 * that are no strings are kept as their JSON text.
 */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include "task/taskrow.h"

#include <stdbool.h>
#include <stdint.h>

struct task_set {
	struct task *v; /* owned */
	size_t n;
};

/* "-" is standard input. A bad row, a repeated id or an empty file: ST_INPUT naming file and line.
 */
int task_load(struct task_set *s, const char *path, struct reason *why);
uint64_t task_hash(const struct task_set *s); /* XXH3 of all that is read of them, in order */
void task_keep(struct task_set *s, const bool *keep); /* those of which it is true */
void task_free(struct task_set *s);
/* Who judges it: the verifier that the row names; else the option's, if there is one; else the one
 * that the row's form implies. NULL: nobody is known. */
const char *task_verifier(const struct task *t, const char *option);

#endif
