/* cpu.c - what is said of sets of kernels, and which is taken. */
#include "base/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void choice(void **state)
{
	struct reason why;
	enum cpu_set s, last = CPU_PLAIN;

	(void)state;
	assert_true(cpu_has(CPU_PLAIN));
	for (enum cpu_set t = 0; t < CPU_V4BF16; t++) {
		last = cpu_has(t) ? t : last;
		setenv("RLOOP_KERNELS", cpu_name(t), 1);
		if (cpu_has(t)) {
			assert_int_equal(cpu_choose(&s, &why), 0);
			assert_int_equal(s, t);
		} else {
			assert_int_equal(cpu_choose(&s, &why), ST_USAGE);
			assert_non_null(strstr(why.text, cpu_name(t)));
		}
	}
	/* not by this variable, but by --compute bf16-vdp: it gives other bits */
	setenv("RLOOP_KERNELS", cpu_name(CPU_V4BF16), 1);
	assert_int_equal(cpu_choose(&s, &why), ST_USAGE);
	setenv("RLOOP_KERNELS", "plainer", 1);
	assert_int_equal(cpu_choose(&s, &why), ST_USAGE);
	assert_int_equal(s, last);
	assert_non_null(strstr(why.text, "plainer: no such set of kernels (it has: plain"));
	unsetenv("RLOOP_KERNELS");
	assert_int_equal(cpu_choose(&s, &why), 0);
	assert_int_equal(s, last);
}

/* As Linux says it */
static void zen4(void **state)
{
	char line[4096];
	bool amd = false, family = false, wide = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	(void)state;
	if (!f)
		skip();
	while (fgets(line, sizeof line, f) && *line != '\n') {
		amd |= !strcmp(line, "vendor_id\t: AuthenticAMD\n");
		family |= !strcmp(line, "cpu family\t: 25\n");
		wide |= strstr(line, " avx512vl ") != NULL;
	}
	fclose(f);
	assert_int_equal(cpu_is_zen4(), amd && family && wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(choice), cmocka_unit_test(zen4)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
