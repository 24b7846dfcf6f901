/* chat.h: where a template stands, what it is given, how its text ends. */
#include "scratch.h"

#include "base/file.h"
#include "chat/chat.h"

static struct buf text_of(const char *s)
{
	struct buf b = {0};

	buf_str(&b, s ? s : "");
	return b;
}

/* s: the texts of tokenizer_config.json, chat_template.jinja and chat_template.json */
static int open_files(struct chat *c, const char *const s[3], struct reason *why)
{
	struct buf b[3];
	const struct chat_files f = {&b[0], &b[1], &b[2]};
	int st;

	for (int i = 0; i < 3; i++)
		b[i] = text_of(s[i]);
	*c = (struct chat){0};
	st = chat_open(c, &f, why);
	for (int i = 0; i < 3; i++)
		buf_free(&b[i]);
	if (st)
		chat_free(c);
	return st;
}

static struct chat with(const char *template)
{
	const char *const files[3] = {"{\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</"
				      "s>\"},\"pad_token\":\"<p>\"}",
				      template};
	struct reason why;
	struct chat c;

	if (open_files(&c, files, &why))
		fail_msg("%s", why.text);
	return c;
}

static void renders(const struct chat *c, struct chat_ask a, const char *want)
{
	struct buf out = {0};
	struct reason why;

	buf_str(&out, "before:");
	if (chat_render(c, &a, &out, NULL, &why))
		fail_msg("%s", why.text);
	assert_string_equal(buf_cstr(&out) + 7, want);
	buf_free(&out);
}

static void refuses(const struct chat *c, struct chat_ask a, const char *says)
{
	struct buf out = {0};
	struct reason why = {0};

	assert_int_equal(chat_render(c, &a, &out, NULL, &why), ST_INPUT);
	assert_says(&why, says);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* ---- published templates, as Jinja2 rendered them ---- */

static char *dump(const json_t *j)
{
	return json_is_array(j) ? json_dumps(j, 0) : NULL;
}

static void one_golden(const json_t *j)
{
	json_t *args = json_object_get(j, "kwargs");
	char *messages = dump(json_object_get(args, "messages")), path[256], *rest;
	char *tools = dump(json_object_get(args, "tools"));
	bool asks = json_is_true(json_object_get(args, "add_generation_prompt"));
	struct buf source = {0};
	struct chat c;

	snprintf(path, sizeof path, "chat/%s", json_string_value(json_object_get(j, "template")));
	assert_int_equal(file_read(shared_data(path), 1 << 20, &source, NULL), 0);
	c = with(buf_cstr(&source));
	json_object_del(args, "messages");
	json_object_del(args, "tools");
	json_object_del(args, "add_generation_prompt");
	rest = json_dumps(args, 0);
	renders(&c, (struct chat_ask){messages, tools, rest, asks ? CHAT_ASK : CHAT_WHOLE, 0},
		json_string_value(json_object_get(j, "rendered")));
	chat_free(&c);
	buf_free(&source);
	free(messages);
	free(tools);
	free(rest);
}

static void goldens(void **state)
{
	struct span line;
	struct in in;
	int n = 0;

	(void)state;
	assert_int_equal(in_open(&in, shared_data("chat/goldens.jsonl"), NULL), 0);
	while (in_line(&in, 1 << 20, &line, NULL) == 1) {
		json_t *j = json_loadb(line.p, line.n, 0, NULL);

		one_golden(j);
		json_decref(j);
		n++;
	}
	assert_int_equal(n, 112);
	in_close(&in);
}

/* ---- where it stands ---- */

static const char question[] = "[{\"role\":\"user\",\"content\":\"1+1?\"}]";

static void places(void **state)
{
	static const char several[] =
		"{\"chat_template\":[{\"name\":\"rag\",\"template\":\"r\"},{\"name\":\"default\","
		"\"template\":\"d\"},{\"name\":\"tool_use\",\"template\":\"t\"}]}";
	static const struct {
		const char *files[3], *tools, *want;
	} cases[] = {
		{{"{\"chat_template\":\"c\"}"}, NULL, "c"},
		{{several}, NULL, "d"},
		{{several}, "[{}]", "t"},
		{{several, "j"}, "[{}]", "j"},
		{{"{\"chat_template\":\"c\"}", NULL, "{\"chat_template\":\"o\"}"}, NULL, "o"},
		{{"{}", "j", "{\"chat_template\":\"o\"}"}, NULL, "j"},
	};
	struct reason why;
	struct chat c;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (open_files(&c, cases[i].files, &why))
			fail_msg("%s", why.text);
		renders(&c, (struct chat_ask){.messages = question, .tools = cases[i].tools},
			cases[i].want);
		chat_free(&c);
	}
}

