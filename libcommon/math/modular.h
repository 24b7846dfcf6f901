/*
 * modular.h - arithmetic modulo two primes: identities between rational expressions are decided
 * there without rounding and without numbers that grow.
 *
 * Two expressions over the rationals (with symbols at random places, and i) that agree modulo both
 * primes are equal but for a chance of about 2^-100. -1 has a square root modulo both.
 */
#ifndef MATH_MODULAR_H
#define MATH_MODULAR_H

#include <stdbool.h>
#include <stdint.h>

enum { MODULAR_PRIMES = 2 };
extern const uint64_t modular_prime[MODULAR_PRIMES], modular_i[MODULAR_PRIMES]; /* i * i = -1 */

/* k: which prime. All values are 0..prime-1. */
uint64_t modular_of(uint64_t v, int k);
uint64_t modular_add(uint64_t a, uint64_t b, int k);
uint64_t modular_neg(uint64_t a, int k);
uint64_t modular_mul(uint64_t a, uint64_t b, int k);
uint64_t modular_pow(uint64_t a, uint64_t e, int k);
bool modular_inv(uint64_t a, int k, uint64_t *r); /* false: a is 0 */

#endif
