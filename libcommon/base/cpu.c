/* cpu.c - what this processor can run. See cpu.h. */
#include "base/cpu.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[CPU_SETS] = {"plain", "v3", "v4", "amx", "v4bf16"};

/* In this program */
static const bool built[CPU_SETS] = {
	[CPU_PLAIN] = true,
#ifdef KERNELS_v3
	[CPU_V3] = true,
#endif
#ifdef KERNELS_v4
	[CPU_V4] = true,
#endif
#ifdef KERNELS_amx
	[CPU_AMX] = true,
#endif
#ifdef KERNELS_v4bf16
	[CPU_V4BF16] = true,
#endif
};

const char *cpu_name(enum cpu_set s)
{
	assert(s < CPU_SETS);
	return names[s];
}

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The processor has tiles and their product in bf16, the system keeps them (XCR0's bits 17 and 18),
 * and allows this process to use them: once for all threads and for children. Linux before 5.16, or
 * a sandbox, says no. */
static bool has_tiles(void)
{
	enum { BF16 = 1 << 22, TILE = 1 << 24, STATE = 3 << 17, OSXSAVE = 1 << 27 };
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE))
		return false;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & BF16) || !(d & TILE))
		return false;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (a & STATE) == STATE &&
	       syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#else
static bool has_tiles(void)
{
	return false;
}
#endif

/* The processor has the instructions, and the system keeps the registers that they need: the
 * compiler's function asks for both. */
static bool runs(enum cpu_set s)
{
#if defined(__x86_64__)
	bool v3, v4;

	__builtin_cpu_init();
	v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	switch (s) {
	case CPU_V3:
		return v3;
	case CPU_V4:
		return v4;
	case CPU_AMX:
		return v4 && has_tiles();
	case CPU_V4BF16:
		return v4 && __builtin_cpu_supports("avx512bf16");
	default:
		return true;
	}
#else
	return s == CPU_PLAIN;
#endif
}

/* AMD's family 25 is Zen 3 too, which has no AVX-512. */
bool cpu_is_zen4(void)
{
#if defined(__x86_64__) && defined(__linux__)
	enum { FAMILY = 0xff00f00, FAMILY_25 = 0xa00f00 };
	unsigned a, b, c, d;

	return runs(CPU_V4) && __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx &&
	       __get_cpuid(1, &a, &b, &c, &d) && (a & FAMILY) == FAMILY_25;
#else
	return false;
#endif
}

bool cpu_has(enum cpu_set s)
{
	assert(s < CPU_SETS);
	return built[s] && runs(s);
}

static enum cpu_set best(void)
{
	enum cpu_set s = CPU_V4BF16 - 1;

	while (s > CPU_PLAIN && !cpu_has(s))
		s--;
	return s;
}

static int refuse(const char *word, const char *what, struct reason *why)
{
	char all[64] = "";

	for (enum cpu_set s = 0; s < CPU_V4BF16; s++)
		if (cpu_has(s))
			snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s",
				 *all ? ", " : "", names[s]);
	return fail(why, ST_USAGE, "RLOOP_KERNELS: %s: %s (it has: %s)", word, what, all);
}

int cpu_choose(enum cpu_set *s, struct reason *why)
{
	const char *word = getenv("RLOOP_KERNELS");

	*s = best();
	if (!word || !*word)
		return 0;
	for (enum cpu_set t = 0; t < CPU_V4BF16; t++) {
		if (strcmp(word, names[t]) != 0)
			continue;
		if (!built[t])
			return refuse(word, "this program was built without it", why);
		if (!runs(t))
			return refuse(word, "this processor cannot run it", why);
		*s = t;
		return 0;
	}
	return refuse(word, "no such set of kernels", why);
}

/* How many bytes there are instructions for, whatever the set */
static int bytes_at_once(void)
{
#if defined(__x86_64__)
	bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");

	if (bits && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
	    __builtin_cpu_supports("bmi2"))
		return 64;
	return bits ? 32 : 16;
#else
	return 16;
#endif
}

int cpu_bytes(void)
{
	static _Atomic int known; /* 0: not yet asked */
	enum cpu_set set;
	int most;

	if (!known) {
		cpu_choose(&set, NULL);
		most = set < CPU_V3 ? 16 : set < CPU_V4 ? 32 : 64;
		known = most < bytes_at_once() ? most : bytes_at_once();
	}
	return known;
}
