/* templates.h: named chat templates of a folder, as a list in tokenizer_config.json. */
#include "scratch.h"

#include "policy/templates.h"

#include <jansson.h>

#include <sys/stat.h>

static const char *at(const char *dir, const char *name)
{
	char path[200];

	snprintf(path, sizeof path, "additional_chat_templates/%s", name);
	return scratch_path(dir, path);
}

static void put(const char *dir, const char *name, const char *text)
{
	FILE *f = fopen(at(dir, name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* config and jinja of a folder, then what they are: "" as jinja where it is gone */
static void gathers(const char *dir, const char *config, const char *jinja, const char *becomes,
		    const char *left)
{
	struct buf c = {0}, t = {0};
	struct reason why = {0};
	json_t *is, *want = json_loads(becomes, 0, NULL);

	buf_str(&c, config);
	buf_str(&t, jinja);
	assert_int_equal(templates_gather(dir, &c, &t, &why), 0);
	is = json_loadb(c.p, c.n, 0, NULL);
	if (!json_equal(is, want))
		fail_msg("%.*s, not %s", (int)c.n, c.p, becomes);
	assert_int_equal(t.n, strlen(left));
	json_decref(is);
	json_decref(want);
	buf_free(&c);
	buf_free(&t);
}

static void lists(void **state)
{
	const char *dir = scratch_new();

	(void)state;
	gathers(dir, "{\"a\": 1}", "x", "{\"a\": 1}", "x"); /* no folder */
	assert_int_equal(mkdir(at(dir, ""), 0777), 0);
	put(dir, "notes.md", "none");
	gathers(dir, "{\"a\": 1}", "x", "{\"a\": 1}", "x"); /* no template in it */
	put(dir, "tool_use.jinja", "T");
	put(dir, "b.jinja", "B");
#define REST "{\"name\":\"b\",\"template\":\"B\"},{\"name\":\"tool_use\",\"template\":\"T\"}]}"
	gathers(dir, "{\"a\":1}", "x",
		"{\"a\":1,\"chat_template\":[{\"name\":\"default\",\"template\":\"x\"}," REST, "");
	gathers(dir, "", "", "{\"chat_template\":[" REST, "");
	gathers(dir, "{\"model_max_length\":1000000000000000019884624838656}", "",
		"{\"model_max_length\":1000000000000000019884624838656.0,\"chat_template\":[" REST,
		"");
	gathers(dir, "{\"chat_template\":\"y\"}", "",
		"{\"chat_template\":[{\"name\":\"default\",\"template\":\"y\"}," REST, "");
	/* a file's counts before the one of its name in the list */
	gathers(dir,
		"{\"chat_template\":[{\"name\":\"b\",\"template\":\"old\"},{\"name\":\"default\","
		"\"template\":\"y\"}]}",
		"x",
		"{\"chat_template\":[{\"name\":\"b\",\"template\":\"B\"},{\"name\":\"default\","
		"\"template\":\"x\"},{\"name\":\"tool_use\",\"template\":\"T\"}]}",
		"");
	scratch_free(dir);
}

static void bad(void **state)
{
	const char *dir = scratch_new();
	struct buf c = {0}, t = {0};
	struct reason why = {0};
	char name[32];

	(void)state;
	assert_int_equal(mkdir(at(dir, ""), 0777), 0);
	put(dir, "a.jinja", "\xff");
	assert_int_equal(templates_gather(dir, &c, &t, &why), ST_INPUT);
	assert_says(&why, "a.jinja: not UTF-8");
	put(dir, "a.jinja", "");
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "t%d.jinja", i);
		put(dir, name, "x");
	}
	assert_int_equal(templates_gather(dir, &c, &t, &why), ST_INPUT);
	assert_says(&why, "more than 64 templates");
	buf_free(&c);
	buf_free(&t);
	scratch_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lists), cmocka_unit_test(bad)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
