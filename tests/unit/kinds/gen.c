/* Generators: solutions verify, splits are disjoint, everything repeats. */
#include "base/mem.h"
#include "kinds/gen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct span span_of(const struct buf *b)
{
	return (struct span){b->p, b->n};
}

static struct verify_item item_of(const struct kind *k, const struct problem *p)
{
	return (struct verify_item){.task = span_of(&p->key),
				    .prompt = span_of(&p->prompt),
				    .response = span_of(&p->solution),
				    .answer = span_of(&p->answer),
				    .meta = {(const uint8_t *)p->meta.p, p->meta.n},
				    .verifier = k->name};
}

static void all_correct(const struct kind *k, const struct gen_opts *o, int count)
{
	struct gen *g = gen_open(o);
	struct problem p = {0};

	for (int i = 0; i < count && gen_next(g, &p); i++) {
		struct verify_item it = item_of(k, &p);
		struct verdict v = {0};
		struct reason why = {0};

		if (k->judge(&it, &v, &why) || v.reward != 1)
			fail_msg("%s: %.*s: %.*s: %s", k->name, (int)p.key.n, p.key.p,
				 (int)p.solution.n, p.solution.p, why.text);
		/* one more sign at the end makes every solution wrong */
		buf_char(&p.solution, '+');
		it.response = span_of(&p.solution);
		v = (struct verdict){0};
		assert_int_equal(k->judge(&it, &v, &why), 0);
		assert_true(v.reward == 0);
	}
	gen_problem_free(&p);
	gen_close(g);
}

static void solutions_verify(void **state)
{
	(void)state;
	for (const struct kind *const *k = gen_kinds(); *k; k++)
		for (int s = 0; s < N_SPLITS; s++)
			for (int words = 0; words < 2; words++)
				all_correct(*k,
					    &(struct gen_opts){.kind = *k,
							       .split = (enum split)s,
							       .seed = 7,
							       .words = words,
							       .solutions = true},
					    s == SPLIT_PRETRAIN ? 10000
					    : words             ? 100
								: 1000);
}

static void assert_same(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->p, b->p, a->n);
}

/* A problem is what its name says: made anew of that, it has the same prompt, answer and meta; and
 * its name follows from those. */
static void problems_have_names(void **state)
{
	struct problem p = {0}, q = {0};
	struct buf id = {0};

	(void)state;
	for (const struct kind *const *k = gen_kinds(); *k; k++)
		for (int s = 0; (*k)->key && s < 2 * N_SPLITS; s++) {
			struct gen_opts o = {.kind = *k,
					     .split = (enum split)(s / 2),
					     .seed = 3,
					     .words = s % 2};
			struct gen *g = gen_open(&o);

			for (int i = 0; i < 200 && gen_next(g, &p); i++) {
				struct verify_item it = item_of(*k, &p);
				struct span key;

				assert_true(gen_name(*k, &it, &id));
				assert_ptr_equal(gen_named(span_of(&id), &key), *k);
				assert_true(span_eq(key, span_of(&p.key)));
				gen_problem_reset(&q);
				assert_true((*k)->problem(&q, key, o.words));
				assert_same(&p.key, &q.key);
				assert_same(&p.prompt, &q.prompt);
				assert_same(&p.answer, &q.answer);
				assert_same(&p.meta, &q.meta);
				/* a right response solves its own problem */
				assert_true(gen_solves(*k, &it, &id));
				gen_named(span_of(&id), &key);
				assert_true(span_eq(key, span_of(&p.key)));
			}
			gen_close(g);
		}
	gen_problem_free(&p);
	gen_problem_free(&q);
	buf_free(&id);
}

static void names_of_nothing(void **state)
{
	static const char *const bad[] = {"",
					  "countdown",
					  "countdown:",
					  "countdown:3,4",
					  "countdown:3,4=",
					  "countdown:3,4=0",
					  "countdown:3,4=-1",
					  "countdown:4,3=7",
					  "countdown:03,4=7",
					  "countdown:3,4=07",
					  "countdown:3,4=7 ",
					  "countdown:3,4,=7",
					  "countdown:0,4=4",
					  "subset:=7",
					  "subset:1,2,3=x",
					  "path:",
					  "path:ab,bc:a",
					  "path:ab,bc:acd",
					  "path:ab,bc;ac",
					  "path::ac",
					  "path:bc,ab:ac",
					  "path:ab,ab:ac",
					  "path:ab bc:ac",
					  "path:ab,bc,:ac",
					  "countdown:3,4=1000001",
					  "countdown:99999999999999999999,4=3",
					  "number:3,4=7"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct span key;
		struct problem p = {0};
		const struct kind *k = gen_named((struct span){bad[i], strlen(bad[i])}, &key);

		if (k && k->problem(&p, key, false))
			fail_msg("\"%s\" is the name of a problem", bad[i]);
		gen_problem_free(&p);
	}
}

struct keys {
	char **v;
	size_t n;
};

static struct keys keys_of(const struct kind *k, enum split s, uint64_t seed, size_t count)
{
	struct gen *g = gen_open(&(struct gen_opts){.kind = k, .split = s, .seed = seed});
	struct keys r = {xarray(count, sizeof(char *)), 0};
	struct problem p = {0};

