/* Tests of stats/evalset.h: what evaluations say of each problem, and which came earlier. */
#include "base/json.h"
#include "scratch.h"
#include "stats/evalset.h"
#include "stream/mpjson.h"
#include "stream/rec.h"

#include <math.h>

static const char *dir;
static struct evalset set;
static struct reason why;

static int setup(void **state)
{
	(void)state;
	dir = scratch_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	evalset_free(&set);
	scratch_free(dir);
	return 0;
}

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* An evaluation of these records, each {...} of JSON; the last is NULL. st: what reading comes to
 */
static struct eval *add(const char *variant, int64_t step, int st, const char *const *records)
{
	struct eval *e = evalset_add(&set, text("test"), text(variant), text("1"), step);
	struct buf b = {0};
	struct out o;
	struct rec_out w;

	out_init(&o, open(scratch_path(dir, "e"), O_WRONLY | O_CREAT | O_TRUNC, 0666), "e");
	rec_out_init(&w, &o, 1);
	for (; *records; records++) {
		json_t *j = json_parse(*records, strlen(*records), "test", &why);

		assert_non_null(j);
		buf_reset(&b);
		mpjson_to_record(&b, j);
		rec_put(&w, b.p, b.n, !json_object_get(j, "kind"));
		json_decref(j);
	}
	rec_finish(&w);
	assert_int_equal(out_close(&o, NULL), 0);
	rec_out_free(&w);
	buf_free(&b);
	assert_int_equal(evalset_read(&set, e, scratch_path(dir, "e"), 0, 0.5, &why), st);
	return e;
}

#define OF(task, response, rest) \
	"{\"task\":\"" task "\",\"prompt\":\"?\",\"response\":\"" response "\"" rest "}"

static void cells(void **state)
{
	static const char *const records[] = {
		OF("a", "1", ",\"reward\":1,\"entropy\":0.5"),
		OF("a", "1", ",\"reward\":0.5,\"verdict\":\"ok\""),
		OF("a", "2", ",\"reward\":1,\"entropy\":1.5"),
		OF("a", "3", ",\"reward\":0.25"),
		"{\"kind\":\"note\",\"task\":\"a\",\"reward\":1}", /* nobody's trajectory */
		OF("b", "1", ",\"verdict\":\"timeout\""),
		OF("b", "1", ",\"verdict\":\"ok\""),
		OF("b", "1", ""),
		NULL,
	};
	struct eval *e;
	struct evalcell a, b;

	(void)state;
	e = add("x", 1, 0, records);
	a = eval_cell(e, 0);
	b = eval_cell(e, 1);
	assert_true(a.n == 4 && a.c == 3 && a.distinct == 2);
	assert_true(a.n_entropy == 2 && a.entropy == 2);
	assert_true(b.n == 0 && b.c == 0);
	assert_true(e->ungraded == 3 && e->failed == 1);
	assert_int_equal(eval_cell(e, 1000).n, 0);
}

static void broken_streams(void **state)
{
	static const char *const lacks[] = {OF("a", "1", ""), "{\"task\":\"b\"}", NULL};
	struct eval *e;
	char path[8192];

	(void)state;
	add("x", 1, ST_INPUT, lacks);
	assert_says(&why, "record 3");
	e = evalset_add(&set, text("test"), text("y"), text("1"), 1);
	snprintf(path, sizeof path, "%s", scratch_path(dir, "e"));
	assert_int_equal(truncate(path, 60), 0);
	assert_int_equal(evalset_read(&set, e, path, 0, 0.5, &why), ST_INPUT);
	assert_int_equal(evalset_read(&set, e, scratch_path(dir, "none"), 0, 0.5, &why), ST_SYSTEM);
}

static void earlier_steps(void **state)
{
	static const char *const both[] = {OF("a", "1", ",\"reward\":1"),
					   OF("b", "1", ",\"reward\":1"), NULL};
	static const char *const none[] = {OF("a", "1", ",\"reward\":0"),
					   OF("b", "1", ",\"reward\":0"), NULL};
	static const char *const only_a[] = {OF("a", "1", ",\"reward\":1"), NULL};

	(void)state;
	assert_int_equal(evalset_sort(&set, &why), 0); /* of nothing */
	add("x", 300, 0, none);
	add("y", 250, 0, both);
	add("x", 200, 0, only_a);
	add("x", 100, 0, none);
	assert_int_equal(evalset_sort(&set, &why), 0);
	assert_true(set.v[0].step == 100 && set.v[1].step == 200 && set.v[2].step == 300);
	assert_false(evalset_earlier(&set, &set.v[1], 0));
	assert_true(evalset_earlier(&set, &set.v[2], 0));
	assert_false(evalset_earlier(&set, &set.v[2], 1)); /* step 200 did not have it */
	assert_false(evalset_earlier(&set, &set.v[3], 0)); /* another variant's do not count */
	add("x", 200, 0, none);
	assert_int_equal(evalset_sort(&set, &why), ST_INPUT);
	assert_says(&why, "variant x, seed 1, step 200: two evaluations");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cells, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_streams, setup, teardown),
		cmocka_unit_test_setup_teardown(earlier_steps, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
