/* ggufarch.h: which row a family or a file is read as. */
#include "scratch.h"

#include "policy/ggufarch.h"

#include <fcntl.h>

/* A file of that architecture, with or without that key */
static void make(const char *path, const char *arch, const char *key)
{
	struct gguf_meta meta = {0};
	struct out o;

	gguf_put_string(&meta, "general.architecture", (struct span){arch, strlen(arch)});
	if (key)
		gguf_put_u32(&meta, key, 4);
	out_init(&o, open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666), path);
	assert_int_equal(gguf_write(&o, &meta, NULL, 0, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(out_close(&o, NULL), 0);
	buf_free(&meta.b);
}

static int read_as(const char *arch, const char *key, enum family *f, struct reason *why)
{
	const char *dir = scratch_new(), *path = scratch_path(dir, "x");
	const struct gguf_arch *a = NULL;
	struct gguf g;
	int st;

	make(path, arch, key);
	assert_int_equal(gguf_open(&g, path, NULL), 0);
	st = gguf_arch_read(&g, &a, why);
	*f = a ? a->family : FAMILIES;
	gguf_close(&g);
	scratch_free(dir);
	return st;
}

static void kinds(void **state)
{
	struct reason why = {0};
	enum family f;

	(void)state;
	assert_int_equal(read_as("llama", NULL, &f, &why), 0);
	assert_int_equal(f, FAMILY_LLAMA);
	assert_int_equal(read_as("olmo2", NULL, &f, &why), 0);
	assert_int_equal(f, FAMILY_OLMO2);
	assert_int_equal(read_as("olmo2", "olmo2.attention.sliding_window", &f, &why), 0);
	assert_int_equal(f, FAMILY_OLMO3);
	assert_int_equal(read_as("mamba", NULL, &f, &why), ST_INPUT);
	assert_says(&why, "architecture mamba is not supported, only llama, mistral3, qwen2");
	assert_says(&why, ", lfm2 and qwen35");
}

static void words(void **state)
{
	const struct gguf_arch *seed = gguf_arch_of(FAMILY_SEED_OSS);

	(void)state;
	assert_string_equal(gguf_arch_of(FAMILY_MISTRAL)->name, "llama");
	assert_string_equal(gguf_arch_of(FAMILY_QWEN3_5)->name, "qwen35");
	assert_string_equal(gguf_arch_key(seed, "block_count"), "seed_oss.block_count");
	assert_string_equal(gguf_arch_part(seed, PART_NORM2), "post_attention_norm");
	assert_string_equal(gguf_arch_part(gguf_arch_of(FAMILY_LLAMA), PART_NORM2), "ffn_norm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kinds), cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
