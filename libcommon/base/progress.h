/* progress.h - one line on stderr that is rewritten in place, only when stderr is a terminal. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>

/* Shows the text, at most ten times a second unless last is set (then the line is kept). -q
 * silences it. */
void progress(bool last, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "1h02m" from seconds; buf holds 32 bytes. Returns buf. */
char *progress_time(double seconds, char *buf);

#endif
