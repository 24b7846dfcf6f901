/* gist.c - an answer without its ornaments. See gist.h. */
#include "math/gist.h"
#include "math/words.h"
#include "answer/text.h"

#include <string.h>

enum { REPLACED = 1024 };

/* ---- small things ---- */

static struct span behind(struct span s, size_t n)
{
	return (struct span){s.p + n, s.n - n};
}

static bool begins(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* s without blanks, spacing commands, $ and the given signs at its front */
static struct span skip(struct span s, const char *signs)
{
	static const char *const gap[] = {"\\quad", "\\qquad", "\\,", "\\;", "\\ ", "\\:", "\\!"};
	bool more = true;

	while (s.n && more) {
		more = text_blank(*s.p) || *s.p == '$' || *s.p == '~' ||
		       (*s.p && strchr(signs, *s.p));
		if (more)
			s = behind(s, 1);
		for (size_t i = 0; !more && i < sizeof gap / sizeof *gap; i++)
			if (begins(s, gap[i])) {
				s = behind(s, strlen(gap[i]));
				more = true;
			}
	}
	return s;
}

static bool ends(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p + s.n - n, with, n) == 0;
}

/* How many of the n bytes are left without what skip() leaves out, at their end */
static size_t skip_back(struct span s, const char *signs)
{
	static const char *const gap[] = {"\\quad", "\\qquad", "\\,", "\\;", "\\ ", "\\:", "\\!"};
	bool more = true;

	while (s.n && more) {
		char c = s.p[s.n - 1];

		more = false;
		for (size_t i = 0; !more && i < sizeof gap / sizeof *gap; i++)
			if (ends(s, gap[i])) {
				s.n -= strlen(gap[i]);
				more = true;
			}
		if (!more && (text_blank(c) || c == '$' || c == '~' || (c && strchr(signs, c)))) {
			s.n--;
			more = true;
		}
	}
	return s.n;
}

static bool is_formula(const struct parts *p, int i)
{
	return i >= 0 && i < p->n && !p->v[i].word;
}

static bool is_word(const struct parts *p, int i)
{
	return i >= 0 && i < p->n && p->v[i].word;
}

/* Has part i something in it but spacing and punctuation? */
static bool is_empty(const struct parts *p, int i)
{
	return is_formula(p, i) && !skip(parts_at(p, i), ",;:.()").n;
}

static void cut_to(struct parts *p, int i, size_t n)
{
	p->v[i].n = n;
	if (!n)
		parts_drop(p, i, 1);
}

static void cut_front(struct parts *p, int i, struct span rest)
{
	size_t n = (size_t)(rest.p - parts_at(p, i).p);

	p->v[i].from += n;
	cut_to(p, i, rest.n);
}

/* ---- Yes and No ---- */

static const char *const reasons[] = {"because", "since", "as",   "it",   "there",
				      "they",    "we",    "he",   "she",  "this",
				      "that",    "such",  "he's", "it's", NULL};

/* "There is no such number", "There does not exist such a one", "Such a one does not exist" */
static bool denies_existence(const struct parts *p)
{
	static const char *const be[] = {"is", "are", "exist", "exists", NULL};
	static const char *const does[] = {"does", "do", NULL};
	int n = p->n - (p->n && is_empty(p, p->n - 1));

	if (parts_is(p, 0, "there") && parts_in(p, 1, be))
		return parts_is(p, 2, "no") && parts_is(p, 3, "such");
	if (parts_is(p, 0, "there"))
		return parts_in(p, 1, does) && parts_is(p, 2, "not") && parts_is(p, 3, "exist");
	return parts_is(p, 0, "such") && n > 3 && parts_in(p, n - 3, does) &&
	       parts_is(p, n - 2, "not") && parts_is(p, n - 1, "exist");
}

/* The first word is Yes or No and nothing behind it is one, so that it says all. "No solution" is
 * not No. */
static bool yes_no(const struct parts *p, enum gist_kind *kind)
{
	struct span s;
	bool yes = parts_is(p, 0, "yes");

	if (denies_existence(p)) {
		*kind = GIST_NO;
		for (int i = 2; i < p->n; i++)
			if (parts_is(p, i, "yes") || parts_is(p, i, "but"))
				return false;
		return true;
	}
	if (!yes && !parts_is(p, 0, "no"))
		return false;
	*kind = yes ? GIST_YES : GIST_NO;
	for (int i = 1; i < p->n; i++)
		if (parts_is(p, i, "yes") || (parts_is(p, i, "no") && i <= 2))
			return false;
	if (p->n == 1 || parts_in(p, 1, reasons))
		return true;
	s = is_formula(p, 1) ? skip(parts_at(p, 1), "*_`") : (struct span){NULL, 0};
	return s.n && ((unsigned char)*s.p >= 0x80 || strchr(",.;:-(!", *s.p));
}

