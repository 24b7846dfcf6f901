/* taskleak.c - problems of one set that are in another. See taskleak.h. */
#include "task/taskleak.h"
#include "base/buf.h"
#include "base/names.h"

#include <jansson.h>
#include <string.h>
#include <utf8proc.h>

static bool is_mark(utf8proc_int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	if (c < 0x80)
		return c && strchr(".,;:!?\"'`", (int)c);
	return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

static bool is_word(utf8proc_int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(utf8proc_int32_t c)
{
	utf8proc_category_t k = utf8proc_category(c);

	return k >= UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_CN || c <= ' ';
}

static void add_char(struct buf *b, utf8proc_int32_t c)
{
	utf8proc_uint8_t text[4];

	buf_add(b, text, (size_t)utf8proc_encode_char(utf8proc_tolower(c), text));
}

/* Appends the text as it is compared: words with one blank between them, and signs. */
static void plain_text(struct buf *b, const char *s)
{
	const char *p = s, *end = s + strlen(s);
	bool gap = false, word = false;

	while (p < end) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p, end - p, &c);
		bool number =
			p > s && is_digit(p[-1]) && is_digit(p[1]) && (*p == '.' || *p == ',');

		p += n > 0 ? n : 1;
		if (n <= 0)
			continue;
		if (!number && (is_blank(c) || is_mark(c))) {
			gap = true;
			continue;
		}
		if (gap && word && is_word(c))
			buf_char(b, ' ');
		add_char(b, c);
		word = is_word(c);
		gap = false;
	}
}

void taskleak_text(struct buf *b, const struct task *t)
{
	json_t *list, *m;
	size_t i;

	buf_reset(b);
	if (t->prompt) {
		plain_text(b, t->prompt);
		return;
	}
	list = t->messages ? json_loads(t->messages, JSON_ALLOW_NUL, NULL) : NULL;
	json_array_foreach(list, i, m)
	{
		const char *role = json_string_value(json_object_get(m, "role"));
		const char *text = json_string_value(json_object_get(m, "content"));

		if (role && text && strcmp(role, "user") == 0)
			plain_text(b, text);
	}
	json_decref(list);
}

struct taskleak taskleak_find(const struct task_set *eval, const struct task_set *train)
{
	struct taskleak leak = {0};
	struct names seen = {0};
	struct buf b = {0};

	for (size_t i = 0; i < train->n; i++) {
		taskleak_text(&b, &train->v[i]);
		if (names_id(&seen, (struct span){b.p, b.n}) < i) {
			/* numbers stay those of train's problems: a name that no text has */
			buf_printf(&b, "\n%zu", i);
			names_id(&seen, (struct span){b.p, b.n});
		}
	}
	for (size_t i = 0; i < eval->n; i++) {
		size_t of;

		taskleak_text(&b, &eval->v[i]);
		of = b.n ? names_find(&seen, (struct span){b.p, b.n}) : (size_t)-1;
		if (of == (size_t)-1)
			continue;
		if (!leak.n++) {
			leak.it = &eval->v[i];
			leak.of = &train->v[of];
		}
	}
	names_free(&seen);
	buf_free(&b);
	return leak;
}
