/* clock.h - time that passes. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Seconds of the monotonic clock; for rates and deadlines, never for results. */
double clock_now(void);

#endif
