/* jsonkey.c - keys of a JSON object. See jsonkey.h. */
#include "base/jsonkey.h"

#include <stdio.h>
#include <stdlib.h>

bool jsonkey_none(const json_t *v)
{
	return !v || json_is_null(v);
}

int jsonkey_fail(struct reason *why, const char *key, const json_t *v, const char *what)
{
	char *text;

	if (!v)
		return fail(why, ST_INPUT, "%s: missing", key);
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
	fail(why, ST_INPUT, "%s: %.200s %s", key, text, what);
	free(text);
	return ST_INPUT;
}

int jsonkey_one_of(const json_t *v, const char *key, const char *allowed, struct reason *why)
{
	json_t *list = json_loads(allowed, 0, NULL), *item;
	bool found = false;
	char what[160];
	size_t i;

	json_array_foreach(list, i, item) found =
		found || (v ? json_equal(v, item) : json_is_null(item));
	json_decref(list);
	if (found)
		return 0;
	snprintf(what, sizeof what, "is not supported, only one of %s", allowed);
	return jsonkey_fail(why, key, v, what);
}

int jsonkey_int(const json_t *v, const char *key, int64_t lo, int64_t hi, int64_t *to,
		struct reason *why)
{
	if (!json_is_integer(v))
		return jsonkey_fail(why, key, v, "is not an integer");
	if (json_integer_value(v) < lo || json_integer_value(v) > hi)
		return fail(why, ST_INPUT, "%s: %lld is not within %lld..%lld", key,
			    (long long)json_integer_value(v), (long long)lo, (long long)hi);
	*to = json_integer_value(v);
	return 0;
}

int jsonkey_real(const json_t *j, const char *key, double *to, struct reason *why)
{
	const json_t *v = json_object_get(j, key);

	if (jsonkey_none(v))
		return 0;
	if (!json_is_number(v))
		return jsonkey_fail(why, key, v, "is not a number");
	*to = json_number_value(v);
	return 0;
}

int jsonkey_bool(const json_t *j, const char *key, bool *to, struct reason *why)
{
	const json_t *v = json_object_get(j, key);

	if (jsonkey_none(v))
		return 0;
	if (!json_is_boolean(v))
		return jsonkey_fail(why, key, v, "is not true or false");
	*to = json_is_true(v);
	return 0;
}
