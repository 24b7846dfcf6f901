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
	if (s.p[i] != '<' && s.p[i] != '[' && (unsigned char)s.p[i] != 0xe2)
		return NONE;
	for (size_t k = 0; k < sizeof tags / sizeof *tags; k++) {
		if (begins(s, i, tags[k].open, n))
			return quoted(s, i, *n) ? NONE : OPENS;
		if (begins(s, i, tags[k].close, n))
			return quoted(s, i, *n) ? NONE : CLOSES;
	}
	return NONE;
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
	bool inside = false;

	for (size_t i = 0, n; i < s.n; i++)
		switch (mark_at(s, i, &n)) {
		case OPENS:
			inside = leads(s, i) ||
				 !text_trim((struct span){s.p + i + n, s.n - i - n}).n;
			break;
		case CLOSES:
			inside = false;
			break;
		default:
			break;
		}
	return inside;
}

struct span thought_spoken(struct span prompt, struct span response)
{
	struct span said = response;
	bool inside = ends_inside(prompt), open = inside;

	for (size_t i = 0, n; i < response.n; i++) {
		enum mark m = mark_at(response, i, &n);

		if (m == CLOSES)
			said = (struct span){response.p + i + n, response.n - i - n};
		else if (m == OPENS && !open && (i < FEW || leads(response, i)))
			said.n = (size_t)(response.p + i - said.p);
		open = m != CLOSES && (open || said.p + said.n < response.p + response.n);
		inside = m == CLOSES ? false : inside;
		i += m == NONE ? 0 : n - 1;
	}
	if (inside)
		said.n = 0;
	assert(said.n <= response.n);
	return said;
}
