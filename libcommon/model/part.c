/* part.c - which weights are a part. See part.h. */
#include "model/part.h"

#include <assert.h>

size_t part_count(const struct model *m)
{
	assert(!m->lora && !(m->how & MODEL_FROZEN));
	return (size_t)m->cfg.layers + 2;
}

void part_range(const struct model *m, size_t i, size_t *from, size_t *n)
{
	size_t layers = (size_t)m->cfg.layers, end;

	assert(i < part_count(m));
	if (i == 0) {
		*from = m->norm.w;
		end = m->n_params;
	} else if (i > layers) {
		*from = 0;
		end = m->layer[0].begin;
	} else {
		*from = m->layer[layers - i].begin;
		end = i == 1 ? m->norm.w : m->layer[layers - i + 1].begin;
	}
	*n = end - *from;
}

size_t part_apart(const struct model *m)
{
	return m->cfg.tied ? m->layer[0].begin : 0;
}

size_t part_room(const struct model *m)
{
	size_t most = 0, from, n;

	for (size_t i = 0; i < part_count(m); i++) {
		part_range(m, i, &from, &n);
		if (from || !m->cfg.tied)
			most = n > most ? n : most;
	}
	return part_apart(m) + most;
}
