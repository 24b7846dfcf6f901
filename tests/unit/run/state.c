/*
 * Checkpoints: what is loaded is what was saved, bit for bit, or it is refused.
 */
#include "run/state.h"
#include "base/mem.h"

#include "scratch.h"

#include <math.h>

#include "tiny.h"
#include "base/file.h"

enum { N_FILES = 4 };

static const char *const files[N_FILES] = {"model.safetensors", "optimizer.safetensors",
					   "state.json", "manifest"};

struct rig { /* a run that is nothing but its state */
	char dir[8000];
	struct policy p;
	float *m, *v;
	uint64_t steps, hash;
	double first, none;
	struct state s;
};

static void rig_make(struct rig *g)
{
	memset(g, 0, sizeof *g);
	snprintf(g->dir, sizeof g->dir, "%s/state", scratch_new());
	g->p = tiny_policy("ab", 1);
	g->m = xcalloc(g->p.model.n_params, sizeof *g->m);
	g->v = xcalloc(g->p.model.n_params, sizeof *g->v);
}

static void rig_fill(struct rig *g, float x)
{
	for (size_t i = 0; i < g->p.model.n_params; i++) {
		g->p.model.params[i] = x + (float)i;
		g->m[i] = -x / (float)(i + 1);
		g->v[i] = x * (float)i;
	}
	g->m[0] = -0.0f; /* what a run has in memory comes back, to the bit */
	g->steps = UINT64_MAX - (uint64_t)x;
	g->hash = 0x0123456789abcdefU + (uint64_t)x;
	g->first = 1.0 / 3 + (double)x;
	g->none = NAN;
}

static int rig_open(struct rig *g, const char *seed, struct reason *why)
{
	int st = state_open(&g->s, g->dir, why);

	if (st)
		return st;
	state_same(&g->s, "--seed", seed);
	state_made(&g->s, "threads", "2");
	state_count(&g->s, "steps", &g->steps);
	state_hash(&g->s, "sum", &g->hash);
	state_real(&g->s, "first", &g->first);
	state_real(&g->s, "none", &g->none);
	state_array(&g->s, files[1], "m.", g->p.model.w, g->p.model.n_w, g->m);
	state_array(&g->s, files[1], "v.", g->p.model.w, g->p.model.n_w, g->v);
	state_array(&g->s, files[0], "", g->p.model.w, g->p.model.n_w, g->p.model.params);
	return 0;
}

static void rig_save(struct rig *g, uint64_t step, float x)
{
	struct reason why = {0};

	rig_fill(g, x);
	if (state_save(&g->s, step, &why))
		fail_msg("%s", why.text);
}

/* In a process of its own, as it were: everything is forgotten and loaded again. */
static int rig_load(struct rig *g, const char *seed, struct reason *why)
{
	state_close(&g->s);
	rig_fill(g, 99);
	if (rig_open(g, seed, why))
		fail_msg("%s", why->text);
	return state_load(&g->s, why);
}

static void assert_holds(struct rig *g, float x)
{
	size_t n = g->p.model.n_params * sizeof(float);
	struct rig want = *g;

	want.p.model.params = xmalloc(n);
	want.m = xmalloc(n);
	want.v = xmalloc(n);
	rig_fill(&want, x);
	assert_memory_equal(g->p.model.params, want.p.model.params, n);
	assert_memory_equal(g->m, want.m, n);
	assert_memory_equal(g->v, want.v, n);
	assert_true(g->steps == want.steps && g->hash == want.hash);
	assert_true(g->first == want.first && isnan(g->none));
	free(want.p.model.params);
	free(want.m);
	free(want.v);
}

static void rig_free(struct rig *g)
{
	char cmd[8100];

	state_close(&g->s);
	policy_free(&g->p);
	free(g->m);
	free(g->v);
	*strrchr(g->dir, '/') = '\0';
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", g->dir);
	assert_int_equal(system(cmd), 0);
}

static const char *file_of(const struct rig *g, unsigned step, const char *name)
{
	static char path[8192];

	snprintf(path, sizeof path, "%s/step-%u/%s", g->dir, step, name);
	return path;
}

static struct buf slurp(const char *path)
{
	struct buf b = {0};
	struct reason why = {0};

	if (file_read(path, 1 << 24, &b, &why))
		fail_msg("%s", why.text);
	return b;
}

static void spit(const char *path, const struct buf *b, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->p, n), n);
	close(fd);
}

