/* json.c - JSON text. See json.h. */
#include "base/json.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>

/* jansson reports its want of memory as a syntax error, an absent key or a NULL that its own
 * functions accept: it must never come to that. Before main, for whoever uses jansson first. */
__attribute__((constructor)) static void without_memory(void)
{
	json_set_alloc_funcs(xmalloc, free);
}

void json_string_to(struct buf *b, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	static const char letter[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	size_t run = 0;

	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char esc[6] = {'\\', (char)c, '0', '0', 0, 0};
		size_t len = 2;

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		if (c < ' ' && letter[c]) {
			esc[1] = letter[c];
		} else if (c < ' ') {
			esc[1] = 'u';
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
			len = 6;
		}
		buf_add(b, p + run, i - run);
		buf_add(b, esc, len);
		run = i + 1;
	}
	buf_add(b, p + run, n - run);
	buf_char(b, '"');
}

json_t *json_parse(const char *p, size_t n, const char *where, struct reason *why)
{
	json_error_t e;
	json_t *j = json_loadb(p ? p : "", n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);

	if (!j)
		fail(why, ST_INPUT, "%s: line %d, column %d: %s", where, e.line, e.column, e.text);
	return j;
}

json_t *json_load(const char *path, size_t max, struct reason *why)
{
	struct buf b = {0};
	json_t *j = NULL;

	if (file_read(path, max, &b, why) == 0)
		j = json_parse(b.p, b.n, path, why);
	buf_free(&b);
	return j;
}
