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
 * A finite float as a JSON number that strtod reads back as the same double, nearly always the
 * shortest one; it has a '.' or an 'e', so that it is not taken for an integer.
 */
size_t fmt_f64(char *p, double v);
/*
 * n little-endian words (uint32, finite float) with commas between them. A float is what strtof
 * reads back as the same, always the shortest, with all digits of whole numbers below 1e9. Each
 * function may write n * FMT_ELEMENT + FMT_MAX bytes.
 */
enum { FMT_ELEMENT = 20 };
size_t fmt_u32_list(char *p, const void *words, size_t n);
size_t fmt_f32_list(char *p, const void *words, size_t n);

#endif
