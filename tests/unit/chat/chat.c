/*
 * chat.h: published templates are recognised and rendered as Jinja renders them, others refused.
 */
#include "scratch.h"

#include "base/mem.h"
#include "chat/chat.h"
#include "chat/filters.h"
#include "base/file.h"

#include <jansson.h>

static const struct buf none = {0};

static struct buf text_of(const char *s)
{
	struct buf b = {0};

	buf_str(&b, s);
	return b;
}

static int try_open(struct chat *c, const char *jinja, const char *bos, struct reason *why)
{
	struct buf config = {0}, template = text_of(jinja);
	int st;

	buf_printf(&config, "{\"bos_token\":\"%s\"}", bos);
	st = chat_open(c, &config, &template, why);
	buf_free(&config);
	buf_free(&template);
	return st;
}

static void renders(const struct chat *c, const char *messages, const char *tools, bool ask,
		    const char *want)
{
	struct buf out = {0};
	struct reason why;

	if (chat_render(c, messages, tools, ask, &out, &why))
		fail_msg("%s", why.text);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

/* ---- templates of the shared data ---- */

/* Texts that live until the program's end. */
static char **kept;
static size_t n_kept;

/* b's text; b is given up. */
static char *keep(struct buf *b)
{
	char *text = xstrdup(buf_cstr(b));

	buf_free(b);
	kept = xrealloc(kept, (n_kept + 1) * sizeof *kept);
	kept[n_kept++] = text;
	return text;
}

static int free_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_kept; i++)
		free(kept[i]);
	free(kept);
	return 0;
}

static char *read_shared(const char *name)
{
	struct buf b = {0};

	assert_int_equal(file_read(shared_data(name), 1 << 20, &b, NULL), 0);
	return keep(&b);
}

static char *dump(const json_t *j)
{
	return json_is_array(j) ? json_dumps(j, 0) : NULL;
}

static void goldens(void **state)
{
	struct in in;
	struct span line;
	int n = 0;

	(void)state;
	assert_int_equal(in_open(&in, shared_data("chat/goldens.jsonl"), NULL), 0);
	while (in_line(&in, 1 << 20, &line, NULL) == 1) {
		json_t *j = json_loadb(line.p, line.n, 0, NULL);
		const json_t *args = json_object_get(j, "kwargs");
		const char *bos = json_string_value(json_object_get(args, "bos_token"));
		char *messages = dump(json_object_get(args, "messages")), path[256];
		char *tools = dump(json_object_get(args, "tools"));
		struct reason why;
		struct chat c;

		snprintf(path, sizeof path, "chat/%s",
			 json_string_value(json_object_get(j, "template")));
		if (try_open(&c, read_shared(path), bos, &why))
			fail_msg("%s: %s", path, why.text);
		renders(&c, messages, tools,
			json_is_true(json_object_get(args, "add_generation_prompt")),
			json_string_value(json_object_get(j, "rendered")));
		chat_free(&c);
		free(messages);
		free(tools);
		json_decref(j);
		n++;
	}
	assert_int_equal(n, 112);
	in_close(&in);
}

/* text with from replaced by to: it must be there */
static char *edit(const char *text, const char *from, const char *to)
{
	struct buf b = {0};
	const char *p = strstr(text, from);

	if (!p)
		fail_msg("no \"%s\"", from);
	buf_add(&b, text, (size_t)(p - text));
	buf_str(&b, to);
	buf_str(&b, p + strlen(from));
	return keep(&b);
}

static void is_style(const char *template, enum chat_style style, const char *system)
{
	struct reason why;
	struct chat c;

	if (try_open(&c, template, "", &why))
		fail_msg("%s", why.text);
	assert_int_equal(c.style, style);
	assert_string_equal(buf_cstr(&c.system), system);
	chat_free(&c);
}

static void is_refused(const char *template)
{
	struct reason why;
	struct chat c;

	assert_int_equal(try_open(&c, template, "", &why), ST_INPUT);
	assert_says(&why, "the policy's chat template: ");
}

