/* judge.h - the built-in verifiers as functions. See rloop-verify(7) for their rules. */
#ifndef ANSWER_JUDGE_H
#define ANSWER_JUDGE_H

#include "base/err.h"
#include "answer/verdict.h"

#include <stdbool.h>

/* *out comes in as verdict ok, reward 0, nothing extracted. A status only when the item cannot be
 * judged: its answer or meta is missing or malformed. */
typedef int judge_fn(const struct verify_item *it, struct verdict *out, struct reason *why);

judge_fn judge_exact, judge_contains, judge_regex, judge_number, judge_gsm8k, judge_math;

/* What a verifier works on; ST_INPUT naming the task when it is not there: meta.numbers, the
 * answer (else meta.target) as a whole number, the answer as text. */
int judge_item_numbers(const struct verify_item *it, int64_t *v, size_t max, size_t *n,
		       struct reason *why);
int judge_item_target(const struct verify_item *it, int64_t *v, struct reason *why);
int judge_item_answer(const struct verify_item *it, struct reason *why);

/* Of kinds whose answer is an expression of meta.numbers that has the target as its value. all:
 * every number is used; only_sum: there is no operator but +. */
int judge_target(const struct verify_item *it, bool all, bool only_sum, struct verdict *out,
		 struct reason *why);

#endif
