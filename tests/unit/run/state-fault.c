/*
 * System calls that fail under checkpoints: it is told, and the newest or the one before it is
 * whole.
 */
#include "failing.h"

#include "run/state.h"

struct run {
	char dir[8000];
	float v[6];
	uint64_t step;
};

static const struct weight weights[] = {
	{.name = "a", .rank = 1, .shape = {2, 1}, .count = 2},
	{.name = "b", .rank = 2, .shape = {2, 2}, .count = 4, .offset = 2}};

static int run_open(struct run *r, struct state *s, struct reason *why)
{
	int st = state_open(s, r->dir, why);

	if (st)
		return st;
	state_same(s, "--seed", "1");
	state_count(s, "step", &r->step);
	state_array(s, "one", "", weights, 2, r->v);
	state_array(s, "two", "", weights, 2, r->v);
	return 0;
}

static void run_fill(struct run *r, uint64_t step)
{
	r->step = step;
	for (size_t i = 0; i < 6; i++)
		r->v[i] = (float)(step * 10 + i);
}

static int run_save(void *arg, struct reason *why)
{
	struct run *r = arg;
	uint64_t step = r->step;
	struct state s;
	int st = run_open(r, &s, why), got = 0;

	if (st)
		return st;
	got = state_load(&s, why);
	if (got < 0)
		st = why->status;
	else if (got == 0 && s.begun)
		fail_msg("what was saved is not found");
	run_fill(r, step);
	if (!st)
		st = state_save(&s, step, why);
	state_close(&s);
	return st;
}

static int run_load(void *arg, struct reason *why)
{
	struct run *r = arg;
	struct state s;
	int st = run_open(r, &s, why), got;

	if (st)
		return st;
	run_fill(r, 99);
	got = state_load(&s, why);
	if (got == 0)
		fail_msg("what was saved is not found");
	if (got > 0 && s.damaged.status)
		*why = s.damaged;
	st = why->status;
	state_close(&s);
	return st;
}

static unsigned steps_there(const char *path, unsigned *others)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	*others = 0;
	assert_non_null(d);
	while ((e = readdir(d)))
		if (strncmp(e->d_name, "step-", 5) == 0) {
			n++;
			*others += strlen(e->d_name) != 6;
		}
	closedir(d);
	return n;
}

/* Steps 1 and 2 are saved */
static void run_begin(struct run *r)
{
	struct reason why = {0};

	snprintf(r->dir, sizeof r->dir, "%s/state", dir);
	remove_all(r->dir);
	for (r->step = 1; r->step <= 2; r->step++)
		if (run_save(r, &why))
			fail_msg("%s", why.text);
	run_fill(r, 3);
}

static void assert_run(struct run *r, uint64_t step, const char *what)
{
	struct reason why = {0};
	struct run want;

	if (run_load(r, &why))
		fail_msg("%s: %s", what, why.text);
	run_fill(&want, step);
	if (r->step != step || memcmp(r->v, want.v, sizeof r->v) != 0)
		fail_msg("%s: step %u is loaded, not %u", what, (unsigned)r->step, (unsigned)step);
}

/* Whatever fails while step 3 is saved: it is told, step 3 or step 2 is there and whole, and saving
 * again succeeds. */
static void a_checkpoint_that_cannot_be_saved(void **state)
{
	static const struct fault faults[] = {
		{"open", EMFILE},   {"write", ENOSPC},   {"fsync", EIO},     {"mkdir", EROFS},
		{"rename", EACCES}, {"flock", ENOLCK},   {"ftruncate", EIO}, {"dprintf", ENOSPC},
		{"close", EDQUOT},  {"opendir", EMFILE}, {"readdir", EIO},   {"read", EIO},
		{"pread", EIO},     {"fstat", EIO},
	};
	struct reason why;
	struct run r;
	int st;

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		unsigned at = 1, told = 0, others;

		for (;; at++) {
			bool called;

			run_begin(&r);
			called = with_fault(&faults[i], at, run_save, &r, &st, &why);
			if (!called)
				break;
			if (st) {
				assert_told(&faults[i], at, st, &why);
				told++;
			}
			run_fill(&r, 3);
			if (st && run_save(&r, &why))
				fail_msg("%s %u, then again: %s", faults[i].call, at, why.text);
			assert_run(&r, 3, faults[i].call);
			run_fill(&r, 4);
			if (run_save(&r, &why) || steps_there(r.dir, &others) != 2 || others)
				fail_msg("%s %u: not the last two are left", faults[i].call, at);
		}
		assert_int_equal(st, 0);
		if (!told)
			fail_msg("%s: no failure was told", faults[i].call);
	}
}

static int new_state(void *arg, struct reason *why)
{
	struct run *r = arg;
	struct state s;
	int st;

	remove_all(r->dir);
	st = run_open(r, &s, why);
	state_close(&s);
	return st;
}

static void a_state_that_cannot_be_begun(void **state)
{
	static const struct fault faults[] = {{"mkdir", EROFS},   {"opendir", EMFILE},
					      {"open", EACCES},   {"flock", ENOLCK},
					      {"ftruncate", EIO}, {"dprintf", ENOSPC}};
	struct reason why;
	struct run r;
	int st;

	(void)state;
	snprintf(r.dir, sizeof r.dir, "%s/state", dir);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		bool told = false;

		for (unsigned at = 1; with_fault(&faults[i], at, new_state, &r, &st, &why); at++) {
			if (st)
				assert_told(&faults[i], at, st, &why);
			told |= st != 0;
		}
		assert_true(told);
		assert_int_equal(st, 0);
	}
}

/* A damaged checkpoint that was passed over stands where the new one goes. */
static void a_damaged_one_that_cannot_be_replaced(void **state)
{
	static const struct fault faults[] = {{"rename", EACCES}};
	char path[8200];
	struct reason why;
	struct run r;
	int st;

	(void)state;
	for (unsigned at = 1; at <= 2; at++) {
		run_begin(&r);
		snprintf(path, sizeof path, "%s/step-3", r.dir);
		assert_int_equal(mkdir(path, 0777), 0);
		assert_true(with_fault(&faults[0], at, run_save, &r, &st, &why));
		assert_told(&faults[0], at, st, &why);
		run_fill(&r, 3);
		assert_int_equal(run_save(&r, &why), 0);
		assert_run(&r, 3, "saved again");
	}
}

/* A folder that cannot be listed is not an empty one: that the run began anew would cost it all. */
static void a_folder_that_cannot_be_listed(void **state)
{
	static const struct fault faults[] = {{"opendir", EMFILE}, {"readdir", EIO}};
	struct reason why;
	struct run r;
	int st;

	(void)state;
	run_begin(&r);
	for (size_t i = 0; i < 2; i++) {
		bool told = false;

		for (unsigned at = 1; with_fault(&faults[i], at, run_load, &r, &st, &why); at++) {
			told |= st == ST_SYSTEM;
			if (st)
				assert_told(&faults[i], at, st, &why);
		}
		assert_true(told);
	}
	assert_run(&r, 2, "afterwards");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_checkpoint_that_cannot_be_saved),
		TEST(a_state_that_cannot_be_begun),
		TEST(a_damaged_one_that_cannot_be_replaced),
		TEST(a_folder_that_cannot_be_listed),
	};

	return cmocka_run_group_tests(tests, NULL, say_tried);
}