/* ---- remarks ---- */

/* What explains a value ends it. */
static void cut_reasons(struct parts *p)
{
	static const char *const word[] = {"because", "since", "i.e.", "e.g.", "namely", NULL};

	for (int i = 1; i < p->n; i++)
		if (parts_in(p, i, word)) {
			parts_drop(p, i, p->n - i);
			return;
		}
}

/* ", attained at x = 2" behind a value */
static void cut_place(struct parts *p)
{
	static const char *const word[] = {"attained", "achieved", "reached", "occurring", NULL};
	static const char *const at[] = {"at", "when", "for", "by", "if", "iff", "with", NULL};

	for (int i = 1; i + 1 < p->n; i++)
		if (parts_in(p, i, word) && parts_in(p, i + 1, at) && is_formula(p, i - 1) &&
		    !is_empty(p, i - 1)) {
			parts_drop(p, i, p->n - i);
			cut_to(p, i - 1, skip_back(parts_at(p, i - 1), ",;("));
			return;
		}
}

/* "is the only solution" behind a value */
static void cut_only(struct parts *p)
{
	static const char *const word[] = {"is",       "are",       "the",       "only",
					   "unique",   "solution",  "solutions", "answer",
					   "function", "functions", "such",      "possible",
					   "value",    "one",       NULL};
	int n = p->n - (p->n && is_empty(p, p->n - 1)), i = n;

	while (i > 0 && parts_in(p, i - 1, word))
		i--;
	if (i < 1 || n - i < 3 || !is_formula(p, i - 1) || is_empty(p, i - 1) ||
	    !(parts_is(p, i, "is") || parts_is(p, i, "are")) || !parts_is(p, i + 1, "the"))
		return;
	parts_drop(p, i, p->n - i);
}

/* "in total" and the like at the end */
static void cut_totals(struct parts *p)
{
	static const char *const total[] = {"total", "all", NULL};
	static const char *const required[] = {"required", "desired", "claimed", "needed", NULL};
	static const char *const alone[] = {
		"altogether", "overall", "approximately", "total", "exactly", "only", NULL};
	int n = p->n - (p->n && is_empty(p, p->n - 1));

	if (n > 2 && ((parts_is(p, n - 2, "in") && parts_in(p, n - 1, total)) ||
		      (parts_is(p, n - 2, "as") && parts_in(p, n - 1, required))))
		parts_drop(p, n - 2, p->n - n + 2);
	else if (n > 1 && parts_in(p, n - 1, alone))
		parts_drop(p, n - 1, p->n - n + 1);
}

/* The ( of the bracket that all ends with: its part and place; false: it ends with none */
static bool last_bracket(const struct parts *p, int *part, size_t *place)
{
	int depth = 0;
	struct span s;

	if (!is_formula(p, p->n - 1))
		return false;
	s = parts_at(p, p->n - 1);
	s.n = skip_back(s, ".");
	if (!s.n || s.p[s.n - 1] != ')')
		return false;
	for (int i = p->n - 1; i >= 0; i--) {
		if (p->v[i].word)
			continue;
		s = parts_at(p, i);
		for (size_t k = s.n; k-- > 0;) {
			depth += (s.p[k] == ')') - (s.p[k] == '(');
			if (depth || s.p[k] != '(')
				continue;
			*part = i;
			*place = k;
			return true;
		}
	}
	return false;
}

/* Is what the bracket at k of part i begins with prose that changes nothing, or an approximation?
 */
static bool says_nothing(const struct parts *p, int i, size_t k)
{
	struct span s = parts_at(p, i), inside = skip(behind(s, k + 1), "");
	bool word = false;

	if (begins(inside, "\\approx"))
		return true;
	for (int j = i + 1; j < p->n; j++) {
		if (!p->v[j].word)
			continue;
		word |= !word_unit(parts_at(p, j));
		if (word_changes(parts_at(p, j)))
			return false;
	}
	return word && !inside.n;
}

static void cut_bracket(struct parts *p)
{
	struct span s;
	size_t k;
	int i;

	if (!last_bracket(p, &i, &k) || !says_nothing(p, i, k))
		return;
	s = parts_at(p, i);
	s.n = k;
	s.n = skip_back(s, "");
	if (!s.n && i == 0)
		return;
	parts_drop(p, i + 1, p->n - i - 1);
	cut_to(p, i, s.n);
}

