/* Tests of stats/runstat.h: a run of five steps worked out by hand. */
#include "stats/runstat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* reward NaN: the verifier failed */
static void add(struct runstat *s, const char *task, const char *response, double reward)
{
	struct reason why;
	struct traj t;

	traj_clear(&t);
	t.task = text(task);
	t.prompt = text("?");
	t.response = text(response);
	t.reward = reward;
	t.entropy = reward;
	t.verdict = text(isnan(reward) ? "timeout" : "ok");
	if (!isnan(reward))
		t.finish = text(reward > 0 ? "stop" : "length");
	assert_int_equal(runstat_add(s, &t, (struct mp){0}, &why), 0);
}

/* Tasks a, b, c. Solved: {a, b}, {a}, {c} (b not attempted), {} (all attempted), {b} */
static void run(struct runstat *s, struct runstat_row row[5])
{
	add(s, "a", "1", 1);
	add(s, "a", "1", 1);
	add(s, "a", "2", 0.5);
	add(s, "a", "3", 0);
	add(s, "b", "1", 1);
	runstat_close(s, &row[0]);
	add(s, "a", "1", 1);
	add(s, "b", "9", 0);
	add(s, "b", "9", NAN);
	runstat_close(s, &row[1]);
	add(s, "a", "9", 0);
	add(s, "b", "9", NAN);
	add(s, "c", "1", 1);
	runstat_close(s, &row[2]);
	add(s, "a", "9", 0);
	add(s, "b", "9", 0);
	add(s, "c", "9", 0);
	runstat_close(s, &row[3]);
	add(s, "a", "9", 0);
	add(s, "b", "1", 1);
	runstat_close(s, &row[4]);
}

static void test_counts(void **state)
{
	struct runstat s = {.threshold = 0.5};
	struct runstat_row r[5];

	(void)state;
	run(&s, r);
	assert_int_equal(r[0].trajectories, 5);
	assert_int_equal(r[0].graded, 5);
	assert_int_equal(r[0].failed, 0);
	assert_int_equal(r[0].tasks, 2);
	assert_int_equal(r[0].attempted, 2);
	assert_int_equal(r[0].solved, 2);
	assert_int_equal(r[0].ever, 2);
	assert_close(r[0].reward, 3.5 / 5, 1e-15);
	assert_close(r[0].accuracy, 4.0 / 5, 1e-15);
	assert_close(r[0].entropy, 3.5 / 5, 1e-15);
	assert_true(isnan(r[0].tokens));
	assert_close(r[0].cut, 1.0 / 5, 1e-15);
	assert_close(r[0].distinct, 1.5, 1e-15); /* a: 1 and 2, b: 1 */
	assert_int_equal(r[1].trajectories, 3);
	assert_int_equal(r[1].graded, 2);
	assert_int_equal(r[1].failed, 1);
	assert_close(r[1].reward, 0.5, 1e-15);
	assert_close(r[1].cut, 0.5, 1e-15);
	assert_int_equal(r[2].tasks, 3);
	assert_int_equal(r[2].attempted, 2);
	assert_close(r[2].distinct, 0.5, 1e-15);
	assert_int_equal(r[2].ever, 3);
	assert_int_equal(r[4].ever, 3);
	runstat_free(&s);
}

static void test_forgetting(void **state)
{
	/* step 1: nothing earlier; 2: a kept, b lost; 3: a lost, b not judged; 4: all three lost;
	 * 5: a lost, b found again */
	const double all[5] = {NAN, 1.0 / 2, 1, 1, 1.0 / 2};
	/* only the step before: 2: the same; 3: a lost; 4: c lost; 5: nobody was solved */
	const double one[5] = {NAN, 1.0 / 2, 1, 1, NAN};
	/* two steps: 4: a of step 2 and c; 5: c is not attempted, a and b are too old */
	const double two[5] = {NAN, 1.0 / 2, 1, 1, NAN};
	const double *want[3] = {all, one, two};
	struct runstat_row r[5];

	(void)state;
	for (uint64_t window = 0; window < 3; window++) {
		struct runstat s = {.threshold = 0.5, .window = window};

		run(&s, r);
		for (int i = 0; i < 5; i++) {
			if (isnan(want[window][i]))
				assert_true(isnan(r[i].forgetting));
			else
				assert_close(r[i].forgetting, want[window][i], 1e-15);
		}
		runstat_free(&s);
	}
}

