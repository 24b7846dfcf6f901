/*
 * fmt.h - numbers as text, fast: for output of millions of them.
 *
 * Each function may write FMT_MAX bytes at p, no NUL added, and returns the length.
 */
#ifndef BASE_FMT_H
#define BASE_FMT_H

#include <stddef.h>
#include <stdint.h>

enum { FMT_MAX = 64 };

size_t fmt_u64(char *p, uint64_t v);
/*
 * A finite float as a JSON number that strtod reads back as the same double (the same float for
 * fmt_f32), nearly always the shortest one; it has a '.' or an 'e', so that it is not taken for an
 * integer.
 */
size_t fmt_f64(char *p, double v);
size_t fmt_f32(char *p, float v);

#endif
