/* python.c - which Python in a response is the answer. See python.h. */
#include "answer/python.h"
#include "answer/tag.h"
#include "answer/text.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ENDS = 20 }; /* fences in a string that are looked at for the end of a block */

/* ---- text as lines ---- */
struct lines {
	struct span *v; /* each without its end */
	size_t n;
};

static struct lines split(struct span s)
{
	struct lines l = {0};
	size_t cap = 0;

	for (size_t at = 0; at <= s.n;) {
		const char *nl = at < s.n ? memchr(s.p + at, '\n', s.n - at) : NULL;
		size_t end = nl ? (size_t)(nl - s.p) : s.n, n = end - at;

		if (l.n == cap)
			l.v = xgrow(l.v, cap = cap ? 2 * cap : 64, sizeof *l.v);
		n -= nl && n && s.p[end - 1] == '\r';
		l.v[l.n++] = (struct span){s.p ? s.p + at : "", n};
		at = end + 1;
	}
	return l;
}

static size_t indent(struct span s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
		i++;
	return i;
}

static struct span behind(struct span s, size_t n)
{
	n = n < s.n ? n : s.n;
	return (struct span){s.p + n, s.n - n};
}

static bool blank(struct span s)
{
	return text_trim(s).n == 0;
}

static void put_line(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
	buf_char(b, '\n');
}

/* ---- how Python is written ---- */

/* What is open at the end of a line */
struct lex {
	char quote;
	bool triple, joined;
	size_t depth; /* of brackets */
};

static bool triple_at(struct span s, size_t i, char c)
{
	return s.n - i >= 3 && s.p[i] == c && s.p[i + 1] == c && s.p[i + 2] == c;
}

static size_t lex_string(struct lex *x, struct span s, size_t i)
{
	if (s.p[i] == '\\') {
		x->joined = i + 1 == s.n;
		return i + 2;
	}
	if (s.p[i] != x->quote || (x->triple && !triple_at(s, i, x->quote)))
		return i + 1;
	x->quote = 0;
	return i + (x->triple ? 3 : 1);
}

static size_t lex_code(struct lex *x, struct span s, size_t i)
{
	char c = s.p[i];

	if (c == '"' || c == '\'') {
		x->quote = c;
		x->triple = triple_at(s, i, c);
		return i + (x->triple ? 3 : 1);
	}
	if (c == '#')
		return s.n;
	if (strchr("([{", c) && c)
		x->depth++;
	if (strchr(")]}", c) && c && x->depth)
		x->depth--;
	x->joined = c == '\\' && i + 1 == s.n;
	return i + 1;
}

static void lex_line(struct lex *x, struct span s)
{
	x->joined = false;
	for (size_t i = 0; i < s.n;)
		i = x->quote ? lex_string(x, s, i) : lex_code(x, s, i);
	if (x->quote && !x->triple && !x->joined)
		x->quote = 0;
}

static bool lex_open(const struct lex *x)
{
	return x->quote || x->depth || x->joined;
}

