/* modules.c - which layers have an adapter. See modules.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "policy/modules.h"
#include "base/jsonkey.h"
#include "base/mem.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct modules {
	pcre2_code *re; /* of whole names; else */
	char **end;     /* of names */
	size_t n;
	int64_t *block; /* only in these; NULL: in all */
	size_t n_block;
};

static int compile(struct modules *m, const char *pattern, struct reason *why)
{
	PCRE2_SIZE at;
	int err;

	m->re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
			      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF |
				      PCRE2_NEVER_BACKSLASH_C,
			      &err, &at, NULL);
	if (!m->re && err == PCRE2_ERROR_HEAP_FAILED)
		no_memory(strlen(pattern));
	if (!m->re) {
		char said[128] = "";

		pcre2_get_error_message(err, (PCRE2_UCHAR *)said, sizeof said);
		return fail(why, ST_INPUT, "target_modules: \"%.200s\": %s", pattern, said);
	}
	return 0;
}

static int add_names(struct modules *m, const json_t *list, struct reason *why)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return jsonkey_fail(why, "target_modules", list,
				    "is neither a list of names nor a regular expression");
	m->end = xcalloc(json_array_size(list), sizeof *m->end);
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);

		if (!s || !*s)
			return jsonkey_fail(why, "target_modules", item, "is not a name");
		m->end[m->n++] = xstrdup(s);
	}
	return 0;
}

static int add_blocks(struct modules *m, const json_t *v, struct reason *why)
{
	size_t n = json_is_array(v) ? json_array_size(v) : 1;

	if (jsonkey_none(v) || n == 0)
		return 0;
	if (m->re)
		return jsonkey_fail(why, "layers_to_transform", v,
				    "goes with a list of target_modules only");
	m->block = xcalloc(n, sizeof *m->block);
	for (; m->n_block < n; m->n_block++)
		if (jsonkey_int(json_is_array(v) ? json_array_get(v, m->n_block) : v,
				"layers_to_transform", 0, INT32_MAX, &m->block[m->n_block], why))
			return ST_INPUT;
	return 0;
}

static int read_keys(struct modules *m, const json_t *j, struct reason *why)
{
	const json_t *v = json_object_get(j, "target_modules");
	const char *text = json_string_value(v);
	int st;

	if (text && strcmp(text, "all-linear") == 0)
		st = compile(m, ".*", why);
	else
		st = text ? compile(m, text, why) : add_names(m, v, why);
	if (!st)
		st = jsonkey_one_of(json_object_get(j, "layers_pattern"), "layers_pattern",
				    "[null, [], \"layers\", [\"layers\"]]", why);
	return st ? st : add_blocks(m, json_object_get(j, "layers_to_transform"), why);
}

struct modules *modules_read(const json_t *j, struct reason *why)
{
	struct modules *m = xcalloc(1, sizeof *m);

	if (read_keys(m, j, why)) {
		modules_free(m);
		m = NULL;
	}
	return m;
}

void modules_free(struct modules *m)
{
	if (!m)
		return;
	pcre2_code_free(m->re);
	for (size_t i = 0; i < m->n; i++)
		free(m->end[i]);
	free(m->end);
	free(m->block);
	free(m);
}

/* One that never comes to an end matches nothing. */
static bool matches(const pcre2_code *re, const char *layer)
{
	pcre2_match_data *md = pcre2_match_data_create(1, NULL);
	int r;

	if (!md)
		no_memory(strlen(layer));
	r = pcre2_match(re, (PCRE2_SPTR)layer, strlen(layer), 0, 0, md, NULL);
	pcre2_match_data_free(md);
	return r >= 0;
}

static bool ends_in(const char *layer, const char *end)
{
	size_t n = strlen(layer), k = strlen(end);

	return k <= n && strcmp(layer + n - k, end) == 0 && (k == n || layer[n - k - 1] == '.');
}

/* "model.layers.7.mlp.up_proj": 7 */
static bool is_in_blocks(const struct modules *m, const char *layer)
{
	const char *at = strstr(layer, ".layers.");
	int64_t block = at ? strtoll(at + strlen(".layers."), NULL, 10) : -1;

	for (size_t i = 0; i < m->n_block; i++)
		if (m->block[i] == block)
			return true;
	return !m->n_block;
}

bool modules_has(const void *ctx, const char *layer)
{
	const struct modules *m = ctx;

	if (m->re)
		return matches(m->re, layer);
	for (size_t i = 0; i < m->n; i++)
		if (ends_in(layer, m->end[i]))
			return is_in_blocks(m, layer);
	return false;
}
