/* phrase.c - answers as text. See phrase.h. */
#include "math/phrase.h"
#include "math/lex.h"
#include "answer/text.h"

#include <string.h>
#include <strings.h>

enum { WORDS = 200, MAX_TOKENS = 2000 };

/* ---- the same tokens ---- */

static bool same_token(const struct token *a, const struct token *b)
{
	if (a->t != b->t || a->op != b->op)
		return false;
	if (a->t == TOKEN_NUM)
		return memcmp(a->num.mod, b->num.mod, sizeof a->num.mod) == 0;
	if (a->t == TOKEN_BAD)
		return *a->start == *b->start;
	return a->t == TOKEN_OP || a->t == TOKEN_CONST || a->t == TOKEN_PM || a->t == TOKEN_FUNC ||
	       (a->t == TOKEN_REL && a->op != REL_OTHER) || span_eq(a->s, b->s);
}

static bool same_tokens(struct span a, struct span b)
{
	struct lex l, m;
	struct token x, y;

	lex_init(&l, a, COMMA_GROUPS);
	lex_init(&m, b, COMMA_GROUPS);
	for (int n = 0; n < MAX_TOKENS; n++) {
		lex_next(&l, &x);
		lex_next(&m, &y);
		if (!same_token(&x, &y))
			return false;
		if (x.t == TOKEN_END)
			return n > 0;
	}
	return false;
}

/* ---- words ---- */

struct words {
	char text[WORDS];
	size_t n, letters;
	bool marked; /* \text or the like stood there */
};

static bool put_letter(struct words *w, char c)
{
	if (c == ' ' && (!w->n || w->text[w->n - 1] == ' '))
		return true;
	if (w->n == WORDS)
		return false;
	w->letters += text_letter(c) || (unsigned char)c >= 0x80;
	w->text[w->n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	return true;
}

/* A command at s.p + i that only says how words look: i at its last byte; false: it says more. */
static bool looks(struct span s, size_t *i, bool *marked)
{
	struct span name = {s.p + *i + 1, 0};
	const struct word *w;

	while (*i + 1 + name.n < s.n && text_letter(name.p[name.n]))
		name.n++;
	if (!name.n) { /* "\ ", \, */
		*i += *i + 1 < s.n;
		return s.p[*i] && strchr("\\ ,;:!", s.p[*i]);
	}
	w = word_command(name);
	if (!w ||
	    (w->t != TOKEN_WORDS && w->t != TOKEN_FONT && w->t != TOKEN_WRAP && w->t != TOKEN_SKIP))
		return false;
	*marked |= w->t != TOKEN_SKIP;
	*i += name.n;
	return true;
}

static void drop_article(struct words *w)
{
	static const char *const article[] = {"a ", "an ", "the ", "all "};

	for (size_t i = 0; i < sizeof article / sizeof *article; i++) {
		size_t n = strlen(article[i]);

		if (w->n <= n || memcmp(w->text, article[i], n) != 0)
			continue;
		w->n -= n;
		memmove(w->text, w->text + n, w->n);
		return;
	}
}

/* Is the sign at i one of a number or between two? At the end of s it is not. */
static bool parts_figures(struct span s, size_t i)
{
	return !strchr("{}$`", s.p[i]) && i + 1 < s.n &&
	       (text_digit(s.p[i + 1]) || (i && text_digit(s.p[i - 1])));
}

/* s as words in lower case, single spaces between them; false when it is more than that. */
static bool get_words(struct span s, struct words *w)
{
	*w = (struct words){.n = 0};
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\') {
			if (!looks(s, &i, &w->marked))
				return false;
		} else if (strchr(" \t\r\n~", c) && c) {
			if (!put_letter(w, ' '))
				return false;
		} else if (text_letter(c) || text_digit(c) || c == '-' ||
			   (unsigned char)c >= 0x80) {
			if (!put_letter(w, c))
				return false;
		} else if (!c || !strchr("{}$().,;:'\"`*!", c) || parts_figures(s, i)) {
			return false;
		}
	}
	while (w->n && w->text[w->n - 1] == ' ')
		w->n--;
	drop_article(w);
	if (w->n > 4 && w->text[w->n - 1] == 's') /* no solutions */
		w->n--;
	return true;
}

static bool has_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (word_natural(run))
			return true;
		i += run.n;
	}
	return false;
}

