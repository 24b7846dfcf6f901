/* Tests of task/task.h: problem sets as people have them. */
#include "scratch.h"
#include "stream/mpjson.h"
#include "task/task.h"

#include <cmocka.h>

static const char *dir;
static struct reason why;
static struct task_set set;

static int setup(void **state)
{
	(void)state;
	dir = scratch_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	task_free(&set);
	scratch_free(dir);
	return 0;
}

static int load(const char *text, size_t n)
{
	task_free(&set);
	scratch_put(dir, "t.jsonl", text, n);
	return task_load(&set, scratch_path(dir, "t.jsonl"), &why);
}

static void good(const char *text, size_t n_tasks)
{
	int st = load(text, strlen(text));

	if (st)
		fail_msg("%s", why.text);
	assert_int_equal(set.n, n_tasks);
}

/* The reason begins with the file and line, and has what in it. */
static void bad(const char *text, int line, const char *what)
{
	char where[32];

	assert_int_equal(load(text, strlen(text)), ST_INPUT);
	snprintf(where, sizeof where, "t.jsonl:%d: ", line);
	assert_says(&why, line ? where : "t.jsonl: ");
	assert_says(&why, what);
	assert_null(set.v);
}

static void meta_is(const struct task *t, const char *json)
{
	struct buf b = {0};

	if (t->meta.n)
		mpjson_from(&b, (struct mp){(const uint8_t *)t->meta.p, t->meta.n});
	assert_string_equal(buf_cstr(&b), json);
	buf_free(&b);
}

/* The id of a row that has none */
static void assert_says_id(const struct task *t)
{
	assert_int_equal(strncmp(t->id, "row:", 4), 0);
	assert_int_equal(strlen(t->id), 20);
}

static void ours(void **state)
{
	(void)state;
	good("{\"id\":\"a/1\",\"prompt\":\"1+1=\",\"answer\":\"2\",\"verifier\":\"number\","
	     "\"meta\":{\"level\":3},\"source\":\"me\"}\n"
	     "{\"id\":7,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}\n"
	     "\n"
	     "{\"prompt\":\"\",\"answer\":12}",
	     3);
	assert_string_equal(set.v[0].id, "a/1");
	assert_string_equal(set.v[0].prompt, "1+1=");
	assert_string_equal(set.v[0].answer, "2");
	assert_string_equal(set.v[0].verifier, "number");
	assert_null(set.v[0].messages);
	meta_is(&set.v[0], "{\"level\":3,\"source\":\"me\"}");
	assert_string_equal(set.v[1].id, "7");
	assert_null(set.v[1].prompt);
	assert_null(set.v[1].answer);
	assert_string_equal(set.v[1].messages, "[{\"role\":\"user\",\"content\":\"hi\"}]");
	assert_int_equal(set.v[1].meta.n, 0);
	assert_says_id(&set.v[2]);
	assert_string_equal(set.v[2].prompt, "");
	assert_string_equal(set.v[2].answer, "12");
}

/* Tools belong to messages; an empty list is none; beside a prompt they are the user's own key. */
static void tools(void **state)
{
	(void)state;
	good("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"name\":\"f\"}]}"
	     "\n"
	     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[]}\n"
	     "{\"prompt\":\"x\",\"tools\":[1]}",
	     3);
	assert_string_equal(set.v[0].tools, "[{\"name\":\"f\"}]");
	assert_int_equal(set.v[0].meta.n, 0);
	assert_null(set.v[1].tools);
	assert_null(set.v[2].tools);
	meta_is(&set.v[2], "{\"tools\":[1]}");
	bad("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":{}}", 1,
	    "tools: not a list");
}