static void no_place(void **state)
{
	static const struct {
		const char *files[3], *says;
	} cases[] = {
		{{NULL}, "the policy has no chat template"},
		{{"{\"chat_template\":null}"}, "the policy has no chat template"},
		{{"{\"chat_template\":[]}"}, "the policy has no chat template"},
		{{"{"}, "tokenizer_config.json: line 1"},
		{{NULL, NULL, "{"}, "chat_template.json: line 1"},
		{{"{\"chat_template\":\"{{ x\"}"},
		 "the policy's chat template: line 1: a tag without"},
		{{"{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"{{\"}]}"},
		 "the policy's chat template tool_use: line 1"},
	};
	static const char only[] =
		"{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"t\"}]}";
	const char *const files[3] = {only};
	struct reason why;
	struct chat c;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(open_files(&c, cases[i].files, &why), ST_INPUT);
		assert_says(&why, cases[i].says);
	}
	assert_int_equal(open_files(&c, files, &why), 0);
	refuses(&c, (struct chat_ask){.messages = question}, "for tools only");
	renders(&c, (struct chat_ask){.messages = question, .tools = "[]"}, "t");
	chat_free(&c);
}

/* ---- what it is given ---- */

static void variables(void **state)
{
	struct chat c =
		with("{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ tools }}{{ documents }}"
		     "{{ add_generation_prompt }}{{ x }}{{ y is defined }}"
		     "{{ strftime_now('%d %b %Y') }}");
	struct chat_ask a = {.messages = question, .end = CHAT_ASK};
	struct reason why;

	(void)state;
	renders(&c, a, "<s></s><p>NoneNoneTrueFalse26 Jul 2024");
	assert_int_equal(chat_set(&c, "x=[1, {\"a\": null}]", &why), 0);
	a.tools = "[1]";
	a.end = CHAT_WHOLE;
	renders(&c, a, "<s></s><p>[1]NoneFalse[1, {'a': None}]False26 Jul 2024");
	/* the row's count before them, and before the tokens */
	a.args = "{\"x\":5,\"y\":null,\"bos_token\":\"b\",\"strftime_now\":\"2025-01-02 03:04\"}";
	renders(&c, a, "b</s><p>[1]NoneFalse5True02 Jan 2025");
	chat_free(&c);
}

static void arguments(void **state)
{
	static const struct {
		const char *arg, *says;
	} cases[] = {
		{"x", "NAME=JSON is wanted"},
		{"=1", "NAME=JSON is wanted"},
		{"x=a", "a text is written with quotes"},
		{"x=", "is no JSON"},
		{"messages=[]", "messages is no argument"},
	};
	struct chat c = with("{{ x }}");
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(chat_set(&c, cases[i].arg, &why), ST_USAGE);
		assert_says(&why, cases[i].says);
	}
	refuses(&c, (struct chat_ask){.messages = question, .args = "{\"tools\":1}"},
		"tools is no argument");
	refuses(&c, (struct chat_ask){.messages = question, .args = "[]"}, "is no object");
	refuses(&c, (struct chat_ask){.messages = question, .args = "{"}, "chat_template_kwargs");
	refuses(&c, (struct chat_ask){.messages = question, .tools = "["}, "tools");
	refuses(&c, (struct chat_ask){.messages = question, .args = "{\"strftime_now\":\"today\"}"},
		"strftime_now is no date");
	chat_free(&c);
}

