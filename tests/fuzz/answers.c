/*
 * answers.c - any response to any task, judged by the built-in verifiers: the verdict is one of
 * those promised and always the same; of countdown and subset an evaluation made here agrees, and
 * the right answer as it stands is right. Input: a byte that chooses the verifier, a byte that says
 * how many numbers follow, the numbers, the answer, a NUL, the response.
 */
#include "common/fuzz.h"

#include "base/utf8.h"
#include "stream/pack.h"
#include "kinds/gen.h"
#include "verify/verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* regex: PCRE2 may take 64 MiB for one match */
const struct fuzz_memory fuzz_memory = {80 << 20, 2000, 0};

static const char *const names[] = {"math",       "gsm8k", "countdown", "subset", "path",
				    "arithmetic", "exact", "number",    "regex",  "contains"};
enum { N_NAMES = sizeof names / sizeof *names };

/* ---- another way to evaluate: recursive descent over ASCII, fractions of 128 bits ---- */

struct sum {
	const char *p, *end;
	int64_t used[64];
	size_t n_used;
	bool bad;
	int depth;
};

struct frac {
	__int128 num, den;
};

static __int128 gcd(__int128 a, __int128 b)
{
	while (b) {
		__int128 t = a % b;

		a = b;
		b = t;
	}
	return a < 0 ? -a : a;
}

static struct frac lowest(struct sum *s, __int128 num, __int128 den)
{
	__int128 g = gcd(num, den), limit = (__int128)1 << 62;

	if (!den || !g) {
		s->bad |= !den;
		return (struct frac){0, 1};
	}
	if (den < 0)
		g = -g;
	num /= g;
	den /= g;
	s->bad |= num > limit || num < -limit || den > limit;
	return s->bad ? (struct frac){0, 1} : (struct frac){num, den};
}

static char peek(struct sum *s)
{
	while (s->p < s->end && strchr(" \t\n\v\f\r", *s->p) && *s->p)
		s->p++;
	return s->p < s->end ? *s->p : '\0';
}

static struct frac sum_of(struct sum *s);

static struct frac value(struct sum *s)
{
	struct frac v = {0, 1};
	char c = peek(s);

	if (c == '(' && s->depth < 100) {
		s->p++;
		s->depth++;
		v = sum_of(s);
		s->depth--;
		s->bad |= peek(s) != ')';
		s->p++;
		return v;
	}
	s->bad |= c < '0' || c > '9' || s->n_used == 64;
	while (!s->bad && s->p < s->end && *s->p >= '0' && *s->p <= '9') {
		v.num = 10 * v.num + (*s->p++ - '0');
		s->bad |= v.num > INT64_MAX;
	}
	if (!s->bad)
		s->used[s->n_used++] = (int64_t)v.num;
	return v;
}

static struct frac product_of(struct sum *s)
{
	struct frac a = value(s);

	while (!s->bad && (peek(s) == '*' || peek(s) == '/')) {
		bool by = *s->p++ == '/';
		struct frac b = value(s);

		a = by ? lowest(s, a.num * b.den, a.den * b.num)
		       : lowest(s, a.num * b.num, a.den * b.den);
	}
	return a;
}

static struct frac sum_of(struct sum *s)
{
	struct frac a = product_of(s);

	while (!s->bad && (peek(s) == '+' || peek(s) == '-')) {
		int sign = *s->p++ == '+' ? 1 : -1;
		struct frac b = product_of(s);

		a = lowest(s, a.num * b.den + sign * b.num * a.den, a.den * b.den);
	}
	return a;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Is everything used in v[0..n), as often at most, and for countdown exactly as often? */
static bool uses(struct sum *s, int64_t *v, size_t n, bool all)
{
	size_t k = 0;

	qsort(v, n, sizeof *v, by_value);
	qsort(s->used, s->n_used, sizeof *s->used, by_value);
	for (size_t i = 0; i < n && k < s->n_used; i++)
		k += v[i] == s->used[k];
	return k == s->n_used && (!all || s->n_used == n);
}

/* What was extracted is the expression that was judged; a long one is cut there. */
static void check_numbers(const struct verdict *out, int64_t *v, size_t n, int64_t target, bool all)
{
	size_t len = strlen(out->extracted);
	struct sum s = {.p = out->extracted, .end = out->extracted + len};
	struct frac got;

	if (out->reward != 1 || len == sizeof out->extracted - 1)
		return;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)out->extracted[i] >= 0x80 || out->extracted[i] == '\\')
			return; /* signs that are read besides ASCII's */
	got = sum_of(&s);
	MUST(!s.bad && peek(&s) == '\0' && s.p == s.end);
	MUST(got.den == 1 && got.num == target);
	MUST(uses(&s, v, n, all));
}

