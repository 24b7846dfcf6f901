/*
 * angles.h - cosines and sines of the rotary embedding, position by position. They are made when a
 * position is first asked for: most runs reach few of the many that a model allows.
 */
#ifndef MODEL_ANGLES_H
#define MODEL_ANGLES_H

#include "model/rope.h"

#include <stddef.h>

struct angles; /* threads may share it */

/* For positions 0 .. len - 1 and heads of hd numbers. */
struct angles *angles_new(const struct rope *r, int64_t len, int64_t hd);
/* hd / 2 cosines, then as many sines; valid until angles_free. */
const float *angles_at(struct angles *a, size_t pos);
/* A position's: scale cos(pos freq_i), then scale sin(pos freq_i), i < n / 2 */
void angles_table(float *cs, const double *freq, size_t pos, double scale, size_t n);
void angles_free(struct angles *a); /* NULL is fine */

#endif
