/* taskrow.h - one problem from its row of JSON: the forms that task.h names. */
#ifndef TASK_TASKROW_H
#define TASK_TASKROW_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct task {
	char *id, *prompt; /* prompt: text as given to the tokenizer; NULL when the row has messages
			    */
	char *messages;    /* JSON array text, or NULL */
	char *tools;       /* JSON array text of the tools that messages may call, or NULL */
	char *args;        /* JSON object text of the chat template's arguments, or NULL */
	bool open;         /* messages end in the assistant's */
	bool go_on;        /* the row says that it is a beginning */
	char *answer;      /* text, or NULL */
	char *verifier;    /* name or "cmd:...", or NULL: the tool's default */
	bool unnamed;      /* the row has no id: this one is a hash of it */
	bool implied;      /* verifier is what the row's form implies, not what the row says */
	struct buf meta;   /* MessagePack map; n = 0: none */
};

/* where: "file:line", for messages. *out is zeroed before; the caller frees what it holds, also
 * after ST_INPUT. */
int task_from_row(const json_t *row, const char *where, struct task *out, struct reason *why);

enum { TASKROW_ID = 4 + 16 + 1 };
/* What a problem without an id is called: "row:" and a hash of its prompt, messages, tools and
 * answer; p NULL: it has none. */
void taskrow_content_id(const struct span text[4], char id[TASKROW_ID]);

#endif
