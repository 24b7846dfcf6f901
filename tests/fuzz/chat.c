/*
 * chat.c - any text as a chat template, and behind a NUL messages, behind another arguments: twice
 * the same text or the same failure, within the limits. What goes on ends where the last message
 * does.
 */
#include "common/fuzz.h"

#include "base/mem.h"
#include "chat/chat.h"

#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {(size_t)1 << 30, 1000, 0};

static char *next_text(struct span *rest, const char *otherwise)
{
	struct span s = fuzz_cut(rest, '\0');

	return s.n ? xstrndup(s.p, s.n) : xstrdup(otherwise);
}

static void render(const struct chat *c, const struct chat_ask *a)
{
	struct buf one = {0}, two = {0}, parts = {0};
	struct reason why = {0}, again = {0};
	int st = chat_render(c, a, &one, &parts, &why);

	MUST(!st || (st == ST_INPUT && why.text[0] && !one.n));
	MUST(chat_render(c, a, &two, NULL, &again) == st);
	MUST(one.n == two.n && (!one.n || !memcmp(one.p, two.p, one.n)));
	MUST(strcmp(why.text, again.text) == 0);
	for (size_t i = 0; i + sizeof(struct jinja_part) <= parts.n && !st;
	     i += sizeof(struct jinja_part)) {
		struct jinja_part p;

		memcpy(&p, parts.p + i, sizeof p);
		MUST(p.from <= p.to && (a->end == CHAT_GO_ON || p.to <= one.n));
	}
	buf_free(&one);
	buf_free(&two);
	buf_free(&parts);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span rest = {(const char *)p, n}, source = fuzz_cut(&rest, '\0');
	char *messages = next_text(&rest, "[{\"role\":\"user\",\"content\":\"1+1?\"},"
					  "{\"role\":\"assistant\",\"content\":\" a b \"}]");
	char *args = next_text(&rest, "{\"x\":[1,2.5,\"a\"]}");
	struct buf template = {.p = (char *)(uintptr_t)source.p, .n = source.n}, none = {0};
	const struct chat_files f = {&none, &template, &none};
	struct chat_ask a = {.messages = messages, .args = args, .steps = 200000};
	struct reason why = {0};
	struct chat c = {0};

	if (chat_open(&c, &f, &why))
		MUST(why.status == ST_INPUT && why.text[0]);
	a.end = (enum chat_end)(n % 3);
	if (c.plain)
		render(&c, &a);
	chat_free(&c);
	free(messages);
	free(args);
}
