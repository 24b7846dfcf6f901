/* normalizer.h - the normalizer of tokenizer.json: NFC, Prepend and Replace of a string, alone or
 * in a Sequence. Others are refused by name. */
#ifndef TOKENIZER_NORMALIZER_H
#define TOKENIZER_NORMALIZER_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct normalizer {
	struct norm_step *v; /* owned; n = 0: text stays as it is */
	size_t n;
};

/* Zero-initialise. j absent or null: no steps. */
int normalizer_load(struct normalizer *z, const json_t *j, struct reason *why);
void normalizer_free(struct normalizer *z);

/* Memory that normalizing needs; zero-initialise, free with norm_work_free. */
struct norm_work {
	struct buf text, other;
};
void norm_work_free(struct norm_work *w);
/* *text becomes its normal form, which is *text itself or stands in w until the next call. Bytes
 * that are not UTF-8 stay as they are. */
int normalizer_run(const struct normalizer *z, struct span *text, struct norm_work *w,
		   struct reason *why);

#endif
