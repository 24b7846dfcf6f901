/* tag.c - answers between tags. See tag.h. */
#include "answer/tag.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *open, *close;
} tags[] = {
	{"<answer>", "</answer>"},
	{"<final_answer>", "</final_answer>"},
	{"<final answer>", "</final answer>"},
	{"<|begin_of_box|>", "<|end_of_box|>"},
	{"<|begin_of_solution|>", "<|end_of_solution|>"},
};

enum { TAGS = sizeof tags / sizeof *tags };

static size_t begins(struct span s, size_t i, const char *tag)
{
	size_t n = strlen(tag);

	return s.n - i >= n && strncasecmp(s.p + i, tag, n) == 0 ? n : 0;
}

bool tag_inside(struct span s, struct span *inside)
{
	size_t from[TAGS] = {0}; /* behind the last of each that is open; 0: none */
	bool any = false;

	for (const char *p = s.p, *end = s.p + s.n; p < end; p++) {
		size_t i;

		p = memchr(p, '<', (size_t)(end - p));
		if (!p)
			break;
		i = (size_t)(p - s.p);
		for (size_t k = 0, n; k < TAGS; k++) {
			if ((n = begins(s, i, tags[k].open)) != 0)
				from[k] = i + n;
			if (!begins(s, i, tags[k].close) || !from[k])
				continue;
			*inside = (struct span){s.p + from[k], i - from[k]};
			from[k] = 0;
			any = true;
		}
	}
	return any;
}
