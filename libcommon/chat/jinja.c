/* jinja.c - Jinja source in one form. See jinja.h. */
#include "chat/jinja.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_TOKENS = 256, END = 0x1f };

enum kind { NAME, STRING, SIGN };

struct token {
	enum kind kind;
	size_t at, n; /* within the work's tokens */
	int depth;    /* of brackets around it */
};

struct work {
	struct span src;
	size_t at;
	struct buf *out;
	struct buf text;   /* constant text not yet put out */
	struct buf tokens; /* of the tag being read: strings decoded */
	struct token v[MAX_TOKENS];
	size_t n;
	bool line_start; /* the tag before ended a line */
	bool cut_next;   /* -%}: blanks after it go */
};

static bool is_blank(char c)
{
	return c && strchr(" \t\n\r\f\v", c);
}

static bool at_tag(const struct work *w, size_t i)
{
	return i + 1 < w->src.n && w->src.p[i] == '{' && memchr("{%#", w->src.p[i + 1], 3);
}

static void flush_text(struct work *w)
{
	if (!w->text.n)
		return;
	buf_char(w->out, 'T');
	buf_add(w->out, w->text.p, w->text.n);
	buf_char(w->out, END);
	buf_reset(&w->text);
}

/* ---- tokens of a tag ---- */

static int add_token(struct work *w, enum kind kind, size_t from, int depth, struct reason *why)
{
	if (w->n == MAX_TOKENS)
		return fail(why, ST_INPUT, "a tag of more than %d tokens", MAX_TOKENS);
	w->v[w->n++] = (struct token){kind, from, w->tokens.n - from, depth};
	return 0;
}

/* The string that begins at the quote; escapes that are not known stay as they are. */
static int read_string(struct work *w, int depth, struct reason *why)
{
	static const char letters[] = "ntr\\'\"", means[] = "\n\t\r\\'\"";
	char quote = w->src.p[w->at++];
	size_t from = w->tokens.n;

	for (; w->at < w->src.n && w->src.p[w->at] != quote; w->at++) {
		char c = w->src.p[w->at], next = w->at + 1 < w->src.n ? w->src.p[w->at + 1] : '\0';
		const char *known = c == '\\' && next ? strchr(letters, next) : NULL;

		w->at += known ? 1 : 0;
		buf_char(&w->tokens, known ? means[known - letters] : c);
	}
	if (w->at == w->src.n)
		return fail(why, ST_INPUT, "a string without an end");
	w->at++;
	return add_token(w, STRING, from, depth, why);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static int read_name(struct work *w, int depth, struct reason *why)
{
	size_t from = w->tokens.n;

	while (w->at < w->src.n && is_name(w->src.p[w->at]))
		buf_char(&w->tokens, w->src.p[w->at++]);
	return add_token(w, NAME, from, depth, why);
}

static int read_sign(struct work *w, int *depth, struct reason *why)
{
	const char *p = w->src.p + w->at;
	size_t from = w->tokens.n, n = 1;

	if (w->at + 1 < w->src.n && p[1] == '=' && strchr("=!<>", *p))
		n = 2;
	buf_add(&w->tokens, p, n);
	w->at += n;
	*depth -= strchr(")]}", *p) ? 1 : 0;
	if (add_token(w, SIGN, from, *depth, why))
		return ST_INPUT;
	*depth += strchr("([{", *p) ? 1 : 0;
	return 0;
}

/* Is the tag's end here? Its length, '-' included, or 0. */
static size_t end_of_tag(const struct work *w, char close, int depth)
{
	const char *p = w->src.p + w->at;
	size_t left = w->src.n - w->at, dash = left && (*p == '-' || *p == '+') ? 1 : 0;

	return depth == 0 && left >= dash + 2 && p[dash] == close && p[dash + 1] == '}' ? dash + 2
											: 0;
}

static int read_tokens(struct work *w, char close, struct reason *why)
{
	int depth = 0, st = 0;
	size_t end;

	w->n = 0;
	buf_reset(&w->tokens);
	while (!st && w->at < w->src.n) {
		char c = w->src.p[w->at];

		end = end_of_tag(w, close, depth);
		if (end) {
			w->cut_next = c == '-';
			w->at += end;
			return 0;
		}
		if (is_blank(c))
			w->at++;
		else if (c == '\'' || c == '"')
			st = read_string(w, depth, why);
		else if (is_name(c))
			st = read_name(w, depth, why);
		else
			st = read_sign(w, &depth, why);
	}
	return st ? st : fail(why, ST_INPUT, "a tag without an end");
}

/* ---- what a tag says ---- */

static struct span text_of(const struct work *w, const struct token *t)
{
	return (struct span){t->n ? w->tokens.p + t->at : "", t->n};
}

static bool is_sign(const struct work *w, size_t i, size_t end, const char *sign)
{
	return i < end && w->v[i].kind == SIGN && span_is(text_of(w, &w->v[i]), sign);
}

/* Tokens from..end to out, x['y'] as x . y */
static void put_tokens(struct work *w, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++) {
		const struct token *t = &w->v[i];
		bool key = i > from && w->v[i - 1].kind != STRING && is_sign(w, i, end, "[") &&
			   i + 1 < end && t[1].kind == STRING && is_sign(w, i + 2, end, "]");

		if (i > from)
			buf_char(w->out, ' ');
		if (key) {
			buf_str(w->out, ". ");
			buf_add(w->out, text_of(w, t + 1).p, t[1].n);
			i += 2;
			continue;
		}
		buf_str(w->out, t->kind == STRING ? "'" : "");
		buf_add(w->out, text_of(w, t).p, t->n);
		buf_str(w->out, t->kind == STRING ? "'" : "");
	}
}

