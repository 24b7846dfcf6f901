/* prompt.h: what a policy sees of a problem. */
#include "scratch.h"

#include "base/mem.h"
#include "rollout/prompt.h"
#include "tiny.h"

static const char template[] =
	"{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + "
	"'<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
	"{{ '<|im_start|>assistant\\n' }}{% endif %}";

/* A policy over characters, with a chat template */
static struct policy chatty(void)
{
	struct policy p = tiny_policy("abcdefghijklmnopqrstuvwxyz<>|_\n 12{}", 1);

	p.cfg.max_len = 4096; /* no weight depends on it */
	buf_str(&p.chat_template, template);
	return p;
}

static struct task_set one(const char *prompt, const char *messages)
{
	struct task_set s = {.v = xcalloc(1, sizeof *s.v), .n = 1};

	s.v->id = xstrdup("first");
	s.v->prompt = prompt ? xstrdup(prompt) : NULL;
	s.v->messages = messages ? xstrdup(messages) : NULL;
	return s;
}

static void sees(struct policy *p, const char *prompt, const char *messages, const char *wrap,
		 const char *want)
{
	struct task_set s = one(prompt, messages);
	struct prompts made = {0};
	struct reason why;
	struct ids ids = {0};
	const uint32_t *v;
	const struct prompt_opts o = {.wrap = wrap};
	size_t n;

	if (prompt_make(&made, p, &s, "tasks", &o, &why))
		fail_msg("%s", why.text);
	assert_int_equal(prompt_text(&made, 0).n, strlen(want));
	assert_memory_equal(prompt_text(&made, 0).p, want, strlen(want));
	v = prompt_ids(&made, 0, &n);
	assert_int_equal(tok_encode(p->tok, want, strlen(want), false, &ids, NULL), 0);
	assert_int_equal(n, ids.n);
	assert_memory_equal(v, ids.v, n * sizeof *v);
	free(ids.v);
	prompt_free(&made);
	task_free(&s);
}

static void refuses(const struct policy *p, const char *prompt, const char *messages,
		    const char *wrap, const char *says)
{
	struct task_set s = one(prompt, messages);
	struct prompts made = {0};
	const struct prompt_opts o = {.wrap = wrap};
	struct reason why = {0};

	assert_int_equal(prompt_make(&made, p, &s, "tasks", &o, &why), ST_INPUT);
	assert_says(&why, "tasks: task first: ");
	assert_says(&why, says);
	prompt_free(&made);
	task_free(&s);
}

static void plain(void **state)
{
	struct policy p = chatty();

	(void)state;
	sees(&p, "one two", NULL, NULL, "one two");
	sees(&p, "two", NULL, "one {prompt}\nthree", "one two\nthree");
	sees(&p, "x", NULL, "{prompt}{prompt}", "xx");
	sees(&p, "{prompt}", NULL, "a {prompt}", "a {prompt}"); /* not again */
	refuses(&p, "", NULL, NULL, "its prompt is empty");
	refuses(&p, "A", NULL, NULL, "no token for byte 0x41");
	p.cfg.max_len = 4;
	refuses(&p, "four", NULL, NULL, "its prompt of 4 tokens leaves no room");
	policy_free(&p);
}

static void messages(void **state)
{
	static const char talk[] = "[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
				   "\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
				   "{\"role\":\"user\",\"content\":\"c\"}]";
	struct policy p = chatty();

	(void)state;
	sees(&p, NULL, "[{\"role\":\"user\",\"content\":\"hi\"}]", NULL,
	     "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
	/* the last message of the user's is wrapped */
	sees(&p, NULL, talk, "x {prompt} y",
	     "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>"
	     "assistant\n"
	     "b<|im_end|>\n<|im_start|>user\nx c y<|im_end|>\n<|im_start|>assistant\n");
	refuses(&p, NULL, "[{\"role\":\"system\",\"content\":\"s\"}]", "x {prompt}",
		"no message of the user's");
	refuses(&p, NULL, talk, "\xff {prompt}", "the template around its prompt is not UTF-8");
	buf_reset(&p.chat_template);
	refuses(&p, NULL, talk, NULL,
		"its messages (write what the policy is to see as \"prompt\"): the policy has no "
		"chat template");
	buf_str(&p.chat_template, "{{ raise_exception('no') }}");
	refuses(&p, NULL, talk, NULL, "the policy's chat template: line 1: the template refuses: no");
	policy_free(&p);
}

/* The tokenizer adds BOS to a prompt, and none to messages, whose template says whether. */
static void begin_of_text(void **state)
{
	static const char post[] =
		"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
		"{\"id\":\"<pad>\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<pad>\":"
		"{\"ids\":[0]}}}";
	static const char none[] = "\"post_processor\":null";
	struct policy p = chatty();
	struct task_set s = one("ab", NULL);
	struct prompts made = {0};
	struct buf json = {0};
	struct span old = tok_json(p.tok);
	const char *at = memmem(old.p, old.n, none, sizeof none - 1);
	const uint32_t *v;
	size_t n;

	(void)state;
	assert_non_null(at);
	buf_add(&json, old.p, (size_t)(at - old.p));
	buf_str(&json, post);
	buf_add(&json, at + sizeof none - 1, old.n - (size_t)(at - old.p) - (sizeof none - 1));
	tok_free(p.tok);
	p.tok = tok_load(json.p, json.n, "tokenizer.json", NULL);
	assert_non_null(p.tok);
	assert_int_equal(prompt_make(&made, &p, &s, "tasks", &(struct prompt_opts){0}, NULL), 0);
	v = prompt_ids(&made, 0, &n);
	assert_int_equal(n, 3);
	assert_int_equal(v[0], 0);
	assert_int_equal(prompt_text(&made, 0).n, 2);
	prompt_free(&made);
	sees(&p, NULL, "[{\"role\":\"user\",\"content\":\"hi\"}]", NULL,
	     "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
	task_free(&s);
	buf_free(&json);
	policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(messages),
		cmocka_unit_test(begin_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
