/*
 * rftrows.h - rows of JSON to learn from, as people keep data for supervised fine-tuning.
 *
 *     {"messages": [...]}, with "tools" and "chat_template_kwargs" where the row has them;
 *     {"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]} (ShareGPT's);
 *     {"prompt": [...], "completion": [...]}, messages in two lists: turns of the prompt are read;
 *     {"prompt": TEXT, "completion": TEXT} (or "response"): the text as it is, and the end token;
 *     {"input_ids": [...], "labels": [...]}: tokens, of which those with the label -100 are read.
 *
 * Rows of one "id" ("task", "task_id", "uuid"), else of one beginning up to the first answer, are
 * of one problem. Other keys say nothing.
 */
#ifndef LEARN_RFTROWS_H
#define LEARN_RFTROWS_H

#include "base/io.h"
#include "learn/rft.h"

struct rftrows_opts {
	bool all;             /* all turns of the assistant's: see turns.h */
	struct opt_list args; /* for the chat template */
};

/* Adds all rows of the input, which is the reader's now. ST_INPUT names file and line. */
int rftrows_read(struct rft_data *d, struct in *in, const struct rftrows_opts *o,
		 struct reason *why);

#endif
