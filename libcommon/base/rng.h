/*
 * rng.h - counter-based randomness: every draw is a pure function of what it is for.
 *
 * A key names a purpose and place (seed, purpose, three coordinates); a position
 * counts draws within it. There is no hidden sequence, so the same draw comes out
 * whatever the order, the thread or the run. Philox4x32-10 (Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

enum rng_purpose {
	RNG_INIT = 1,  /* weights of a fresh policy: (tensor) */
	RNG_SAMPLE,    /* tokens: (step, task, sample), position = token */
	RNG_ORDER,     /* order of problems or rows: (epoch), of groups: (step, epoch, 1) */
	RNG_TASK,      /* problem generators: (kind, split, index) */
	RNG_RESERVOIR, /* traj-filter --per-task: (task hash); --sample: (0, 1) */
	RNG_BOOTSTRAP, /* resampling: (replicate) */
	RNG_SPLIT,     /* validation share, parts of traj-filter --split: (task hash) */
	RNG_TEST,      /* tests */
	RNG_VERIFY,    /* values of symbols: (name, place, prime) */
	RNG_ROUND,     /* weights to 16 bits: (hash of the tensor's name), position = element */
	RNG_CHOOSE,    /* problems by chance: (step, round, 0), each: (step, round, 1 + problem) */
};

uint64_t rng_key(uint64_t seed, enum rng_purpose purpose, uint64_t a, uint64_t b, uint64_t c);

/* 128 random bits of (key, counter). */
void rng_block(uint64_t key, uint64_t counter, uint32_t out[4]);
uint64_t rng_u64(uint64_t key, uint64_t pos);
double rng_uniform(uint64_t key, uint64_t pos);             /* [0, 1), 53 bits */
uint64_t rng_below(uint64_t key, uint64_t pos, uint64_t n); /* 0..n-1, n > 0, unbiased to 2^-64 n */
double rng_normal(uint64_t key, uint64_t pos);              /* standard normal */
/* Fisher-Yates over v[0..n) with positions 0..n-1 of key. */
void rng_shuffle(uint64_t key, uint64_t *v, uint64_t n);

#endif
