/* pylist.c - lists as Python prints them. See pylist.h. */
#include "task/pylist.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char blank[] = " \t\r\n";

static bool pass(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

/* What a backslash and c stand for in Python's text */
static void put_escape(struct buf *b, char c)
{
	static const char from[] = "ntr\\'\"", to[] = "\n\t\r\\'\"";
	const char *at = strchr(from, c);

	if (at) {
		buf_char(b, to[at - from]);
	} else {
		buf_char(b, '\\');
		buf_char(b, c);
	}
}

static bool quoted(const char **p, struct buf *b)
{
	char quote = **p;
	const char *s = *p + 1;

	if (quote != '\'' && quote != '"')
		return false;
	for (; *s && *s != quote; s++) {
		if (*s == '\\' && s[1])
			put_escape(b, *++s);
		else
			buf_char(b, *s);
	}
	if (!*s)
		return false;
	*p = s + 1;
	return true;
}

static bool item(const char **p, struct buf *b)
{
	bool wrapped = pass(p, "np.str_(") || pass(p, "str_(");
	size_t n = strcspn(*p, ",)] \t\r\n'\"[(");

	if (!quoted(p, b)) {
		if (!n)
			return false;
		buf_add(b, *p, n);
		*p += n;
	}
	return !wrapped || pass(p, ")");
}

/* Behind the list in array(...) */
static bool array_end(const char **p)
{
	*p += strspn(*p, blank);
	if (pass(p, ",")) {
		*p += strspn(*p, blank);
		if (!pass(p, "dtype="))
			return false;
		*p += strcspn(*p, ")");
	}
	return pass(p, ")");
}

static bool list(const char *p, bool array, char close, struct buf *b)
{
	const char end[2] = {close, '\0'};

	p += strspn(p, blank);
	if (!item(&p, b))
		return false;
	p += strspn(p, blank);
	if (pass(&p, ","))
		p += strspn(p, blank);
	if (!pass(&p, end) || (array && !array_end(&p)))
		return false;
	return p[strspn(p, blank)] == '\0';
}

int pylist_one(const char *text, char **out)
{
	const char *p = text + strspn(text, blank);
	bool array = pass(&p, "np.array(") || pass(&p, "array("), quote, one;
	char open = *p;
	struct buf b = {0};

	if (open != '[' && open != '(')
		return 0;
	p++;
	quote = strchr("'\"", p[strspn(p, blank)]) && p[strspn(p, blank)];
	if (!array && !(open == '(' ? *p == '\'' : quote || strncmp(p, "np.", 3) == 0))
		return 0;
	one = list(p, array, open == '[' ? ']' : ')', &b);
	if (one)
		*out = xstrdup(buf_cstr(&b));
	buf_free(&b);
	return one ? 1 : -1;
}
