/*
 * ask.h - samples of all problems from a server: which are missing, how many requests go at a time,
 * what is asked again and when, and what is given up.
 *
 * A request that fails in a way that may pass (no connection, 429, 502, 503 ...) is asked again,
 * with growing pauses or as Retry-After says, for o.patience seconds since it first failed. What
 * may be the request's own fault (500, no JSON, no choices, no answer in time) is asked once
 * more. What cannot pass for this request (400, 413, 422) is given up at once, and what cannot for
 * any (401, 403, 404, 405, a redirection, a certificate) ends the run.
 */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include "ask/choices.h"
#include "ask/query.h"

#include <stdint.h>

struct ask_opts {
	struct query_opts request;
	char *url;       /* up to and without "/chat/completions": see ask_url */
	const char *key; /* NULL: none; is taken out of what servers say */
	int64_t samples; /* of each problem */
	int64_t choices; /* asked for in one request */
	int64_t concurrency;
	double timeout, patience; /* seconds of a request; of asking again */
	double deadline;          /* seconds of the run; 0: none */
	uint64_t seed;
};

/* Whoever asks; all are given arg. */
struct ask_sink {
	void *arg;
	/* the request of a problem, but for n and seed; its texts live until the next call */
	void (*request)(void *arg, size_t task, struct query *r);
	int (*sample)(void *arg, size_t task, int64_t sample, const struct choice *c,
		      struct reason *why);
	/* given up: why says it */
	int (*failed)(void *arg, size_t task, int64_t sample, const char *text, struct reason *why);
	/* something worth a word; problem: a warning */
	void (*note)(void *arg, bool problem, const char *text);
};

/* The base of a server's URLs as people give it: http or https, a host; a path that is absent is
 * /v1; the end of an endpoint's path is taken off. Allocated. NULL: ST_USAGE. */
char *ask_url(const char *given, struct reason *why);

struct ask; /* opaque */
/* o and sink are borrowed, and so is the model until ask_close; o->request.model (NULL: the one
 * that the server has) and o->request.server are found out where they are not given, with the
 * patience of a request. NULL with the reason. */
struct ask *ask_open(struct ask_opts *o, size_t tasks, const struct ask_sink *sink,
		     struct reason *why);
/* This one is there already. */
void ask_skip(struct ask *a, size_t task, int64_t sample);
/* Asks for all that are missing, each once, until all are there or a signal was caught. ST_SYSTEM:
 * the deadline came first, or the sink's status. */
int ask_run(struct ask *a, struct reason *why);
size_t ask_missing(const struct ask *a);
uint64_t ask_requests(const struct ask *a); /* sent so far */
void ask_close(struct ask *a);              /* NULL is fine */

#endif
