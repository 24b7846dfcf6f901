/* Wrong responses become right ones to what they do solve: records as JSON, before and after. */
#include "base/json.h"
#include "rollout/relabel.h"
#include "stream/mpjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tiny.h"

/* 27 of 2 3 5 8, where 40 was asked for */
#define GIVEN                                                                                 \
	"\"task\":\"t1\",\"answer\":\"40\",\"verifier\":\"countdown\",\"meta\":{\"numbers\":" \
	"[2,3,5,8],\"target\":40,\"level\":7},"
#define WRONG "\"response\":\"(8-3)*5+2\",\"reward\":0,\"verdict\":\"ok\","
#define SOLVES "\"hindsight\":\"countdown:2,3,5,8=27\""

/* The record of a JSON text, relabelled; its JSON in *made. */
static int run(struct relabel *r, const char *json, enum relabel_end *end, struct buf *made,
	       struct reason *why)
{
	json_t *j = json_parse(json, strlen(json), "record", why);
	struct buf b = {0}, out = {0};
	struct traj_mem mem = {0};
	struct traj t;
	struct rec rec = {.is_traj = true, .index = 1};
	int st;

	assert_non_null(j);
	mpjson_to(&b, j);
	json_decref(j);
	rec.map = (struct mp){(const uint8_t *)b.p, b.n};
	assert_int_equal(traj_read(&t, &rec, "x", &mem, why), 0);
	st = relabel_one(r, &t, rec.map, end, &out, why);
	buf_reset(made);
	if (!st && *end == RELABEL_DONE)
		mpjson_from(made, (struct mp){(const uint8_t *)out.p, out.n});
	buf_free(&b);
	buf_free(&out);
	traj_mem_free(&mem);
	return st;
}

static void ends_as(struct relabel *r, const char *json, enum relabel_end want)
{
	enum relabel_end end;
	struct reason why = {0};
	struct buf made = {0};

	if (run(r, json, &end, &made, &why) || end != want)
		fail_msg("%s: ended as %d, not %d: %s", json, end, want, why.text);
	buf_free(&made);
}

/* The 32 digits of the id as ID */
static void hide_id(struct buf *made)
{
	char *id = strstr(buf_cstr(made), "\"id\":\"");

	assert_non_null(id);
	id += 6;
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
	memcpy(id, "ID", 2);
	memmove(id + 2, id + 32, strlen(id + 32) + 1);
}

static void becomes(const char *json, const char *want)
{
	struct relabel *r = relabel_new(NULL, 0, NULL);
	enum relabel_end end;
	struct reason why = {0};
	struct buf made = {0};

	if (run(r, json, &end, &made, &why) || end != RELABEL_DONE)
		fail_msg("%s: ended as %d: %s", json, end, why.text);
	hide_id(&made);
	assert_string_equal(buf_cstr(&made), want);
	buf_free(&made);
	relabel_free(r);
}

/* The prompt is that of the new problem, in the place of the old one; what belongs to the old one
 * goes, and keys of the user's stay. */
static void a_record(void **state)
{
	(void)state;
	becomes("{" GIVEN "\"prompt\":\"2 3 5 8=40:\"," WRONG SOLVES
		",\"step\":3,\"sample\":5,\"advantage\":-1.5,\"used\":true,\"entropy\":0.5,"
		"\"temperature\":1,\"tokens\":[1,2],\"logprobs\":[-1,-2],\"mine\":[1]}",
		"{\"task\":\"countdown:2,3,5,8=27\",\"answer\":\"27\",\"verifier\":\"countdown\","
		"\"meta\":{\"numbers\":[2,3,5,8],\"target\":27},\"prompt\":\"2 3 5 8=27:\","
		"\"response\":\"(8-3)*5+2\",\"reward\":1.0,\"verdict\":\"ok\",\"step\":3,"
		"\"temperature\":1,\"tokens\":[1,2],\"mine\":[1],"
		"\"id\":\"ID\",\"relabelled\":\"t1\"}");
}

/* Around it stands what stood there, in words or as symbols. */
static void a_wrapper(void **state)
{
	struct relabel *r = relabel_new(NULL, 0, NULL);
	enum relabel_end end;
	struct reason why = {0};
	struct buf made = {0};

	(void)state;
	assert_int_equal(
		run(r,
		    "{" GIVEN "\"prompt\":\"<user>Write an expression with the value 40 from the "
		    "numbers 2, 3, "
		    "5 and 8, each used exactly once, with + - * / and parentheses. Give the "
		    "answer "
		    "on the last line, after \\\"Answer:\\\".</user><assistant>\"," WRONG SOLVES
		    "}",
		    &end, &made, &why),
		0);
	assert_int_equal(end, RELABEL_DONE);
	assert_non_null(strstr(
		buf_cstr(&made),
		"\"prompt\":\"<user>Write an expression with the value 27 from the numbers 2, 3, 5 "
		"and "
		"8, each used exactly once, with + - * / and parentheses. Give the answer on the "
		"last line, after \\\"Answer:\\\".</user><assistant>\""));
	buf_free(&made);
	relabel_free(r);
}

