/* What servers answer, each form of it; and what is no answer. */
#include "ask/choices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct choices c;
static struct reason why;

static int reads(const char *body, int64_t most, bool chat, const struct opt_list *stop)
{
	struct choices_want w = {.most = most, .chat = chat, .stop = stop};

	choices_free(&c);
	return choices_read(&c, (struct span){body, strlen(body)}, &w, &why);
}

static void is_choice(size_t i, int64_t index, const char *text, enum choice_end end)
{
	assert_true(i < c.n);
	assert_int_equal(c.v[i].index, index);
	assert_true(span_is(c.v[i].text, text));
	assert_int_equal(c.v[i].end, end);
}

static void test_texts(void **state)
{
	(void)state;
	assert_int_equal(
		reads("{\"choices\":[{\"index\":1,\"text\":\"b\",\"finish_reason\":\"length\"},"
		      "{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}],\"model\":\"m\"}",
		      2, false, NULL),
		0);
	is_choice(0, 1, "b", CHOICE_LENGTH);
	is_choice(1, 0, "", CHOICE_STOP);
	assert_int_equal(reads("{\"choices\":[{\"message\":{\"content\":\"\\u65e5\\u0000x\"},"
			       "\"finish_reason\":\"stop\"},{\"index\":5}]}",
			       1, true, NULL),
			 0);
	assert_int_equal(c.n, 1); /* more than asked for are left */
	assert_int_equal(c.v[0].text.n, 5);
	assert_memory_equal(c.v[0].text.p, "\xe6\x97\xa5\0x", 5);
}

static void test_thoughts(void **state)
{
	(void)state;
	assert_int_equal(
		reads("{\"choices\":[{\"message\":{\"content\":\"4\",\"reasoning_content\":\"2 and "
		      "2\"},\"finish_reason\":\"stop\"}]}",
		      1, true, NULL),
		0);
	is_choice(0, 0, "<think>2 and 2</think>4", CHOICE_STOP);
	assert_int_equal(reads("{\"choices\":[{\"message\":{\"content\":null,\"reasoning\":\"2\"},"
			       "\"finish_reason\":\"length\"}]}",
			       1, true, NULL),
			 0);
	is_choice(0, 0, "<think>2", CHOICE_LENGTH);
	assert_int_equal(
		reads("{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
		      "{\"type\":\"text\",\"text\":\"b\"}]},\"finish_reason\":\"stop\"}]}",
		      1, true, NULL),
		0);
	is_choice(0, 0, "ab", CHOICE_STOP);
}

static void end_is(const char *keys, const char *text, enum choice_end end)
{
	static const char *const stops[] = {"END", "\n\n"};
	const struct opt_list list = {(const char **)(const void *)stops, 2};
	struct buf b = {0};

	buf_printf(&b, "{\"choices\":[{\"text\":\"one END two\",%s}]}", keys);
	assert_int_equal(reads(buf_cstr(&b), 1, false, &list), 0);
	is_choice(0, 0, "one ", CHOICE_STRING);
	buf_reset(&b);
	buf_printf(&b, "{\"choices\":[{\"text\":\"%s\",%s}]}", text, keys);
	assert_int_equal(reads(buf_cstr(&b), 1, false, &list), 0);
	is_choice(0, 0, text, end);
	buf_free(&b);
}

/* "stop" alone may be either; vLLM's stop_reason and SGLang's matched_stop tell. */
static void test_stops(void **state)
{
	(void)state;
	end_is("\"finish_reason\":\"stop\"", "x", CHOICE_STRING);
	end_is("\"finish_reason\":\"stop\",\"stop_reason\":null", "x", CHOICE_STOP);
	end_is("\"finish_reason\":\"stop\",\"stop_reason\":\"END\"", "x", CHOICE_STRING);
	end_is("\"finish_reason\":\"stop\",\"stop_reason\":151645", "x", CHOICE_STOP);
	end_is("\"finish_reason\":\"stop\",\"matched_stop\":2", "x", CHOICE_STOP);
	end_is("\"finish_reason\":\"stop\",\"matched_stop\":\"END\"", "x", CHOICE_STRING);
	end_is("\"finish_reason\":\"length\"", "x", CHOICE_LENGTH);
}

static void ends(const char *finish, enum choice_end end, const char *said)
{
	struct buf b = {0};

	buf_printf(&b, "{\"choices\":[{\"message\":{\"content\":\"x\"}%s}]}", finish);
	assert_int_equal(reads(buf_cstr(&b), 1, true, NULL), 0);
	assert_int_equal(c.v[0].end, end);
	assert_string_equal(c.v[0].said, said);
	buf_free(&b);
}

