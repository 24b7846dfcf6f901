/*
 * rope.h - the rotary embedding's angles: plain, and stretched for longer texts than the model was
 * first trained on.
 *
 * linear: all frequencies / factor. llama3: low frequencies / factor, high ones kept, a ramp
 * between, by wavelength. yarn (Peng et al., arXiv 2309.00071): the same by the number of turns
 * within the original length, and cosines and sines multiplied by an attention factor.
 */
#ifndef MODEL_ROPE_H
#define MODEL_ROPE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum rope_type { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN };

struct rope {
	enum rope_type type;
	double theta; /* base of the frequencies */
	double factor;
	double original;             /* llama3, yarn: length of the first training, in tokens */
	double low, high;            /* llama3: original / wavelength where the ramp begins, ends */
	double beta_fast, beta_slow; /* yarn: turns within the original length, likewise */
	double attention;            /* yarn: multiplies cosines and sines */
	bool exact;                  /* yarn: the ramp's ends are not rounded to dimensions */
};

/* From config.json j: rope_theta with rope_scaling, or rope_parameters. A type or key that is not
 * known is refused by name. max_len: its max_position_embeddings. */
int rope_parse(struct rope *r, const json_t *j, int64_t max_len, struct reason *why);
/* What rope_scaling must say for r; the caller's. */
json_t *rope_json(const struct rope *r);
const char *rope_name(const struct rope *r); /* of its type */

/* freq[0 .. hd / 2): radians by which the pair turns from one position to the next. */
void rope_freqs(const struct rope *r, double *freq, int64_t hd);
double rope_scale(const struct rope *r); /* of cosines and sines */

#endif
