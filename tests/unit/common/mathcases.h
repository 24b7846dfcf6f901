/* mathcases.h - judging one response by the verifier math; the cases of tests/data/math.tsv. */
#ifndef TESTS_MATHCASES_H
#define TESTS_MATHCASES_H

#include "base/mem.h"
#include "verify/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline struct span sp(const char *s)
{
	return (struct span){s, strlen(s)};
}

static inline struct verifier *math_open(void)
{
	struct reason why = {0};
	struct verifier *v = verify_open(&(struct verify_opts){.verifier = "math"}, &why);

	assert_non_null(v);
	return v;
}

static inline double math_judge(struct verifier *v, struct span answer, struct span response,
				struct mp meta, struct verdict *out)
{
	struct verify_item it = {
		.task = sp("t"), .answer = answer, .response = response, .meta = meta};
	struct reason why = {0};

	if (verify_run(v, &it, 1, out, &why))
		fail_msg("%s", why.text);
	assert_int_equal(out->code, VERDICT_OK);
	return out->reward;
}

struct math_case {
	bool right;
	char *answer, *response; /* owned */
};

/* The cases, ended by one without an answer; freed with math_cases_free. */
static inline struct math_case *math_cases(size_t *n)
{
	FILE *f = fopen("tests/data/math.tsv", "r");
	struct math_case *v = NULL;
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(f);
	for (*n = 0; getline(&line, &cap, f) > 0;) {
		char *answer = strchr(line, '\t'), *response;

		line[strcspn(line, "\n")] = '\0';
		if (*line == '#')
			continue;
		assert_non_null(answer);
		response = strchr(answer + 1, '\t');
		assert_non_null(response);
		*response = '\0';
		v = xgrow(v, *n + 1, sizeof *v);
		v[(*n)++] = (struct math_case){*line == '1', xstrdup(answer + 1),
					       xstrdup(response + 1)};
	}
	free(line);
	fclose(f);
	return v;
}

static inline void math_cases_free(struct math_case *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].answer);
		free(v[i].response);
	}
	free(v);
}

#endif