/* "2^6 (or 64)" at the end: without the brackets */
static void open_bracket(struct parts *p)
{
	struct span s, inside;
	size_t k, end;
	int i;

	if (!last_bracket(p, &i, &k) || i != p->n - 1)
		return;
	s = parts_at(p, i);
	inside = skip(behind(s, k + 1), "");
	if (!begins(inside, "or ") && !begins(inside, "or$"))
		return;
	end = skip_back(s, ".");
	p->text.p[p->v[i].from + k] = ' ';
	p->text.p[p->v[i].from + end - 1] = ' ';
}

/* ---- what is declared ---- */

static void declare(struct gist *g, struct span letter)
{
	if (g->letters < GIST_LETTERS)
		g->letter[g->letters++] = letter;
}

static void restrict_to(struct gist *g, struct span word)
{
	if (g->domains < GIST_WORDS)
		g->domain[g->domains++] = word;
}

/* A letter or a Greek one at the front of s, with an index of one sign: its length, else 0 */
static size_t letter_length(struct span s)
{
	size_t n = s.n && *s.p == '\\', from = n;
	const struct word *w;

	while (n < s.n && text_letter(s.p[n]))
		n++;
	if (n == from || (!from && n > 1))
		return 0;
	w = from ? word_command((struct span){s.p + 1, n - 1}) : NULL;
	if (w)
		return 0;
	if (n + 1 < s.n && s.p[n] == '_' && s.p[n + 1] != '{')
		n += 2;
	return n;
}

/* \mathbb{R} and the like at the front of s: its length, else 0; a word for what it restricts to in
 * *domain */
static size_t number_set(struct span s, struct span *domain)
{
	static const struct {
		const char *sign, *word;
	} sets[] = {{"\\mathbb{Z}^+", "natural"},
		    {"\\mathbb{Z}^{+}", "natural"},
		    {"\\mathbb{Z}_{>0}", "natural"},
		    {"\\mathbb{N}^*", "natural"},
		    {"\\mathbb{R}^+", "positive"},
		    {"\\mathbb{R}^{+}", "positive"},
		    {"\\mathbb{R}", "real"},
		    {"\\mathbb R", "real"},
		    {"\\R", "real"},
		    {"\\mathbb{C}", "complex"},
		    {"\\mathbb C", "complex"},
		    {"\\mathbb{Z}", "integer"},
		    {"\\mathbb Z", "integer"},
		    {"\\Z", "integer"},
		    {"\\mathbb{N}", "natural"},
		    {"\\mathbb N", "natural"},
		    {"\\N", "natural"},
		    {"\\mathbb{Q}", "rational"},
		    {"\\mathbb Q", "rational"},
		    {"\\Q", "rational"}};

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (begins(s, sets[i].sign)) {
			*domain = (struct span){sets[i].word, strlen(sets[i].word)};
			return strlen(sets[i].sign);
		}
	return 0;
}

/* Does s, behind what is declared, go on with and or or? */
static bool goes_on(struct span s)
{
	if (begins(s, "\\text{"))
		s = skip(behind(s, 6), "");
	return begins(s, "or ") || begins(s, "and ") || begins(s, "or}") || begins(s, "and}");
}

/* Letters, and the set that they are of, at the front of s, into g: false when s is more. *rest:
 * what another value begins. */
static bool declared(struct gist *g, struct span s, struct span *rest)
{
	struct span domain = {NULL, 0};
	size_t n;

	s = skip(s, ",()");
	while ((n = letter_length(s)) != 0) {
		declare(g, (struct span){s.p, n});
		s = skip(behind(s, n), ",()");
	}
	if (begins(s, "\\in") && !text_letter(s.n > 3 ? s.p[3] : ' ')) {
		s = skip(behind(s, 3), "");
		n = number_set(s, &domain);
		if (!n)
			return false;
		if (domain.n)
			restrict_to(g, domain);
		s = skip(behind(s, n), ",).");
	}
	s = skip(s, ".");
	*rest = s;
	return !s.n || goes_on(s);
}

static const char *const filler[] = {
	"some",  "any",    "all",       "every",   "each",       "arbitrary", "fixed",     "given",
	"a",     "an",     "the",       "is",      "are",        "be",        "of",        "number",
	"value", "values", "here",      "numbers", "parameters", "constant",  "constants", "where",
	"for",   "with",   "parameter", "can",     "being",      "denote",    "denotes",   NULL};