static void messages(void **state)
{
	static const char calls[] =
		"[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"a\":null}]},"
		"{\"role\":\"assistant\",\"tool_calls\":[]},"
		"{\"role\":\"user\",\"content\":\"x\",\"name\":null,\"more\":{\"b\":null,\"c\":1}}"
		"]";
	struct chat c = with("{{ messages }}");

	(void)state;
	renders(&c, (struct chat_ask){.messages = calls},
		"[{'role': 'assistant', 'tool_calls': [{'a': None}], 'content': ''}, "
		"{'role': 'assistant', 'tool_calls': [], 'content': ''}, "
		"{'role': 'user', 'content': 'x', 'more': {'c': 1}}]");
	refuses(&c, (struct chat_ask){.messages = question, .steps = 3}, "more than 3 steps");
	refuses(&c, (struct chat_ask){.messages = "[]"}, "no messages");
	refuses(&c, (struct chat_ask){.messages = "{}"}, "no messages");
	refuses(&c, (struct chat_ask){.messages = "["}, "messages: line 1");
	refuses(&c, (struct chat_ask){.messages = "[{\"content\":\"x\"}]"}, "without a role");
	refuses(&c, (struct chat_ask){.messages = "[3]"}, "without a role");
	refuses(&c, (struct chat_ask){.messages = "[{\"role\":\"user\"}]"}, "without content");
	chat_free(&c);
	c = with("{{ raise_exception('only in turns') }}");
	refuses(&c, (struct chat_ask){.messages = question},
		"the policy's chat template: line 1: the template refuses: only in turns");
	chat_free(&c);
}

/* ---- how it ends ---- */

static void going_on(void **state)
{
	static const char talk[] = "[{\"role\":\"user\",\"content\":\"q\"},"
				   "{\"role\":\"assistant\",\"content\":\"so \"}]";
	static const char empty[] = "[{\"role\":\"assistant\",\"content\":\"\"}]";
	static const char in_parts[] =
		"[{\"role\":\"assistant\",\"content\":[{\"text\":\"a\"},{\"text\":\"b\"},{}]}]";
	struct chat c = with("{% for m in messages %}<{{ m.role }}>{{ m.content }}</>\n{% endfor %}"
			     "{{ '<assistant>' if add_generation_prompt }}");
	struct chat trim = with("{% for m in messages %}<{{ m.content | trim }}>{% endfor %}");
	struct chat parted = with("<{% for p in messages[0].content %}{{ p.text }}.{% endfor %}>");
	struct chat other = with("{% for m in messages %}<{{ m.content | length }}>{% endfor %}");

	(void)state;
	renders(&c, (struct chat_ask){.messages = talk, .end = CHAT_GO_ON},
		"<user>q</>\n<assistant>so ");
	renders(&c, (struct chat_ask){.messages = empty, .end = CHAT_GO_ON}, "<assistant>");
	renders(&c, (struct chat_ask){.messages = question, .end = CHAT_GO_ON}, "<user>1+1?");
	renders(&trim, (struct chat_ask){.messages = talk, .end = CHAT_GO_ON}, "<q><so");
	renders(&parted, (struct chat_ask){.messages = in_parts, .end = CHAT_GO_ON}, "<a.b");
	refuses(&other, (struct chat_ask){.messages = talk, .end = CHAT_GO_ON},
		"changes the last message's text");
	refuses(&c,
		(struct chat_ask){.messages = "[{\"role\":\"a\",\"content\":5}]",
				  .end = CHAT_GO_ON},
		"no text to go on with");
	chat_free(&c);
	chat_free(&trim);
	chat_free(&parted);
	chat_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goldens),   cmocka_unit_test(places),
		cmocka_unit_test(no_place),  cmocka_unit_test(variables),
		cmocka_unit_test(arguments), cmocka_unit_test(messages),
		cmocka_unit_test(going_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
