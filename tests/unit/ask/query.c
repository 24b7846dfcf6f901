/* The body of a request, for each kind of server. */
#include "ask/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct reason why;

static void body_is(struct query_opts *o, const struct query *r, const char *text)
{
	struct buf b = {0};

	query_body(o, r, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_free(&b);
}

static struct query_opts usual(enum server server)
{
	struct query_opts o = {
		.server = server, .model = "m", .max_new = 9, .temperature = 1, .top_p = 1};

	assert_int_equal(query_open(&o, &why), 0);
	return o;
}

static void test_servers(void **state)
{
	const struct query r = {.text = "a\"\n", .messages = "[]", .n = 1, .seed = 5};
	struct query_opts o = usual(SERVER_OPENAI);

	(void)state;
	body_is(&o, &r,
		"{\"model\":\"m\",\"messages\":[],\"max_tokens\":9,\"temperature\":1,\"top_p\":1,"
		"\"seed\":5}");
	o.completions = o.logprobs = true;
	o.server = SERVER_LLAMA;
	body_is(&o, &r,
		"{\"model\":\"m\",\"prompt\":\"a\\\"\\n\",\"max_tokens\":9,\"temperature\":1,"
		"\"top_p\":1,\"top_k\":0,\"seed\":5,\"logprobs\":1,\"min_p\":0,"
		"\"repeat_penalty\":1,\"presence_penalty\":0,\"frequency_penalty\":0}");
	o.completions = false;
	o.server = SERVER_VLLM;
	body_is(&o, &r,
		"{\"model\":\"m\",\"messages\":[],\"max_tokens\":9,\"temperature\":1,\"top_p\":1,"
		"\"top_k\":-1,\"seed\":5,\"logprobs\":true,\"top_logprobs\":1,\"min_p\":0,"
		"\"repetition_penalty\":1,\"presence_penalty\":0,\"frequency_penalty\":0,"
		"\"return_token_ids\":true}");
	query_close(&o);
}

static void test_request(void **state)
{
	static const char *const stops[] = {"a", "\n"};
	const struct query r = {.messages = "[1]",
				.tools = "[2]",
				.args = "{\"x\":3}",
				.go_on = true,
				.n = 4,
				.seed = 2147483647};
	struct query_opts o = usual(SERVER_OPENAI);

	(void)state;
	o.stop = (struct opt_list){(const char **)(const void *)stops, 2};
	o.temperature = 0.25;
	o.max_new = 1000000;
	body_is(&o, &r,
		"{\"model\":\"m\",\"messages\":[1],\"tools\":[2],\"chat_template_kwargs\":{\"x\":3}"
		","
		"\"continue_final_message\":true,\"add_generation_prompt\":false,\"n\":4,"
		"\"max_tokens\":1000000,\"temperature\":0.25,\"top_p\":1,\"seed\":2147483647,"
		"\"stop\":[\"a\",\"\\n\"]}");
	query_close(&o);
}

static void test_more(void **state)
{
	static const char *const more[] = {"seed=null", "min_p=0.5", "max_tokens=null",
					   "own={\"a\":[1]}", "top_p=null"};
	const struct query r = {.messages = "[]", .n = 1};
	struct query_opts o = usual(SERVER_OPENAI);

	(void)state;
	query_close(&o);
	o.more = (struct opt_list){(const char **)(const void *)more, 5};
	assert_int_equal(query_open(&o, &why), 0);
	assert_false(query_has(&o, "seed"));
	assert_true(query_has(&o, "min_p")); /* the user knows better */
	assert_true(query_has(&o, "temperature"));
	body_is(&o, &r,
		"{\"model\":\"m\",\"messages\":[],\"temperature\":1,\"min_p\":0.5,"
		"\"own\":{\"a\":[1]}}");
	query_close(&o);
}

static void test_bad_more(void **state)
{
	static const char *const bad[] = {"", "x", "x=", "=1", "x={", "seed=1", "stream=true"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct query_opts o = {.more = {(const char **)(const void *)&bad[i], 1}};

		assert_int_equal(query_open(&o, &why), ST_USAGE);
		query_close(&o);
	}
}

static void test_owners(void **state)
{
	(void)state;
	assert_int_equal(query_server("vllm"), SERVER_VLLM);
	assert_int_equal(query_server("sglang"), SERVER_SGLANG);
	assert_int_equal(query_server("llamacpp"), SERVER_LLAMA);
	assert_int_equal(query_server("me"), SERVER_LLAMA);
	assert_int_equal(query_server("local"), SERVER_OPENAI);
	assert_string_equal(query_server_name(SERVER_SGLANG), "sglang");
}

/* Log-probabilities are of the plain softmax, SGLang's behind the temperature. */
static void test_doubt(void **state)
{
	struct query_opts o = usual(SERVER_VLLM);

	(void)state;
	assert_null(query_doubt(&o));
	o.temperature = 0.7;
	assert_non_null(query_doubt(&o));
	o.server = SERVER_SGLANG;
	assert_null(query_doubt(&o));
	o.top_k = 4;
	assert_non_null(query_doubt(&o));
	o.top_k = 0;
	o.temperature = 0;
	assert_non_null(query_doubt(&o));
	o.temperature = 1;
	o.server = SERVER_OPENAI; /* no ids that they could belong to */
	assert_non_null(query_doubt(&o));
	query_close(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers), cmocka_unit_test(test_request),
		cmocka_unit_test(test_more),    cmocka_unit_test(test_bad_more),
		cmocka_unit_test(test_owners),  cmocka_unit_test(test_doubt),
	};

	return cmocka_run_group_tests_name("ask/query", tests, NULL, NULL);
}