/* The system prompt may be another; anything else makes another template. */
static void variants(void **state)
{
	char *qwen = read_shared("chat/Qwen-Qwen2.5-7B-Instruct.jinja"), *math;
	char *llama = read_shared("chat/meta-llama-Llama-3.1-8B-Instruct.jinja");
	static const char theirs[] =
		"You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";
	static const char ours[] = "Put the answer within \\\\boxed{}.";

	(void)state;
	is_style(qwen, CHAT_QWEN2, theirs);
	math = edit(edit(qwen, theirs, ours), theirs, ours);
	is_style(math, CHAT_QWEN2, "Put the answer within \\boxed{}.");
	is_refused(edit(qwen, theirs, ours)); /* in one of two places only */
	is_style(edit(qwen, "message.role", "message['role']"), CHAT_QWEN2, theirs);
	is_refused(edit(qwen, "message.role + '\\n'", "message.role + '\\n\\n'"));
	is_refused(
		edit(qwen, "'<|im_start|>assistant\\n'", "'<|im_start|>assistant\\n<think>\\n'"));
	is_style(llama, CHAT_LLAMA31, "");
	is_style(edit(llama, "{#- System message + builtin tools #}", "{#- other #}"), CHAT_LLAMA31,
		 "");
	is_refused(edit(llama, "26 Jul 2024", "27 Jul 2024"));
	is_refused(edit(llama, "message['content'] | trim", "message['content']"));
	is_style(read_shared("chat/SmolLM2-Instruct.jinja"), CHAT_CHATML,
		 "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
	is_style(read_shared("chat/chatml.jinja"), CHAT_CHATML, "");
}

/* minimind's template is Qwen3's but for how it treats thoughts. */
static void qwen3(void **state)
{
	static const char after[] =
		"{%- if loop.index0 > ns.last_query_index %}\n"
		"{%- if loop.last or (not loop.last and reasoning_content) %}\n"
		"{{- '<|im_start|>' + message.role + '\\n<think>\\n' + "
		"reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}\n"
		"{%- else %}{{- '<|im_start|>' + message.role + '\\n' + content }}{%- endif %}\n"
		"{%- else %}{{- '<|im_start|>' + message.role + '\\n' + content }}{%- endif %}";
	static const char before[] =
		"{%- if true %}\n"
		"            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + "
		"reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}\n"
		"        {%- endif %}";
	char *config = read_shared("tokenizers/minimind/tokenizer_config.json"), *text;
	json_t *j = json_loads(config, 0, NULL);
	const char *theirs = json_string_value(json_object_get(j, "chat_template"));

	(void)state;
	is_refused(theirs);
	text = edit(theirs, before, after);
	is_refused(text);
	text = edit(text, "open_thinking is defined and open_thinking is true",
		    "enable_thinking is defined and enable_thinking is false");
	text = edit(text, "{{- '<think>\\n' }}\n    {%- else %}\n", "");
	is_style(text, CHAT_QWEN3, "");
	json_decref(j);
}

/* ---- templates of our own, where to find one ---- */

static const char chatml[] =
	"{%- for message in messages -%}\n"
	"    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}\n"
	"{%- endfor -%}\n"
	"{%- if add_generation_prompt -%}{{- \"<|im_start|>assistant\\n\" -}}{%- endif -%}\n";
static const char ask[] = "[{\"role\":\"user\",\"content\":\"1+1?\"}]";
static const char asked[] = "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n";

/* Reads j as tokenizer_config.json, which is given up. */
static int open_config(struct chat *c, json_t *j, const char *jinja, struct reason *why)
{
	char *text = json_dumps(j, 0);
	struct buf config = text_of(text), file = jinja ? text_of(jinja) : none;
	int st = chat_open(c, &config, &file, why);

	buf_free(&config);
	buf_free(&file);
	free(text);
	json_decref(j);
	return st;
}

static void places(void **state)
{
	struct chat c;
	struct reason why;

	(void)state;
	assert_int_equal(open_config(&c, json_pack("{s:s}", "chat_template", chatml), NULL, &why),
			 0);
	renders(&c, ask, NULL, true, asked);
	chat_free(&c);
	/* several: the one named default */
	assert_int_equal(
		open_config(&c,
			    json_pack("{s:[{s:s,s:s},{s:s,s:s}]}", "chat_template", "name", "rag",
				      "template", "{{ x }}", "name", "default", "template", chatml),
			    NULL, &why),
		0);
	renders(&c, ask, NULL, true, asked);
	chat_free(&c);
	/* the file counts more */
	assert_int_equal(
		open_config(&c, json_pack("{s:s}", "chat_template", "{{ x }}"), chatml, &why), 0);
	chat_free(&c);
	assert_int_equal(chat_open(&c, &none, &none, &why), ST_INPUT);
	assert_says(&why, "the policy has no chat template");
	assert_int_equal(open_config(&c, json_pack("{s:n}", "chat_template"), NULL, &why),
			 ST_INPUT);
	assert_says(&why, "the policy has no chat template");
	assert_int_equal(open_config(&c, json_pack("{s:s}", "chat_template", "{{ x"), NULL, &why),
			 ST_INPUT);
	assert_says(&why, "the policy's chat template: a tag without an end");
	is_refused("{{ x }}");
	is_refused("{# nothing #}");
}

static void bos(void **state)
{
	struct chat c;

	(void)state;
	assert_int_equal(open_config(&c,
				     json_pack("{s:s,s:{s:s}}", "chat_template", chatml,
					       "bos_token", "content", "<s>"),
				     NULL, NULL),
			 0);
	assert_string_equal(buf_cstr(&c.bos), "<s>");
	chat_free(&c);
}

/* ---- rendering, against what Jinja made of the published templates ---- */

static const char talk[] =
	"[{\"role\":\"system\",\"content\":\" Be "
	"brief.\\n\"},{\"role\":\"user\",\"content\":\"1+1?\"},"
	"{\"role\":\"assistant\",\"content\":\"<think>\\nsum\\n</think>\\n\\n2\"},"
	"{\"role\":\"user\",\"content\":\" 2+2? \"}]";

static void thoughts_are_dropped(void **state)
{
	struct chat c = {.style = CHAT_QWEN3, .think = ""};

	(void)state;
	renders(&c, talk, NULL, true,
		"<|im_start|>system\n Be brief.\n<|im_end|>\n<|im_start|>user\n1+1?<|im_end|>\n"
		"<|im_start|>assistant\n2<|im_end|>\n<|im_start|>user\n 2+2? <|im_end|>\n"
		"<|im_start|>assistant\n");
	/* but for those after the last question */
	renders(&c,
		"[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":"
		"\"\\n<think>x</think>\\n\\ny\"}]",
		NULL, false,
		"<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\nx\n</think>\n\ny"
		"<|im_end|>\n");
}

/* Which message is the last question; as jinja2 renders Qwen3's template */
static void the_last_question(void **state)
{
	static const char *const cases[][2] = {
		{"[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"<"
		 "think>\\nt\\n</"
		 "think>\\n\\n\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{"
		 "\"x\":1}}},{\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"y\\\": "
		 "2}\"}}]},{\"role\":\"tool\",\"content\":\"5\"},{\"role\":\"tool\",\"content\":"
		 "\"6\"},{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":"
		 "\"\\nr\\n\"}]",
		 "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\nt\n</"
		 "think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": "
		 "1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": {\"y\": "
		 "2}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n5\n</"
		 "tool_response>\n<tool_response>\n6\n</"
		 "tool_response><|im_end|>\n<|im_start|>assistant\n<think>\nr\n</"
		 "think>\n\na<|im_end|>\n"},
		{"[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"c\","
		 "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]},{"
		 "\"role\":\"user\",\"content\":\"<tool_response>\\n5\\n</"
		 "tool_response>\"},{\"role\":\"assistant\",\"content\":\"a\"}]",
		 "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nc\n<tool_call>\n{\"name\": "
		 "\"f\", \"arguments\": {\"x\": "
		 "1}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n5\n</"
		 "tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n\n</"
		 "think>\n\na<|im_end|>\n"},
		{"[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"c\"}"
		 ",{\"role\":\"user\",\"content\":\"<tool_response>5\"},{\"role\":\"assistant\","
		 "\"content\":\"a\"}]",
		 "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n<|im_start|>"
		 "user\n<tool_response>5<|im_end|>\n<|im_start|>assistant\n<think>\n\n</"
		 "think>\n\na<|im_end|>\n"},
		{"[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"c\"}"
		 ",{\"role\":\"user\",\"content\":\"5</"
		 "tool_response>\"},{\"role\":\"assistant\",\"content\":\"a\"}]",
		 "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n<|im_start|>"
		 "user\n5</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n\n</"
		 "think>\n\na<|im_end|>\n"},
		{"[{\"role\":\"system\",\"content\":\"sys\"},{\"role\":\"user\",\"content\":\"<"
		 "tool_response>\\n5\\n</"
		 "tool_response>\"},{\"role\":\"assistant\",\"content\":\"a\"}]",
		 "<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\n<tool_response>\n5\n</"
		 "tool_response><|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"},
	};
	struct chat c = {.style = CHAT_QWEN3, .think = ""};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		renders(&c, cases[i][0], NULL, false, cases[i][1]);
}

static void calls(void **state)
{
	static const char messages[] =
		"[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":"
		"\"a</"
		"think>b\",\"reasoning_content\":\"r\\n\",\"tool_calls\":[{\"type\":\"function\","
		"\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1.5}}},{\"name\":\"g\","
		"\"arguments\":\"{}\"}]},{\"role\":\"tool\",\"content\":\"5\"},"
		"{\"role\":\"tool\",\"content\":\"6\"}]";
	struct chat c = {.style = CHAT_QWEN3, .think = ""};
	struct buf out = {0};
	struct reason why;

	(void)state;
	renders(&c, messages, NULL, true,
		"<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\nr\n</think>\n\n"
		"a</think>b\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": "
		"1.5}}\n</tool_call>"
		"\n<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call><|im_end|>\n"
		"<|im_start|>user\n<tool_response>\n5\n</tool_response>\n<tool_response>\n6\n"
		"</tool_response><|im_end|>\n<|im_start|>assistant\n");
	c.style = CHAT_LLAMA31;
	assert_int_equal(chat_render(&c, messages, NULL, true, &out, &why), ST_INPUT);
	assert_says(&why, "one tool call in a message");
	assert_int_equal(out.n, 0);
	c.style = CHAT_DEEPSEEK;
	assert_int_equal(chat_render(&c, messages, NULL, true, &out, &why), ST_INPUT);
	assert_says(&why, "tools are not supported");
	buf_free(&out);
}

static void llama3(void **state)
{
	struct chat c = {.style = CHAT_LLAMA3, .think = "", .bos = text_of("<B>")};

	(void)state;
	renders(&c, talk, NULL, true,
		"<B><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
		"<|start_header_id|>user<|end_header_id|>\n\n1+1?<|eot_id|>"
		"<|start_header_id|>assistant<|end_header_id|>\n\n<think>\nsum\n</"
		"think>\n\n2<|eot_id|>"
		"<|start_header_id|>user<|end_header_id|>\n\n2+2?<|eot_id|>"
		"<|start_header_id|>assistant<|end_header_id|>\n\n");
	chat_free(&c);
}

static void deepseek(void **state)
{
	struct chat c = {.style = CHAT_DEEPSEEK, .think = "<think>\n", .bos = text_of("<B>")};

	(void)state;
	renders(&c, talk, NULL, true,
		"<B> Be brief.\n<｜User｜>1+1?<｜Assistant｜>\n\n2<｜end▁of▁sentence｜>"
		"<｜User｜> 2+2? <｜Assistant｜><think>\n");
	renders(&c, "[{\"role\":\"user\",\"content\":\"x\"}]", NULL, false, "<B><｜User｜>x");
	chat_free(&c);
}

static void refused(void **state)
{
	static const char *const bad[] = {"[]",
					  "[{\"role\":\"user\"}]",
					  "[{\"content\":\"x\"}]",
					  "[{\"role\":\"user\",\"content\":[]}]",
					  "{}",
					  "[",
					  "[3]"};
	struct chat c = {.style = CHAT_CHATML, .think = ""};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(chat_render(&c, bad[i], NULL, true, &out, NULL), ST_INPUT);
	assert_int_equal(chat_render(&c, ask, "[", true, &out, NULL), ST_INPUT);
	assert_int_equal(out.n, 0);
	buf_free(&out);
}

/* ---- filters ---- */

static void trims(const char *s, const char *want)
{
	struct span got = filter_trim((struct span){s, strlen(s)});

	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void trim(void **state)
{
	(void)state;
	trims("", "");
	trims(" \t\n\v\f\r\x1c\x1f a b ", "a b");
	trims("\xc2\x85\xc2\xa0\xe1\x9a\x80\xe2\x80\x80x\xe2\x80\x8a\xe2\x80\xa8\xe3\x80\x80", "x");
	trims("\xe2\x80\x8b x \xe2\x80\x8b",
	      "\xe2\x80\x8b x \xe2\x80\x8b"); /* U+200B is no space */
	trims("\xe3\x80\x80", "");
	trims("\x08", "\x08");
}

static void tojson(void **state)
{
	static const char text[] =
		"{\"a\": [1, -2.5, true, null, \"\xc3\xa9\\n\\\"\\u0001/\"], \"b\": {}, \"c\": [], "
		"\"d\": {\"e\": [[]]}}";
	json_t *j = json_loads(text, 0, NULL);
	struct buf b = {0};

	(void)state;
	filter_tojson(&b, j, false);
	assert_string_equal(buf_cstr(&b), text);
	buf_reset(&b);
	filter_tojson(&b, json_object_get(j, "d"), true);
	assert_string_equal(buf_cstr(&b), "{\n    \"e\": [\n        []\n    ]\n}");
	buf_free(&b);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goldens),
		cmocka_unit_test(variants),
		cmocka_unit_test(qwen3),
		cmocka_unit_test(places),
		cmocka_unit_test(bos),
		cmocka_unit_test(thoughts_are_dropped),
		cmocka_unit_test(the_last_question),
		cmocka_unit_test(calls),
		cmocka_unit_test(llama3),
		cmocka_unit_test(deepseek),
		cmocka_unit_test(refused),
		cmocka_unit_test(trim),
		cmocka_unit_test(tojson),
	};

	return cmocka_run_group_tests(tests, NULL, free_kept);
}
