/* Which problems come next: turns passed over, the table by hand, draws by chance. */
#include "learn/choose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "close.h"

enum { N = 8 };

struct rig {
	struct choose_opts o;
	struct deck deck;
	struct choose c;
};

static void rig_make(struct rig *g, enum choose_rule rule, size_t n)
{
	g->o = (struct choose_opts){rule, .low = 0, .high = 1, .again = 10, .keep = 0.5};
	deck_init(&g->deck, 7, n);
	choose_init(&g->c, &g->o, &g->deck);
}

static void rig_free(struct rig *g)
{
	choose_free(&g->c);
	deck_free(&g->deck);
}

/* n responses to a task, of which so many are right */
static void visit(struct rig *g, uint64_t step, size_t task, size_t n, size_t right)
{
	double reward[N];

	for (size_t i = 0; i < n; i++)
		reward[i] = i < right;
	choose_note(&g->c, step, task, reward, n);
}

static double cell(const struct rig *g, enum choose_column k, size_t task)
{
	return g->c.v[(size_t)k * g->deck.n + task];
}

static void table_by_hand(void **state)
{
	static const struct {
		size_t right;
		double a, b;
	} row[] = {{3, 4, 6}, {8, 10.5, 3.5}, {0, 5.75, 10.25}};
	const double odd[] = {-1, 0.5, 3};
	struct rig g;

	(void)state;
	rig_make(&g, CHOOSE_THOMPSON, 3);
	for (uint64_t i = 0; i < 3; i++) {
		visit(&g, i + 4, 1, 8, row[i].right);
		assert_close(cell(&g, CHOOSE_A, 1), row[i].a, 0);
		assert_close(cell(&g, CHOOSE_B, 1), row[i].b, 0);
		assert_close(cell(&g, CHOOSE_MEAN, 1), (double)row[i].right / 8, 0);
		assert_close(cell(&g, CHOOSE_VISITS, 1), (double)i + 1, 0);
		assert_close(cell(&g, CHOOSE_LAST, 1), (double)i + 4, 0);
	}
	assert_int_equal(choose_seen(&g.c), 1);
	choose_note(&g.c, 9, 2, odd, 3); /* taken as 0, 0.5 and 1 */
	assert_close(cell(&g, CHOOSE_A, 2), 2.5, 0);
	assert_close(cell(&g, CHOOSE_B, 2), 2.5, 0);
	assert_close(cell(&g, CHOOSE_MEAN, 2), 2.5 / 3, 1e-7);
	assert_close(cell(&g, CHOOSE_A, 0), 1, 0);
	rig_free(&g);
}

/* Of each problem i so many of N are right: i */
static void visit_all(struct rig *g, uint64_t step)
{
	for (size_t i = 0; i <= N; i++)
		visit(g, step, i, N, i);
}

/* How often each came in n draws */
static void tally(struct rig *g, uint64_t step, size_t n, size_t *times)
{
	struct draw out[64];
	uint64_t key = g->deck.drawn;

	memset(times, 0, g->deck.n * sizeof *times);
	choose_draw(&g->c, step, 1, n, out);
	for (size_t i = 0; i < n; i++) {
		times[out[i].task]++;
		assert_true(i == 0 || out[i].key > out[i - 1].key); /* each draw has its own */
		assert_true(out[i].key >= key);
	}
}

static void turns_are_passed_over(void **state)
{
	size_t times[N + 1];
	struct rig g;

	(void)state;
	for (int rule = CHOOSE_ALL; rule <= CHOOSE_BAND; rule++) {
		rig_make(&g, (enum choose_rule)rule, N + 1);
		visit_all(&g, 3);
		tally(&g, 4, 2 * (N - 1), times);
		assert_int_equal(times[N] > 0, rule == CHOOSE_ALL);
		assert_int_equal(times[0] > 0, rule != CHOOSE_BAND);
		assert_int_equal(choose_out(&g.c, 4), rule);
		assert_int_equal(choose_out(&g.c, 13),
				 0); /* after so many steps it is seen again */
		tally(&g, 13, 2 * N + 2, times);
		assert_true(times[0] > 0 && times[N] > 0);
		rig_free(&g);
	}
	rig_make(&g, CHOOSE_BAND, N + 1);
	g.o.low = 0.25;
	g.o.high = 0.75;
	visit_all(&g, 3);
	tally(&g, 4, 9, times);
	for (size_t i = 0; i <= N; i++) /* three are in, each has its turn thrice; bounds are out */
		assert_int_equal(times[i], i > 2 && i < 6 ? 3 : 0);
	assert_int_equal(choose_out(&g.c, 4), 6);
	rig_free(&g);
}

