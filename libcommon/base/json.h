/* json.h - JSON text; jansson parses. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* Appends a JSON string literal of the bytes (which must be UTF-8). */
void json_string_to(struct buf *b, const char *p, size_t n);
/* Parses one document; depth-limited by jansson. NULL with the reason. Duplicate keys are refused.
 */
json_t *json_parse(const char *p, size_t n, const char *where, struct reason *why);
/* The same; an integer beyond 64 bits becomes a real number. Python writes such ones: transformers
 * says by 10^30 that a tokenizer has no limit. */
json_t *json_parse_wide(const char *p, size_t n, const char *where, struct reason *why);
json_t *json_load(const char *path, size_t max, struct reason *why); /* a whole file */

#endif
