/*
 * memory.h - what memory a run will need, known before its first step, and whether that is there.
 *
 * The sizes come from the modules that allocate: model_bytes, workspace_bytes, sampler_bytes.
 */
#ifndef RUN_MEMORY_H
#define RUN_MEMORY_H

#include "base/err.h"
#include "model/model.h"

struct memory {           /* bytes */
	size_t weights;   /* with their panels, and an adapter's; in memory when this is asked */
	size_t reference; /* the same of the policy that a KL term is to */
	size_t gradients, moments;
	size_t work;        /* of the optimizer */
	size_t activations; /* of a micro-batch, and the logits of a part of it */
	size_t cache;       /* of sampling: keys and values, and rows on their way */
	/* from memory_check on: ranks that share this memory, and what they take together */
	int ranks;
	size_t host;
};

size_t memory_total(const struct memory *s);
/* "1.9 GB"; returns text. */
enum { MEMORY_SIZE = 24 };
const char *memory_size(size_t n, char *text);
/* "1.9 GB: weights 1.2 GB, ..."; of several ranks, what each takes, and those on this host
 * together. Returns text. */
enum { MEMORY_TEXT = 256 };
char *memory_text(const struct memory *s, char *text);
/* * ST_SYSTEM, with the number, when it is not there: see MemAvailable of proc(5), the limits of
 * the control group, and RLIMIT_AS. Of several ranks on a host all must find room. What one finds,
 * all are told. */
int memory_check(struct memory *s, struct reason *why);

#endif
