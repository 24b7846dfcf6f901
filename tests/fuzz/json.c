/* json.c - any JSON text as MessagePack, back, and again: the second time is the first. */
#include "base/json.h"
#include "common/fuzz.h"

#include "stream/mpjson.h"

#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 1000, 0};

static void once_more(const struct buf *packed, bool record)
{
	struct buf text = {0}, two = {0};
	struct mp v = {(const uint8_t *)packed->p, packed->n};
	struct reason why;
	json_t *j;

	if (record)
		mpjson_from_record(&text, v);
	else
		mpjson_from(&text, v);
	j = json_parse(text.p, text.n, "text", &why);
	MUST(j);
	if (record)
		mpjson_to_record(&two, j);
	else
		mpjson_to(&two, j);
	MUST(two.n == packed->n && !memcmp(two.p, packed->p, two.n));
	json_decref(j);
	buf_free(&text);
	buf_free(&two);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct reason why = {0};
	json_t *j = json_parse((const char *)p, n, "in", &why);

	if (!j)
		MUST(why.status == ST_INPUT && why.text[0]);
	for (int record = 0; j && record <= json_is_object(j); record++) {
		struct buf packed = {0};
		size_t len;

		if (record)
			mpjson_to_record(&packed, j);
		else
			mpjson_to(&packed, j);
		if (mp_skim(packed.p, packed.n, &len) == MP_OK) {
			enum mp_type type = mp_type((struct mp){(const uint8_t *)packed.p, len});

			MUST(len == packed.n);
			/* {"$float":"nan"} is a scalar, which alone is no document of jansson's */
			if (type == MP_MAP || (!record && type == MP_ARRAY))
				once_more(&packed, record);
		}
		buf_free(&packed);
	}
	json_decref(j);
}
