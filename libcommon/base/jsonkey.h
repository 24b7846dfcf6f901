/*
 * jsonkey.h - keys of a JSON object, read with their type and range checked. Failures name the key.
 */
#ifndef BASE_JSONKEY_H
#define BASE_JSONKEY_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

bool jsonkey_none(const json_t *v); /* absent or null */
/* "key: VALUE what"; "key: missing" where it is */
int jsonkey_fail(struct reason *why, const char *key, const json_t *v, const char *what);
/* v is one of allowed, a JSON array as text; an absent key counts as null. */
int jsonkey_one_of(const json_t *v, const char *key, const char *allowed, struct reason *why);
/* v must be there */
int jsonkey_int(const json_t *v, const char *key, int64_t lo, int64_t hi, int64_t *to,
		struct reason *why);
/* Absent or null: *to stays as it is. */
int jsonkey_real(const json_t *j, const char *key, double *to, struct reason *why);
int jsonkey_bool(const json_t *j, const char *key, bool *to, struct reason *why);

#endif