bool phrase_is(struct span s)
{
	static const char *const word[] = {"yes", "no", "odd"};
	bool any = false;

	for (size_t i = 0; i < s.n; i++) {
		struct span run = {s.p + i, 0};

		while (i + run.n < s.n && text_letter(run.p[run.n]))
			run.n++;
		if (run.n == 1 || (!run.n && !strchr(" .", s.p[i])) || span_is(run, "and") ||
		    span_is(run, "or"))
			return false;
		any |= word_natural(run);
		for (size_t k = 0; k < sizeof word / sizeof *word; k++)
			any |= run.n == strlen(word[k]) && strncasecmp(run.p, word[k], run.n) == 0;
		i += run.n ? run.n - 1 : 0;
	}
	return any;
}

/* Red, red: one word with a vowel in it, but for its first letter in small ones */
static bool short_word(struct span s)
{
	bool vowel = false;

	s = text_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		if (!text_letter(s.p[i]) || (i && s.p[i] < 'a'))
			return false;
		vowel |= strchr("aeiou", s.p[i] | 0x20) != NULL;
	}
	return vowel;
}

static bool same_words(struct span a, struct span b)
{
	struct words x, y;

	if (!get_words(a, &x) || !get_words(b, &y) || x.n != y.n ||
	    memcmp(x.text, y.text, x.n) != 0)
		return false;
	return phrase_is(a) || (x.letters >= 3 && (x.marked || y.marked || has_word(a) ||
						   (short_word(a) && short_word(b))));
}

/* ---- choices ---- */

static void skip_looks(struct span *s)
{
	bool marked = false;

	for (size_t i = 0; s->n && *s->p && strchr(" {}$*~\\", *s->p); i = 0) {
		if (*s->p == '\\' && !looks(*s, &i, &marked))
			return;
		*s = (struct span){s->p + i + 1, s->n - i - 1};
	}
}

/* The letter of "(B)", "B)", "B.", "\textbf{(B)} 12"; *rest: what follows. 0: no choice */
static char choice(struct span s, struct span *rest)
{
	bool opened;
	char c;

	skip_looks(&s);
	opened = s.n && *s.p == '(';
	if (opened)
		s = (struct span){s.p + 1, s.n - 1};
	skip_looks(&s);
	if (!s.n || *s.p < 'A' || *s.p > 'Z')
		return 0;
	c = *s.p;
	s = (struct span){s.p + 1, s.n - 1};
	skip_looks(&s);
	if (s.n && (opened ? *s.p != ')' : !*s.p || !strchr(").:", *s.p)))
		return 0;
	if (s.n)
		s = (struct span){s.p + 1, s.n - 1};
	else if (opened)
		return 0;
	skip_looks(&s);
	*rest = s;
	return c;
}

/* Is there a choice, as "B)", in the explanation of one, or is it one? Or does it go on with "or"?
 */
static bool another_choice(struct span s)
{
	struct span rest, word = {s.p, 0};

	if (choice(s, &rest) && !rest.n)
		return true;
	if (word_rejects(s))
		return true; /* B is wrong */
	while (word.n < s.n && text_letter(word.p[word.n]))
		word.n++;
	if (span_is(word, "or") || span_is(word, "and") || (s.n && strchr(",;/&", *s.p)) ||
	    (s.n > 1 && memcmp(s.p, "\\&", 2) == 0))
		return true;
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z' && s.p[i + 1] == ')' &&
		    (!i || strchr(" (", s.p[i - 1])))
			return true;
	return false;
}

/* What follows a choice explains it; a second one takes it back. */
static bool same_choice(struct span right, struct span got)
{
	struct span rest, next;
	char c = choice(right, &rest);

	return c && !rest.n && choice(got, &next) == c && !another_choice(next);
}

bool phrase_same(struct span right, struct span got)
{
	return same_tokens(right, got) || same_words(right, got) || same_choice(right, got);
}

/* ---- commas ---- */

/* One comma, digits on both sides, as people write 1,5 who do not write 1.5: at least two behind it
 * and not three, or a 0 before it */
static bool could_be_decimal(struct span s, size_t comma)
{
	size_t from = comma, to = comma + 1;

	while (from > 0 && text_digit(s.p[from - 1]))
		from--;
	while (to < s.n && text_digit(s.p[to]))
		to++;
	for (size_t i = 0; i < s.n; i++)
		if (strchr("([{", s.p[i]) || (s.p[i] == ',' && i != comma) ||
		    (s.p[i] == '.' && i > comma && i + 1 < s.n && text_digit(s.p[i + 1])))
			return false;
	if (comma - from == 1 && s.p[from] == '0')
		return true;
	return to - comma > 2 && to - comma != 4;
}

int phrase_comma_readings(struct span s)
{
	for (size_t i = 1; i + 1 < s.n; i++)
		if (s.p[i] == ',' && text_digit(s.p[i - 1]) && text_digit(s.p[i + 1]))
			return could_be_decimal(s, i) ? 3 : 2;
	return 1;
}
