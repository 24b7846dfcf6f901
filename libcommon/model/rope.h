/*
 * rope.h - the rotary embedding's angles: plain, and stretched for longer texts than the model was
 * first trained on.
 *
 * linear: all frequencies / factor. llama3: low frequencies / factor, high ones kept, a ramp
 * between, by wavelength. yarn (Peng et al., arXiv 2309.00071): the same by the number of turns
 * within the original length, and cosines and sines multiplied by an attention factor. longrope
 * (Ding et al., arXiv 2402.13753): each frequency divided by a number of its own, of two lists;
 * which one is chosen once, by the length that the model allows, and not by that of a text. alpha
 * (called dynamic in a file): another base.
 */
#ifndef MODEL_ROPE_H
#define MODEL_ROPE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rope_type {
	ROPE_DEFAULT,
	ROPE_LINEAR,
	ROPE_LLAMA3,
	ROPE_YARN,
	ROPE_LONGROPE,
	ROPE_ALPHA,
	ROPE_TYPES
};
enum { ROPE_MOST = 256 }; /* pairs that longrope may divide */

struct rope {
	enum rope_type type;
	double theta; /* base of the frequencies */
	double share; /* of a head's numbers that turn, its first ones; 0: all */
	double factor;
	double original;             /* llama3, yarn: length of the first training, in tokens */
	double low, high;            /* llama3: original / wavelength where the ramp begins, ends */
	double beta_fast, beta_slow; /* yarn: turns within the original length, likewise */
	double attention;            /* yarn, longrope: multiplies cosines and sines */
	bool exact;                  /* yarn: the ramp's ends are not rounded to dimensions */
	double alpha;                /* alpha: the base grows by alpha^(n / (n - 2)) */
	/* a query at position t is multiplied by 1 + beta ln(1 + floor(t / original)); 0: is not */
	double query_beta;
	/* longrope: the lists, n_long and n_short numbers; the long one is used */
	double long_factor[ROPE_MOST], short_factor[ROPE_MOST];
	int64_t n_long, n_short;
	bool is_long;
};

/* What a family makes of the keys. */
struct rope_form {
	int64_t max_len;     /* max_position_embeddings */
	unsigned types;      /* bits of enum rope_type that are read, beside default; 0: linear,
				llama3 and yarn */
	double theta, share; /* where the keys are absent; share 0: all */
	bool partial;        /* partial_rotary_factor may be other than 1 */
	bool mrope;          /* keys for pictures may be there */
	bool needed;         /* an object of the angles must be there */
	const char *layers;  /* a layer type: its object, where there is one for each; or NULL */
	/* the object that counts for all layers, and rope_theta, are not for these: a theta at the
	 * top of the file has this key (NULL: none) */
	bool apart;
	const char *theta_key;
};

/* From config.json j: rope_theta with rope_scaling, or rope_parameters. A type or key that is not
 * known is refused by name. */
int rope_parse(struct rope *r, const json_t *j, const struct rope_form *f, struct reason *why);
/* What rope_scaling must say for r; the caller's. */
json_t *rope_json(const struct rope *r);
const char *rope_name(const struct rope *r); /* of its type */

/* Numbers of a head of hd that turn, an even number; 0 or less, or above hd: none such. */
int64_t rope_turned(const struct rope *r, int64_t hd);
/* freq[0 .. n / 2): radians by which the pair turns from one position to the next, n numbers turn.
 */
void rope_freqs(const struct rope *r, double *freq, int64_t n);
double rope_scale(const struct rope *r);            /* of cosines and sines */
float rope_query(const struct rope *r, size_t pos); /* of a query at this position */

#endif