	while (r.n < count && gen_next(g, &p))
		r.v[r.n++] = xstrndup(p.key.p, p.key.n);
	gen_problem_free(&p);
	gen_close(g);
	return r;
}

static void keys_free(struct keys *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i]);
	free(r->v);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has(const struct keys *sorted, char *key)
{
	return bsearch(&key, sorted->v, sorted->n, sizeof *sorted->v, by_text) != NULL;
}

static void splits_disjoint(void **state)
{
	(void)state;
	for (const struct kind *const *k = gen_kinds(); *k; k++) {
		struct keys r[N_SPLITS];

		for (int s = 0; s < N_SPLITS; s++) {
			r[s] = keys_of(*k, (enum split)s, (uint64_t)s, 800);
			assert_true(r[s].n > 500);
			qsort(r[s].v, r[s].n, sizeof *r[s].v, by_text);
			for (size_t i = 1; i < r[s].n; i++) /* none twice */
				assert_true(strcmp(r[s].v[i - 1], r[s].v[i]) < 0);
		}
		for (int a = 0; a < N_SPLITS; a++)
			for (int b = 0; b < N_SPLITS; b++)
				for (size_t i = 0; a != b && i < r[a].n; i++)
					assert_false(has(&r[b], r[a].v[i]));
		for (int s = 0; s < N_SPLITS; s++)
			keys_free(&r[s]);
	}
}

static void seeds_repeat(void **state)
{
	(void)state;
	for (const struct kind *const *k = gen_kinds(); *k; k++) {
		struct keys a = keys_of(*k, SPLIT_TRAIN, 5, 300),
			    b = keys_of(*k, SPLIT_TRAIN, 5, 200),
			    c = keys_of(*k, SPLIT_TRAIN, 6, 200);
		size_t same = 0;

		for (size_t i = 0; i < b.n; i++) { /* a shorter run is the front of a longer one */
			assert_string_equal(a.v[i], b.v[i]);
			same += strcmp(b.v[i], c.v[i]) == 0;
		}
		assert_true(same < 20);
		keys_free(&a);
		keys_free(&b);
		keys_free(&c);
	}
}

/* These problems are in files of people: a change of the hash or of the shares would move them. */
static void splits_stay(void **state)
{
	struct keys r = keys_of(&kind_countdown, SPLIT_TEST, 1, 3);

	(void)state;
	assert_string_equal(r.v[0], "3,3,5,8=43");
	keys_free(&r);
}

static void parameters_hold(void **state)
{
	struct gen_opts o = {.kind = &kind_countdown,
			     .split = SPLIT_OOD,
			     .over = {.min_numbers = 3,
				      .max_numbers = 6,
				      .max_value = 12,
				      .min_large = 1,
				      .min_target = 20,
				      .max_target = 30}};
	struct gen *g = gen_open(&o);
	struct problem p = {0};

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct mp_iter it;
		struct mp e, meta;
		int64_t target, v = 0, n = 0;

		assert_true(gen_next(g, &p));
		meta = (struct mp){(const uint8_t *)p.meta.p, p.meta.n};
		assert_true(mp_i64(mp_get(meta, "target"), &target));
		assert_in_range(target, 20, 30);
		assert_true(mp_enter(mp_get(meta, "numbers"), &it));
		for (; mp_next(&it, &e); n++) {
			int64_t last = v;

			assert_true(mp_i64(e, &v));
			assert_true(v >= last && v >= 1 && v <= 12);
		}
		assert_true(v >= 10);
		assert_in_range(n, 3, 6);
	}
	gen_problem_free(&p);
	gen_close(g);
}

static void targets_hold(void **state)
{
	static const struct kind *const kinds[] = {&kind_subset, &kind_arithmetic, &kind_countdown};

	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct gen_opts o = {.kind = kinds[k],
				     .split = SPLIT_TRAIN,
				     .over = {.min_target = 20, .max_target = 40}};
		struct gen *g = gen_open(&o);
		struct problem p = {0};

		for (int i = 0; i < 100; i++) {
			assert_true(gen_next(g, &p));
			assert_in_range(atoi(buf_cstr(&p.answer)), 20, 40);
		}
		gen_problem_free(&p);
		gen_close(g);
	}
}

/* Two numbers up to 3 and any target: a handful of problems, then the end. */
static void space_ends(void **state)
{
	struct gen_opts o = {.kind = &kind_countdown,
			     .split = SPLIT_TRAIN,
			     .over = {.min_numbers = 2,
				      .max_numbers = 2,
				      .max_value = 3,
				      .min_target = 1,
				      .max_target = 9}};
	struct gen *g = gen_open(&o);
	struct problem p = {0};
	int n = 0;

	(void)state;
	while (gen_next(g, &p))
		n++;
	assert_in_range(n, 1, 17); /* 17 such problems in all splits together */
	assert_false(gen_next(g, &p));
	gen_problem_free(&p);
	gen_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(solutions_verify), cmocka_unit_test(splits_disjoint),
		cmocka_unit_test(seeds_repeat),     cmocka_unit_test(splits_stay),
		cmocka_unit_test(parameters_hold),  cmocka_unit_test(targets_hold),
		cmocka_unit_test(space_ends),       cmocka_unit_test(problems_have_names),
		cmocka_unit_test(names_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
