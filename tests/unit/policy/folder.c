/* Tests of policy/folder.h: what is said of folders that are no policies. */
#include "policy/policy.h"
#include "policy/folder.h"

#include "scratch.h"

static char dir[4096];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "%s", scratch_new());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_free(dir);
	return 0;
}

static void says_of(const char *path, const char *what)
{
	struct reason why = {0};
	struct policy p;

	assert_int_equal(policy_load(&p, path, 0, &why), ST_INPUT);
	assert_says(&why, what);
}

static void names(void **state)
{
	(void)state;
	assert_true(folder_is_name("some-one/Small_Model.v2"));
	assert_false(folder_is_name("model"));
	assert_false(folder_is_name("./model"));
	assert_false(folder_is_name("/some/model"));
	assert_false(folder_is_name("some/model/"));
	assert_false(folder_is_name("runs/a/b"));
	assert_false(folder_is_name("a b/c"));
	says_of("some-one/small-model", "hf download some-one/small-model --local-dir FOLDER");
	says_of("/nonexistent/x", "/nonexistent/x/config.json: no such file: not a policy folder");
}

static void other_forms(void **state)
{
	(void)state;
	scratch_put(dir, "params.json", "{}", 2);
	says_of(dir, "its maker's own layout");
	scratch_put(dir, "config.json", "version https://git-lfs.github.com/spec/v1\n", 43);
	scratch_put(dir, "tokenizer.json", "{}", 2);
	says_of(dir, "config.json: a pointer of Git LFS, not the file (git lfs pull");
	scratch_put(dir, "config.json", "{}", 2);
	unlink(scratch_path(dir, "tokenizer.json"));
	says_of(dir, "tokenizer.json: no such file: not a policy folder");
	scratch_put(dir, "tokenizer.model", "", 0);
	says_of(dir, "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(NEW)");
	says_of(scratch_path(dir, "config.json"), "config.json: a file: a policy is a folder");
	scratch_put(dir, "x.gguf", "GGUF\3\0\0\0", 8);
	says_of(scratch_path(dir, "x.gguf"), "x.gguf: a GGUF: policy-convert ");
	unlink(scratch_path(dir, "x.gguf"));
	assert_int_equal(symlink("gone", scratch_path(dir, "tokenizer.json")), 0);
	says_of(dir, "a link to a file that is gone");
}

static void weights(void **state)
{
	struct reason why = {0};

	(void)state;
	assert_int_equal(folder_lacks_weights(dir, &why), ST_INPUT);
	assert_says(&why, "model.safetensors: no such file: not a policy folder");
	scratch_put(dir, "pytorch_model.bin", "", 0);
	assert_int_equal(folder_lacks_weights(dir, &why), ST_INPUT);
	assert_says(&why, "pytorch_model.bin is not read: transformers writes it as safetensors");
	assert_false(folder_has_weights(dir));
	scratch_put(dir, "model.safetensors", "", 0);
	assert_true(folder_has_weights(dir));
}

/* Of several snapshots the one that refs/main names */
static void caches(void **state)
{
	static const char *const below[] = {"snapshots", "snapshots/0a1b", "snapshots/2c3d",
					    "refs"};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(mkdir(scratch_path(dir, below[i]), 0777), 0);
	says_of(dir, "/snapshots/0a1b");
	assert_int_equal(mkdir(scratch_path(dir, below[2]), 0777), 0);
	says_of(dir, "/snapshots/NAME, one of those there");
	assert_int_equal(mkdir(scratch_path(dir, below[3]), 0777), 0);
	scratch_put(dir, "refs/main", "2c3d", 4);
	says_of(dir, "a hub's cache: the policy is ");
	says_of(dir, "/snapshots/2c3d");
	unlink(scratch_path(dir, "refs/main"));
	for (int i = 3; i >= 0; i--)
		rmdir(scratch_path(dir, below[i]));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(names), TEST(other_forms), TEST(weights),
					   TEST(caches)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
