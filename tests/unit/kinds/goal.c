/* Hindsight of countdown and subset: what wrong responses would have been right for, worked by
 * hand. */
#include "base/json.h"
#include "kinds/goal.h"
#include "stream/mpjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct span sp(const char *s)
{
	return (struct span){s, strlen(s)};
}

struct row {
	const char *response, *solves; /* NULL: nothing */
};

static void check_rows(const struct kind *k, const char *meta, const char *answer,
		       const struct row *rows, size_t n)
{
	struct reason why = {0};
	json_t *j = json_parse(meta, strlen(meta), "meta", &why);
	struct buf b = {0}, id = {0};

	assert_non_null(j);
	mpjson_to(&b, j);
	json_decref(j);
	for (size_t i = 0; i < n; i++) {
		struct verify_item it = {.response = sp(rows[i].response),
					 .answer = sp(answer),
					 .meta = {(const uint8_t *)b.p, b.n}};
		bool solved = gen_solves(k, &it, &id);

		if (solved != (rows[i].solves != NULL) ||
		    (solved && strcmp(buf_cstr(&id), rows[i].solves)))
			fail_msg("%s: \"%s\" solves %s, not %s", k->name, rows[i].response,
				 solved ? buf_cstr(&id) : "nothing",
				 rows[i].solves ? rows[i].solves : "nothing");
	}
	buf_free(&b);
	buf_free(&id);
}

#define CHECK(k, meta, answer, rows) check_rows(k, meta, answer, rows, sizeof rows / sizeof *rows)

static void countdown(void **state)
{
	static const struct row rows[] = {
		{"(8-3)*5+2", "countdown:2,3,5,8=27"},
		{"8*5*(3-2)", "countdown:2,3,5,8=40"},
		{"(8+2)*5-3=47", "countdown:2,3,5,8=47"},
		{"Answer: 2*3*5*8", "countdown:2,3,5,8=240"},
		{"(8+2)*5-3=40", NULL}, /* it is 47 */
		{"8*5", NULL},          /* not all of the numbers */
		{"8*5+3-2*2", NULL},    /* one twice */
		{"8*6-3-2", NULL},      /* another one */
		{"2-3-5-8", NULL},      /* -14 */
		{"(5-3-2)*8", NULL},    /* 0 */
		{"8/3+5+2", NULL},      /* 29/3 */
		{"(8-3)*5+", NULL},
		{"", NULL},
		{"I give up", NULL},
	};

	(void)state;
	CHECK(&kind_countdown, "{\"numbers\": [2, 3, 5, 8], \"target\": 40}", "40", rows);
	/* a list of another order is the same problem */
	CHECK(&kind_countdown, "{\"numbers\": [8, 2, 5, 3]}", "40", rows);
}

static void subset(void **state)
{
	static const struct row rows[] = {
		{"4+11+15", "subset:4,6,11,15,20=30"},
		{"15 + 4 + 11", "subset:4,6,11,15,20=30"},
		{"6+20", "subset:4,6,11,15,20=26"},
		{"20", NULL},           /* one number */
		{"4+6+11+15+20", NULL}, /* all of them */
		{"4+4", NULL},          /* one twice */
		{"4+7", NULL},          /* another one */
		{"20-4", NULL},         /* no sum */
		{"(4+6)", NULL},
	};

	(void)state;
	CHECK(&kind_subset, "{\"numbers\": [4, 6, 11, 15, 20], \"target\": 26}", "26", rows);
}

/* What is no problem of these kinds has no hindsight. */
static void other_givens(void **state)
{
	static const struct row none[] = {{"2+3", NULL}};

	(void)state;
	CHECK(&kind_countdown, "{}", "40", none);
	CHECK(&kind_countdown, "{\"numbers\": []}", "40", none);
	CHECK(&kind_countdown, "{\"numbers\": [2, 3, 0]}", "40", none);
	CHECK(&kind_countdown, "{\"numbers\": [2, -3]}", "40", none);
	CHECK(&kind_countdown, "{\"numbers\": [2, 3, \"x\"]}", "40", none);
	CHECK(&kind_countdown,
	      "{\"numbers\": [2,3,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}" /* 17 of them */, "40", none);
	CHECK(&kind_arithmetic, "{\"numbers\": [2, 3]}", "40", none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(countdown), cmocka_unit_test(subset),
					   cmocka_unit_test(other_givens)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
