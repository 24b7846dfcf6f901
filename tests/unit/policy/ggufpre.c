/* ggufpre.h: what each name stands for is read by the tokenizer and is given that name again. */
#include "scratch.h"

#include "policy/ggufpre.h"
#include "tokenizer/pretok.h"

static json_t *file_of(const struct gguf_pre *p)
{
	return json_pack("{s:o, s:{s:b, s:[s]}}", "pre_tokenizer", gguf_pre_json(p), "model",
			 "ignore_merges", (int)p->whole_first, "merges", "a b");
}

static void each_name(void **state)
{
	/* with the one that is written for it */
	static const char *const names[][2] = {
		{"gpt-2", "gpt-2"},      {"smollm", "smollm"},      {"starcoder", "smollm"},
		{"refact", "smollm"},    {"qwen2", "qwen2"},        {"deepseek-r1-qwen", "qwen2"},
		{"stablelm2", "qwen2"},  {"qwen35", "qwen35"},      {"llama-bpe", "llama-bpe"},
		{"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"}, {"lfm2", "llama-bpe"},
		{"dbrx", "dbrx"},        {"smaug-bpe", "dbrx"},     {"tekken", "tekken"},
		{"gpt-4o", "gpt-4o"}};
	struct reason why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct gguf_pre *p =
			gguf_pre_find((struct span){names[i][0], strlen(names[i][0])});
		json_t *j;
		struct pretok *pre;

		assert_non_null(p);
		j = file_of(p);
		assert_non_null(gguf_pre_name(j));
		assert_string_equal(gguf_pre_name(j), names[i][1]);
		pre = pretok_new(json_object_get(j, "pre_tokenizer"), &why);
		if (!pre)
			fail_msg("%s: %s", names[i][0], why.text);
		pretok_free(pre);
		json_decref(j);
	}
	assert_null(gguf_pre_find((struct span){"no-such", 7}));
}

static const char *name_of(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);
	const char *name;

	assert_non_null(j);
	name = gguf_pre_name(j);
	json_decref(j);
	return name;
}

#define LEVEL(regex) "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" regex "}"
#define MODEL(more) ",\"model\":{\"merges\":[\"a b\"]" more "}}"

static void others(void **state)
{
	(void)state;
	assert_string_equal(name_of("{\"pre_tokenizer\":" LEVEL("true") MODEL("")), "gpt-2");
	assert_null(name_of("{\"pre_tokenizer\":" LEVEL("true") MODEL(",\"ignore_merges\":true")));
	assert_null(name_of("{\"pre_tokenizer\":" LEVEL("false") MODEL("")));
	/* without merges nothing depends on it */
	assert_string_equal(
		name_of("{\"pre_tokenizer\":" LEVEL("false") ",\"model\":{\"merges\":[]}}"),
		"gpt-2");
	assert_null(name_of("{\"pre_tokenizer\":{\"type\":\"ByteLevel\"}" MODEL("")));
	assert_null(name_of("{\"pre_tokenizer\":null" MODEL("")));
	/* the older way to write the pattern behind dbrx */
	assert_string_equal(
		name_of("{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
			"\"Split\","
			"\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"'(?i:[sdmt]|ll|ve|re)|"
			"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?+\\\\p{L}+|\\\\p{N}{1,3}| "
			"?[^\\\\s\\\\p{L}\\\\p{N}]++"
			"[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]|\\\\s+(?!\\\\S)|\\\\s+\"}}," LEVEL(
				"false") "]}" MODEL("")),
		"dbrx");
	assert_null(name_of(
		"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
		"\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"x\"}}," LEVEL(
			"false") "]}" MODEL("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_name), cmocka_unit_test(others)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