/* A response to t1, of which hindsight says so */
#define ANSWERED(response, solves)                                      \
	"{" GIVEN "\"prompt\":\"2 3 5 8=40:\",\"response\":\"" response \
	"\",\"reward\":0,\"hindsight\":" solves "}"

static void what_is_left_out(void **state)
{
	struct relabel *r = relabel_new(NULL, 2, NULL);

	(void)state;
	ends_as(r, "{" GIVEN "\"prompt\":\"2 3 5 8=40:\"," WRONG "\"x\":1}", RELABEL_NONE);
	ends_as(r, ANSWERED("(8-3)*5+2", "null"), RELABEL_NONE);
	ends_as(r, "{" GIVEN "\"prompt\":\"Make 40!\"," WRONG SOLVES "}", RELABEL_FOREIGN);
	ends_as(r, ANSWERED("(8-3)*5+2", "\"countdown:2,3,5,8=27\""), RELABEL_DONE);
	ends_as(r, ANSWERED("(8-3)*5+2", "\"countdown:2,3,5,8=27\""), RELABEL_COPY);
	ends_as(r, ANSWERED("2+(8-3)*5", "\"countdown:2,3,5,8=27\""), RELABEL_DONE);
	ends_as(r, ANSWERED("2+5*(8-3)", "\"countdown:2,3,5,8=27\""), RELABEL_CAPPED);
	ends_as(r, ANSWERED("8*3+5+2", "\"countdown:2,3,5,8=31\""), RELABEL_DONE);
	assert_int_equal(relabel_problems(r), 2);
	relabel_free(r);
}

/* A problem is held out by its name, by what it is, or by its prompt. */
static void held_out(void **state)
{
	struct relabel *r = relabel_new(NULL, 0, NULL);
	struct task name = {.id = (char *)"countdown:2,3,5,8=27", .prompt = (char *)"a"},
		    same = {.id = (char *)"row 7",
			    .prompt = (char *)"b",
			    .answer = (char *)"31",
			    .verifier = (char *)"countdown"},
		    text = {.id = (char *)"row 8", .prompt = (char *)"2  3 5 8 = 33"};
	const char *meta = "{\"numbers\":[8,5,3,2]}";
	json_t *j = json_parse(meta, strlen(meta), "meta", NULL);

	(void)state;
	mpjson_to(&same.meta, j);
	json_decref(j);
	relabel_hold_out(r, &(struct task_set){&name, 1});
	relabel_hold_out(r, &(struct task_set){&same, 1});
	relabel_hold_out(r, &(struct task_set){&text, 1});
	ends_as(r, ANSWERED("(8-3)*5+2", "\"countdown:2,3,5,8=27\""), RELABEL_HELD_OUT);
	ends_as(r, ANSWERED("8*3+5+2", "\"countdown:2,3,5,8=31\""), RELABEL_HELD_OUT);
	ends_as(r, ANSWERED("(8-2)*5+3", "\"countdown:2,3,5,8=33\""), RELABEL_HELD_OUT);
	ends_as(r, ANSWERED("8*3*2+5", "\"countdown:2,3,5,8=53\""), RELABEL_DONE);
	buf_free(&same.meta);
	relabel_free(r);
}

