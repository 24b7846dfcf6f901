/* evals.h - evaluations made by hand, for the tests of what compares them. */
#ifndef TESTS_EVALS_H
#define TESTS_EVALS_H

#include "base/mem.h"
#include "stats/contrast.h"

#include <string.h>

static inline struct span evals_text(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* One on the set "test"; correct: of 4 samples of each problem, a digit each, "-": not judged. Of
 * the first problem alone there is an entropy. */
static inline void evals_add(struct evalset *set, const char *variant, const char *seed,
			     int64_t step, const char *correct)
{
	struct eval *e =
		evalset_add(set, evals_text("test"), evals_text(variant), evals_text(seed), step);

	e->n_cell = strlen(correct);
	e->cell = xcalloc(e->n_cell, sizeof *e->cell);
	for (size_t p = 0; p < e->n_cell; p++) {
		char name[] = {(char)('a' + p), 0};

		names_id(&set->problems[e->set], evals_text(name));
		if (correct[p] != '-')
			e->cell[p] = (struct evalcell){.n = 4,
						       .c = (uint64_t)(correct[p] - '0'),
						       .distinct = 1,
						       .entropy = 2,
						       .n_entropy = p == 0 ? 4 : 0,
						       .there = true};
	}
}

static inline void evals_end(struct evalset *set, struct contrast *how)
{
	evalset_free(set);
	pigeonhole_free(&how->draws);
}

#endif