static void answers_of_all_types(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {{"\"x\"", "x"}, {"3.5", "3.5"},   {"3.0", "3.0"},
		     {"-12", "-12"}, {"true", "true"}, {"[\"a\",1]", "[\"a\",1]"},
		     {"null", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[100];

		snprintf(text, sizeof text, "{\"prompt\":\"p\",\"answer\":%s}", cases[i].json);
		good(text, 1);
		if (cases[i].want)
			assert_string_equal(set.v[0].answer, cases[i].want);
		else
			assert_null(set.v[0].answer);
	}
}

static void gsm8k(void **state)
{
	(void)state;
	good("{\"question\":\"How many?\",\"answer\":\"He has 4*5=<<4*5=20>>20.\\n#### 1,020 \"}\n"
	     "{\"question\":\"And?\",\"answer\":\"a #### b\\n#### -3\"}\n"
	     "{\"question\":\"Plain?\",\"answer\":\"1,5\"}\n",
	     3);
	assert_string_equal(set.v[0].prompt, "How many?");
	assert_string_equal(set.v[0].answer, "1020");
	assert_says_id(&set.v[0]);
	assert_string_equal(set.v[1].answer, "-3");
	assert_string_equal(set.v[2].answer, "1,5");
	meta_is(&set.v[0], "");
	/* not a row of GSM8K: the answer is as it is */
	good("{\"prompt\":\"p\",\"answer\":\"a #### 1\"}", 1);
	assert_string_equal(set.v[0].answer, "a #### 1");
}

static void math(void **state)
{
	(void)state;
	good("{\"problem\":\"Solve\",\"solution\":\"so\",\"answer\":\"\\\\frac{1}{2}\","
	     "\"subject\":\"Algebra\",\"level\":2,\"unique_id\":\"test/algebra/1.json\"}\n",
	     1);
	assert_string_equal(set.v[0].id, "test/algebra/1.json");
	assert_string_equal(set.v[0].prompt, "Solve");
	assert_string_equal(set.v[0].answer, "\\frac{1}{2}");
	meta_is(&set.v[0], "{\"solution\":\"so\",\"subject\":\"Algebra\",\"level\":2}");
}

static void verl(void **state)
{
	(void)state;
	good("{\"data_source\":\"dapo\",\"prompt\":[{\"role\":\"user\",\"content\":\"Q\"}],"
	     "\"ability\":\"math\",\"reward_model\":{\"style\":\"rule\",\"ground_truth\":\"34\"},"
	     "\"extra_info\":{\"index\":\"9a-b\",\"split\":\"train\"}}\n",
	     1);
	assert_string_equal(set.v[0].id, "9a-b");
	assert_string_equal(set.v[0].answer, "34");
	assert_string_equal(set.v[0].messages, "[{\"role\":\"user\",\"content\":\"Q\"}]");
	meta_is(&set.v[0], "{\"data_source\":\"dapo\",\"ability\":\"math\","
			   "\"reward_model\":{\"style\":\"rule\",\"ground_truth\":\"34\"},"
			   "\"extra_info\":{\"index\":\"9a-b\",\"split\":\"train\"}}");
}

/* Rows as these sets have them, but for their length */
static void rows_of_many_sets(void **state)
{
#define DAPO                                                                       \
	"\"data_source\":\"math_dapo\",\"prompt\":[{\"content\":\"Solve. Answer: " \
	"$Answer\",\"role\":"                                                      \
	"\"user\",\"name\":null}],\"ability\":\"MATH\","
	static const struct {
		const char *row, *id, *answer, *by; /* id NULL: the line's */
	} rows[] = {
		/* MATH as published: the last box of the solution */
		{"{\"problem\":\"p\",\"level\":\"Level 5\",\"type\":\"Algebra\",\"solution\":"
		 "\"$\\\\boxed{1}$, so $\\\\boxed{\\\\frac{1}{2}\\\\}}$.\"}",
		 NULL, "\\frac{1}{2}\\}", "math"},
		{"{\"problem\":\"p\",\"solution\":\"so $\\\\boxed 7$.\"}", NULL, "7", "math"},
		{"{\"problem\":\"p\",\"solution\":\"so \\\\boxed{7\"}", NULL, NULL, "math"},
		{"{\"problem\":\"p\",\"solution\":\"so 7\"}", NULL, NULL, "math"},
		{"{\"problem\":\"p\",\"solution\":\"\\\\boxed{8}\",\"answer\":\"7\"}", NULL, "7",
		 "math"},
		/* AIME: three spellings */
		{"{\"id\":60,\"problem\":\"p\",\"solution\":\"s\",\"answer\":\"204\",\"url\":\"u\","
		 "\"question\":\"p\"}",
		 "60", "204", "math"},
		{"{\"ID\":\"2024-II-4\",\"Problem\":\"p\",\"Solution\":\"s\",\"Answer\":33}",
		 "2024-II-4", "33", "math"},
		{"{\"ID\":\"1983-1\",\"Year\":1983,\"Problem Number\":1,\"Question\":\"p\","
		 "\"Answer\":\"60\",\"Part\":null}",
		 "1983-1", "60", NULL},
		{"{\"id\":0,\"problem\":\"p\",\"answer\":142.0,\"url\":\"u\"}", "0", "142.0",
		 "math"},
		{"{\"question\":\"p\",\"answer\":\"70\"}", NULL, "70", NULL},
		/* DAPO, its processed form, others in verl's */
		{"{" DAPO
		 "\"reward_model\":{\"ground_truth\":\"34\",\"style\":\"rule\"},\"extra_info\":"
		 "{\"index\":\"9a9b-6e\"}}",
		 "9a9b-6e", "34", "math"},
		{"{\"prompt\":\"p\",\"solution\":\"34\",\"data_source\":\"math_dapo\",\"source_"
		 "prompt\":"
		 "[{\"content\":\"p\",\"role\":\"user\"}],\"ability\":\"MATH\",\"reward_model\":"
		 "{\"ground_truth\":\"34\"},\"extra_info\":{\"index\":\"a\"}}",
		 "a", "34", "math"},
		{"{" DAPO
		 "\"answer\":null,\"reward_model\":{\"ground_truth\":34},\"extra_info\":null}",
		 NULL, "34", "math"},
		{"{" DAPO "\"reward_model\":{\"ground_truth\":\"[\\\"\\\\\\\\pi\\\"]\"}}", NULL,
		 "\\pi", "math"},
		{"{" DAPO "\"reward_model\":{\"ground_truth\":[34]}}", NULL, "34", "math"},
		{"{" DAPO "\"reward_model\":{\"ground_truth\":\"[1, 2]\"}}", NULL, "[1, 2]",
		 "math"},
		{"{" DAPO "\"reward_model\":{\"ground_truth\":null}}", NULL, NULL, NULL},
		{"{\"data_source\":\"openai/"
		 "gsm8k\",\"prompt\":[{\"role\":\"user\",\"content\":\"p\"}],"
		 "\"ability\":\"math\",\"reward_model\":{\"style\":\"rule\",\"ground_truth\":"
		 "\"72\"},"
		 "\"extra_info\":{\"split\":\"train\",\"index\":0,\"answer\":\"x #### 72\"}}",
		 "openai/gsm8k:train:0", "72", "gsm8k"},
		/* other names for the answer */
		{"{\"question\":\"p\",\"final_answer\":\"1\"}", NULL, "1", NULL},
		{"{\"problem\":\"p\",\"expected_answer\":\"1\"}", NULL, "1", "math"},
		{"{\"prompt\":\"p\",\"ground_truth\":1}", NULL, "1", NULL},
		{"{\"problem\":\"p\",\"answer\":[\"x\"]}", NULL, "x", "math"},
		/* a verifier of one's own may want a list, or be without an answer */
		{"{\"problem\":\"p\",\"answer\":[\"x\"],\"verifier\":\"cmd:x\"}", NULL, "[\"x\"]",
		 "cmd:x"},
		{"{\"prompt\":null,\"question\":\"p\",\"answer\":2,\"id\":null}", NULL, "2", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct task *t;

		good(rows[i].row, 1);
		t = &set.v[0];
		if (rows[i].id)
			assert_string_equal(t->id, rows[i].id);
		else
			assert_says_id(t);
		assert_true(t->prompt || t->messages);
		if (!rows[i].answer != !t->answer ||
		    (t->answer && strcmp(t->answer, rows[i].answer)))
			fail_msg("answer %s: %s", t->answer, rows[i].row);
		if (!rows[i].by != !t->verifier || (t->verifier && strcmp(t->verifier, rows[i].by)))
			fail_msg("verifier %s: %s", t->verifier, rows[i].row);
	}
	bad("{\"problem\":\"p\",\"answer\":[\"x\",\"y\"]}", 1, "one text is wanted");
	bad("{\"problem\":\"p\",\"answer\":[]}", 1, "one text is wanted");
	bad("{\"problem\":\"p\",\"answer\":{\"a\":1}}", 1, "one text is wanted");
	bad("{\"prompt\":\"[{'content': 'x', 'role': 'user'}]\"}", 1, "to_json");
	bad("{\"prompt\":\"array([{'content': 'x', 'role': 'user'}], dtype=object)\"}", 1,
	    "to_json");
	bad("{\"prompt\":\"[{\\\"role\\\": \\\"user\\\", \\\"content\\\": \\\"x\\\"}]\"}", 1,
	    "written as text");
	good("{\"prompt\":\"[{'a': 1}] has how many keys?\"}", 1);
}

static void odd_text(void **state)
{
	(void)state;
	good("\t {\"prompt\":\"a\"}\t\n", 1);
	assert_int_equal(load("{\"prompt\":\"a\"} \0", 16), ST_INPUT);
	good("\xef\xbb\xbf{\"prompt\":\"a\"}\r\n  {\"prompt\":\"b\\u0007\\u001b\"} \r\n\r\n", 2);
	assert_string_equal(set.v[1].prompt, "b\a\x1b");
	good("{\"prompt\":\"\xd7\xa9\xcc\x81\",\"id\":\"--help\"}", 1);
	assert_string_equal(set.v[0].prompt, "\xd7\xa9\xcc\x81");
	assert_string_equal(set.v[0].id, "--help");
}

static void wrong_rows(void **state)
{
	static const char stream[] = "\x82\xa4kind\xa4head", nul[] = "{\"prompt\":\"a\0\"}";

	(void)state;
	bad("", 0, "no problems");
	bad("\n\n", 0, "no problems");
	bad("{\"id\":1}", 1, "no prompt");
	bad("{\"prompt\":\"a\"}\n{\"prompt\":1}", 2, "prompt: not a string");
	bad("{\"prompt\":\"a\"}\n\n[1]\n", 3, "not a JSON object");
	bad("{\"prompt\":\"a\"}\n{\"prompt\":", 2, "has no end");
	bad("{\"prompt\":\"a\"}\n{\"prompt\":}", 2, "column 11");
	bad("{\n\"prompt\":\n\n}", 4, "column 1");
	bad("{\"prompt\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", 1,
	    "prompt is there too");
	bad("{\"messages\":[]}", 1, "messages: not a list");
	bad("{\"messages\":\"x\"}", 1, "messages: not a list");
	bad("{\"messages\":[{\"role\":\"user\"}]}", 1, "without the strings role and content");
	bad("{\"messages\":[{\"role\":\"user\",\"content\":[]}]}", 1, "role and content");
	bad("{\"prompt\":[7]}", 1, "role and content");
	bad("{\"prompt\":\"a\",\"id\":[]}", 1, "id: neither");
	bad("{\"prompt\":\"a\",\"id\":1.5}", 1, "id: neither");
	bad("{\"prompt\":\"a\",\"verifier\":1}", 1, "verifier: not a string");
	bad("{\"prompt\":\"a\",\"meta\":1}", 1, "meta: not an object");
	bad("{\"prompt\":\"a\",\"meta\":{\"x\":1},\"x\":2}", 1, "x: the key stands in the row");
	bad("{\"prompt\":\"a\",\"prompt\":\"b\"}", 1, "duplicate");
	bad("{\"prompt\":\"a\\u0000b\"}", 1, "NUL");
	bad("{\"messages\":[{\"role\":\"user\",\"content\":\"a\\u0000b\"}]}", 1, "NUL");
	bad("{\"prompt\":\"a\",\"id\":\"x\"}\n{\"prompt\":\"b\",\"id\":\"x\"}", 2,
	    "id \"x\" is not the first");
	bad("{\"prompt\":\"a\",\"id\":\"5\"}\n{\"prompt\":\"b\",\"id\":5}", 2, "is not the first");
	bad("[{\"prompt\":\"a\"}", 1, "the array has no end");
	bad("[{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}]", 2, "a comma");
	bad("[{\"prompt\":\"a\"}]\n{}", 2, "more behind");
	bad("[]", 0, "no problems");
	bad("\x1f\x8b", 0, "gzip data: cut off");
	bad("PAR1", 1, "Parquet");
	bad("PK\x03\x04", 1, "zip");
	bad("ARROW1", 1, "Arrow");
	bad("\xff\xff\xff\xff", 1, "Arrow");
	bad("\x28\xb5\x2f\xfd", 0, "zstd data: cut off");
	bad("\xff\xfe{", 1, "UTF-16");
	bad("id,prompt\n", 1, "a table or plain text");
	bad("{\"prompt\": NaN}\n", 1, "near 'NaN'");
	bad(stream, 1, "a trajectory stream");
	assert_int_equal(load(nul, sizeof nul - 1), ST_INPUT);
	assert_int_equal(task_load(&set, "/nonexistent/x", &why), ST_SYSTEM);
	assert_int_equal(task_load(&set, dir, &why), ST_SYSTEM);
	assert_int_equal(task_load(&set, dir, NULL), ST_SYSTEM);
}

static void too_deep(void **state)
{
	static const char *const keys[] = {"x", "answer"};

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct buf b = {0};

		buf_printf(&b, "{\"prompt\":\"a\",\"%s\":", keys[k]);
		for (int i = 0; i < 17; i++)
			buf_char(&b, '[');
		for (int i = 0; i < 17; i++)
			buf_char(&b, ']');
		buf_char(&b, '}');
		bad(buf_cstr(&b), 1, k ? "answer: nested too deep" : "meta: nested too deep");
		buf_free(&b);
	}
}

static void who_judges(void **state)
{
#define MESSAGES "\"prompt\":[{\"role\":\"user\",\"content\":\"?\"}],"
#define TRUTH "\"reward_model\":{\"ground_truth\":\"1\"}"
	static const struct {
		const char *row, *by, *by_option; /* with no option, and with the option "exact" */
	} rows[] = {
		{"{\"question\":\"?\",\"answer\":\"x #### 1\"}", "gsm8k", "exact"},
		{"{\"question\":\"?\",\"answer\":\"1\"}", NULL, "exact"},
		{"{\"problem\":\"?\",\"answer\":\"1\"}", "math", "exact"},
		{"{\"problem\":\"?\",\"question\":\"?\",\"answer\":\"1\"}", "math", "exact"},
		{"{\"prompt\":\"?\",\"answer\":\"1\"}", NULL, "exact"},
		{"{\"problem\":\"?\",\"answer\":\"1\",\"verifier\":\"number\"}", "number",
		 "number"},
		{"{\"prompt\":\"?\",\"answer\":\"1\",\"verifier\":\"regex\"}", "regex", "regex"},
		{"{" MESSAGES "\"data_source\":\"openai/gsm8k\"," TRUTH "}", "gsm8k", "exact"},
		{"{" MESSAGES "\"data_source\":\"math_dapo\"," TRUTH "}", "math", "exact"},
		{"{" MESSAGES "\"ability\":\"MATH\"," TRUTH "}", "math", "exact"},
		{"{" MESSAGES "\"ability\":\"code\"," TRUTH "}", NULL, "exact"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *by;

		good(rows[i].row, 1);
		by = task_verifier(&set.v[0], NULL);
		if (rows[i].by)
			assert_string_equal(by, rows[i].by);
		else
			assert_null(by);
		assert_string_equal(task_verifier(&set.v[0], "exact"), rows[i].by_option);
	}
}

static void what_is(const char *row, const char *answer, const char *by)
{
	good(row, 1);
	if ((answer && set.v[0].answer ? strcmp(set.v[0].answer, answer) != 0
				       : answer || set.v[0].answer) ||
	    (by && set.v[0].verifier ? strcmp(set.v[0].verifier, by) != 0
				     : by || set.v[0].verifier))
		fail_msg("%s: answer %s, verifier %s", row, set.v[0].answer, set.v[0].verifier);
}

/* Keys that a published set would have, with values that it would not: they are the user's own, and
 * nobody judges by them. */
static void almost_known_rows(void **state)
{
	(void)state;
	what_is("{\"prompt\":\"?\",\"problem\":5,\"answer\":\"1\"}", "1", NULL);
	what_is("{\"prompt\":\"?\",\"question\":5,\"answer\":\"#### 1\"}", "#### 1", NULL);
	what_is("{\"prompt\":\"?\",\"problem\":5,\"solution\":\"\\\\boxed{1}\"}", "1", NULL);
	what_is("{\"Problem\":\"?\",\"Answer\":\"1\"}", "1", "math");
	what_is("{\"problem\":\"?\"}", NULL, NULL);
	what_is("{\"problem\":\"?\",\"solution\":5}", NULL, NULL);
	what_is("{\"prompt\":\"?\",\"data_source\":5," TRUTH "}", "1", NULL);
	what_is("{\"prompt\":\"?\",\"data_source\":\"AIME24\"," TRUTH "}", "1", "math");
	what_is("{\"prompt\":\"?\",\"answer\":\"2\"," TRUTH "}", "2", NULL);
	what_is("{\"prompt\":\"?\",\"answer\":\"2\",\"reward_model\":{\"ground_truth\":null}}", "2",
		NULL);
	what_is("{\"prompt\":\"?\",\"reward_model\":{\"ground_truth\":null}}", NULL, NULL);
	what_is("{\"question\":\"?\",\"answer\":\"so #### , \"}", "", "gsm8k");
	what_is("{\"problem\":\"?\",\"answer\":[1.5]}", "[1.5]", "math");
	what_is("{\"problem\":\"?\",\"answer\":[1,2]}", "[1,2]", "math");
	good("{\"prompt\":\"?\",\"extra_info\":{\"index\":null}}", 1);
	assert_says_id(&set.v[0]);
	bad("{\"question\":[]}", 1, "question: not a string");
	bad("{\"messages\":[{\"role\":1,\"content\":\"a\"}]}", 1, "role and content");
	bad("{\"messages\":[{\"content\":\"a\"}]}", 1, "role and content");
	bad("{\"messages\":[{\"role\":\"a\",\"content\":\"a\"}],\"tools\":{}}", 1,
	    "tools: not a list");
	bad("{\"problem\":\"?\",\"answer\":[\"a\\u0000\"]}", 1, "one text is wanted");
	bad("{\"prompt\":\"?\",\"reward_model\":{\"ground_truth\":\"a\\u0000\"}}", 1,
	    "ground_truth: a NUL");
	bad("{\"prompt\":\"?\",\"x\":1,\"y\":2,\"meta\":{\"x\":1,\"y\":1}}", 1,
	    "x: the key stands");
	bad("{\"prompt\":\"?\",\"meta\":{\"$str\":\"aGk=\"}}", 1, "no map");
}

/* Solutions whose box holds no answer to judge by */
static void boxes(void **state)
{
#define SOLVED(box) "{\"problem\":\"?\",\"solution\":\"so " box "\"}"
	(void)state;
	what_is(SOLVED("\\\\boxed{1} or \\\\boxed{\\\\{2\\\\}}"), "1, \\{2\\}", "math");
	what_is(SOLVED("\\\\boxed  3."), "3", "math");
	what_is(SOLVED("3"), NULL, "math");
	what_is(SOLVED("\\\\boxed $"), NULL, "math");
	what_is(SOLVED("\\\\boxed5"), "5", "math");
	what_is(SOLVED("\\\\boxed{{5}"), NULL, "math");
	what_is(SOLVED("\\\\boxed{5\\\\"), NULL, "math");
}

/* The text of one row as a whole file, and what becomes of it; a row ends at NULL. */
static void prompt_is(const char *row, const char *prompt)
{
	good(row, 1);
	assert_string_equal(set.v[0].prompt ? set.v[0].prompt : set.v[0].messages, prompt);
}

/* Messages that end in a solution, and stories in a column of their own */
static void what_is_asked(void **state)
{
#define ASKED "{\"role\":\"user\",\"content\":\"1+1?\"}"
#define SAID ",{\"role\":\"assistant\",\"content\":\"It is 2.\"}"
	(void)state;
	prompt_is("{\"problem\":\"1+1?\",\"answer\":\"2\",\"messages\":[" ASKED SAID "]}",
		  "[" ASKED "]");
	prompt_is("{\"messages\":[" ASKED SAID "],\"continue_final_message\":true}",
		  "[" ASKED SAID "]");
	assert_true(set.v[0].open && set.v[0].go_on);
	prompt_is("{\"messages\":[" ASKED SAID "," ASKED "]}", "[" ASKED SAID "," ASKED "]");
	assert_false(set.v[0].open);
	/* nobody says what the last one is */
	prompt_is("{\"messages\":[" ASKED SAID "]}", "[" ASKED SAID "]");
	assert_true(set.v[0].open && !set.v[0].go_on);
	bad("{\"answer\":\"2\",\"prompt\":[{\"role\":\"assistant\",\"content\":\"2\"}]}", 1,
	    "assistant");
	prompt_is("{\"Body\":\"Tom has 3 cups. \",\"Question\":\"How many?\"}",
		  "Tom has 3 cups. How many?");
	prompt_is("{\"context\":\"Let x=1.\",\"question\":\"Find x.\"}", "Let x=1. Find x.");
	prompt_is("{\"context\":null,\"question\":\"Find x.\"}", "Find x.");
	prompt_is("{\"body\":\"Let x=1.\",\"question\":\"Let x=1. Find x.\"}", "Let x=1. Find x.");
	prompt_is("{\"context\":\"c\",\"prompt\":\"p\"}", "p");
	bad("{\"context\":[\"a\"],\"question\":\"q\"}", 1, "context beside question");
	bad("{\"instruction\":\"a\",\"input\":\"b\"}", 1, "input is there too");
	prompt_is("{\"instruction\":\"a\",\"input\":\"\"}", "a");
	bad("{\"text\":\"q\",\"goal\":1}", 1, "the row has text, goal");
}

/* Games of numbers in the forms that are about */
static void games(void **state)
{
	static const char *const rows[] = {
		"{\"target\":21,\"nums\":[3,7]}",
		"{\"target\":21.0,\"nums\":[3,7.0],\"prompt\":\"q\",\"answer\":\"3*7\"}",
		"{\"prompt\":\"q\",\"reward_model\":{\"ground_truth\":{\"target\":21,\"numbers\":["
		"3,7]}}}",
		"{\"prompt\":\"q\",\"ground_truth\":{\"target\":\"21\",\"numbers\":[3,7]}}",
		"{\"question\":\"q\",\"answer\":\"x\",\"metadata\":{\"source_dataset\":"
		"\"countdown\","
		"\"numbers\":[3,7],\"target\":21}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mp list;

		what_is(rows[i], "21", "countdown");
		list = mp_get((struct mp){(const uint8_t *)set.v[0].meta.p, set.v[0].meta.n},
			      "numbers");
		assert_int_equal(mp_type(list), MP_ARRAY);
		assert_true(set.v[0].implied && *set.v[0].prompt);
	}
	what_is("{\"question\":\"two sum\",\"nums\":[2,7],\"target\":9,\"answer\":\"[0, 1]\"}",
		"[0, 1]", NULL);
	what_is("{\"prompt\":\"q\",\"nums\":[2,7],\"target\":9,\"answer\":\"x\",\"verifier\":"
		"\"exact\"}",
		"x", "exact");
}

/* Two rows under one id are told apart from one row twice. */
static void ids(void **state)
{
#define OF(source, index, q)                                                                    \
	"{\"data_source\":\"" source "\",\"prompt\":\"" q "\",\"extra_info\":{\"index\":" index \
	",\"split\":\"train\"}}\n"
	char *first;

	(void)state;
	good("{\"prompt\":\"a\",\"answer\":1}\n{\"prompt\":\"b\",\"answer\":1}", 2);
	first = strdup(set.v[0].id);
	good("\n{\"prompt\":\"b\",\"answer\":1}\n{\"answer\":\"1\",\"prompt\":\"a\",\"x\":3}", 2);
	assert_string_equal(set.v[1].id, first);
	free(first);
	/* equal rows without an id are problems of their own */
	good("{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n{\"prompt\":\"a\",\"x\":1}\n{\"prompt\":"
	     "\"a\"}",
	     4);
	assert_string_equal(set.v[2].id + 20, "-2");
	assert_string_equal(set.v[3].id + 20, "-3");
	assert_int_equal(strncmp(set.v[0].id, set.v[3].id, 20), 0);
	good(OF("s1", "0", "q") OF("s2", "0", "r") OF("s2", "\"1\"", "r"), 3);
	assert_string_equal(set.v[1].id, "s2:train:0");
	assert_string_equal(set.v[2].id, "s2:train:1");
	bad(OF("s1", "0", "q") OF("s1", "0", "q"), 2, "sort -u");
	bad(OF("s1", "0", "q") OF("s1", "0", "r"), 2, "an index that counts anew");
	good("{\"task_id\":\"T/0\",\"prompt\":\"a\"}\n{\"problem_idx\":3,\"prompt\":\"a\"}\n"
	     "{\"uuid\":\"u\",\"prompt\":\"a\"}\n{\"question_id\":70,\"prompt\":\"a\"}",
	     4);
	assert_string_equal(set.v[0].id, "T/0");
	assert_string_equal(set.v[3].id, "70");
}

/* Answers that are none, have another name, or are lists that Python printed */
static void odd_answers(void **state)
{
	(void)state;
	bad("{\"problem\":\"q\",\"answer\":\"proof\"}", 1, "\"proof\"");
	bad("{\"problem\":\"q\",\"answer\":\"Not found.\"}", 1, "stands for no answer");
	bad("{\"question\":\"q\",\"answer\":\"\\\\text{N/A}\"}", 1, "stands for no answer");
	what_is("{\"prompt\":\"q\",\"answer\":\"proof\"}", "proof", NULL);
	what_is("{\"problem\":\"q\",\"answer\":\"proof\",\"verifier\":\"exact\"}", "proof",
		"exact");
	what_is("{\"prompt\":\"q\",\"solution\":\"$5$\"}", "$5$", NULL);
	what_is("{\"prompt\":\"q\",\"solution\":\"so \\\\boxed{5}\"}", "5", NULL);
	what_is("{\"prompt\":\"q\",\"label\":\"5\"}", "5", NULL);
	what_is("{\"input\":\"q\",\"target\":43.0}", "43.0", NULL);
	what_is("{\"problem\":\"q\",\"answer\":\"['64']\"}", "64", "math");
	what_is("{\"question\":\"q\",\"answer\":\"[ \\\"\\\\\\\\pi\\\", ]\"}", "\\pi", NULL);
	what_is("{\"problem\":\"q\",\"answer\":\"array(['a b'], dtype=object)\"}", "a b", "math");
	what_is("{\"problem\":\"q\",\"answer\":\"('64',)\"}", "64", "math");
	what_is("{\"problem\":\"q\",\"answer\":\"[np.str_('64')]\"}", "64", "math");
	bad("{\"problem\":\"q\",\"answer\":\"['6', '4']\"}", 1, "Python");
	bad("{\"problem\":\"q\",\"answer\":\"['6' '4']\"}", 1, "Python");
	bad("{\"question\":\"q\",\"answer\":\"array([6, 4])\"}", 1, "Python");
	what_is("{\"problem\":\"q\",\"answer\":\"[1, 2)\"}", "[1, 2)", "math");
}

/* One array, pretty print, several objects on a line */
static void one_value_after_the_other(void **state)
{
	(void)state;
	good("[{\"prompt\":\"a\"},\r\n {\"prompt\":\"[}\\\"\"}\n]\n", 2);
	assert_string_equal(set.v[1].prompt, "[}\"");
	good("\xef\xbb\xbf{\n  \"prompt\": \"a\",\n  \"meta\": {\"x\": [1]}\n}\n{\n  \"prompt\": "
	     "\"b\"\n}",
	     2);
	good("{\"prompt\":\"a\"} {\"prompt\":\"b\"}", 2);
	bad("{\"prompt\":\"a\"}\n{\n\"prompt\":\"b\"\n}\n{\n\"x\":1}", 5, "no prompt");
	bad("[{\"prompt\":\"a\"},\n\n7]", 3, "expected");
}

static void many_rows(void **state)
{
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "{\"id\":%d,\"prompt\":\"p%d\"}\n", i, i);
	good(buf_cstr(&b), 3000);
	assert_string_equal(set.v[2999].prompt, "p2999");
	buf_str(&b, "{\"id\":1234,\"prompt\":\"again\"}\n");
	bad(buf_cstr(&b), 3001, "id \"1234\"");
	buf_free(&b);
}

static void programs(void **state)
{
	const char *human =
		"{\"task_id\":\"H/1\",\"prompt\":\"def f():\\n\",\"entry_point\":\"f\","
		"\"canonical_solution\":\"    pass\",\"test\":\"def check(c):\\n    c()\"}\n";
	const char *mbpp =
		"{\"text\":\"Write one. \",\"code\":\"f = 1\",\"task_id\":7,"
		"\"test_setup_code\":\"\",\"test_list\":[\"assert f() == 1\",\"assert f\"]}\n";
	const char *lcb =
		"{\"question_content\":\"Add.\",\"question_id\":\"a1\",\"starter_code\":"
		"\"class Solution:\\n \",\"public_test_cases\":\"[]\",\"metadata\":\"{}\"}\n";
	const char *taco = "{\"question\":\"Add.\",\"solutions\":\"[]\",\"starter_code\":\"\","
			   "\"input_output\":\"{\\\"inputs\\\": [\\\"1\\\"], \\\"outputs\\\": "
			   "[\\\"1\\\"]}\"}\n";
	const char *verl =
		"{\"prompt\":[{\"role\":\"user\",\"content\":\"Add.\"}],\"ability\":\"code\","
		"\"reward_model\":{\"ground_truth\":\"[{\\\"input\\\": 1, \\\"output\\\": "
		"2}]\"}}\n";
	const char *plain = "{\"id\":\"a\",\"prompt\":\"p\",\"test\":\"blood\",\"code\":\"c\","
			    "\"answer\":\"x\"}\n";

	(void)state;
	good(human, 1);
	assert_string_equal(set.v[0].id, "H/1");
	assert_string_equal(set.v[0].prompt, "def f():\n");
	assert_string_equal(set.v[0].answer, "    pass");
	assert_string_equal(set.v[0].verifier, "code");
	assert_true(set.v[0].implied);
	meta_is(&set.v[0], "{\"entry_point\":\"f\",\"test\":\"def check(c):\\n    c()\","
			   "\"prompt\":\"def f():\\n\"}");
	good(mbpp, 1);
	assert_string_equal(set.v[0].id, "7");
	assert_string_equal(set.v[0].prompt, "Write one.\n\nYour code should pass these tests:\n\n"
					     "assert f() == 1\nassert f\n");
	assert_string_equal(set.v[0].answer, "f = 1");
	assert_string_equal(set.v[0].verifier, "code");
	meta_is(&set.v[0],
		"{\"test_setup_code\":\"\",\"test_list\":[\"assert f() == 1\",\"assert f\"]}");
	good(lcb, 1);
	assert_string_equal(set.v[0].id, "a1");
	assert_string_equal(set.v[0].prompt, "Add.\n\nBegin with this code:\n\n```python\n"
					     "class Solution:\n```\n");
	assert_string_equal(set.v[0].verifier, "code");
	assert_null(set.v[0].answer);
	good(taco, 1);
	assert_string_equal(set.v[0].prompt, "Add.");
	assert_string_equal(set.v[0].verifier, "code");
	good(verl, 1);
	assert_string_equal(set.v[0].verifier, "code");
	assert_string_equal(set.v[0].answer, "[{\"input\": 1, \"output\": 2}]");
	good(plain, 1);
	assert_null(set.v[0].verifier);
	assert_string_equal(set.v[0].answer, "x");
	bad("{\"text\":\"p\",\"answer\":\"x\"}\n", 1, "no prompt, messages");
}

static void real_sets(void **state)
{
	static const struct {
		const char *file;
		size_t n;
		const char *id, *answer; /* of the first */
		const char *verifier;
	} sets[] = {
		{"math/gsm8k_test_300.jsonl", 300, NULL, "18", "gsm8k"},
		{"math/math500.jsonl", 500, "test/precalculus/807.json", NULL, "math"},
		{"math/aime24.jsonl", 30, NULL, NULL, "math"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		task_free(&set);
		if (task_load(&set, shared_data(sets[i].file), &why))
			fail_msg("%s", why.text);
		assert_int_equal(set.n, sets[i].n);
		if (sets[i].id)
			assert_string_equal(set.v[0].id, sets[i].id);
		if (sets[i].answer)
			assert_string_equal(set.v[0].answer, sets[i].answer);
		for (size_t k = 0; k < set.n; k++)
			assert_true(set.v[k].prompt && set.v[k].answer && *set.v[k].answer &&
				    strcmp(set.v[k].verifier, sets[i].verifier) == 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ours),
		TEST(tools),
		TEST(answers_of_all_types),
		TEST(gsm8k),
		TEST(math),
		TEST(verl),
		TEST(rows_of_many_sets),
		TEST(odd_text),
		TEST(wrong_rows),
		TEST(too_deep),
		TEST(almost_known_rows),
		TEST(boxes),
		TEST(many_rows),
		TEST(what_is_asked),
		TEST(games),
		TEST(programs),
		TEST(ids),
		TEST(odd_answers),
		TEST(one_value_after_the_other),
		TEST(real_sets),
		TEST(who_judges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
