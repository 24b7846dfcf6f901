/* taskrow.h - one problem from its row of JSON: the forms that task.h names. */
#ifndef STREAM_TASKROW_H
#define STREAM_TASKROW_H

#include "stream/task.h"

#include <jansson.h>

/* where: "file:line", for messages. line: what a row without an id is called after. *out is zeroed
 * before; the caller frees what it holds, also after ST_INPUT. */
int task_from_row(const json_t *row, const char *where, size_t line, struct task *out,
		  struct reason *why);

#endif