static bool word_char(char c)
{
	return text_letter(c) || text_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* How long the name with dots at the beginning is */
static size_t dotted(struct span s)
{
	size_t i = 0;

	while (i < s.n && (word_char(s.p[i]) || s.p[i] == '.'))
		i++;
	return i && !text_digit(*s.p) ? i : 0;
}

/* Takes the word off the front, with the blanks behind it. */
static bool eat(struct span *s, const char *word)
{
	size_t n = strlen(word);

	if (s->n < n || memcmp(s->p, word, n) != 0 || (s->n > n && word_char(s->p[n])))
		return false;
	*s = behind(*s, n);
	*s = behind(*s, indent(*s));
	return true;
}

static struct span eat_name(struct span *s)
{
	struct span name = {s->p, dotted(*s)};

	*s = behind(*s, name.n);
	*s = behind(*s, indent(*s));
	return name;
}

static bool first_is(struct span s, const char *any)
{
	return s.n && *s.p && strchr(any, *s.p);
}

static bool is_import(struct span s)
{
	if (eat(&s, "from"))
		return eat_name(&s).n && eat(&s, "import") && s.n;
	if (!eat(&s, "import") || !eat_name(&s).n)
		return false;
	return !s.n || first_is(s, ",;#") || (eat(&s, "as") && eat_name(&s).n);
}

/* A line at the margin that defines something: def, class, a decorator */
static bool is_definition(struct span s)
{
	bool class = eat(&s, "class");

	if (first_is(s, "@"))
		return dotted(behind(s, 1));
	if (!class) {
		eat(&s, "async");
		if (!eat(&s, "def"))
			return false;
	}
	return eat_name(&s).n && first_is(s, class ? "(:[" : "([");
}

/* if, for and the like: up to a colon */
static bool is_compound(struct span s)
{
	static const char *const words[] = {"if",   "elif", "else",   "for",     "while",
					    "with", "try",  "except", "finally", "async"};
	struct span all = text_trim(s);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (eat(&s, words[i]))
			return all.p[all.n - 1] == ':';
	return false;
}

/* x = ..., x.y += ..., x[i] = ..., f(...), x: int = ... */
static bool is_statement(struct span s)
{
	struct lex x = {0};
	struct span all = text_trim(s);
	size_t n = dotted(s);

	if (!n)
		return false;
	lex_line(&x, s);
	s = behind(s, n);
	if (first_is(s, "(["))
		return lex_open(&x) || first_is(behind(all, all.n - 1), ")]") ||
		       memchr(s.p, '=', s.n);
	s = behind(s, indent(s));
	if (first_is(s, ":,"))
		return memchr(s.p, '=', s.n);
	if (s.n > 1 && first_is(s, "+-*/%&|^@") && memchr(s.p, '=', s.n < 3 ? s.n : 3))
		return true;
	return first_is(s, "=") && !first_is(behind(s, 1), "=");
}

/* Is a line that begins at the margin one of a program, rather than of a text? */
static bool is_code(struct span s)
{
	return first_is(s, "#)]}") || is_import(s) || is_definition(s) || is_compound(s) ||
	       triple_at(s, 0, '"') || triple_at(s, 0, '\'') || is_statement(s);
}

/* The first line of i and those behind it that cannot be of the program that begins at i */
static size_t code_end(const struct lines *l, size_t i)
{
	struct lex x = {0};

	for (; i < l->n; i++) {
		struct span s = l->v[i];

		if (!lex_open(&x) && !blank(s) && !indent(s) && !is_code(s))
			break;
		lex_line(&x, s);
	}
	return i;
}

/* ---- what defines what ---- */

/* Is it a line at Python's own prompt? */
static bool at_prompt(struct span s)
{
	return s.n >= 3 && (memcmp(s.p, ">>>", 3) == 0 || memcmp(s.p, "...", 3) == 0);
}

static struct span typed(struct span s)
{
	s = behind(s, 3);
	return behind(s, first_is(s, " "));
}

/* margin: where lines begin, at most; a name is given a value only there. */
static bool defines(struct span s, struct span name, size_t margin)
{
	struct span it;
	bool inner;

	if (at_prompt(s))
		s = typed(s);
	inner = indent(s) > margin;
	s = behind(s, indent(s));
	eat(&s, "async");
	if (eat(&s, "def") || eat(&s, "class")) {
		it = eat_name(&s);
		return span_eq(it, name) && (first_is(s, "([:"));
	}
	it = eat_name(&s);
	return !inner && span_eq(it, name) && first_is(s, "=") && !first_is(behind(s, 1), "=");
}

/* Lines from..to of a text */
struct block {
	size_t from, to;
	size_t indent; /* of its fence */
	bool tagged;   /* as Python */
};

struct wanted {
	const struct span *names;
	size_t n;
};

static bool defines_any(const struct lines *l, const struct block *b, const struct wanted *w)
{
	for (size_t i = b->from; i < b->to; i++)
		for (size_t k = 0; k < w->n; k++)
			if (defines(l->v[i], w->names[k], b->indent))
				return true;
	return false;
}

/* ---- fenced blocks ---- */
/* How many characters of a fence begin the line, behind its blanks; 0: no fence */
static size_t fence_at(struct span s)
{
	size_t i = indent(s), n = 0;

	while (i + n < s.n && s.p[i + n] == s.p[i] && strchr("`~", s.p[i]) && s.p[i])
		n++;
	return n >= 3 ? n : 0;
}

static bool opens(struct span s, struct span *tag)
{
	size_t i = indent(s), n = fence_at(s);

	*tag = text_trim(behind(s, i + n));
	return n && !(tag->n && memchr(tag->p, '`', tag->n));
}

static bool closes(struct span s, struct span open)
{
	size_t n = fence_at(s);

	return n >= fence_at(open) && s.p[indent(s)] == open.p[indent(open)] &&
	       indent(s) < indent(open) + 4 && blank(behind(s, indent(s) + n));
}

/* python, Python3, {.py}, ipython, python-repl, pycon, python:main.py ... */
static bool tag_is_python(struct span t)
{
	static const char *const words[] = {"python", "ipython", "pycon", "py", "sage"};
	size_t n = 0;

	while (first_is(t, "{."))
		t = behind(t, 1);
	for (size_t i = 0; i < sizeof words / sizeof *words && !n; i++)
		if (t.n >= strlen(words[i]) && strncasecmp(t.p, words[i], strlen(words[i])) == 0)
			n = strlen(words[i]);
	t = behind(t, n);
	while (first_is(t, "0123456789."))
		t = behind(t, 1);
	if (t.n >= 5 && strncasecmp(t.p, "-repl", 5) == 0)
		t = behind(t, 5);
	return n && (!t.n || !word_char(*t.p)) && !first_is(t, "-+");
}

/* The next block from line *i on, which is moved behind it; false: there is none */
static bool next_block(const struct lines *l, size_t *i, struct block *b, bool *python)
{
	struct span tag = {0}, open;
	struct lex x = {0};
	size_t first = 0, ends = 0, k;

	while (*i < l->n && !opens(l->v[*i], &tag))
		++*i;
	if (*i == l->n)
		return false;
	open = l->v[*i];
	for (k = *i + 1; k < l->n; k++) {
		if (closes(l->v[k], open)) {
			first = first ? first : k;
			if (!x.quote || ++ends == MOST_ENDS)
				break;
		}
		lex_line(&x, l->v[k]);
	}
	if (first && (k == l->n || ends == MOST_ENDS))
		k = first; /* the string that is open there never ends */
	*b = (struct block){*i + 1, k, indent(open), tag.n > 0};
	*python = !tag.n || tag_is_python(tag);
	*i = k < l->n ? k + 1 : k;
	return true;
}

static size_t first_line(const struct lines *l, const struct block *b)
{
	size_t i = b->from;

	while (i < b->to && blank(l->v[i]))
		i++;
	return i;
}

/* A program in a block that has no tag */
static bool looks_like_code(const struct lines *l, const struct block *b)
{
	size_t i = first_line(l, b);
	struct span s = i < b->to ? l->v[i] : (struct span){"", 0};

	s = behind(s, indent(s));
	return s.n && (is_code(s) || at_prompt(s));
}

/* The last block of those that are Python and wanted */
static bool last_block(const struct lines *l, const struct wanted *w, struct block *last)
{
	struct block b;
	bool python, found = false;

	for (size_t i = 0; next_block(l, &i, &b, &python);) {
		if (!python ||
		    !(w->n ? defines_any(l, &b, w)
			   : b.tagged || (!(found && last->tagged) && looks_like_code(l, &b))))
			continue;
		*last = b;
		found = true;
	}
	return found;
}

/* The last one that continues a function */
static bool last_body(const struct lines *l, struct block *last)
{
	struct block b;
	bool python, found = false;

	for (size_t i = 0; next_block(l, &i, &b, &python);) {
		size_t k = first_line(l, &b);

		if (!python || k == b.to || indent(l->v[k]) <= b.indent)
			continue;
		*last = b;
		found = true;
	}
	return found;
}

/* Lines as a person typed them at Python's prompt; what Python said is left out. */
static void put_session(struct buf *out, const struct lines *l, const struct block *b)
{
	for (size_t i = b->from; i < b->to; i++) {
		struct span s = behind(l->v[i], indent(l->v[i]));

		if (at_prompt(s))
			put_line(out, typed(s));
	}
}

static void put_block(struct buf *out, const struct lines *l, const struct block *b, bool body)
{
	size_t first = first_line(l, b), off = b->indent;
	struct span s = first < b->to ? l->v[first] : (struct span){"", 0};

	if (at_prompt(behind(s, indent(s)))) {
		put_session(out, l, b);
		return;
	}
	if (!body)
		off = indent(s);
	for (size_t i = first; i < b->to; i++)
		put_line(out, behind(l->v[i], indent(l->v[i]) < off ? indent(l->v[i]) : off));
}

/* ---- without a fence ---- */

/* The function in the text, with what belongs to it before and behind it */
static bool in_text(const struct lines *l, const struct wanted *w, struct block *b)
{
	for (size_t i = 0; i < l->n;) {
		struct span s = l->v[i];

		*b = (struct block){.from = i, .to = i + 1};
		if (!indent(s) && (is_import(s) || is_definition(s))) {
			b->to = code_end(l, i);
			if (!w->n || defines_any(l, b, w))
				return true;
		}
		i = b->to;
	}
	return false;
}

static void put_rest(struct buf *out, const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct span s = l->v[i];

		if (i && s.n && !text_blank(*s.p) && *s.p != '#')
			break;
		put_line(out, s);
	}
}

