/*
 * cpu.h - which sets of kernels this program has that this processor can run, and which is taken.
 *
 * The loops that the time goes into are compiled once for each kind of processor (see
 * tensor/kernels.h). They give the same bits (but the last); a set is chosen for its speed alone.
 */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "base/err.h"

#include <stdbool.h>

/* From the slowest on: any processor; x86-64 with AVX2 and FMA; with AVX-512 F, BW, DQ and VL; that
 * with tiles of bf16. The last one, with AVX-512 BF16, has an arithmetic of its own (tensor/bf16.h)
 * and is never chosen here. */
enum cpu_set { CPU_PLAIN, CPU_V3, CPU_V4, CPU_AMX, CPU_V4BF16, CPU_SETS };

const char *cpu_name(enum cpu_set s);
/* The program was built with it, and processor and system can run it. */
bool cpu_has(enum cpu_set s);
/* The set that the environment names by RLOOP_KERNELS, else the last but CPU_V4BF16 that cpu_has.
 * ST_USAGE: that name is none of these; *s is then the last all the same. */
int cpu_choose(enum cpu_set *s, struct reason *why);

/* It has AVX-512 on units of 256 bits: one multiply-add of 512 a cycle, where others begin two. */
bool cpu_is_zen4(void);

/* How many bytes base/ takes at once: 16; 32 where there are instructions of AVX2, BMI and POPCNT;
 * 64 where there are those of AVX-512 with VBMI2. The environment lowers it by the sets plain and
 * v3. */
int cpu_bytes(void);

#endif
