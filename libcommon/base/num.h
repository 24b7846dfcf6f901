/* num.h - strict numbers from text: the whole text, in range, or an error. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal; no space, no sign but a leading '-'. False leaves *v alone. */
bool num_i64(const char *s, int64_t lo, int64_t hi, int64_t *v);
/* As strtod in the C locale, without hex; NaN and infinity are refused. */
bool num_f64(const char *s, double lo, double hi, double *v);
/* "I/N", the I-th of N parts, 1 <= I <= N <= 10^6. */
bool num_part(const char *s, int64_t *i, int64_t *n);
/* Shortest text that reads back as the same double; buf holds 32 bytes. Returns buf. */
char *num_text(double v, char *buf);

#endif
