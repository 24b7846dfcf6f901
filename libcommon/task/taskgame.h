/* taskgame.h - Countdown as TinyZero, verl and reasoning-gym write it: numbers and a target. */
#ifndef TASK_TASKGAME_H
#define TASK_TASKGAME_H

#include "task/rowkeys.h"

#include <stdbool.h>
#include <stdint.h>

/* Looks for a list of whole numbers (nums, numbers) beside a target: in the row, in ground_truth,
 * in reward_model.ground_truth, in metadata. Into r->numbers and *target; false when there is no
 * game, or when the row has an answer of another kind. */
bool taskgame_find(struct row *r, int64_t *target);
/* What a row without a prompt of its own shows the policy; owned by the caller. */
char *taskgame_prompt(const json_t *numbers, int64_t target);

#endif
