/* turns.h: what of a conversation a policy learns. */
#include "scratch.h"

#include "base/mem.h"
#include "rollout/turns.h"
#include "tiny.h"

static const char plain[] =
	"{% for m in messages %}{{ m.role[0] + ':' + m.content + '<eos>\\n' }}{% endfor %}"
	"{% if add_generation_prompt %}{{ 'a:' }}{% endif %}";

static struct policy policy_with(const char *template)
{
	struct policy p = tiny_policy("abcdefghijklmnopqrstuvwxyz:</>\n 12", 1);

	p.cfg.max_len = 4096; /* no weight depends on it */
	buf_str(&p.chat_template, template);
	return p;
}

/* Messages "u question", "a answer", "s system" ... as a list */
static json_t *talk(const char *const *lines)
{
	json_t *list = json_array();

	for (; *lines; lines++) {
		const char *role = **lines == 'u'   ? "user"
				   : **lines == 's' ? "system"
						    : "assistant";

		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "role", role, "content", *lines + 2));
	}
	return list;
}

struct seen {
	const struct policy *p;
	struct buf text;
};

/* A row as text, what is learned in brackets, and a bar behind it */
static int see(void *ctx, const struct turns_row *r, struct reason *why)
{
	struct seen *s = ctx;

	(void)why;
	assert_true(r->n_prompt >= 1);
	for (size_t i = 0; i < r->n; i++) {
		bool now = i >= r->n_prompt && (!r->learn || r->learn[i - r->n_prompt]);
		bool then = i > r->n_prompt && (!r->learn || r->learn[i - r->n_prompt - 1]);

		if (now != then)
			buf_char(&s->text, now ? '[' : ']');
		tok_decode(s->p->tok, r->ids + i, 1, true, &s->text);
		if (now && i + 1 == r->n)
			buf_char(&s->text, ']');
	}
	buf_char(&s->text, '|');
	return 0;
}

static uint64_t learned(const struct policy *p, const struct turns_ask *a, const char *want)
{
	const struct opt_list none = {0};
	struct reason why = {0};
	struct turns *t = turns_open(p, &none, &why);
	struct seen s = {.p = p};
	uint64_t changed;

	assert_non_null(t);
	if (turns_make(t, a, see, &s, &why))
		fail_msg("%s", why.text);
	assert_string_equal(buf_cstr(&s.text), want);
	changed = turns_changed(t);
	turns_free(t);
	buf_free(&s.text);
	return changed;
}

/* Of these lines the last turn, and all turns, are learned so: */
static void learns(const char *template, const char *const *lines, const char *last,
		   const char *all)
{
	struct policy p = policy_with(template);
	json_t *list = talk(lines);

	learned(&p, &(struct turns_ask){.messages = list}, last);
	learned(&p, &(struct turns_ask){.messages = list, .all = true}, all);
	json_decref(list);
	policy_free(&p);
}

static const char *const four[] = {"u q", "a x", "u r", "a y", NULL};

/* What the policy will be asked with, then the answer to its end token, and no further. */
static void last_or_all(void **state)
{
	static const char *const behind[] = {"s s", "u q", "a x", "u r", NULL};

	(void)state;
	learns(plain, four, "u:q<eos>\na:x<eos>\nu:r<eos>\na:[y<eos>]|",
	       "u:q<eos>\na:[x<eos>]\nu:r<eos>\na:[y<eos>]|");
	learns(plain, behind, "s:s<eos>\nu:q<eos>\na:[x<eos>]|", "s:s<eos>\nu:q<eos>\na:[x<eos>]|");
}

static void an_end_that_the_template_lacks_is_added_to_the_last(void **state)
{
	static const char open[] = "{% for m in messages %}{{ m.role[0] + ':' + m.content + ' ' }}"
				   "{% endfor %}{% if add_generation_prompt %}a:{% endif %}";

	(void)state;
	learns(open, four, "u:q a:x u:r a:[y <eos>]|", "u:q a:[x ]u:r a:[y <eos>]|");
}

/* The prompt has "<think>", a finished answer has no thoughts: both are left out. */
static void beginnings_that_answers_do_not_have(void **state)
{
	static const char think[] =
		"{% for m in messages %}{{ m.role[0] + ':' + m.content.split('</think>')[-1] + "
		"'<eos>' }}{% endfor %}{% if add_generation_prompt %}{{ 'a:<think>\\n' }}{% endif "
		"%}";
	static const char *const thought[] = {"u q", "a <think>t</think>x", NULL};
	static const char *const more[] = {"u q", "a <think>\nt", NULL}; /* the prompt has it */
	static const char *const like[] = {"u q", "a <x", NULL}; /* begins as the prompt goes on */
	struct policy p = policy_with(think);
	json_t *list = talk(thought);

	(void)state;
	learns(think, four, "u:q<eos>a:x<eos>u:r<eos>a:[y<eos>]|",
	       "u:q<eos>a:[x<eos>]u:r<eos>a:[y<eos>]|");
	learns(think, like, "u:q<eos>a:[<x<eos>]|", "u:q<eos>a:[<x<eos>]|");
	/* told, for what is learned is not what the row says */
	assert_int_equal(learned(&p, &(struct turns_ask){.messages = list}, "u:q<eos>a:[x<eos>]|"),
			 1);
	json_decref(list);
	list = talk(more);
	assert_int_equal(
		learned(&p, &(struct turns_ask){.messages = list}, "u:q<eos>a:<think>\n[t<eos>]|"),
		0);
	json_decref(list);
	policy_free(&p);
}

