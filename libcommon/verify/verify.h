/*
 * verify.h - is a response right? Built-in verifiers and programs of the user's own.
 *
 * Names: the generated kinds ("countdown", ... see gen.h), "exact", "number", "regex" (the
 * task's answer is the pattern), "contains" (the answer is a word that must occur), "gsm8k" and
 * "math" (mathematical answers), "code" (programs, run with tests: code.h), and
 * "cmd:COMMAND ...": a long-lived program that reads one JSON line {task, prompt, response, answer,
 * meta} and writes one line
 * {"reward": x, "extracted": "...", "rewards": {"name": y, ...}} for each. Their rules:
 * rloop-verify(7).
 *
 * A verifier that failed is a verdict and has no reward: never a 0. Children end with the tool,
 * even when it is killed; the process must ignore SIGPIPE (tool_start does).
 */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "base/err.h"
#include "answer/verdict.h"

struct verify_opts {
	const char *verifier; /* default name for items that have none; NULL: such an item is an
				 error */
	double deadline;      /* seconds per item for cmd:, per run of a program for code */
	int64_t max_output;   /* bytes per answer for cmd: */
	int64_t workers;      /* programs side by side, for cmd: and code */
	/* items may name commands of their own; else only the default's: a file of problems from
	 * elsewhere must not run programs. And code may do without a sandbox. */
	bool trust;
	bool hindsight; /* say of a wrong response which problem it solves, if it does */
};

#define VERIFY_OPTS_DEFAULT                                       \
	{                                                         \
		.deadline = 10, .max_output = 65536, .workers = 1 \
	}

struct verifier; /* opaque: holds children */
/* opts is copied. An unknown name is an error here if it is the default, else in verify_run. */
struct verifier *verify_open(const struct verify_opts *opts, struct reason *why);
/* Judges items[0..n) into out[0..n). Fails (status) only when an item cannot be judged at all:
 * unknown verifier, or a built-in one whose answer/meta is missing or malformed (ST_INPUT naming
 * the task), a program that cannot be started (ST_SYSTEM). The result does not depend on workers.
 */
int verify_run(struct verifier *v, const struct verify_item *items, size_t n, struct verdict *out,
	       struct reason *why);
/* Ends the children, their process groups with them. */
void verify_close(struct verifier *v);

#endif
