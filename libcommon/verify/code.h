/*
 * code.h - the verifier code: responses that are programs, run with the tests of their rows.
 *
 * Each program has a sandbox of its own (bubblewrap): nothing to read but the system's programs, an
 * empty folder to write to, no network, no environment, limits on time, memory, processes, output;
 * what it starts ends with it. In it the tests run in another process than the program: see
 * program.py. Which code of a response is the program: answer/python.h. Which keys of meta are
 * tests: rloop-verify(7).
 */
#ifndef VERIFY_CODE_H
#define VERIFY_CODE_H

#include "answer/verdict.h"
#include "base/err.h"

#include <stdbool.h>

struct code; /* opaque: holds children */
/* seconds: of a processor, for a run of a program; three times as much by the clock. workers: so
 * many programs side by side. trust: without a sandbox where there is none; otherwise that is
 * ST_SYSTEM. */
struct code *code_open(double seconds, int workers, bool trust, struct reason *why);
/* Judges items[which[i]] into out[which[i]]. As verify_run. A row without tests, or whose tests are
 * broken, is a verdict that failed; a program that takes too long is one whose reward is 0. */
int code_run(struct code *c, const struct verify_item *items, const size_t *which, size_t n,
	     struct verdict *out, struct reason *why);
void code_close(struct code *c);

#endif
