/* box.c - the contents of the last boxes. See box.h. */
#include "math/box.h"
#include "answer/number.h"
#include "answer/text.h"

#include <string.h>

enum { OPEN = 16, DONE = 16, BETWEEN = 80 };

struct box {
	size_t at, from, to; /* its backslash, its contents */
	long depth;          /* of the brace that closes it */
};

struct boxes {
	struct span s;
	struct box open[OPEN], done[DONE];
	int n_open, n_done;
	long depth;
};

/* Of "\boxed{" at i the length, else 0 */
static size_t opening(struct span s, size_t i)
{
	static const char *const name[] = {"\\boxed", "\\fbox", "\\framebox"};

	for (size_t k = 0; k < sizeof name / sizeof *name; k++) {
		size_t n = strlen(name[k]);

		if (s.n - i <= n || memcmp(s.p + i, name[k], n) != 0)
			continue;
		while (i + n < s.n && s.p[i + n] == ' ')
			n++;
		if (i + n < s.n && s.p[i + n] == '{')
			return n + 1;
	}
	return 0;
}

/* The last ones are kept where there are too many. */
static void push(struct box *v, int *n, int max, struct box x)
{
	if (*n == max) {
		memmove(v, v + 1, (size_t)(max - 1) * sizeof *v);
		--*n;
	}
	v[(*n)++] = x;
}

static void closed(struct boxes *b, size_t i)
{
	struct box x = b->open[--b->n_open];

	x.to = i;
	while (b->n_done && b->done[b->n_done - 1].at > x.at)
		b->n_done--; /* inside of this one */
	push(b->done, &b->n_done, DONE, x);
}

static void scan(struct boxes *b)
{
	for (size_t i = 0; i < b->s.n; i++) {
		size_t n;

		switch (b->s.p[i]) {
		case '\\':
			n = opening(b->s, i);
			if (n) {
				struct box x = {.at = i, .from = i + n, .depth = b->depth++};

				push(b->open, &b->n_open, OPEN, x);
				i += n - 1;
			} else if (i + 1 < b->s.n && strchr("{}", b->s.p[i + 1])) {
				i++;
			}
			break;
		case '{':
			b->depth++;
			break;
		case '}':
			b->depth--;
			if (b->n_open && b->open[b->n_open - 1].depth == b->depth)
				closed(b, i);
			break;
		default:
			break;
		}
	}
}

/* s without the "x_2 = " that it ends with */
static struct span without_name(struct span s)
{
	struct span x = text_trim(s);

	if (!x.n || x.p[x.n - 1] != '=')
		return s;
	x = text_trim((struct span){x.p, x.n - 1});
	while (x.n && (text_letter(x.p[x.n - 1]) || text_digit(x.p[x.n - 1]) ||
		       strchr("_{}\\", x.p[x.n - 1])))
		x.n--;
	return x;
}

/* Does what stands between two boxes join them? A comma, "and" or "or"; other words only within one
 * formula. */
static bool joins_boxes(struct span s)
{
	bool comma = false, word = false, other = false, formula;

	s = without_name(s);
	formula = memmem(s.p, s.n, "\\text", 5) != NULL;
	if (s.n > BETWEEN)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (run.n) {
			bool command = i > 0 && s.p[i - 1] == '\\';

			if (span_is(run, "and") || span_is(run, "or"))
				word = true;
			else if (!command)
				other = true;
			i += run.n - 1;
		} else if (strchr(",;", s.p[i])) {
			comma = true;
		} else if (strchr("$\n", s.p[i]) ||
			   (s.p[i] == '\\' && i + 1 < s.n && strchr("()[]", s.p[i + 1]))) {
			formula = false;
		} else if (!strchr(" \\{}().", s.p[i])) {
			return false;
		}
	}
	return other ? formula && word : comma || word;
}

/* A minus sign before the box that is its own: = -\boxed{5} */
static bool negated(struct span s, size_t at)
{
	size_t sign = number_sign(s.p, s.p + at), i = at - sign;

	if (!sign || s.p[i] == '+')
		return false;
	while (i && s.p[i - 1] == ' ')
		i--;
	return !i || strchr("=$([{,:\n", s.p[i - 1]);
}

/* A percent sign behind a box */
static bool percent_behind(struct span s, size_t i)
{
	while (i < s.n && strchr(" $", s.p[i]))
		i++;
	if (i + 1 < s.n && s.p[i] == '\\' && s.p[i + 1] == ',')
		i += 2;
	return i < s.n && (s.p[i] == '%' || (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '%'));
}

static void box_add(const struct boxes *b, const struct box *x, struct buf *out)
{
	if (negated(b->s, x->at))
		buf_char(out, '-');
	buf_add(out, b->s.p + x->from, x->to - x->from);
	if (percent_behind(b->s, x->to + 1))
		buf_str(out, "\\%");
}

bool box_last(struct span s, struct buf *out)
{
	struct boxes b = {.s = s};
	int first;

	scan(&b);
	if (!b.n_done)
		return false;
	for (first = b.n_done - 1; first > 0; first--) {
		size_t end = b.done[first - 1].to + 1;

		if (!joins_boxes((struct span){s.p + end, b.done[first].at - end}))
			break;
	}
	for (int i = first; i < b.n_done; i++) {
		if (i > first)
			buf_str(out, ", ");
		box_add(&b, &b.done[i], out);
	}
	return true;
}