static void test_no_samples(void **state)
{
	(void)state;
	ends("", CHOICE_BROKEN, "no finish_reason");
	ends(",\"finish_reason\":null", CHOICE_BROKEN, "no finish_reason");
	ends(",\"finish_reason\":\"abort\"", CHOICE_BROKEN, "abort");
	ends(",\"finish_reason\":\"error\"", CHOICE_BROKEN, "error");
	ends(",\"finish_reason\":\"tool_calls\"", CHOICE_OTHER, "tool_calls");
	ends(",\"finish_reason\":\"content_filter\"", CHOICE_OTHER, "content_filter");
	ends(",\"finish_reason\":\"repetition\"", CHOICE_OTHER, "repetition");
	assert_int_equal(
		reads("{\"choices\":[{\"text\":null,\"finish_reason\":\"stop\"}]}", 1, false, NULL),
		0);
	assert_string_equal(c.v[0].said, "no text");
}

/* Ids of choice, of llama-server's entries, in vLLM's names of tokens */
static void test_tokens(void **state)
{
	static const uint32_t ids[] = {7, 2};
	static const float logs[] = {-0.5F, -1};
	static const char *const bodies[] = {
		"{\"prompt_token_ids\":[1,5],\"choices\":[{\"text\":\"a\",\"finish_reason\":"
		"\"stop\","
		"\"token_ids\":[7,2],\"logprobs\":{\"token_logprobs\":[-0.5,-1],\"tokens\":[\"\","
		"\"\"],\"text_offset\":[3,3],\"top_logprobs\":[{\"\":-1},{\"\":-0.5}]}}]}",
		"{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\",\"prompt_token_ids\":[1,"
		"5],\"logprobs\":{\"content\":[{\"id\":7,\"token\":\"a\",\"bytes\":[97],"
		"\"logprob\":-0.5},{\"id\":2,\"logprob\":-1}]}}]}",
		"{\"prompt_token_ids\":[1,5],\"choices\":[{\"text\":\"a\",\"finish_reason\":"
		"\"stop\","
		"\"logprobs\":{\"token_logprobs\":[-0.5,-1],\"tokens\":[\"token_id:7\","
		"\"token_id:2\"]}}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		assert_int_equal(reads(bodies[i], 1, false, NULL), 0);
		assert_int_equal(c.v[0].n_prompt_ids, 2);
		assert_int_equal(c.v[0].prompt_ids[1], 5);
		assert_int_equal(c.v[0].n_ids, 2);
		assert_memory_equal(c.v[0].ids, ids, sizeof ids);
		assert_memory_equal(c.v[0].logprobs, logs, sizeof logs);
		assert_null(c.v[0].no_logs);
	}
}

static void no_logs(const char *keys, const char *text)
{
	struct buf b = {0};

	buf_printf(&b, "{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\",%s}]}", keys);
	assert_int_equal(reads(buf_cstr(&b), 1, false, NULL), 0);
	assert_null(c.v[0].logprobs);
	if (text)
		assert_non_null(strstr(c.v[0].no_logs, text));
	else
		assert_null(c.v[0].no_logs);
	buf_free(&b);
}

static void test_no_logprobs(void **state)
{
	(void)state;
	no_logs("\"logprobs\":null", NULL);
	no_logs("\"logprobs\":{}", NULL);
	no_logs("\"token_ids\":[1]", NULL);
	no_logs("\"logprobs\":{\"token_logprobs\":[-1],\"tokens\":[\"a\"]}", "no token ids");
	no_logs("\"token_ids\":[1,2],\"logprobs\":{\"token_logprobs\":[-1]}", "other numbers");
	no_logs("\"token_ids\":[1],\"logprobs\":{\"token_logprobs\":[null]}", "no logarithm");
	no_logs("\"token_ids\":[1],\"logprobs\":{\"token_logprobs\":[-9999.0]}", "no logarithm");
	no_logs("\"token_ids\":[1],\"logprobs\":{\"token_logprobs\":[0.5]}", "no logarithm");
	no_logs("\"token_ids\":[-1],\"logprobs\":{\"token_logprobs\":[-1]}", "no token ids");
	no_logs("\"token_ids\":[1.5],\"logprobs\":{\"token_logprobs\":[-1]}", "no token ids");
	assert_int_equal(reads("{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\",\"token_"
			       "ids\":[1],\"logprobs\":{\"token_logprobs\":[1e-7]}}]}",
			       1, false, NULL),
			 0);
	assert_true(c.v[0].logprobs[0] == 0); /* rounding */
}