/* Qwen3's way: thoughts of the last turn alone. An earlier turn is learned as it was asked for. */
static void turns_that_change_when_more_follow(void **state)
{
	static const char last[] =
		"{% for m in messages %}{{ m.role[0] + ':' }}{{ m.content if loop.last else "
		"m.content.split('</think>')[-1] }}{{ '<eos>' }}{% endfor %}"
		"{% if add_generation_prompt %}a:{% endif %}";
	static const char *const thoughts[] = {"u q", "a <think>1</think>x", "u r",
					       "a <think>2</think>y", NULL};

	(void)state;
	learns(last, thoughts, "u:q<eos>a:x<eos>u:r<eos>a:[<think>2</think>y<eos>]|",
	       "u:q<eos>a:[<think>1</think>x<eos>]|"
	       "u:q<eos>a:x<eos>u:r<eos>a:[<think>2</think>y<eos>]|");
	learns(last, four, "u:q<eos>a:x<eos>u:r<eos>a:[y<eos>]|",
	       "u:q<eos>a:[x<eos>]u:r<eos>a:[y<eos>]|");
}

static void generation_blocks_say_what_is_learned(void **state)
{
	static const char marked[] =
		"{% for m in messages %}{% if m.role == 'assistant' %}{{ 'a:' }}"
		"{% generation %}{{ m.content + '<eos>' }}{% endgeneration %}{{ '\\n' }}{% else %}"
		"{{ m.role[0] + ':' + m.content + '\\n' }}{% endif %}{% endfor %}"
		"{% if add_generation_prompt %}a:{% endif %}";
	static const char *const first[] = {"u q", "a <eos> x", NULL};

	(void)state;
	learns(marked, four, "u:q\na:x<eos>\nu:r\na:[y<eos>]|",
	       "u:q\na:[x<eos>]\nu:r\na:[y<eos>]|");
	learns(marked, first, "u:q\na:[<eos> x<eos>]|", "u:q\na:[<eos> x<eos>]|");
}

static void turns_of_a_prompt_are_read(void **state)
{
	struct policy p = policy_with(plain);
	json_t *list = talk(four);

	(void)state;
	learned(&p, &(struct turns_ask){.messages = list, .all = true, .from = 2},
		"u:q<eos>\na:x<eos>\nu:r<eos>\na:[y<eos>]|");
	json_decref(list);
	policy_free(&p);
}

static void refuses(const char *template, const char *const *lines, const char *says)
{
	const struct opt_list none = {0};
	struct policy p = policy_with(template);
	json_t *list = talk(lines);
	struct turns_ask a = {.messages = list, .all = true};
	struct seen s = {.p = &p};
	struct reason why = {0};
	struct turns *t = turns_open(&p, &none, &why);

	assert_non_null(t);
	assert_int_equal(turns_make(t, &a, see, &s, &why), ST_INPUT);
	assert_says(&why, says);
	turns_free(t);
	json_decref(list);
	buf_free(&s.text);
	policy_free(&p);
}

static void what_cannot_be_learned(void **state)
{
	static const char *const question[] = {"u q", NULL}, *const answer[] = {"a x", NULL};
	/* tells the beginning how many follow */
	static const char counts[] = "{{ messages | length }}{% for m in messages %}{{ ':' + "
				     "m.content }}{% endfor %}";

	(void)state;
	refuses(plain, question, "no turn of the assistant's behind another message");
	refuses(plain, answer, "no turn of the assistant's behind another message");
	refuses(counts, four, "writes what is before message 2 otherwise");
	refuses("{{ raise_exception('no') }}", four, "the template refuses: no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_or_all),
		cmocka_unit_test(an_end_that_the_template_lacks_is_added_to_the_last),
		cmocka_unit_test(beginnings_that_answers_do_not_have),
		cmocka_unit_test(turns_that_change_when_more_follow),
		cmocka_unit_test(generation_blocks_say_what_is_learned),
		cmocka_unit_test(turns_of_a_prompt_are_read),
		cmocka_unit_test(what_cannot_be_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