/* ---- */

static struct verdict judge(struct verifier *v, const struct verify_item *it, int *st)
{
	struct verdict one = {0}, two = {0};
	struct reason why = {0};

	*st = verify_run(v, it, 1, &one, &why);
	MUST(verify_run(v, it, 1, &two, NULL) == *st);
	MUST(!*st || (*st == ST_INPUT && why.text[0]));
	if (*st)
		return one;
	MUST(one.code == VERDICT_OK ||
	     (one.code == VERDICT_TIMEOUT && !strcmp(it->verifier, "regex")) ||
	     (one.code == VERDICT_TIMEOUT && !strcmp(it->verifier, "contains")));
	MUST(one.code == two.code);
	MUST(one.code != VERDICT_OK || one.reward == 0 || one.reward == 1);
	MUST(one.code != VERDICT_OK || one.reward == two.reward);
	MUST(memchr(one.extracted, 0, sizeof one.extracted));
	MUST(!strcmp(one.extracted, two.extracted));
	if (utf8_valid(it->response.p, it->response.n))
		MUST(utf8_valid(one.extracted, strlen(one.extracted)));
	return one;
}

static void item_of(struct verify_item *it, struct buf *meta, int64_t *v, size_t n, int64_t *target)
{
	msgpack_packer pk;

	*target = n > 1 ? v[0] + v[n - 1] : 7;
	pack_init(&pk, meta);
	msgpack_pack_map(&pk, 3);
	pack_str(&pk, "numbers");
	msgpack_pack_array(&pk, n);
	for (size_t i = 0; i < n; i++)
		msgpack_pack_int64(&pk, v[i]);
	pack_str(&pk, "target");
	msgpack_pack_int64(&pk, *target);
	pack_str(&pk, "edges");
	pack_str(&pk, "ab bc cd ad db");
	it->meta = (struct mp){(const uint8_t *)meta->p, meta->n};
}

/* The answer itself, as a response, is right. */
static void accepts_itself(struct verifier *v, struct verify_item it)
{
	int st;

	if (strcmp(it.verifier, "exact") != 0)
		return;
	it.response = it.answer;
	MUST(judge(v, &it, &st).reward == 1);
}

static void judge_numbers(struct verifier *v, struct verify_item it, int64_t *numbers, size_t n,
			  int64_t target)
{
	struct verdict out;
	int st;

	it.answer = (struct span){0}; /* the target counts */
	out = judge(v, &it, &st);
	if (!st && !strcmp(it.verifier, "countdown"))
		check_numbers(&out, numbers, n, target, true);
	else if (!st && !strcmp(it.verifier, "subset"))
		check_numbers(&out, numbers, n, target, false);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	static struct verifier *v;
	struct verify_opts o = {.deadline = 1, .max_output = 1000, .workers = 1};
	struct verify_item it = {.task = {"t", 1}, .prompt = {"?", 1}};
	struct buf meta = {0};
	int64_t numbers[8], target;
	size_t k;
	int st;

	if (n < 10)
		return;
	if (!v)
		v = verify_open(&o, NULL);
	it.verifier = names[p[0] % N_NAMES];
	k = p[1] % 8;
	for (size_t i = 0; i < k; i++)
		numbers[i] = p[2 + i];
	it.response = (struct span){(const char *)p + 2 + k, n - 2 - k};
	it.answer = fuzz_cut(&it.response, '\0');
	item_of(&it, &meta, numbers, k, &target);
	judge(v, &it, &st);
	judge_numbers(v, it, numbers, k, target);
	accepts_itself(v, it);
	buf_free(&meta);
}
