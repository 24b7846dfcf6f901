/*
 * choices.h - what a server of OpenAI's API answered: texts, token ids, log-probabilities, why each
 * ended. Pure: bytes in, structs out.
 */
#ifndef ASK_CHOICES_H
#define ASK_CHOICES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/tool.h"

#include <jansson.h>
#include <stdint.h>

enum choice_end {
	CHOICE_STOP,   /* the end token was drawn */
	CHOICE_LENGTH, /* there was no room for more */
	CHOICE_STRING, /* a stop string came, or it may have been one */
	CHOICE_BROKEN, /* the server gave up: another try may end otherwise */
	CHOICE_OTHER,  /* a call of a tool, a filter: no sample */
};

struct choice {
	int64_t index; /* among those that were asked for */
	struct span text;
	enum choice_end end;
	char said[160]; /* of CHOICE_BROKEN and CHOICE_OTHER: what the server said of it */
	uint32_t *prompt_ids, *ids; /* NULL: not told */
	size_t n_prompt_ids, n_ids;
	float *logprobs;     /* one for each of ids; NULL: none that can be used */
	const char *no_logs; /* why there are none although some came; NULL: none came */
};

struct choices { /* zero-initialise; free with choices_free */
	struct choice *v;
	size_t n;
	struct buf text;
	json_t *root;
};

struct choices_want {
	int64_t most; /* that were asked for: index is below */
	bool chat;
	const struct opt_list *stop; /* strings that were to end a text */
	const char *hide;            /* the key: is taken out of a reason; NULL: none */
};

/* Reads the body of an answer with status 200. ST_INPUT: it is none; c is empty then. */
int choices_read(struct choices *c, struct span body, const struct choices_want *w,
		 struct reason *why);
void choices_free(struct choices *c);

/* What an answer with another status says, in whatever form, without the key (hide; NULL: none),
 * which some repeat, cut to a line's length: appended. */
void choices_error(struct span body, const char *hide, struct buf *text);

#endif
