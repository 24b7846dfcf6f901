/* rowkeys.c - the keys of one row. See rowkeys.h. */
#include "task/rowkeys.h"
#include "base/mem.h"
#include "stream/mpjson.h"

#include <string.h>

json_t *row_use(struct row *r, const char *key)
{
	json_t *v = json_object_get(r->j, key);

	if (v)
		r->used[r->n_used++] = key;
	return json_is_null(v) ? NULL : v;
}

json_t *row_first(struct row *r, const char *const *names, size_t n, const char **which)
{
	json_t *v = NULL;

	for (size_t i = 0; i < n && !v; i++)
		v = row_use(r, *which = names[i]);
	return v;
}

bool row_used(const struct row *r, const char *key)
{
	for (size_t i = 0; i < r->n_used; i++)
		if (strcmp(r->used[i], key) == 0)
			return true;
	return false;
}

int row_bad(const struct row *r, const char *key, const char *what)
{
	return fail(r->why, ST_INPUT, "%s: %s: %s", r->where, key, what);
}

bool row_has_nul(const json_t *string)
{
	return strlen(json_string_value(string)) != json_string_length(string);
}

int row_text(const struct row *r, const char *key, const json_t *v, char **out)
{
	if (!json_is_string(v))
		return row_bad(r, key, "not a string");
	if (row_has_nul(v))
		return row_bad(r, key, "a NUL character in the text");
	*out = xstrdup(json_string_value(v));
	return 0;
}

int row_value(const struct row *r, const char *key, const json_t *v, char **out)
{
	struct buf packed = {0}, text = {0};
	size_t len;

	if (json_is_string(v))
		return row_text(r, key, v, out);
	mpjson_to(&packed, v);
	if (mp_skim(packed.p, packed.n, &len) != MP_OK) {
		buf_free(&packed);
		return row_bad(r, key, "nested too deep or too large");
	}
	mpjson_from(&text, (struct mp){(const uint8_t *)packed.p, packed.n});
	*out = xstrdup(buf_cstr(&text));
	buf_free(&packed);
	buf_free(&text);
	return 0;
}

const char *row_str(const struct row *r, const char *key)
{
	return json_string_value(json_object_get(r->j, key));
}

void row_list(const struct row *r, struct buf *b)
{
	const char *key;
	json_t *v;

	json_object_foreach(r->j, key, v)
	{
		(void)v;
		buf_printf(b, "%s%.60s", b->n ? ", " : "", key);
	}
}