static void test_no_answer(void **state)
{
	static const struct {
		const char *body, *text;
	} cases[] = {
		{"", "no JSON"},
		{"{", "no JSON"},
		{"data: {}", "no JSON"},
		{"{\"choices\":[{\"text\":\"\\ud800\",\"finish_reason\":\"stop\"}]}", "no JSON"},
		{"{\"choices\":[{\"text\":\"a\",\"logprobs\":NaN}]}", "no JSON"},
		{"[]", "no choices"},
		{"{\"choices\":{}}", "no choices"},
		{"{\"choices\":[]}", "no choices"},
		{"{\"choices\":[1]}", "index"},
		{"{\"choices\":[{\"index\":2}]}", "index"},
		{"{\"choices\":[{\"index\":0},{\"index\":0}]}", "index"},
		{"{\"error\":{\"message\":\"gone\",\"code\":502}}", "no choices: gone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(reads(cases[i].body, 2, false, NULL), ST_INPUT);
		assert_non_null(strstr(why.text, cases[i].text));
		assert_int_equal(c.n, 0);
	}
}

static void says(const char *body, const char *text)
{
	struct buf b = {0};

	choices_error((struct span){body, strlen(body)}, NULL, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_free(&b);
}

static void test_errors(void **state)
{
	char longer[2000];

	(void)state;
	says("{\"error\":{\"message\":\"no key\",\"type\":\"t\",\"param\":null,\"code\":null}}",
	     "no key");
	says("{\"error\":\"plain\"}", "plain");
	says("{\"object\":\"error\",\"message\":\"too long\",\"code\":400}", "too long");
	says("{\"detail\":\"Not Found\"}", "Not Found");
	says("{\"detail\":[{\"type\":\"extra\",\"loc\":[\"body\",\"top_k\"],\"msg\":\"Extra\"}]}",
	     "Extra (body.top_k)");
	says("Internal Server Error", "Internal Server Error");
	says("{\"strange\":1}", "{\"strange\":1}");
	says("", "");
	memset(longer, 'x', sizeof longer);
	memcpy(longer + 299, "\xe6\x97\xa5", 3); /* no half of a character */
	longer[sizeof longer - 1] = '\0';
	choices_free(&c);
	choices_error((struct span){longer, strlen(longer)}, NULL, &c.text);
	assert_int_equal(c.text.n, 299 + 4);
}

/* Servers repeat the key: in an error, in an answer that is none, where the text is cut. */
static void test_hidden(void **state)
{
	static const char *const bodies[] = {
		"{\"error\":{\"message\":\"no such key: qwerty7\",\"code\":401}}",
		"no such key: qwerty7",
		"qwerty",
	};
	struct choices_want w = {.most = 1, .hide = "qwerty7"};
	struct buf b = {0};

	(void)state;
	choices_free(&c);
	for (size_t i = 0; i < 2; i++) {
		struct span body = {bodies[i], strlen(bodies[i])};

		buf_reset(&b);
		choices_error(body, "qwerty7", &b);
		assert_string_equal(buf_cstr(&b), "no such key: ***");
		assert_int_equal(choices_read(&c, body, &w, &why), ST_INPUT);
		assert_null(strstr(why.text, "qwerty"));
	}
	assert_int_equal(choices_read(&c, (struct span){bodies[0], strlen(bodies[0])}, &w, &why),
			 ST_INPUT);
	assert_non_null(strstr(why.text, "no choices: no such key: ***"));
	w.hide = "qwerty";
	assert_int_equal(choices_read(&c, (struct span){bodies[2], strlen(bodies[2])}, &w, &why),
			 ST_INPUT);
	assert_null(strstr(why.text, "qwerty"));
	for (size_t before = 280; before < 300; before++) {
		struct buf body = {0};

		for (size_t i = 0; i < before; i++)
			buf_char(&body, 'x');
		buf_str(&body, "qwerty7 is no key");
		buf_reset(&b);
		choices_error((struct span){body.p, body.n}, "qwerty7", &b);
		assert_null(memmem(b.p, b.n, "q", 1));
		buf_free(&body);
	}
	buf_free(&b);
}

static int teardown(void **state)
{
	(void)state;
	choices_free(&c);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),     cmocka_unit_test(test_thoughts),
		cmocka_unit_test(test_stops),     cmocka_unit_test(test_no_samples),
		cmocka_unit_test(test_tokens),    cmocka_unit_test(test_no_logprobs),
		cmocka_unit_test(test_no_answer), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_hidden),
	};

	return cmocka_run_group_tests_name("ask/choices", tests, NULL, teardown);
}