static const char *const restricting[] = {"integer",  "integers",     "integral", "whole",
					  "natural",  "positive",     "negative", "rational",
					  "non-zero", "non-negative", "nonzero",  "nonnegative",
					  "real",     "reals",        "complex",  NULL};

/* The words from part i on that declare letters: the part behind them, 0 when they say more */
static int declaration(struct gist *g, int i, struct span *rest)
{
	struct parts *p = &g->parts;

	*rest = (struct span){NULL, 0};
	for (; i < p->n && !rest->n; i++) {
		if (parts_in(p, i, restricting))
			restrict_to(g, parts_at(p, i));
		else if (is_word(p, i) ? !parts_in(p, i, filler)
				       : !declared(g, parts_at(p, i), rest))
			return 0;
	}
	return i;
}

static void take_back(struct gist *g, int letters, int domains)
{
	g->letters = letters;
	g->domains = domains;
}

/* Is the letter an argument in the formula s, f(x)? */
static bool is_argument(struct span letter, struct span s)
{
	for (size_t k = 0; k + letter.n + 2 <= s.n; k++)
		if (s.p[k] == '(' && s.p[k + 1 + letter.n] == ')' &&
		    memcmp(s.p + k + 1, letter.p, letter.n) == 0)
			return true;
	return false;
}

/* Do the parts from i to end say "for some x" of the x in f(x), which stands before? */
static bool some_argument(const struct gist *g, int i, int end)
{
	static const char *const all[] = {"all", "every", "any", "each", NULL};
	const struct parts *p = &g->parts;
	struct span f = i && is_formula(p, i - 1) ? parts_at(p, i - 1) : (struct span){"", 0}, s;
	bool some = false;

	for (int k = i; k < end; k++) {
		some = (some && !parts_in(p, k, all)) || parts_is(p, k, "some");
		s = parts_at(p, k);
		for (int n = 0; n < g->letters && some && is_formula(p, k); n++)
			if (g->letter[n].p >= s.p && g->letter[n].p < s.p + s.n &&
			    is_argument(g->letter[n], f))
				return true;
	}
	return false;
}

/* Takes out "for some constant c" and the like from part i on; false when it is more. */
static bool cut_declaration(struct gist *g, int i)
{
	struct parts *p = &g->parts;
	int letters = g->letters, domains = g->domains, end;
	struct span rest, s;

	end = declaration(g, i + 1, &rest);
	if (end <= i + 2 && g->domains == domains &&
	    (!end || !is_formula(p, i + 1) ||
	     !memmem(parts_at(p, i + 1).p, p->v[i + 1].n, "\\in", 3)))
		end = 0; /* "for x" declares nothing */
	if (some_argument(g, i, end))
		end = 0;
	if (!end || i == 0 || (g->letters == letters && i + 2 > end)) {
		take_back(g, letters, domains);
		return false;
	}
	if (rest.n) {
		cut_front(p, end - 1, rest);
		end--;
	}
	parts_drop(p, i, end - i);
	if (is_formula(p, i - 1)) {
		s = parts_at(p, i - 1);
		cut_to(p, i - 1, skip_back(s, ",;("));
	}
	return true;
}

/* How far s, up to the k bytes, goes back over letters with commas between them: "= ax+b, a, b" */
static size_t first_letter(struct span s, size_t k)
{
	while (k && s.p[k - 1] == ',') {
		size_t from = k - 1;
		struct span x;

		while (from && !strchr(",;(=", s.p[from - 1]) &&
		       !ends((struct span){s.p, from}, "\\quad"))
			from--;
		x = skip((struct span){s.p + from, k - 1 - from}, "");
		if (!from || s.p[from - 1] == '=' || !letter_length(x) ||
		    skip(behind(x, letter_length(x)), "").n)
			return k;
		k = from;
	}
	return k;
}

/* "\forall x" that the formula i ends with */
static bool cut_forall(struct gist *g, int i)
{
	struct parts *p = &g->parts;
	struct span s = parts_at(p, i), rest;
	size_t k = s.n;
	int letters = g->letters, domains = g->domains;

	while (k && !begins(behind(s, k), "\\forall"))
		k--;
	if (!k || !declared(g, behind(s, k + 7), &rest) || rest.n || g->letters == letters) {
		take_back(g, letters, domains);
		return false;
	}
	cut_to(p, i, skip_back((struct span){s.p, k}, ",;("));
	return true;
}

