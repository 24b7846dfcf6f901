/*
 * fault.h - numbers that go wrong on purpose, to see what is done about it: in test builds only
 * (-DFAULTS, which SAN= sets).
 *
 *     RLOOP_FAULT=gradient:nan:3     the third time that a gradient is there, it is NaN
 *     RLOOP_FAULT=loss:inf:2+        the second time, and from then on
 *
 * Places: loss, gradient, weight (of training), logit (of sampling), reward.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef FAULTS
void fault_float(const char *place, float *v);
void fault_double(const char *place, double *v);
#else
#define fault_float(place, v) ((void)0)
#define fault_double(place, v) ((void)0)
#endif

#endif