/* What the prompt has before the function */
static void put_head(struct buf *out, const struct lines *prompt, const struct wanted *w)
{
	size_t to = 0;

	while (to < prompt->n && !defines_any(prompt, &(struct block){to, to + 1, 0, false}, w))
		to++;
	if (to < prompt->n && code_end(prompt, 0) >= to) {
		for (size_t i = 0; i < to; i++)
			put_line(out, prompt->v[i]);
		return;
	}
	for (size_t i = 0; i < prompt->n; i++)
		if (is_import(prompt->v[i]))
			put_line(out, prompt->v[i]);
}

static bool put_code(struct buf *out, struct span text, const struct lines *prompt,
		     const struct wanted *w)
{
	struct lines l = split(text);
	struct block b;
	bool found = last_block(&l, w, &b) || in_text(&l, w, &b);

	if (found) {
		put_head(out, prompt, w);
		put_block(out, &l, &b, false);
	}
	free(l.v);
	return found;
}

static void put_continued(struct buf *out, struct span text, struct span prompt)
{
	struct lines l = split(text);
	struct block b;

	buf_add(out, prompt.p, prompt.p ? prompt.n : 0);
	if (last_body(&l, &b)) {
		if (prompt.n && prompt.p[prompt.n - 1] != '\n')
			buf_char(out, '\n');
		put_block(out, &l, &b, true);
	} else {
		put_rest(out, &l);
	}
	free(l.v);
}

void python_answer(struct buf *program, struct span response, struct span prompt,
		   const struct span *names, size_t n)
{
	struct wanted w = {names, n};
	struct lines before = split(prompt);
	struct span inside;
	bool tagged = tag_inside(response, &inside);

	if (!(tagged && put_code(program, inside, &before, &w)) &&
	    !put_code(program, response, &before, &w)) {
		if (n)
			put_continued(program, tagged ? inside : response, prompt);
		else
			buf_add(program, response.p, response.n);
	}
	free(before.v);
}