static void what_is_loaded_is_what_was_saved(void **state)
{
	struct reason why = {0};
	struct buf a, b;
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	assert_false(g.s.begun);
	assert_int_equal(state_load(&g.s, &why), 0);
	rig_save(&g, 3, 5);
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_holds(&g, 5);
	assert_int_equal(g.s.last, 3);
	assert_true(g.s.begun);
	assert_int_equal(g.s.damaged.status, 0);
	assert_int_equal(g.s.elsewhere.status, 0);
	/* and saving that gives the same bytes */
	a = slurp(file_of(&g, 3, "manifest"));
	assert_int_equal(state_save(&g.s, 4, &why), 0);
	b = slurp(file_of(&g, 4, "manifest"));
	assert_memory_equal(a.p, b.p, 60); /* the arrays; state.json has another step */
	buf_free(&a);
	buf_free(&b);
	rig_free(&g);
}

static void the_last_two_are_kept(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	for (unsigned step = 8; step <= 11; step++)
		rig_save(&g, step, (float)step);
	assert_int_not_equal(access(file_of(&g, 9, "manifest"), F_OK), 0);
	assert_int_equal(access(file_of(&g, 10, "manifest"), F_OK), 0);
	/* those that a killed run had no time to drop go when it goes on */
	mkdir(scratch_path(g.dir, "step-9"), 0777);
	mkdir(scratch_path(g.dir, "step-2"), 0777);
	mkdir(scratch_path(g.dir, "step-12"), 0777);
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_int_equal(g.s.last, 11);
	assert_int_not_equal(access(scratch_path(g.dir, "step-9"), F_OK), 0);
	assert_int_not_equal(access(scratch_path(g.dir, "step-2"), F_OK), 0);
	assert_int_equal(access(scratch_path(g.dir, "step-12"), F_OK), 0); /* damaged, not older */
	assert_int_equal(access(file_of(&g, 10, "manifest"), F_OK), 0);
	rig_save(&g, 11, 42); /* it is there already */
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_holds(&g, 11);
	rig_free(&g);
}

/* With the newest damaged the one before is loaded, and it is told. */
static void assert_falls_back(struct rig *g, const char *what)
{
	struct reason why = {0};

	if (rig_load(g, "1", &why) != 1)
		fail_msg("%s: %s", what, why.text);
	if (g->s.last != 1 || !g->s.damaged.status)
		fail_msg("%s: not noticed", what);
	assert_says(&g->s.damaged, "step-2/");
}

static void each_damaged_file_is_noticed(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	rig_save(&g, 2, 2);
	for (int f = 0; f < N_FILES; f++) {
		const char *path = file_of(&g, 2, files[f]);
		struct buf whole = slurp(path);
		size_t stride = whole.n / 40 + 1;

		for (size_t i = 0; i < whole.n; i += stride) {
			char c = whole.p[i];

			whole.p[i] ^= (char)(1 << i % 8);
			spit(path, &whole, whole.n);
			assert_falls_back(&g, files[f]);
			assert_holds(&g, 1);
			whole.p[i] = c;
			spit(path, &whole, i);
			assert_falls_back(&g, files[f]);
		}
		spit(path, &whole, whole.n);
		buf_char(&whole, '\n');
		spit(path, &whole, whole.n);
		assert_falls_back(&g, "a byte more");
		unlink(path);
		assert_falls_back(&g, "missing");
		spit(path, &whole, whole.n - 1);
		buf_free(&whole);
		assert_int_equal(rig_load(&g, "1", &why), 1);
		assert_holds(&g, 2);
	}
	rig_free(&g);
}

static void none_whole_is_an_error_and_a_new_one_replaces_the_damaged(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	rig_save(&g, 2, 2);
	unlink(file_of(&g, 2, "state.json"));
	assert_falls_back(&g, "missing");
	rig_save(&g, 2, 7); /* the run came to step 2 again */
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_holds(&g, 7);
	assert_int_equal(g.s.damaged.status, 0);
	unlink(file_of(&g, 2, "manifest"));
	unlink(file_of(&g, 1, "model.safetensors"));
	assert_int_equal(rig_load(&g, "1", &why), -1);
	assert_int_equal(why.status, ST_INPUT);
	assert_says(&why, "no checkpoint is whole");
	assert_says(&why, "step-2/manifest");
	rig_free(&g);
}

static void other_options_are_refused_another_place_is_told(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	assert_int_equal(rig_load(&g, "2", &why), -1);
	assert_int_equal(why.status, ST_USAGE);
	assert_says(&why, "begun with --seed 1, not 2");
	state_close(&g.s);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	state_made(&g.s, "threads", "3");
	assert_int_equal(state_load(&g.s, &why), 1);
	assert_says(&g.s.elsewhere, "threads 2, here it is 3");
	rig_free(&g);
}

