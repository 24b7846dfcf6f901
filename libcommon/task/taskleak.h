/* taskleak.h - problems of one set that are in another: what was trained on measures nothing. */
#ifndef TASK_TASKLEAK_H
#define TASK_TASKLEAK_H

#include "task/task.h"

struct taskleak {
	size_t n;              /* of the problems of eval, those that are in train */
	const struct task *it; /* the first of them, and which of train's it is; NULL: none */
	const struct task *of;
};

/* Compared are prompts (of messages, the user's) without upper and lower case, blanks, quotes and
 * the marks of sentences; a sign of mathematics and a point or comma between digits count. */
struct taskleak taskleak_find(const struct task_set *eval, const struct task_set *train);

/* Into *b, emptied before: what is compared of a problem. */
void taskleak_text(struct buf *b, const struct task *t);

#endif
