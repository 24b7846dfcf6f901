/* Tests of stats/problems.h: what is counted of each problem, and in which order it comes. */
#include "base/json.h"
#include "scratch.h"
#include "stats/problems.h"
#include "stream/mpjson.h"
#include "stream/rec.h"

#include <math.h>

#define OF(task, rest) "{\"task\":\"" task "\",\"prompt\":\"?\",\"response\":\"r\"" rest "}"

static const char *dir;

static int setup(void **state)
{
	(void)state;
	dir = scratch_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_free(dir);
	return 0;
}

/* Reads these records, each {...} of JSON; the last is NULL. The status */
static int read_these(struct problems *e, const char *const *records, struct reason *why)
{
	struct buf b = {0};
	struct out o;
	struct rec_out w;
	const char *name;

	out_init(&o, open(scratch_path(dir, "e"), O_WRONLY | O_CREAT | O_TRUNC, 0666), "e");
	rec_out_init(&w, &o, 1);
	for (; *records; records++) {
		json_t *j = json_parse(*records, strlen(*records), "test", why);

		assert_non_null(j);
		buf_reset(&b);
		mpjson_to_record(&b, j);
		rec_put(&w, b.p, b.n, true);
		json_decref(j);
	}
	rec_finish(&w);
	assert_int_equal(out_close(&o, NULL), 0);
	rec_out_free(&w);
	buf_free(&b);
	return problems_read(e, scratch_path(dir, "e"), &name, why);
}

static const char *const records[] = {
	OF("b", ",\"step\":2,\"verdict\":\"timeout\""),
	OF("b", ",\"step\":2,\"reward\":0.25,\"extracted\":\"5\",\"tokens\":[1,2]"),
	OF("a", ",\"step\":1,\"reward\":1,\"extracted\":\"4\",\"finish\":\"length\""),
	OF("b", ",\"step\":2,\"reward\":-0.0,\"extracted\":\"6\",\"tokens\":[1,2,3,4]"),
	OF("b", ",\"step\":2,\"reward\":0,\"extracted\":\"6\",\"finish\":\"stop\""),
	OF("b", ",\"step\":2,\"reward\":1,\"extracted\":\"6\""),
	OF("b", ",\"step\":2,\"reward\":1"),
	OF("c", ",\"step\":1"),
	OF("b", ",\"step\":1,\"reward\":0,\"extracted\":\"5\""),
	NULL,
};

static void what_is_counted(void **state)
{
	struct problems e = {
		.o = {.by = "step", .threshold = 0.5, .answers = true, .rewards = true}};
	struct reason why;
	const struct problem *p;

	(void)state;
	assert_int_equal(read_these(&e, records, &why), 0);
	problems_sort(&e);
	assert_true(e.by_seen && problems_answered(&e));
	assert_int_equal(e.n, 3); /* step 2: b; step 1: a, b */
	assert_int_equal(e.keys.n, 4);
	assert_int_equal(e.ungraded, 2);
	assert_int_equal(e.failed, 1);
	p = &e.v[0];
	assert_true(span_is(names_get(&e.groups, p->group), "2"));
	assert_true(span_is(problems_task(&e, p), "b"));
	assert_true(p->n == 5 && p->c == 2 && p->reward == 2.25);
	assert_true(p->tokens == 6 && p->with_tokens == 2);
	assert_true(p->cut == 0 && p->with_finish == 1 && p->silent_right == 1);
	assert_true(p->n_answer == 2);
	assert_true(e.answer.v[p->answer].n == 3 && e.answer.v[p->answer].c == 1); /* 6 */
	assert_true(e.answer.v[p->answer + 1].n == 1);                             /* 5 */
	assert_true(p->n_reward == 3);
	assert_true(e.reward.v[p->reward_at].reward == 0 && e.reward.v[p->reward_at].n == 2);
	assert_true(e.reward.v[p->reward_at + 2].reward == 1);
	assert_true(span_is(problems_task(&e, &e.v[1]), "a") && e.v[1].cut == 1);
	assert_true(e.v[2].n == 1 && e.v[2].n_answer == 1); /* not those of the other group */
	problems_free(&e);
}

/* What is not asked for takes no memory, and is not looked at. */
static void what_is_not_asked_for(void **state)
{
	static const char *const odd[] = {OF("a", ",\"reward\":1,\"extracted\":[]"), NULL};
	struct problems e = {.o = {.threshold = 0.5}}, asked = {.o = {.answers = true}};
	struct reason why;

	(void)state;
	assert_int_equal(read_these(&e, odd, &why), 0);
	problems_sort(&e);
	assert_true(e.n == 1 && !e.answer.names.n && !e.reward.names.n && !problems_answered(&e));
	problems_free(&e);
	assert_int_equal(read_these(&asked, odd, &why), ST_INPUT);
	assert_non_null(strstr(why.text, "key \"extracted\" is not text"));
	problems_free(&asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_asked_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
