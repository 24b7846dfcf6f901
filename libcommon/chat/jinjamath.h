/* jinjamath.h - Python's operators on the values of a template. Whole numbers have 64 bits: beyond
 * them is a failure, not another number. */
#ifndef CHAT_JINJAMATH_H
#define CHAT_JINJAMATH_H

#include "chat/jinjavalue.h"

/* op: + - * / % or one of these */
enum { JINJA_FLOORDIV = 'f', JINJA_POWER = 'p' };

struct jvalue jinja_math(struct jwork *w, int op, struct jvalue a, struct jvalue b);
struct jvalue jinja_math_negative(struct jwork *w, struct jvalue v);
/* round(f, digits), of which 5 goes to the even neighbour */
double jinja_math_round(double f, int64_t digits);
/* int(s, base) and float(s) of Python; false: it is no number. base 0: as a prefix says */
bool jinja_math_read_int(struct jwork *w, const struct jstr *s, int base, int64_t *i);
bool jinja_math_read_float(struct jwork *w, const struct jstr *s, double *f);

#endif