/* 0.9 in float is below 0.9, and 0.1 in float is above 0.1. */
static void mean_at_a_bound_is_out(void **state)
{
	const double nine[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, one[10] = {1};
	struct rig g;

	(void)state;
	rig_make(&g, CHOOSE_BAND, 3);
	g.o.low = 0.1;
	g.o.high = 0.9;
	choose_note(&g.c, 1, 0, nine, 10);
	assert_int_equal(choose_out(&g.c, 2), 1);
	choose_note(&g.c, 1, 1, one, 10);
	assert_int_equal(choose_out(&g.c, 2), 2);
	choose_note(&g.c, 1, 2, one, 9); /* 1/9 is inside */
	assert_int_equal(choose_out(&g.c, 2), 2);
	rig_free(&g);
}

static void all_out_is_none_out(void **state)
{
	size_t times[5];
	struct rig g;

	(void)state;
	rig_make(&g, CHOOSE_UNSOLVED, 5);
	for (size_t i = 0; i < 5; i++)
		visit(&g, 1, i, 2, 2);
	tally(&g, 2, 10, times);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(times[i], 2);
	assert_int_equal(g.c.passed, 0);
	rig_free(&g);
}

/* Half solved problems come more often than those that are solved always or never; which of those
 * that nobody knows, is chance, and the same again for the same place. */
static void chance_prefers_the_middle(void **state)
{
	size_t times[40], sum[40] = {0}, again[40];
	struct rig g;

	(void)state;
	rig_make(&g, CHOOSE_THOMPSON, 40);
	g.o.keep = 1;
	for (size_t i = 0; i < 40; i++)
		for (uint64_t k = 0; k < 4; k++)
			visit(&g, k + 1, i, N, i < 10 ? 0 : i < 20 ? N : N / 2);
	for (uint64_t step = 5; step < 105; step++) {
		tally(&g, step, 3, times);
		tally(&g, step, 3, again);
		assert_memory_equal(times, again, sizeof times);
		for (size_t i = 0; i < 40; i++) {
			assert_true(times[i] <= 1);
			sum[i] += times[i];
		}
	}
	for (size_t i = 0; i < 40; i++)
		assert_true(i < 20 ? sum[i] == 0 : sum[i] >= 3 && sum[i] <= 40);
	tally(&g, 200, 60, times); /* more than there are: again from the nearest */
	for (size_t i = 0; i < 40; i++)
		assert_true(times[i] == 1 || times[i] == 2);
	rig_free(&g);
}

/* Of Beta(1, 1) and Beta(1 + right, 1), the first is nearer to 1/2 with probability E 2 |w - 1/2|,
 * w of the second: .5625 for 2 right ones, .800391 for 8. */
static void chance_is_as_the_table_says(void **state)
{
	static const struct {
		size_t right;
		double want;
	} row[] = {{0, 0.5}, {2, 0.5625}, {8, 0.800391}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		double first = 0, n = 4000;
		size_t times[2];
		struct rig g;

		rig_make(&g, CHOOSE_THOMPSON, 2);
		g.o.keep = 1;
		if (row[i].right)
			visit(&g, 1, 1, row[i].right, row[i].right);
		for (uint64_t step = 2; step < 2 + (uint64_t)n; step++) {
			tally(&g, step, 1, times);
			first += (double)times[0];
		}
		assert_close(first / n, row[i].want, 0.025); /* three deviations */
		rig_free(&g);
	}
}

/* Without knowledge numbers are uniform: of 48 candidates of 480 each comes as often. */
static void candidates_are_drawn_evenly(void **state)
{
	size_t times[480], sum[480] = {0}, most = 0, none = 0;
	struct rig g;

	(void)state;
	rig_make(&g, CHOOSE_THOMPSON, 480);
	for (uint64_t step = 1; step <= 1600; step++) {
		tally(&g, step, 3, times);
		for (size_t i = 0; i < 480; i++)
			sum[i] += times[i];
	}
	for (size_t i = 0; i < 480; i++) { /* ten each, and the deviations of chance */
		most = sum[i] > most ? sum[i] : most;
		none += sum[i] == 0;
	}
	assert_true(most < 26);
	assert_true(none <= 1);
	rig_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_by_hand),
		cmocka_unit_test(turns_are_passed_over),
		cmocka_unit_test(mean_at_a_bound_is_out),
		cmocka_unit_test(all_out_is_none_out),
		cmocka_unit_test(chance_prefers_the_middle),
		cmocka_unit_test(chance_is_as_the_table_says),
		cmocka_unit_test(candidates_are_drawn_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
