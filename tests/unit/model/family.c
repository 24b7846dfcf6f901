/* family.h: the words, the rows and the parts agree. */
#include "model/family.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void words(void **state)
{
	char all[1024] = "";
	enum family f = FAMILIES;

	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		const struct family_row *row = family_row((enum family)i);

		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? "|" : "",
			 row->name);
		assert_true(family_find(row->name, &f) && f == (enum family)i);
		assert_true(row->architecture && row->eps_key && row->eps > 0);
		assert_true(row->act_key && row->act_words);
	}
	assert_string_equal(all, FAMILY_WORDS);
	assert_false(family_find("gpt2", &f) || family_find("", &f));
}

/* What every layer needs, in one way or the other */
static void parts(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILIES; i++) {
		enum family f = (enum family)i;
		bool gate = act_inputs(family_row(f)->act) == 2;

		assert_true(!family_part(f, PART_QKV) == !!family_part(f, PART_Q));
		assert_true(!family_part(f, PART_Q) == !family_part(f, PART_K));
		assert_true(!family_part(f, PART_Q) == !family_part(f, PART_V));
		assert_true(family_part(f, PART_O) && family_part(f, PART_DOWN));
		assert_true(family_part(f, PART_GU) ||
			    (family_part(f, PART_UP) && gate == !!family_part(f, PART_GATE)));
		assert_true(family_part(f, PART_NORM1) || family_part(f, PART_NORM1_OUT));
		assert_true(!family_part(f, PART_NORM1_OUT) == !family_part(f, PART_NORM2_OUT));
	}
	assert_string_equal(family_part(FAMILY_LLAMA, PART_O), "self_attn.o_proj");
	assert_null(family_part(FAMILY_OLMO2, PART_NORM1));
	assert_string_equal(family_part(FAMILY_PHI3, PART_GU), "mlp.gate_up_proj");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(parts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