/* ", c \in \mathbb{R}" or "(c \in ...)" that the formula i ends with */
static bool cut_membership(struct gist *g, int i)
{
	struct parts *p = &g->parts;
	int letters = g->letters, domains = g->domains;
	struct span s = parts_at(p, i), rest;
	const char *in = NULL;
	size_t k;

	for (k = s.n; k-- > 0 && !in;)
		if (begins(behind(s, k), "\\in") && (k + 3 == s.n || !text_letter(s.p[k + 3])))
			in = s.p + k;
	if (!in)
		return false;
	k = (size_t)(in - s.p);
	while (k && !strchr(",;(", s.p[k - 1]) && !ends((struct span){s.p, k}, "\\quad") &&
	       !ends((struct span){s.p, k}, "\\forall"))
		k--;
	k = first_letter(s, k);
	if (!k || !declared(g, behind(s, k), &rest) || rest.n || g->letters == letters) {
		take_back(g, letters, domains);
		return false;
	}
	k = skip_back((struct span){s.p, k}, ",;(");
	if (ends((struct span){s.p, k}, "\\forall"))
		k = skip_back((struct span){s.p, k - 7}, ",;(");
	if (!k && !i) {
		take_back(g, letters, domains);
		return false;
	}
	cut_to(p, i, k);
	return true;
}

/* "k is an integer" behind a comma: the letter is at the end of the formula i */
static bool cut_apposition(struct gist *g, int i)
{
	static const char *const noun[] = {"integer", "integers", "constant", "constants", "number",
					   "numbers", "real",     "reals",    "arbitrary", NULL};
	struct parts *p = &g->parts;
	int letters = g->letters, domains = g->domains;
	struct span s = parts_at(p, i), rest;
	size_t k = skip_back(s, ""), from = k;
	bool any = false;

	while (from && !strchr(",;(", s.p[from - 1]))
		from--;
	for (int n = i + 1; n < p->n; n++)
		any |= parts_in(p, n, noun);
	if (!any || from < 2 || !declared(g, (struct span){s.p + from, k - from}, &rest) ||
	    g->letters == letters || declaration(g, i + 1, &rest) != p->n || rest.n) {
		take_back(g, letters, domains);
		return false;
	}
	parts_drop(p, i + 1, p->n - i - 1);
	cut_to(p, i, skip_back((struct span){s.p, from}, ",;("));
	return true;
}

static bool cut_declarations(struct gist *g)
{
	static const char *const lead[] = {"for", "where", "with", "here", NULL};
	struct parts *p = &g->parts;
	bool any = false;

	for (int i = 1; i < p->n; i++)
		if (parts_in(p, i, lead) && cut_declaration(g, i)) {
			any = true;
			i--;
		}
	for (int i = 0; i + 1 < p->n; i++)
		if (is_formula(p, i) && is_word(p, i + 1))
			any |= cut_apposition(g, i);
	if (p->n && is_formula(p, p->n - 1))
		any |= cut_membership(g, p->n - 1) || cut_forall(g, p->n - 1);
	return any;
}

/* ---- labels ---- */

/* Is part i where a value begins that the words before name: "The area is 5", "Area: 5"? */
static bool named_value(const struct parts *p, int i)
{
	static const char *const is[] = {"is",  "are", "equals",  "equal",
					 "was", "be",  "becomes", NULL};
	struct span s;

	if (!is_formula(p, i) || !is_word(p, i - 1))
		return false;
	s = skip(parts_at(p, i), "");
	if (!s.n)
		return false;
	if (*s.p == ':' || *s.p == '=')
		return skip(s, ":=.").n || i + 1 == p->n - 1;
	if (strchr(",;.)", *s.p))
		return false;
	return parts_in(p, i - 1, is) || (parts_is(p, i - 1, "to") && parts_in(p, i - 2, is));
}

/* Words that say under which condition, or that it is not so */
static bool conditional(const struct parts *p, int from, int to)
{
	static const char *const word[] = {"if",     "when", "unless",    "provided", "not",
					   "except", "but",  "otherwise", "whenever", "never",
					   "cannot", "than", "can't",     "isn't",    NULL};

	for (int i = from; i < to; i++)
		if (parts_in(p, i, word))
			return true;
	return false;
}

/* Do the brackets in the parts from i on belong together? */
static bool balanced(const struct parts *p, int i)
{
	int depth = 0;

	for (; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n && depth >= 0; k++)
			depth += (parts_at(p, i).p[k] == '(') - (parts_at(p, i).p[k] == ')');
	return depth == 0;
}