static void put_item(struct work *w, char what, size_t from, size_t end)
{
	flush_text(w);
	buf_char(w->out, what);
	put_tokens(w, from, end);
	buf_char(w->out, END);
}

/* a + b is written as a, then b, unless something binds more loosely than the +. */
static bool is_sum(const struct work *w)
{
	static const char *const loose[] = {"if", "else", "and", "or", "not", "in", "is",
					    "==", "!=",   "<",   ">",  "<=",  ">=", "~"};

	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < sizeof loose / sizeof *loose; k++)
			if (w->v[i].depth == 0 && w->v[i].kind != STRING &&
			    span_is(text_of(w, &w->v[i]), loose[k]))
				return false;
	return true;
}

static void put_output(struct work *w)
{
	size_t from = 0;

	if (!is_sum(w)) {
		put_item(w, 'E', 0, w->n);
		return;
	}
	for (size_t i = 0; i <= w->n; i++) {
		if (i < w->n && (w->v[i].depth != 0 || !is_sign(w, i, w->n, "+")))
			continue;
		if (i == from + 1 && w->v[from].kind == STRING)
			buf_add(&w->text, text_of(w, &w->v[from]).p, w->v[from].n);
		else
			put_item(w, 'E', from, i);
		from = i + 1;
	}
}

/* ---- text between tags ---- */

static void put_text(struct work *w, size_t end)
{
	const char *p = w->src.p;
	bool output = end == w->src.n || p[end + 1] == '{';
	char mark = end + 2 < w->src.n ? p[end + 2] : '\0';
	size_t from = w->at, line;

	while (w->cut_next && from < end && is_blank(p[from]))
		from++;
	if (end < w->src.n && mark == '-') {
		while (end > from && is_blank(p[end - 1]))
			end--;
	} else if (!output && mark != '+') { /* blanks before a statement that begins its line */
		for (line = end; line > from && (p[line - 1] == ' ' || p[line - 1] == '\t');)
			line--;
		if (line > from ? p[line - 1] == '\n' : w->line_start)
			end = line;
	}
	buf_add(&w->text, p + from, end - from);
	w->cut_next = false;
}

/* The newline behind a statement or comment belongs to it. */
static void end_line(struct work *w)
{
	if (w->at < w->src.n && w->src.p[w->at] == '\n')
		w->at++;
	w->line_start = w->src.p[w->at - 1] == '\n';
}

static int read_comment(struct work *w, struct reason *why)
{
	while (w->at + 1 < w->src.n && memcmp(w->src.p + w->at, "#}", 2) != 0)
		w->at++;
	if (w->at + 1 >= w->src.n)
		return fail(why, ST_INPUT, "a comment without an end");
	w->cut_next = w->src.p[w->at - 1] == '-';
	w->at += 2;
	return 0;
}

static int read_tag(struct work *w, struct reason *why)
{
	char kind = w->src.p[w->at + 1];

	w->at += 2;
	if (kind != '#' && w->at < w->src.n && strchr("-+", w->src.p[w->at]))
		w->at++;
	if (kind == '#' ? read_comment(w, why) : read_tokens(w, kind == '{' ? '}' : '%', why))
		return ST_INPUT;
	w->line_start = false;
	if (kind == '{')
		put_output(w);
	else if (kind == '%')
		put_item(w, 'B', 0, w->n);
	if (kind != '{' && !w->cut_next)
		end_line(w);
	return 0;
}

int jinja_form(struct span source, struct buf *out, struct reason *why)
{
	struct work w = {.src = source, .out = out, .line_start = true};
	size_t end;
	int st = 0;

	if (w.src.n && w.src.p[w.src.n - 1] == '\n')
		w.src.n--; /* as Jinja does */
	while (!st && w.at < w.src.n) {
		for (end = w.at; end < w.src.n && !at_tag(&w, end);)
			end++;
		put_text(&w, end);
		w.at = end;
		if (end < w.src.n)
			st = read_tag(&w, why);
	}
	flush_text(&w);
	buf_free(&w.text);
	buf_free(&w.tokens);
	return st;
}
