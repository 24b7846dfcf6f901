/* json.h - MessagePack values as JSON text and back; jansson parses. */
#ifndef STREAM_JSON_H
#define STREAM_JSON_H

#include "base/err.h"
#include "stream/mp.h"

#include <jansson.h>

/* Appends v as JSON. Non-UTF-8 bytes and bin become {"$bin": "base64"}; non-finite floats
 * {"$float": "nan"|"inf"|"-inf"}, so that traj-cat can go both ways without loss. */
void json_from_mp(struct buf *b, struct mp v);
/* Appends a JSON string literal of the bytes (which must be UTF-8). */
void json_string_to(struct buf *b, const char *p, size_t n);
/* Appends j as MessagePack (the two objects above become bin and float again). */
void json_to_mp(struct buf *b, const json_t *j);
/* Parses one document; depth-limited by jansson. NULL with the reason. Duplicate keys are refused.
 */
json_t *json_parse(const char *p, size_t n, const char *where, struct reason *why);
json_t *json_load(const char *path, size_t max, struct reason *why); /* a whole file */

#endif
