/* unit.c - the units of values. See unit.h. */
#include "math/unit.h"
#include "math/words.h"
#include "answer/text.h"

#include <string.h>

enum { MAX_WORDS = 12, LONGEST = 20 };

struct label {
	char s[LONGEST];
	bool known; /* a unit, or what changes one */
};

/* The words behind a value */
struct labels {
	struct label v[MAX_WORDS];
	int n;
	bool predicate;
};

static bool is_one_of(struct span s, const char *const *words)
{
	for (; *words; words++)
		if (span_is(s, *words))
			return true;
	return false;
}

static void put_label(struct labels *w, const char *s, size_t n, bool known)
{
	struct label *x = &w->v[w->n];

	if (w->n == MAX_WORDS)
		return;
	n = n < LONGEST ? n : LONGEST - 1;
	memcpy(x->s, s, n);
	x->s[n] = '\0';
	x->known = known;
	w->n++;
}

/* The singular of a word in lower case, roughly: the same for both numbers */
static size_t stem(char *s, size_t n)
{
	if (n > 4 && memcmp(s + n - 3, "ies", 3) == 0) {
		s[n - 3] = 'y';
		return n - 2;
	}
	n -= n > 3 && s[n - 1] == 's';
	return n - (n > 3 && s[n - 1] == 'e');
}

/* One word, of letters in lower case without dots */
static void put_word(struct labels *w, char *s, size_t n, bool first)
{
	static const char *const idle[] = {"of",         "the",       "a",
					   "an",         "in",        "unit",
					   "units",      "way",       "ways",
					   "total",      "possible",  "and",
					   "distinct",   "different", "each",
					   "about",      "exactly",   "all",
					   "roughly",    "only",      "approximately",
					   "altogether", NULL};
	static const char *const verb[] = {"is",        "are",   "was",  "does",      "do",
					   "has",       "have",  "can",  "converges", "diverges",
					   "exists",    "exist", "wins", "loses",     "increases",
					   "decreases", "holds", "will", NULL};
	struct span word = {s, n};
	const char *unit = first || !span_is(word, "in") ? word_unit(word) : NULL;

	w->predicate |= is_one_of(word, verb);
	if (span_is(word, "mph") || span_is(word, "kmh") || span_is(word, "kph")) {
		put_label(w, *s == 'm' ? "mi" : "km", 2, true);
		put_label(w, "per", 3, true);
		put_label(w, "h", 1, true);
	} else if (unit)
		put_label(w, unit, strlen(unit), true);
	else if (span_is(word, "per") || span_is(word, "a"))
		put_label(w, "per", 3, true);
	else if (span_is(word, "squared") || span_is(word, "square") || span_is(word, "sq"))
		put_label(w, "square", 6, true);
	else if (span_is(word, "cubed") || span_is(word, "cubic"))
		put_label(w, "cubic", 5, true);
	else if (!is_one_of(word, idle))
		put_label(w, s, stem(s, n), false);
}

static void put_text(struct labels *w, struct span text)
{
	char word[LONGEST];
	size_t n = 0;
	bool first = true;

	for (size_t i = 0; i <= text.n; i++) {
		char c = i < text.n ? text.p[i] : ' ';

		if (text_letter(c) || text_digit(c) || (unsigned char)c >= 0x80 || c == '$') {
			if (n < LONGEST)
				word[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		} else if (c != '.') {
			if (n)
				put_word(w, word, n, first);
			first &= !n;
			n = 0;
		}
		if (c == '/')
			put_label(w, "per", 3, true);
	}
}

/* Words, their powers, products and quotients */
static void put_unit(const struct judgement *j, int x, struct labels *w)
{
	const struct node *n = value_node(j, x), *last = value_node(j, n->last);

	switch (n->kind) {
	case NODE_TEXT:
		if (n->text.n == 1 && strchr("CF", *n->text.p)) /* of a temperature */
			put_label(w, "degree", 6, true);
		put_text(w, n->text);
		break;
	case NODE_POW:
		put_unit(j, n->first, w);
		if (last->kind == NODE_NUM && (last->num.whole == 2 || last->num.whole == 3))
			put_label(w, last->num.whole == 2 ? "square" : "cubic",
				  last->num.whole == 2 ? 6 : 5, true);
		break;
	case NODE_DIV:
		put_unit(j, n->first, w);
		put_label(w, "per", 3, true);
		put_unit(j, n->last, w);
		break;
	case NODE_MUL:
		for (int k = n->first; k; k = value_node(j, k)->next)
			put_unit(j, k, w);
		break;
	default:
		break;
	}
}

static bool all_known(const struct labels *w)
{
	for (int i = 0; i < w->n; i++)
		if (!w->v[i].known)
			return false;
	return true;
}

static void get_labels(const struct judgement *j, int x, struct labels *w)
{
	const struct node *n = value_node(j, x);

	*w = (struct labels){.n = 0};
	for (; n->kind == NODE_UNIT || n->kind == NODE_DEG; n = value_node(j, n->first))
		if (n->kind == NODE_DEG)
			put_label(w, "degree", 6, true);
		else
			put_unit(j, n->last, w);
	w->predicate |= (n->kind == NODE_SYM || n->kind == NODE_REL) && !all_known(w);
}

/* Does each word of a that is known, or each that is not, stand in b too? */
static bool within(const struct labels *a, const struct labels *b, bool known)
{
	bool used[MAX_WORDS] = {false};

	for (int i = 0; i < a->n; i++) {
		int k = 0;

		if (a->v[i].known != known)
			continue;
		while (k < b->n && (used[k] || strcmp(a->v[i].s, b->v[k].s) != 0))
			k++;
		if (k == b->n)
			return false;
		used[k] = true;
	}
	return true;
}

static int count_known(const struct labels *w)
{
	int n = 0;

	for (int i = 0; i < w->n; i++)
		n += w->v[i].known;
	return n;
}

/* Without "per hour" */
static void drop_per(struct labels *w)
{
	for (int i = 0; i < w->n; i++)
		if (strcmp(w->v[i].s, "per") == 0)
			w->n = i;
}

static bool has_per(const struct labels *w)
{
	for (int i = 0; i < w->n; i++)
		if (strcmp(w->v[i].s, "per") == 0)
			return true;
	return false;
}

bool unit_agree(const struct judgement *j, int a, int b)
{
	struct labels x, y;

	get_labels(j, a, &x);
	get_labels(j, b, &y);
	if (x.predicate || y.predicate)
		return x.n == y.n && within(&x, &y, true) && within(&x, &y, false);
	if (has_per(&x) != has_per(&y)) {
		drop_per(&x);
		drop_per(&y);
	}
	if (count_known(&x) && count_known(&y) && (!within(&x, &y, true) || !within(&y, &x, true)))
		return false;
	if (count_known(&x) == 0 && x.n && count_known(&y) == y.n && y.n)
		return false; /* marbles, liters */
	if (count_known(&y) == 0 && y.n && count_known(&x) == x.n && x.n)
		return false;
	return within(&x, &y, false) || within(&y, &x, false);
}

struct value unit_bare(const struct judgement *j, struct value x)
{
	while (value_node(j, x.node)->kind == NODE_UNIT ||
	       value_node(j, x.node)->kind == NODE_DEG ||
	       ((value_node(j, x.node)->kind == NODE_LIST ||
		 value_node(j, x.node)->kind == NODE_TUPLE) &&
		value_node(j, x.node)->n == 1))
		x.node = value_node(j, x.node)->first;
	return x;
}
