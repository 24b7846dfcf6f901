/* Tests of policy/modules.h: which layers target_modules names, and the adapters made of it. */
#include "policy/peft.h"

#include "scratch.h"

#include <math.h>

#define ATTN(n) "model.layers." #n ".self_attn."
#define MLP(n) "model.layers." #n ".mlp."

static void which_layers(void **state)
{
	static const struct {
		const char *keys, *layer;
		bool has;
	} rows[] = {
		{"\"target_modules\":[\"q_proj\"]", ATTN(3) "q_proj", true},
		{"\"target_modules\":[\"q_proj\"]", ATTN(3) "k_proj", false},
		{"\"target_modules\":[\"_proj\"]", ATTN(3) "k_proj", false},
		{"\"target_modules\":[\"self_attn.v_proj\",\"up_proj\"]", ATTN(0) "v_proj", true},
		{"\"target_modules\":[\"self_attn.v_proj\",\"up_proj\"]", MLP(0) "up_proj", true},
		{"\"target_modules\":[\"mlp.v_proj\"]", ATTN(0) "v_proj", false},
		{"\"target_modules\":[\"1.mlp.up_proj\"]", MLP(1) "up_proj", true},
		{"\"target_modules\":[\"1.mlp.up_proj\"]", MLP(11) "up_proj", false},
		{"\"target_modules\":[\"" MLP(1) "up_proj\"]", MLP(1) "up_proj", true},
		{"\"target_modules\":\".*\\\\.[qv]_proj\"", ATTN(5) "v_proj", true},
		{"\"target_modules\":\".*\\\\.[qv]_proj\"", ATTN(5) "k_proj", false},
		{"\"target_modules\":\"self_attn\"", ATTN(5) "k_proj", false},
		{"\"target_modules\":\"q_proj\"", ATTN(5) "q_proj", false},
		{"\"target_modules\":\"model\\\\.layers\\\\.(0|2)\\\\..*\"", MLP(2) "up_proj",
		 true},
		{"\"target_modules\":\"model\\\\.layers\\\\.(0|2)\\\\..*\"", MLP(1) "up_proj",
		 false},
		{"\"target_modules\":\"all-linear\"", MLP(1) "up_proj", true},
		{"\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1,12]",
		 ATTN(12) "q_proj", true},
		{"\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1,12]", ATTN(2) "q_proj",
		 false},
		{"\"target_modules\":[\"q_proj\"],\"layers_to_transform\":2,\"layers_pattern\":"
		 "\"layers\"",
		 ATTN(2) "q_proj", true},
		{"\"target_modules\":[\"q_proj\"],\"layers_to_transform\":null", ATTN(2) "q_proj",
		 true},
		{"\"target_modules\":\"(.*?.*?.*?.*?.*?.*?.*?.*?)*!\"", ATTN(2) "q_proj", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reason why = {0};
		char *text = NULL;
		struct modules *m;
		json_t *j;

		assert_true(asprintf(&text, "{%s}", rows[i].keys) > 0);
		j = json_loads(text, 0, NULL);
		m = modules_read(j, &why);
		if (!m)
			fail_msg("%s: %s", text, why.text);
		if (modules_has(m, rows[i].layer) != rows[i].has)
			fail_msg("%s: %s", text, rows[i].layer);
		modules_free(m);
		json_decref(j);
		free(text);
	}
}

/* The adapter that keys tell of, of a policy with three blocks; NULL: refused */
static struct lora *adapter(const char *keys, struct peft *p, struct reason *why)
{
	const struct config c = {
		.d = 4, .heads = 2, .kv_heads = 1, .head_dim = 2, .ffn = 6, .layers = 3};
	const char *dir = scratch_new();
	char text[1024];
	struct lora *l;

	snprintf(text, sizeof text,
		 "{\"peft_type\":\"LORA\",\"r\":4,\"base_model_name_or_path\":\"..\",%s}", keys);
	scratch_put(dir, PEFT_CONFIG, text, strlen(text));
	if (peft_read(p, dir, why))
		fail_msg("%s", why->text);
	l = peft_lora(p, &c, why);
	scratch_free(dir);
	return l;
}

static void adapters(void **state)
{
	struct reason why = {0};
	struct buf text = {0};
	struct peft p;
	struct lora *l;

	(void)state;
	l = adapter("\"lora_alpha\":6,\"use_rslora\":true,\"target_modules\":[\"" MLP(
			    1) "up_proj\","
			       "\"2.self_attn.q_proj\",\"k_proj\"]",
		    &p, &why);
	assert_true(fabs(l->alpha - 12) < 1e-12); /* 6 / sqrt(4) is 12 / 4 */
	assert_int_equal(l->n_w, 2 * (1 + 1 + 3));
	assert_int_equal(l->targets, 1 << LORA_Q | 1 << LORA_K | 1 << LORA_UP);
	assert_int_equal(l->width, 8);
	assert_int_equal(lora_group(l, 0, LORA_IN_QKV)->n, 1);
	assert_int_equal(lora_group(l, 0, LORA_IN_GU)->n, 0);
	assert_int_equal(lora_group(l, 1, LORA_IN_GU)->n, 1);
	assert_int_equal(lora_group(l, 2, LORA_IN_QKV)->n, 2);
	assert_string_equal(l->w[0].name, ATTN(0) "k_proj.lora_A.weight");
	lora_free(l);
	peft_text(&p, &text); /* as it was */
	assert_non_null(strstr(buf_cstr(&text), "\"2.self_attn.q_proj\""));
	assert_non_null(strstr(buf_cstr(&text), "\"use_rslora\": true"));
	buf_free(&text);
	peft_free(&p);
	assert_null(adapter("\"target_modules\":\"q_proj\"", &p, &why));
	assert_says(&why, "target_modules: the policy has no such layer");
	peft_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(which_layers),
					   cmocka_unit_test(adapters)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
