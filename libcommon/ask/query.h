/*
 * query.h - what is asked of a server: the body of a request, for the servers that there are.
 *
 * They differ in the keys that they know, in what they do with one that they do not, and in what
 * they take for a key that is left out. So all that shapes the distribution is sent to those that
 * are known to understand it, off or neutral where nothing else was asked for.
 */
#ifndef ASK_QUERY_H
#define ASK_QUERY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/tool.h"
#include "task/task.h"

#include <jansson.h>

enum server { SERVER_AUTO, SERVER_OPENAI, SERVER_VLLM, SERVER_SGLANG, SERVER_LLAMA };
#define SERVER_WORDS "auto|openai|vllm|sglang|llama"

struct query_opts {
	enum server server; /* not auto where a body is made */
	const char *model;
	bool completions; /* text in, text out; else messages */
	bool logprobs;    /* ask for them */
	int64_t max_new, top_k;
	double temperature, top_p;
	struct opt_list stop;
	struct opt_list more; /* NAME=JSON: keys besides; null: leave one of ours out */
	json_t *body;         /* of more; query_open makes it, query_close frees it */
};

/* Reads o->more. A key that another option is for, with a value, or no JSON: ST_USAGE. */
int query_open(struct query_opts *o, struct reason *why);
void query_close(struct query_opts *o);

/* Which server calls the owner of its models so; SERVER_OPENAI: none that is known. */
enum server query_server(const char *owned_by);
const char *query_server_name(enum server s);

/* Whether a request has this key: the server knows it, and --body does not leave it out. */
bool query_has(const struct query_opts *o, const char *key);

/* Whether the log-probabilities that such a request brings are of use: for each token id, of the
 * distribution that is drawn from, as far as one knows of the server. NULL: yes; else why not. */
const char *query_doubt(const struct query_opts *o);

struct query {                    /* one, of a problem */
	const char *text;         /* completions: the prompt */
	const char *messages;     /* else: JSON of an array */
	const char *tools, *args; /* JSON; NULL: none */
	bool go_on;               /* the last message is the beginning of the answer */
	int64_t n;                /* responses */
	uint64_t seed;
};
/* Appends the body, JSON. */
void query_body(const struct query_opts *o, const struct query *r, struct buf *b);

#endif