/* "The winner is Tom": behind the verb */
static void cut_subject(struct parts *p)
{
	int at = 0;

	for (int i = 1; i < p->n; i++)
		if (parts_is(p, i, "is") || parts_is(p, i, "are"))
			at = i + 1;
	for (int i = 0; i < p->n; i++)
		if (is_formula(p, i) && !is_empty(p, i))
			return;
	if (parts_is(p, 0, "the") && at && p->n - at <= 3 && at < p->n && !conditional(p, 0, p->n))
		parts_drop(p, 0, at);
}

static void cut_label(struct parts *p)
{
	int at = 0, n = 0;

	for (int i = 1; i < p->n; i++)
		if (named_value(p, i)) {
			at = i;
			n++;
		}
	if (n != 1 || p->n - at > 5 || conditional(p, 0, p->n))
		return;
	for (int i = at + 1; i < p->n; i++)
		if (is_formula(p, i) && skip(parts_at(p, i), ",.;:)").n &&
		    *skip(parts_at(p, i), "").p != '^')
			return; /* it goes on */
	if (!balanced(p, at))
		return;
	parts_drop(p, 0, at);
	cut_front(p, 0, skip(parts_at(p, 0), ":="));
}

/* Nouns that say of which kind the value behind them is */
static void cut_nouns(struct parts *p)
{
	static const char *const noun[] = {
		"the",        "a",         "an",        "point",   "points",   "pair",
		"pairs",      "ordered",   "value",     "values",  "number",   "numbers",
		"line",       "interval",  "set",       "vector",  "both",     "either",
		"function",   "equation",  "functions", "integer", "answer",   "triple",
		"triples",    "solution",  "solutions", "matrix",  "exactly",  "simply",
		"just",       "precisely", "lines",     "only",    "ellipse",  "circle",
		"parabola",   "hyperbola", "curve",     "plane",   "sphere",   "ratio",
		"polynomial", "vectors",   "roots",     "triplet", "triplets", "tuple",
		"tuples",     "of",        "form",      "graph",   NULL};
	int n = parts_is(p, 0, "all") && (parts_is(p, 1, "functions") || parts_is(p, 1, "pairs"));

	if (parts_is(p, 0, "of"))
		return;
	while (parts_in(p, n, noun))
		n++;
	if (n && is_formula(p, n) && !is_empty(p, n) && (n == p->n - 1 || !conditional(p, n, p->n)))
		parts_drop(p, 0, n);
}

/* ---- sets and functions in words ---- */

static bool has_relation(struct span s)
{
	static const char *const sign[] = {"<", ">",    "\\le", "\\ge", "\\ne",
					   "=", "\\in", "\\lt", "\\gt"};

	for (size_t i = 0; i < sizeof sign / sizeof *sign; i++)
		if (memmem(s.p, s.n, sign[i], strlen(sign[i])))
			return true;
	return false;
}

/* Does the relation s bound what it is about by a positive number from below, and no more? */
static bool above_zero(struct span s)
{
	static const char *const ge[] = {">=", ">", "\\geqslant", "\\geq", "\\ge", "\\gt"};

	s = skip(s, "");
	s = skip(behind(s, letter_length(s)), "");
	for (size_t i = 0; i < sizeof ge / sizeof *ge; i++)
		if (begins(s, ge[i])) {
			s = skip(behind(s, strlen(ge[i])), "");
			while (s.n && text_digit(*s.p))
				s = behind(s, 1);
			return !skip(s, ".").n;
		}
	return false;
}

/* "All integers n with" before a relation; "positive" too, where it says no more */
static void cut_quantifier(struct parts *p)
{
	static const char *const all[] = {"all", "every", "any", "each", "the", NULL};
	static const char *const kind[] = {"integer", "integers", "real",  "reals", "number",
					   "numbers", "values",   "value", "of",    NULL};
	static const char *const above[] = {"positive", "natural", NULL};
	static const char *const with[] = {"with",       "such",  "that", "for", "which",
					   "satisfying", "where", "so",   NULL};
	struct span s;
	int n = 0;
	bool positive = false;

	while (parts_in(p, n, n ? kind : all) || (n && parts_in(p, n, above)))
		positive |= parts_in(p, n++, above);
	if (!n || !is_formula(p, n) || (positive && !above_zero(parts_at(p, p->n - 1))))
		return;
	if (n == p->n - 1 && has_relation(parts_at(p, n))) {
		parts_drop(p, 0, n);
		return;
	}
	s = skip(parts_at(p, n), "");
	if (!letter_length(s) || skip(behind(s, letter_length(s)), "").n)
		return;
	for (n++; parts_in(p, n, with);)
		n++;
	if (n == p->n - 1 && is_formula(p, n) && has_relation(parts_at(p, n)))
		parts_drop(p, 0, n);
}

