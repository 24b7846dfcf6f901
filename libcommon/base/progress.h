/*
 * progress.h - how far a tool is: one line on stderr that is rewritten in place, only when stderr
 * is a terminal; and, where a pipeline asks for it, a line in a file, for whoever looks from
 * elsewhere.
 *
 * A pipeline that a tool is a stage of says by two variables of the environment
 *     RLOOP_PROGRESS="AGAIN SECONDS TEXT": what the line begins with instead of the tool's name;
 * that as much work as this is to be done AGAIN times more, and other work of so many SECONDS,
 * with a + behind them: and more, nobody knows how much;
 *     RLOOP_PROGRESS_FILE: the file of the line "UNIT DONE ALL LEFT", LEFT in seconds.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *unit; /* of what is to be done, "step": at most eight letters */
	uint64_t before;  /* done when the clock was at began */
	double began;
};

/* Shows that done of all are, with the time left and the text: at most ten times a second, unless
 * that is the end (then the line is kept). -q silences the terminal, not the file. */
void progress(const struct progress *p, uint64_t done, uint64_t all, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "1h02m" from seconds; buf holds 32 bytes. Returns buf. */
char *progress_time(double seconds, char *buf);

#endif