/* JSON holds no such text: it is compared all the same. */
static void options_that_are_not_utf8_are_compared(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "\xff", &why), 0);
	rig_save(&g, 1, 1);
	assert_int_equal(rig_load(&g, "\xff", &why), 1);
	assert_int_equal(rig_load(&g, "\xfe", &why), -1);
	assert_int_equal(why.status, ST_USAGE);
	rig_free(&g);
}

static void a_value_that_is_missing_is_refused(void **state)
{
	struct reason why = {0};
	uint64_t more;
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	state_close(&g.s);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	state_count(&g.s, "added since", &more);
	assert_int_equal(state_load(&g.s, &why), -1);
	assert_int_equal(why.status, ST_INPUT);
	assert_says(&why, "added since");
	rig_free(&g);
}

/* In step 1's state.json from becomes to, and the manifest is made to agree. */
static void edit(struct rig *g, const char *from, const char *to)
{
	struct buf text = slurp(file_of(g, 1, "state.json")), edited = {0};
	struct buf manifest = slurp(file_of(g, 1, "manifest"));
	char *line = strstr(buf_cstr(&manifest), "state.json");
	struct hash *h = hash_new();
	char hex[17];

	assert_non_null(strstr(buf_cstr(&text), from));
	buf_replaced(&edited, (struct span){text.p, text.n}, (struct span){from, strlen(from)},
		     (struct span){to, strlen(to)});
	spit(file_of(g, 1, "state.json"), &edited, edited.n);
	hash_add(h, edited.p, edited.n);
	hash_hex(hash_64(h), hex);
	while (line > manifest.p && line[-1] != '\n')
		line--;
	manifest.n = (size_t)(line - manifest.p);
	buf_printf(&manifest, "%s %zu state.json\n", hex, edited.n);
	spit(file_of(g, 1, "manifest"), &manifest, manifest.n);
	hash_free(h);
	buf_free(&manifest);
	buf_free(&edited);
	buf_free(&text);
}

/* A state.json that was not damaged, but is not one of this version */
static void values_of_another_kind_are_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{"\"version\": 1", "\"version\": 2", "state.json: version is not 1"},
		{"\"steps\": -2", "\"steps\": \"-2\"", "steps is missing or malformed"},
		{"\"sum\": \"0", "\"sum\": \"", "sum is missing or malformed"},
		{"\"sum\": \"0", "\"sum\": \"x", "sum is missing or malformed"},
		{"\"sum\": \"", "\"sum\": 1, \"x\": \"", "sum is missing or malformed"},
		{"\"none\": null", "\"none\": \"null\"", "none is missing or malformed"},
		{"\"none\"", "\"nobody\"", "none is missing or malformed"},
		{"{\n", "[\n", "state.json"},
	};
	struct reason why;
	struct rig g;

	(void)state;
	rig_make(&g);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		why = (struct reason){0};
		assert_int_equal(rig_open(&g, "1", &why), 0);
		g.s.last = 0;
		rig_save(&g, 1, 1);
		edit(&g, cases[i].from, cases[i].to);
		if (rig_load(&g, "1", &why) != -1 || why.status != ST_INPUT)
			fail_msg("%s: loaded, or not as bad input: %s", cases[i].to, why.text);
		assert_says(&why, cases[i].says);
		state_close(&g.s);
	}
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	edit(&g, "\"none\": null", "\"none\": 3");
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_true(g.none == 3);
	rig_free(&g);
}

/* Another model, whose tensors have other names or sizes */
static void arrays_of_another_shape_are_refused(void **state)
{
	struct reason why = {0};
	struct weight *w;
	struct rig g;

	(void)state;
	rig_make(&g);
	w = g.p.model.w;
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	w[0].count--;
	assert_int_equal(rig_load(&g, "1", &why), -1);
	assert_int_equal(why.status, ST_INPUT);
	assert_says(&why, "is missing or of another size");
	w[0].count++;
	assert_int_equal(rig_load(&g, "1", &why), 1);
	state_close(&g.s);
	assert_int_equal(state_open(&g.s, g.dir, &why), 0);
	state_array(&g.s, files[1], "n.", w, g.p.model.n_w, g.m);
	state_array(&g.s, files[0], "", w, g.p.model.n_w, g.p.model.params);
	assert_int_equal(state_load(&g.s, &why), -1);
	assert_says(&why, "tensor n.");
	rig_free(&g);
}