/* Whoever wrote hindsight: what is not so is not learned. */
static void refused(void **state)
{
	static const struct {
		const char *json, *why;
	} rows[] = {
		{ANSWERED("(8-3)*5+2", "\"countdown:2,3,5,8=28\""),
		 "hindsight: the response does not solve countdown:2,3,5,8=28"},
		{ANSWERED("(8-3)*5+2", "\"subset:2,3,5,8=27\""),
		 "hindsight: the response does not solve subset:2,3,5,8=27"},
		{ANSWERED("(8-3)*5+2", "27"), "hindsight: not the name of a problem"},
		{ANSWERED("(8-3)*5+2", "\"27\""), "hindsight: no problem of a generated kind: 27"},
		{ANSWERED("27", "\"arithmetic:3*9\""),
		 "hindsight: no problem of a generated kind: arithmetic:3*9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct relabel *r = relabel_new(NULL, 0, NULL);
		enum relabel_end end;
		struct reason why = {0};
		struct buf made = {0};

		assert_int_equal(run(r, rows[i].json, &end, &made, &why), ST_INPUT);
		assert_string_equal(why.text, rows[i].why);
		buf_free(&made);
		relabel_free(r);
	}
}

/* A policy whose tokenizer puts a BOS before a text */
static struct policy with_bos(void)
{
	static const char none[] = "\"post_processor\":null";
	static const char post[] =
		"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
		"{\"id\":\"<pad>\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<pad>\":"
		"{\"ids\":[0]}}}";
	struct policy p = tiny_policy("0123456789=: ", 1);
	struct span old = tok_json(p.tok);
	struct buf json = {0};

	buf_replaced(&json, old, (struct span){none, sizeof none - 1},
		     (struct span){post, sizeof post - 1});
	tok_free(p.tok);
	p.tok = tok_load(json.p, json.n, "tokenizer.json", NULL);
	assert_non_null(p.tok);
	buf_free(&json);
	return p;
}

/* Appends n tokens as JSON. */
static void put_tokens(struct buf *b, const uint32_t *v, size_t n)
{
	buf_str(b, "\"prompt_tokens\":[");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%u", i ? "," : "", v[i]);
	buf_str(b, "]");
}

static struct ids encoded(const struct policy *p, const char *prompt, bool special)
{
	struct ids ids = {0};

	assert_int_equal(tok_encode(p->tok, prompt, strlen(prompt), special, &ids, NULL), 0);
	assert_true(special == (ids.v[0] == 0));
	return ids;
}

/* Of the record of a JSON text, relabelled: the tokens of its prompt */
static void prompt_becomes(struct relabel *r, const char *json, const struct ids *want)
{
	json_t *j = json_parse(json, strlen(json), "record", NULL);
	struct buf b = {0}, out = {0};
	struct traj_mem mem = {0};
	struct rec rec = {.is_traj = true, .index = 1};
	struct reason why = {0};
	enum relabel_end end;
	struct traj t;

	mpjson_to(&b, j);
	json_decref(j);
	rec.map = (struct mp){(const uint8_t *)b.p, b.n};
	assert_int_equal(traj_read(&t, &rec, "x", &mem, NULL), 0);
	assert_int_equal(relabel_one(r, &t, rec.map, &end, &out, &why), 0);
	assert_int_equal(end, RELABEL_DONE);
	rec.map = (struct mp){(const uint8_t *)out.p, out.n};
	assert_int_equal(traj_read(&t, &rec, "x", &mem, NULL), 0);
	assert_int_equal(t.n_prompt_tokens, want->n);
	assert_memory_equal(t.prompt_tokens, want->v, want->n * sizeof *want->v);
	buf_free(&b);
	buf_free(&out);
	traj_mem_free(&mem);
}

/* As the old prompt was encoded, so is the new one: a chat template has its BOS in its text. */
static void tokens(void **state)
{
	struct policy p = with_bos();
	struct buf json = {0};

	(void)state;
	for (int special = 0; special < 2; special++) {
		struct relabel *r = relabel_new(&p, 0, NULL);
		struct ids old = encoded(&p, "2 3 5 8=40:", special);
		struct ids want = encoded(&p, "2 3 5 8=27:", special);

		buf_reset(&json);
		buf_str(&json, "{" GIVEN "\"prompt\":\"2 3 5 8=40:\"," WRONG SOLVES ",");
		put_tokens(&json, old.v, old.n);
		buf_str(&json, "}");
		prompt_becomes(r, buf_cstr(&json), &want);
		free(old.v);
		free(want.v);
		relabel_free(r);
	}
	buf_free(&json);
	policy_free(&p);
}

static void tokens_of_another(void **state)
{
	struct policy p = with_bos();
	struct relabel *r = relabel_new(&p, 0, NULL);
	struct reason why = {0};
	struct buf made = {0};
	enum relabel_end end;

	(void)state;
	assert_int_equal(run(r,
			     "{" GIVEN
			     "\"prompt\":\"2 3 5 8=40:\",\"prompt_tokens\":[1,2]," WRONG SOLVES "}",
			     &end, &made, &why),
			 ST_INPUT);
	assert_string_equal(why.text,
			    "prompt_tokens are not those of prompt in the policy's tokenizer");
	buf_free(&made);
	relabel_free(r);
	policy_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record),         cmocka_unit_test(a_wrapper),
		cmocka_unit_test(what_is_left_out), cmocka_unit_test(held_out),
		cmocka_unit_test(tokens),           cmocka_unit_test(tokens_of_another),
		cmocka_unit_test(refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
