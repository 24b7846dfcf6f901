/*
 * par.h - a pool of threads for loops over independent blocks.
 *
 * Work is cut into blocks whose shape does not depend on the number of threads, and every
 * block writes only its own output: so results do not depend on it either.
 */
#ifndef BASE_PAR_H
#define BASE_PAR_H

#include <stddef.h>

/* Starts n - 1 helpers (n = 0: one thread per processor that this process may use). Once, from
 * main. */
void par_start(int n);
int par_threads(void); /* 1 before par_start */
void par_stop(void);

/* Calls fn(ctx, i, thread) for i in 0..n-1, each i once, in any order; thread is in
 * 0..par_threads()-1. Returns when all are done. From one thread at a time; not nested. */
void par_for(size_t n, void (*fn)(void *ctx, size_t i, int thread), void *ctx);

#endif
