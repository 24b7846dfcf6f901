/* Tests of policy/peft.h: what adapter_config.json may say, and what is refused by name. */
#include "policy/peft.h"

#include "scratch.h"

static const char *dir;

static int setup(void **state)
{
	(void)state;
	dir = scratch_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_free(dir);
	return 0;
}

#define BASE "\"peft_type\":\"LORA\",\"base_model_name_or_path\":\".\""
#define TARGETS ",\"target_modules\":[\"q_proj\"]"

/* Reads a file of these keys. */
static int read_of(struct peft *p, const char *keys, struct reason *why)
{
	char text[4096];

	snprintf(text, sizeof text, "{%s}", keys);
	scratch_put(dir, PEFT_CONFIG, text, strlen(text));
	return peft_read(p, dir, why);
}

static void refused(void **state)
{
	static const char *const cases[][2] = {
		{"\"peft_type\":\"IA3\"", "peft_type"},
		{BASE TARGETS, "r: missing"},
		{BASE TARGETS ",\"r\":0", "r: 0 is not within"},
		{BASE TARGETS ",\"r\":2.5", "r: 2.5 is not an integer"},
		{BASE TARGETS ",\"r\":\"2\"", "r: \"2\" is not an integer"},
		{BASE TARGETS ",\"r\":2,\"lora_alpha\":0", "lora_alpha: 0 is not above 0"},
		{BASE TARGETS ",\"r\":2,\"lora_alpha\":-1", "lora_alpha: -1 is not above 0"},
		{BASE TARGETS ",\"r\":2,\"lora_alpha\":\"x\"", "lora_alpha"},
		{BASE TARGETS ",\"r\":2,\"use_dora\":true", "use_dora: true is not supported"},
		{BASE TARGETS ",\"r\":2,\"rank_pattern\":{\"q\":3}", "rank_pattern"},
		{BASE TARGETS ",\"r\":2,\"modules_to_save\":[\"lm_head\"]", "modules_to_save"},
		{BASE TARGETS ",\"r\":2,\"new_key\":\"x\"", "new_key"},
		{BASE TARGETS ",\"r\":2,\"bias\":\"all\"", "bias"},
		{BASE TARGETS ",\"r\":2,\"init_lora_weights\":\"pissa\"", "init_lora_weights"},
		{BASE TARGETS ",\"r\":2,\"task_type\":\"SEQ_CLS\"", "task_type"},
		{BASE ",\"r\":2", "target_modules: missing"},
		{BASE ",\"r\":2,\"target_modules\":[]", "target_modules"},
		{BASE ",\"r\":2,\"target_modules\":\"(q_proj\"",
		 "target_modules: \"(q_proj\": missing closing parenthesis"},
		{BASE ",\"r\":2,\"target_modules\":[\"\"]", "target_modules"},
		{BASE ",\"r\":2,\"target_modules\":[\"mlp.q_proj.x\"]", "mlp.q_proj.x"},
		{BASE TARGETS ",\"r\":2,\"use_rslora\":1", "use_rslora: 1 is not true or false"},
		{BASE TARGETS ",\"r\":2,\"layers_to_transform\":[-1]", "layers_to_transform"},
		{BASE TARGETS ",\"r\":2,\"layers_pattern\":\"h\"", "layers_pattern"},
		{BASE ",\"r\":2,\"target_modules\":\".*\",\"layers_to_transform\":[0]",
		 "goes with a list"},
		{BASE ",\"r\":2,\"target_modules\":{\"q_proj\":1}", "target_modules"},
		{BASE ",\"r\":2,\"target_modules\":[5]", "target_modules"},
		{BASE ",\"r\":2,\"target_modules\":[\"lm_head\"]", "lm_head"},
		{"\"peft_type\":\"LORA\",\"r\":2" TARGETS, "base_model_name_or_path is missing"},
		{"\"peft_type\":\"LORA\",\"base_model_name_or_path\":\"\",\"r\":2" TARGETS,
		 "base_model_name_or_path is missing"},
		{"\"peft_type\":\"LORA\",\"base_model_name_or_path\":\"/"
		 "nonexistent\",\"r\":2" TARGETS,
		 "there is no policy folder /nonexistent"},
		{BASE TARGETS ",\"r\":2", "is an adapter itself"},
		{BASE TARGETS ",\"r\":2,\"r\":3", "duplicate"},
	};
	struct peft p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct reason why = {0};

		if (read_of(&p, cases[i][0], &why) != ST_INPUT)
			fail_msg("%s: accepted, or not as bad input: %s", cases[i][0], why.text);
		assert_says(&why, PEFT_CONFIG ": ");
		assert_says(&why, cases[i][1]);
		assert_true(!p.base && !p.json.n);
	}
}

/* The base is the folder above, which is no adapter. */
#define ABOVE "\"peft_type\":\"LORA\",\"base_model_name_or_path\":\"..\",\"r\":2"

static void accepted(void **state)
{
	static const struct {
		const char *keys;
		double alpha;
		unsigned targets;
	} cases[] = {
		{ABOVE ",\"target_modules\":\"all-linear\"", 8, LORA_ALL},
		{ABOVE ",\"lora_alpha\":0.5,\"target_modules\":[\"q_proj\",\"q_proj\"]", 0.5, 1},
		{ABOVE TARGETS ",\"use_dora\":false,\"rank_pattern\":{},\"modules_to_save\":[],"
			       "\"layers_pattern\":null,\"lora_dropout\":0.1",
		 8, 1},
	};
	struct reason why;
	struct peft p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (read_of(&p, cases[i].keys, &why))
			fail_msg("%s: %s", cases[i].keys, why.text);
		assert_true(p.r == 2 && p.alpha == cases[i].alpha);
		assert_int_equal(p.targets, cases[i].targets);
		peft_free(&p);
	}
}

static void lists(void **state)
{
	static const char *const bad[] = {"", ",", "q_proj,", "q_proj,,v_proj", "proj", "q_projs"};
	unsigned targets = 0;
	struct reason why;

	(void)state;
	assert_int_equal(peft_targets("q_proj,v_proj", &targets, &why), 0);
	assert_int_equal(targets, 1 << 0 | 1 << 2);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(peft_targets(bad[i], &targets, &why), ST_INPUT);
		assert_says(&why, "is none of q_proj, k_proj, v_proj");
	}
}

/* What is written is read again, also where alpha is no whole number. */
static void fresh(void **state)
{
	static char above[] = "..";
	const double alphas[] = {16, 0.75};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct peft p = {.base = above, .r = 3, .alpha = alphas[i], .targets = 5}, back;
		struct buf text = {0};
		struct reason why;

		peft_text(&p, &text);
		scratch_put(dir, PEFT_CONFIG, text.p, text.n);
		if (peft_read(&back, dir, &why))
			fail_msg("%s", why.text);
		assert_true(back.r == 3 && back.alpha == alphas[i] && back.targets == 5);
		peft_free(&back);
		buf_free(&text);
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(refused), TEST(accepted), TEST(lists), TEST(fresh)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
