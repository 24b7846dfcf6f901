/* text.c - where in a response the answer stands. See text.h. */
#include "answer/text.h"
#include "answer/tag.h"

#include <string.h>
#include <strings.h>

struct span text_trim(struct span s)
{
	while (s.n && text_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n && text_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

/* Up to the matching brace; p stands behind the opening one. */
static bool to_brace(const char *p, size_t n, size_t *len)
{
	size_t depth = 1;

	for (size_t i = 0; i < n; i++) {
		depth += (p[i] == '{') - (p[i] == '}');
		if (!depth) {
			*len = i;
			return true;
		}
	}
	return false;
}

/* The last one with something in it, else the last one */
static bool last_boxed(struct span s, struct span *out)
{
	static const char open[] = "\\boxed{";
	const size_t k = sizeof open - 1;
	int tries = 64; /* incomplete or empty ones passed over: time stays linear in the text */
	struct span empty = {NULL, 0}, x;

	for (size_t i = s.n; i-- > 0 && tries > 0;) {
		if (s.p[i] != '\\' || s.n - i <= k || memcmp(s.p + i, open, k) != 0)
			continue;
		x.p = s.p + i + k;
		tries--;
		if (!to_brace(x.p, s.n - i - k, &x.n))
			continue;
		*out = x;
		if (text_trim(x).n)
			return true;
		if (!empty.p)
			empty = x;
	}
	if (empty.p)
		*out = empty;
	return empty.p != NULL;
}

/* s up to the first newline */
static struct span first_line(struct span s)
{
	const char *nl = s.n ? memchr(s.p, '\n', s.n) : NULL;

	return nl ? (struct span){s.p, (size_t)(nl - s.p)} : s;
}

static bool after_answer(struct span s, struct span *out)
{
	static const char word[] = "answer:";
	const size_t k = sizeof word - 1;

	for (size_t i = s.n; i-- > 0;)
		if ((s.p[i] | 0x20) == 'a' && s.n - i >= k && strncasecmp(s.p + i, word, k) == 0) {
			size_t j = i + k;

			while (j < s.n && (text_blank(s.p[j]) || s.p[j] == '*')) /* **Answer:** x */
				j++;
			*out = first_line((struct span){s.p + j, s.n - j});
			return true;
		}
	return false;
}

static bool cut(struct span *s, const char *before, const char *after)
{
	size_t n = strlen(before), m = strlen(after);

	if (s->n < n + m || memcmp(s->p, before, n) != 0 || memcmp(s->p + s->n - m, after, m) != 0)
		return false;
	*s = text_trim((struct span){s->p + n, s->n - n - m});
	return true;
}

/* Without what people put around an answer that they mark: $x$, `x`, \(x\), x**, x. */
static struct span undress(struct span s)
{
	s = text_trim(s);
	cut(&s, "", "**"); /* those before it are gone already */
	cut(&s, "", ".");
	while (cut(&s, "", "**") || cut(&s, "$", "$") || cut(&s, "`", "`") ||
	       cut(&s, "\\(", "\\)") || cut(&s, "\\[", "\\]"))
		;
	return s;
}

bool text_marked(struct span response, struct span *s)
{
	bool tagged = tag_inside(response, &response);

	if (!last_boxed(response, s) && !after_answer(response, s)) {
		if (!tagged)
			return false;
		*s = response;
	}
	*s = undress(*s);
	return true;
}

struct span text_final(struct span response)
{
	struct span s = {response.p, 0};

	if (text_marked(response, &s))
		return s;
	s = text_trim(response);
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == '\n')
			return text_trim((struct span){s.p + i + 1, s.n - i - 1});
	return s;
}

void text_extract(struct verdict *out, struct span s)
{
	const char *nul = s.n ? memchr(s.p, '\0', s.n) : NULL;
	size_t n = nul ? (size_t)(nul - s.p) : s.n;

	if (n > sizeof out->extracted - 1) {
		n = sizeof out->extracted - 1;
		while (n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
			n--;
	}
	if (n)
		memcpy(out->extracted, s.p, n);
	out->extracted[n] = '\0';
}