/* The parts from i on become one formula. */
static void replace(struct parts *p, int i, int n, const char *latex)
{
	parts_drop(p, i + 1, n - 1);
	p->words -= p->v[i].word;
	p->v[i] = (struct part){false, p->text.n, strlen(latex)};
	buf_str(&p->text, latex);
}

/* The words from part i to the end, but for those of which a set's name has no need */
static void name_of_set(const struct parts *p, int i, struct buf *b)
{
	static const char *const idle[] = {"all", "every", "any",   "each",   "the",      "set",
					   "of",  "is",    "are",   "there",  "a",        "an",
					   "has", "have",  "exist", "exists", "equation", "system",
					   "can", "be",    NULL};

	for (; i < p->n; i++)
		if (is_word(p, i) && !parts_in(p, i, idle)) {
			struct span s = parts_at(p, i);

			for (size_t k = 0; k < s.n; k++)
				buf_char(b, (char)(s.p[k] | 0x20));
			if (b->n > 4 && b->p[b->n - 1] == 's')
				b->n--;
			buf_char(b, ' ');
		}
}

static const char *set_of_words(struct span name)
{
	static const struct {
		const char *name, *latex;
	} sets[] = {{"real number ", "\\mathbb{R}"},
		    {"real ", "\\mathbb{R}"},
		    {"real value ", "\\mathbb{R}"},
		    {"integer ", "\\mathbb{Z}"},
		    {"rational number ", "\\mathbb{Q}"},
		    {"rational ", "\\mathbb{Q}"},
		    {"complex number ", "\\mathbb{C}"},
		    {"natural number ", "\\mathbb{N}"},
		    {"positive integer ", "\\mathbb{N}"},
		    {"positive whole number ", "\\mathbb{N}"},
		    {"nonnegative integer ", "\\mathbb{Z}_{\\ge 0}"},
		    {"non-negative integer ", "\\mathbb{Z}_{\\ge 0}"},
		    {"positive real number ", "(0,\\infty)"},
		    {"positive real ", "(0,\\infty)"},
		    {"negative real number ", "(-\\infty,0)"},
		    {"nonnegative real number ", "[0,\\infty)"},
		    {"non-negative real number ", "[0,\\infty)"},
		    {"nonnegative real ", "[0,\\infty)"},
		    {"non-negative real ", "[0,\\infty)"},
		    {"nonzero real ", "\\mathbb{R}\\setminus\\{0\\}"},
		    {"nonzero real number ", "\\mathbb{R}\\setminus\\{0\\}"},
		    {"non-zero real number ", "\\mathbb{R}\\setminus\\{0\\}"},
		    {"none ", "\\emptyset"},
		    {"no solution ", "\\emptyset"},
		    {"no real solution ", "\\emptyset"},
		    {"empty ", "\\emptyset"},
		    {"null ", "\\emptyset"}};

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (span_is(name, sets[i].name))
			return sets[i].latex;
	return NULL;
}

static bool only_letter(struct span s)
{
	s = skip(s, "");
	return letter_length(s) && !skip(behind(s, letter_length(s)), ".").n;
}

/* "all real numbers except 0" as one set */
static void leave_out(struct parts *p)
{
	static const char *const except[] = {"except", "excluding", "but", NULL};
	static const char *const idle[] = {"for", "when", "the", "number", "point", "value", NULL};
	struct buf b = {0};
	struct span s;
	const char *latex = NULL;
	int at = 0, n = p->n - 1;

	while (at < n && is_word(p, at) && !parts_in(p, at, except))
		at++;
	if (at < 2 || at == n || !parts_in(p, at, except) || !parts_is(p, 0, "all") ||
	    !is_formula(p, n))
		return;
	for (int i = at + 1; i < n; i++)
		if (!parts_in(p, i, idle))
			return;
	n = p->n;
	p->n = at;
	name_of_set(p, 0, &b);
	p->n = n;
	latex = b.n ? set_of_words((struct span){b.p, b.n}) : NULL;
	s = skip(parts_at(p, n - 1), "");
	if (letter_length(s) && begins(skip(behind(s, letter_length(s)), ""), "="))
		s = behind(skip(behind(s, letter_length(s)), ""), 1);
	s.n = skip_back(s, ".");
	if (latex && s.n && !memchr(s.p, '=', s.n)) {
		buf_reset(&b);
		buf_str(&b, latex);
		buf_str(&b, "\\setminus\\{");
		buf_add(&b, s.p, s.n);
		buf_str(&b, "\\}");
		buf_char(&b, '\0');
		replace(p, 0, n, b.p);
	}
	buf_free(&b);
}

