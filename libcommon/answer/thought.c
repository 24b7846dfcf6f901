/* thought.c - what a response says aloud. See thought.h. */
#include "answer/thought.h"
#include "answer/text.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { FEW = 40 }; /* characters that may stand before thoughts */

enum mark { NONE, OPENS, CLOSES };

static const struct {
	const char *open, *close;
} tags[] = {
	{"<think>", "</think>"},
	{"<thinking>", "</thinking>"},
	{"<thought>", "</thought>"},
	{"<thoughts>", "</thoughts>"},
	{"<reasoning>", "</reasoning>"},
	{"<reason>", "</reason>"},
	{"<scratchpad>", "</scratchpad>"},
	{"<reflection>", "</reflection>"},
	{"<analysis>", "</analysis>"},
	{"<seed:think>", "</seed:think>"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"},
	{"<|thinking|>", "<|/thinking|>"},
	{"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
	{"[think]", "[/think]"},
	{"\u25c1think\u25b7", "\u25c1/think\u25b7"},
};

static bool begins(struct span s, size_t i, const char *tag, size_t *n)
{
	if (i + 1 >= s.n || (s.p[i + 1] | 0x20) != (tag[1] | 0x20))
		return false;
	*n = strlen(tag);
	return s.n - i >= *n && strncasecmp(s.p + i, tag, *n) == 0;
}

/* Between quotes it is only spoken of. */
static bool quoted(struct span s, size_t i, size_t n)
{
	return i && i + n < s.n && strchr("`\"'", s.p[i - 1]) && s.p[i + n] == s.p[i - 1];
}

/* The tag at i, its length in *n */
static enum mark mark_at(struct span s, size_t i, size_t *n)
{
	char next = i + 1 < s.n ? s.p[i + 1] : ' ';

	if (s.p[i] == '<'   ? !text_letter(next) && next != '/' && next != '|'
	    : s.p[i] == '[' ? (next | 0x20) != 't' && next != '/'
			    : s.n - i < 4 || memcmp(s.p + i, "\u25c1", 3) != 0 ||
				      (s.p[i + 3] != 't' && s.p[i + 3] != '/'))
		return NONE;
	for (size_t k = 0; k < sizeof tags / sizeof *tags; k++) {
		if (begins(s, i, tags[k].open, n))
			return quoted(s, i, *n) ? NONE : OPENS;
		if (begins(s, i, tags[k].close, n))
			return quoted(s, i, *n) ? NONE : CLOSES;
	}
	return NONE;
}

/* From tag to tag of a text */
struct walk {
	struct span s;
	size_t next[3]; /* of each character that a tag can begin with, the next one */
};

static const char first[] = {'<', '[', '\xe2'};

static size_t find(struct span s, size_t from, char c)
{
	const char *p = from < s.n ? memchr(s.p + from, c, s.n - from) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

static struct walk walk_begin(struct span s)
{
	return (struct walk){s, {find(s, 0, first[0]), find(s, 0, first[1]), find(s, 0, first[2])}};
}

/* The next tag: where, and its length; NONE at the end */
static enum mark walk_on(struct walk *w, size_t *i, size_t *n)
{
	enum mark m = NONE;

	while (m == NONE) {
		int k = w->next[0] <= w->next[1] ? 0 : 1;

		k = w->next[2] < w->next[k] ? 2 : k;
		*i = w->next[k];
		if (*i >= w->s.n)
			return NONE;
		m = mark_at(w->s, *i, n);
		w->next[k] = find(w->s, *i + 1, first[k]);
	}
	return m;
}

/* Do thoughts begin at the tag at i, to judge by what stands before it, or is it told of within a
 * sentence? */
static bool leads(struct span s, size_t i)
{
	if (i && !text_blank(s.p[i - 1]))
		return true;
	while (i && (s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
		i--;
	return !i || strchr("\n\r>]", s.p[i - 1]);
}

/* Do thoughts begin in the prompt that do not end there? */
static bool ends_inside(struct span s)
{
	struct walk w = walk_begin(s);
	bool inside = false;
	enum mark m;
	size_t i, n;

	while ((m = walk_on(&w, &i, &n)) != NONE)
		inside = m == OPENS &&
			 (leads(s, i) || !text_trim((struct span){s.p + i + n, s.n - i - n}).n);
	return inside;
}

struct span thought_spoken(struct span prompt, struct span response)
{
	struct walk w = walk_begin(response);
	struct span said = response;
	bool inside = ends_inside(prompt), open = inside;
	enum mark m;
	size_t i, n;

	while ((m = walk_on(&w, &i, &n)) != NONE) {
		if (m == CLOSES)
			said = (struct span){response.p + i + n, response.n - i - n};
		else if (!open && (i < FEW || leads(response, i)))
			said.n = (size_t)(response.p + i - said.p);
		open = m != CLOSES && (open || said.p + said.n < response.p + response.n);
		inside = m != CLOSES && inside;
	}
	if (inside)
		said.n = 0;
	assert(said.n <= response.n);
	return said;
}
