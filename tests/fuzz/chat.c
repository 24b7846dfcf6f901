/*
 * chat.c - the first byte chooses: any text as a chat template, or as messages (and, behind a NUL,
 * tools) that one of the known templates renders. What is asked for an answer is the same text and
 * more, and what a user says stands in it.
 */
#include "base/json.h"
#include "common/fuzz.h"

#include "base/mem.h"
#include "chat/chat.h"
#include "chat/jinja.h"

#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 1000};

static void template(struct span s)
{
	struct buf one = {0}, two = {0}, config = {0};
	struct buf file = {.p = (char *)(uintptr_t)s.p, .n = s.n};
	struct reason why = {0};
	struct chat c;
	int st = jinja_form(s, &one, &why);

	MUST(!st || (st == ST_INPUT && why.text[0]));
	MUST(one.n <= 8 * s.n + 64);
	MUST(jinja_form(s, &two, NULL) == st);
	MUST(one.n == two.n && (!one.n || !memcmp(one.p, two.p, one.n)));
	buf_free(&one);
	buf_free(&two);
	if (chat_open(&c, &config, &file, &why) == 0)
		chat_free(&c);
	/* the same text as tokenizer_config.json */
	if (chat_open(&c, &file, &config, &why) == 0)
		chat_free(&c);
	else
		MUST(why.status == ST_INPUT && why.text[0]);
}

static bool holds(const struct buf *b, struct span s)
{
	return !s.n || memmem(b->p, b->n, s.p, s.n);
}

/* Plain questions, without the blanks that some templates cut off */
static void holds_questions(const struct buf *text, const char *messages)
{
	json_t *j = json_parse(messages, strlen(messages), "messages", NULL), *m;
	size_t i;

	json_array_foreach(j, i, m)
	{
		const char *role = json_string_value(json_object_get(m, "role"));
		const json_t *content = json_object_get(m, "content");
		struct span s = {json_string_value(content), json_string_length(content)};

		if (role && !strcmp(role, "user") && !json_object_get(m, "tool_calls") && s.n &&
		    (unsigned char)s.p[0] - 0x21u < 0x5e &&
		    (unsigned char)s.p[s.n - 1] - 0x21u < 0x5e)
			MUST(holds(text, s));
	}
	json_decref(j);
}

static void render(enum chat_style style, const char *messages, const char *tools)
{
	struct chat c = {.style = style, .think = ""};
	struct buf plain = {0}, ask = {0};
	struct reason why = {0};
	size_t n = strlen(messages) + (tools ? strlen(tools) : 0);
	int st;

	buf_str(&c.bos, "<s>");
	st = chat_render(&c, messages, tools, false, &plain, &why);
	MUST(!st || (st == ST_INPUT && why.text[0] && !plain.n));
	MUST(chat_render(&c, messages, tools, true, &ask, &why) == st);
	MUST(plain.n <= 200 * n + 4096);
	MUST(plain.n <= ask.n && (!plain.n || !memcmp(plain.p, ask.p, plain.n)));
	if (!st)
		holds_questions(&plain, messages);
	buf_free(&plain);
	buf_free(&ask);
	chat_free(&c);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span rest = {(const char *)p + 1, n - 1}, first;
	char *messages, *tools = NULL;

	if (!n)
		return;
	if (p[0] % 8 > CHAT_DEEPSEEK) {
		template(rest);
		return;
	}
	first = fuzz_cut(&rest, '\0');
	messages = xstrndup(first.p, first.n);
	if (first.n + 1 < n)
		tools = xstrndup(rest.p, rest.n);
	render(p[0] % 8, messages, tools);
	free(messages);
	free(tools);
}
