/*
 * elem.h - exponentials, logarithms, sines and powers in double, of our own: the C library's differ
 * from one processor, and one version, to another in the last bits, and what is sampled and trained
 * is to be the same everywhere. They are made of additions, products and quotients in double alone,
 * which IEEE 754 fixes (no product is fused with a sum).
 *
 * Errors in units of the last place of the result, as tests/unit/base/elem.c holds them to: 2 of
 * exp, 3 of log, 4 of expm1 and log1p. NaN gives NaN.
 */
#ifndef BASE_ELEM_H
#define BASE_ELEM_H

double elem_exp(double x);   /* results below the least normal number: 0; too large: infinity */
double elem_expm1(double x); /* e^x - 1 */
double elem_log(double x);   /* 0: -infinity; below: NaN */
double elem_log1p(double x); /* log(1 + x) */
/* To 1e-15 of 1, for |x| up to 5e8 */
double elem_sin(double x);
double elem_cos(double x);
/* x^y for x > 0, by log and exp: off by about |y log x| units more */
double elem_pow(double x, double y);

#endif