static void what_is_not_finite_is_not_saved(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	g.v[3] = INFINITY;
	assert_int_equal(state_save(&g.s, 2, &why), ST_INPUT);
	assert_says(&why, "step 2 not saved: optimizer.safetensors: v.");
	assert_int_not_equal(access(file_of(&g, 2, "manifest"), F_OK), 0);
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_holds(&g, 1);
	rig_free(&g);
}

static void an_option_that_is_new_counts_as_nothing(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	state_same(&g.s, "--empty", "");
	rig_save(&g, 1, 1);
	state_close(&g.s);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	state_same(&g.s, "--empty", "x");
	assert_int_equal(state_load(&g.s, &why), -1);
	assert_says(&why, "begun with --empty nothing, not x");
	state_same(&g.s, "--empty", "");
	state_same(&g.s, "--new", "");
	assert_int_equal(state_load(&g.s, &why), 1);
	state_same(&g.s, "--new", "y");
	assert_int_equal(state_load(&g.s, &why), -1);
	assert_int_equal(why.status, ST_USAGE);
	assert_says(&why, "begun with --new nothing, not y");
	rig_free(&g);
}

static void without_a_folder_nothing_is_done(void **state)
{
	struct reason why = {0};
	struct state s;
	uint64_t v = 5;

	(void)state;
	assert_int_equal(state_open(&s, NULL, &why), 0);
	state_count(&s, "v", &v);
	state_array(&s, "file", "", NULL, 0, NULL);
	state_same(&s, "--seed", "1");
	assert_int_equal(state_load(&s, &why), 0);
	assert_int_equal(state_save(&s, 1, &why), 0);
	assert_false(s.begun);
	state_close(&s);
}

static void a_folder_has_one_owner_and_no_other_use(void **state)
{
	struct reason why = {0};
	struct state other;
	char mine[64];
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	assert_int_equal(state_open(&other, g.dir, &why), ST_SYSTEM);
	snprintf(mine, sizeof mine, "is in use by process %ld", (long)getpid());
	assert_says(&why, mine);
	state_close(&g.s);
	assert_int_equal(state_open(&other, g.dir, &why), 0);
	state_close(&other);
	unlink(scratch_path(g.dir, ".lock"));
	scratch_put(g.dir, "letter", "x", 1);
	assert_int_equal(state_open(&other, g.dir, &why), ST_USAGE);
	assert_says(&why, "other things");
	rig_free(&g);
}

static void leftovers_are_swept(void **state)
{
	struct reason why = {0};
	struct rig g;

	(void)state;
	rig_make(&g);
	assert_int_equal(rig_open(&g, "1", &why), 0);
	rig_save(&g, 1, 1);
	mkdir(scratch_path(g.dir, "step-2.tmp-123"), 0777);
	scratch_put(g.dir, "step-2.tmp-123/manifest", "x", 1);
	mkdir(scratch_path(g.dir, "step-02"), 0777); /* not ours */
	mkdir(scratch_path(g.dir, "step-2x"), 0777);
	mkdir(scratch_path(g.dir, "stepson"), 0777);
	assert_int_equal(rig_load(&g, "1", &why), 1);
	assert_int_not_equal(access(scratch_path(g.dir, "step-2.tmp-123"), F_OK), 0);
	rig_save(&g, 2, 1);
	rig_save(&g, 3, 1);
	assert_int_equal(access(scratch_path(g.dir, "step-02"), F_OK), 0);
	assert_int_equal(access(scratch_path(g.dir, "step-2x"), F_OK), 0);
	rig_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_loaded_is_what_was_saved),
		cmocka_unit_test(the_last_two_are_kept),
		cmocka_unit_test(each_damaged_file_is_noticed),
		cmocka_unit_test(none_whole_is_an_error_and_a_new_one_replaces_the_damaged),
		cmocka_unit_test(other_options_are_refused_another_place_is_told),
		cmocka_unit_test(options_that_are_not_utf8_are_compared),
		cmocka_unit_test(a_value_that_is_missing_is_refused),
		cmocka_unit_test(values_of_another_kind_are_refused),
		cmocka_unit_test(arrays_of_another_shape_are_refused),
		cmocka_unit_test(what_is_not_finite_is_not_saved),
		cmocka_unit_test(an_option_that_is_new_counts_as_nothing),
		cmocka_unit_test(without_a_folder_nothing_is_done),
		cmocka_unit_test(a_folder_has_one_owner_and_no_other_use),
		cmocka_unit_test(leftovers_are_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
