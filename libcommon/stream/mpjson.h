/* mpjson.h - MessagePack values as JSON text and back. */
#ifndef STREAM_MPJSON_H
#define STREAM_MPJSON_H

#include "base/buf.h"
#include "stream/mp.h"

#include <jansson.h>

/*
 * Appends v as JSON, one line. What JSON has no word for becomes an object with one key, so that
 * both ways lose nothing: {"$bin": base64}; {"$str": base64} for a str that is not UTF-8;
 * {"$float": "nan"|"inf"|"-inf"}; {"$u64": "18446744073709551615"} above int64; {"$map": [[key,
 * value], ...]} for maps with keys that are no text, come twice or would look like one of these.
 * Floats always have a '.' or an 'e', integers never.
 */
void mpjson_from(struct buf *b, struct mp v);
/* Which keys of a record hold 32-bit words as bin: token ids, floats, or neither */
enum mpjson_words { MPJSON_NONE, MPJSON_IDS, MPJSON_FLOATS };
enum mpjson_words mpjson_words(struct span key);
/* The same for a record of a stream, whose words become arrays of numbers. */
void mpjson_from_record(struct buf *b, struct mp rec);
/* One value of a record, which stands there under the top-level key given. */
void mpjson_from_key(struct buf *b, const char *key, struct mp v);
/* What was kept for each token (base/kept.h), as an array of arrays of ids. False, and nothing,
 * where the sets are damaged. */
bool mpjson_kept(struct buf *b, struct span sets);
/* Appends j as MessagePack, shortest forms; the objects above become what they stand for. The
 * result may be nested too deep or be too large for mp_skim: ask it. */
void mpjson_to(struct buf *b, const json_t *j);
/* The same for an object that is to be a record: the arrays of words become bin. */
void mpjson_to_record(struct buf *b, const json_t *j);

#endif
