/* ggufplace.h - where a weight of a folder stands in a GGUF: in which tensor, or in which list
 * among the keys; in which order of rows; as which numbers. */
#ifndef POLICY_GGUFPLACE_H
#define POLICY_GGUFPLACE_H

#include "model/config.h"
#include "policy/ggufarch.h"

/* Rows that are (outer, a, b, inner) in a folder are (outer, b, a, inner) in a GGUF; those before
 * `first` stay. a = 0: all stay. */
struct gguf_order {
	size_t first, a, b, inner;
	bool columns; /* it is not the rows, but the columns */
};

struct gguf_place {
	char name[GGUF_MAX_NAME]; /* of the tensor, or of the key */
	bool key;                 /* a list of numbers, one for each layer */
	size_t rows; /* of a tensor that has several weights as its rows; 0: it has one */
	size_t at;   /* which row, or which layer */
	float plus;  /* is added to the numbers there */
	bool decays; /* numbers x are -exp(x) there */
	struct gguf_order order;
};

/* c: of that family. False: there is none. */
bool gguf_place_find(const struct gguf_arch *a, const struct config *c, const char *weight,
		     struct gguf_place *p);
/* Where a row of a folder is in the GGUF, and the other way round */
size_t gguf_place_there(const struct gguf_order *o, size_t row);
size_t gguf_place_here(const struct gguf_order *o, size_t row);
/* Whole rows of so many numbers, the rows being those of the other side already: columns put into
 * order, numbers made what they are there (here). */
void gguf_place_send(const struct gguf_place *p, float *v, size_t rows, size_t columns);
void gguf_place_fetch(const struct gguf_place *p, float *v, size_t rows, size_t columns);

#endif