/* "all real numbers", "no solutions", alone or behind "is" */
static void name_sets(struct parts *p)
{
	static const char *const is[] = {"is", "are", "be", NULL};
	static const char *const lead[] = {"all", "every", "any",   "each",  "no",
					   "the", "real",  "empty", "there", NULL};
	struct buf b = {0};
	const char *latex;
	int from = 0, end = p->n;

	if (end && is_empty(p, end - 1))
		end--;
	if (end > 1 && is_formula(p, end - 1) && only_letter(parts_at(p, end - 1)))
		end--; /* all real numbers x */
	for (int i = 0; i + 1 < end; i++)
		if (parts_in(p, i, is))
			from = parts_is(p, 0, "there") ? 0 : i + 1;
	for (int i = from; i < end; i++)
		if (!is_word(p, i))
			return;
	if ((!parts_in(p, from, lead) || end - from < 2) && !(parts_is(p, 0, "none") && end == 1))
		return;
	if (conditional(p, 0, end))
		return;
	name_of_set(p, from, &b);
	latex = b.n ? set_of_words((struct span){b.p, b.n}) : NULL;
	if (latex) {
		replace(p, from, p->n - from, latex);
		parts_drop(p, 0, from);
	}
	buf_free(&b);
}

/* "the zero function" and "the identity function", wherever they stand */
static void name_functions(struct parts *p)
{
	for (int i = 0; i + 1 < p->n; i++) {
		bool zero = parts_is(p, i, "zero"), same = parts_is(p, i, "identity");
		int from = i - (i && parts_is(p, i - 1, "the")), n = i + 2 - from;

		if ((!zero && !same) || !parts_is(p, i + 1, "function"))
			continue;
		replace(p, from, n, zero ? " 0 " : " x ");
		i = from;
	}
}

/* ---- all of it ---- */

/* Without a condition behind an equation: the part it begins at, 0 without one */
static int condition(const struct parts *p)
{
	static const char *const lead[] = {"for", "where", "when", "if", "with", "whenever", NULL};
	int n = p->n - 2;

	if (n < 1 || !parts_in(p, n, lead) || !is_formula(p, n + 1) ||
	    !has_relation(parts_at(p, n + 1)))
		return 0;
	return n == 1 && is_formula(p, 0) && memchr(parts_at(p, 0).p, '=', parts_at(p, 0).n) ? n
											     : 0;
}

static void join_equation(struct gist *g)
{
	int n = condition(&g->parts), all = g->parts.n;

	if (!n)
		return;
	g->parts.n = n;
	parts_join(&g->parts, &g->equation);
	g->parts.n = all;
}

/* Could there be words in s, or an ornament without any? */
static bool may_have_words(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		size_t from = i;

		while (i < s.n && text_letter(s.p[i]))
			i++;
		if (i > from + 1 && (!from || s.p[from - 1] != '\\'))
			return true;
	}
	return memmem(s.p, s.n, ".m", 2) || memmem(s.p, s.n, "\\approx", 7) ||
	       memmem(s.p, s.n, "\\in", 3) || memmem(s.p, s.n, "\\forall", 7);
}

bool gist_get(struct span s, struct gist *g)
{
	struct parts *p = &g->parts;

	g->kind = GIST_VALUE;
	g->text = g->equation = (struct buf){0};
	g->letters = g->domains = 0;
	p->n = p->words = 0;
	p->text = (struct buf){0};
	if (!may_have_words(s) || !parts_split(s, p) || !p->n)
		return false;
	buf_reserve(&p->text, REPLACED); /* spans into it stay */
	if (yes_no(p, &g->kind))
		return true;
	g->kind = GIST_VALUE;
	cut_reasons(p);
	cut_place(p);
	cut_only(p);
	cut_bracket(p);
	open_bracket(p);
	cut_totals(p);
	cut_declarations(g);
	cut_label(p);
	cut_nouns(p);
	cut_quantifier(p);
	leave_out(p);
	name_sets(p);
	cut_subject(p);
	name_functions(p);
	parts_join(p, &g->text);
	join_equation(g);
	return true;
}

void gist_free(struct gist *g)
{
	buf_free(&g->text);
	buf_free(&g->equation);
	parts_free(&g->parts);
}
