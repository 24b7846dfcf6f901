/*
 * Random mutations of answers and responses: no crash, no reward but 0 and 1. MATH_MUTATIONS sets
 * how many; with it the slowest judgement is told.
 */
#include "mathcases.h"

#include "base/num.h"
#include "base/rng.h"

#include <time.h>

enum { MUTATIONS = 20000, MAX_SIZE = 3000 };

static const char *const pieces[] = {
	"\\frac",
	"\\frac{",
	"{",
	"}",
	"(",
	")",
	"[",
	"]",
	"\\{",
	"\\}",
	"\\left(",
	"\\right]",
	"\\boxed{",
	"^",
	"_",
	"^{",
	"-",
	"+",
	"/",
	"*",
	"=",
	"<",
	"\\le ",
	",",
	";",
	":",
	"|",
	"!",
	"'",
	"%",
	"\\%",
	"$",
	"\\$",
	"\\pm ",
	"\\sqrt",
	"\\sqrt[3]",
	"\\pi ",
	"e",
	"i",
	"x",
	"9",
	"0",
	".",
	"1000000",
	"\\infty ",
	"\\cup ",
	"\\in ",
	"\\sin ",
	"\\ln ",
	"\\log_2",
	"\\text{",
	"\\text{and}",
	" or ",
	"\\begin{pmatrix}",
	"&",
	"\\\\",
	"\\end{pmatrix}",
	"\\sum_{k=1}^{100}",
	"\\prod_{k=1}^{n}",
	"\\binom",
	"f(x)",
	"^\\circ",
	"\\overline{",
	"\\mathbb{R}",
	"\\setminus ",
	"99!",
	"e^{e^{e^",
	"\\approx ",
	"\xe2\x88\x9a",
	"\xe2\x81\xb9",
	"\xc2\xbd",
	"\xef\xbc\x88",
	"\\sum_{i=1}^{99}i",
	" m/s",
	"x 10^",
	"\\text{for all}",
	"\xc2\xb2",
	"\xff",
	"\\circ",
	"answer is ",
	"\n",
};

struct dice {
	uint64_t key, pos;
};

static size_t roll(struct dice *d, size_t n)
{
	return rng_below(d->key, d->pos++, n);
}

static void insert(struct buf *b, size_t at, const char *p, size_t n)
{
	if (b->n + n > MAX_SIZE)
		return;
	buf_reserve(b, n);
	memmove(b->p + at + n, b->p + at, b->n - at);
	memcpy(b->p + at, p, n);
	b->n += n;
}

static void mutate(struct buf *b, struct dice *d, const struct math_case *other)
{
	size_t at = roll(d, b->n + 1), n = b->n - at;
	const char *piece = pieces[roll(d, sizeof pieces / sizeof *pieces)];
	char copy[64];

	switch (roll(d, 6)) {
	case 0: /* a byte */
		if (n)
			b->p[at] = (char)roll(d, 256);
		break;
	case 1: /* something out */
		n = n ? roll(d, n < 8 ? n : 8) : 0;
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	case 2:
		for (size_t k = 1 + roll(d, 3) * roll(d, 40); k > 0; k--)
			insert(b, at, piece, strlen(piece));
		break;
	case 3: /* a part of its own again, many times */
		n = n < sizeof copy ? n : sizeof copy;
		memcpy(copy, b->p + at, n);
		for (size_t k = roll(d, 20); k > 0; k--)
			insert(b, at, copy, n);
		break;
	case 4: /* of another */
		insert(b, at, other->answer, strlen(other->answer));
		break;
	default:
		insert(b, at, piece, strlen(piece));
	}
}

static void set(struct buf *b, const char *s, bool boxed)
{
	buf_reset(b);
	buf_printf(b, boxed ? "\\boxed{%s}" : "%s", s);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct slowest {
	double time;
	char *answer, *response;
};

static void timed(struct verifier *v, struct span answer, struct span response, struct slowest *s)
{
	struct verdict out = {.reward = -1};
	double took = 1;

	for (int i = 0; i < 5 && took > s->time; i++) { /* the machine has other things to do */
		double from = seconds(), now;

		math_judge(v, answer, response, (struct mp){0}, &out);
		now = seconds() - from;
		took = now < took ? now : took;
	}
	assert_true(out.reward == 0 || out.reward == 1);
	assert_non_null(out.why);
	if (took <= s->time)
		return;
	free(s->answer);
	free(s->response);
	*s = (struct slowest){took, xstrndup(answer.p, answer.n), xstrndup(response.p, response.n)};
}

static bool blank(const struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] != ' ' && (b->p[i] < '\t' || b->p[i] > '\r'))
			return false;
	return true;
}

static void mutations(void **state)
{
	const char *asked = getenv("MATH_MUTATIONS");
	int64_t count = MUTATIONS;
	struct verifier *v = math_open();
	struct buf answer = {0}, response = {0};
	struct slowest slowest = {0};
	size_t n;
	struct math_case *c = math_cases(&n);

	(void)state;
	assert_true(!asked || num_i64(asked, 1, 1000000000, &count));
	for (int64_t i = 0; i < count; i++) {
		struct dice d = {.key = rng_key(1, RNG_TEST, (uint64_t)i, 0, 0)};
		const struct math_case *seed = &c[roll(&d, n)];

		set(&answer, seed->answer, false);
		set(&response, seed->response, roll(&d, 4) > 0);
		for (size_t k = 1 + roll(&d, 6); k > 0; k--)
			mutate(roll(&d, 3) ? &response : &answer, &d, &c[roll(&d, n)]);
		if (!blank(&answer))
			timed(v, (struct span){answer.p, answer.n},
			      (struct span){response.p, response.n}, &slowest);
	}
	if (asked)
		print_message("%lld mutations, slowest %.3f ms: %s | %s\n", (long long)count,
			      1e3 * slowest.time, slowest.answer, slowest.response);
	free(slowest.answer);
	free(slowest.response);
	math_cases_free(c, n);
	buf_free(&answer);
	buf_free(&response);
	verify_close(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