/* A window of 3 at step 4 reaches step 1, at step 5 step 2. */
static void test_window(void **state)
{
	struct runstat s = {.threshold = 1, .window = 3};
	struct runstat_row r;

	(void)state;
	add(&s, "a", "x", 1);
	add(&s, "b", "x", 1);
	runstat_close(&s, &r);
	for (int step = 2; step <= 5; step++) {
		add(&s, "a", "y", 0);
		add(&s, "b", "y", step == 3);
		runstat_close(&s, &r);
		if (step == 5)
			assert_close(r.forgetting, 1, 0); /* b alone, of step 3 */
		else
			assert_close(r.forgetting, step == 3 ? 0.5 : 1, 0);
	}
	add(&s, "a", "y", 0);
	runstat_close(&s, &r);
	assert_true(isnan(r.forgetting));
	runstat_free(&s);
}

static void test_similarity(void **state)
{
	struct runstat s = {.threshold = 0.5, .ngram = 1};
	struct runstat_row r[5];

	(void)state;
	run(&s, r);
	assert_true(isnan(r[0].similarity));
	/* a: 1 1 2 3 against 1: 1/2; b: 1 against 9 9: 0 */
	assert_close(r[1].similarity, 0.25, 1e-15);
	/* a: 1 against 9; b: 9 9 against 9; c is new */
	assert_close(r[2].similarity, 0.5, 1e-15);
	/* a: the same; b: the same; c: 1 against 9 */
	assert_close(r[3].similarity, 2.0 / 3, 1e-15);
	runstat_free(&s);
	s = (struct runstat){.threshold = 0.5};
	run(&s, r);
	assert_true(isnan(r[3].similarity));
	runstat_free(&s);
}

/* n-grams of the key tokens, which may be bin or an array */
static int add_ids(struct runstat *s, const char *map, size_t n, struct reason *why)
{
	struct traj t;

	traj_clear(&t);
	t.task = t.prompt = t.response = text("a");
	return runstat_add(s, &t, (struct mp){(const uint8_t *)map, n}, why);
}

#define IDS(s, map) add_ids(s, "\x81\xa6tokens" map, sizeof("\x81\xa6tokens" map) - 1, &why)

static void test_tokens(void **state)
{
	struct runstat s = {.threshold = 0.5, .ngram = 2, .by_token = true};
	struct runstat_row r;
	struct reason why;

	(void)state;
	assert_int_equal(IDS(&s, "\xc4\x0c\1\0\0\0\2\0\0\0\3\0\0\0"), 0);
	runstat_close(&s, &r);
	assert_int_equal(IDS(&s, "\x93\x02\x03\xce\xff\xff\xff\xff"), 0);
	runstat_close(&s, &r);
	/* 12 23 against 23 3x */
	assert_close(r.similarity, 0.5, 1e-15);
	assert_int_equal(IDS(&s, "\x90"), 0);
	assert_int_equal(IDS(&s, "\x91\xff"), ST_INPUT);
	assert_non_null(strstr(why.text, "holds no token ids"));
	assert_int_equal(IDS(&s, "\x91\xcf\0\0\0\1\0\0\0\0"), ST_INPUT);
	assert_int_equal(IDS(&s, "\x91\xa1x"), ST_INPUT);
	assert_int_equal(IDS(&s, "\x05"), ST_INPUT);
	assert_non_null(strstr(why.text, "is missing"));
	runstat_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts), cmocka_unit_test(test_forgetting),
		cmocka_unit_test(test_window), cmocka_unit_test(test_similarity),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
