/* qkvtable.c - the first layer, token by token. See qkvtable.h. */
#include "model/qkvtable.h"
#include "base/mem.h"
#include "base/par.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST = 4 << 20, /* floats: no table that the cache could not hold */
	ROWS = 48       /* a job makes */
};

void qkvtable_init(struct qkvtable *t, const struct model *m)
{
	size_t n = (size_t)m->cfg.vocab * block_qkv_dim(m, 0);

	*t = (struct qkvtable){.n = n <= MOST ? n : 0};
}

struct making {
	const struct model *m;
	float *row;
};

static void job_make(void *ctx, size_t i, int thread)
{
	const struct making *k = ctx;
	size_t v = (size_t)k->m->cfg.vocab, d = (size_t)k->m->cfg.d, from = i * ROWS;
	size_t n = v - from < ROWS ? v - from : ROWS;
	float *x = big_alloc((ROWS * d + block_scratch(k->m, ROWS)) * sizeof *x);
	uint32_t tokens[ROWS];
	struct block b;

	(void)thread;
	for (size_t j = 0; j < n; j++)
		tokens[j] = (uint32_t)(from + j);
	block_embed(k->m, x, tokens, n);
	b = (struct block){k->m, 0, n, x + ROWS * d};
	block_qkv(&b, k->row + from * block_qkv_dim(k->m, 0), NULL, x, NULL);
	big_free(x, (ROWS * d + block_scratch(k->m, ROWS)) * sizeof *x);
}

void qkvtable_make(struct qkvtable *t, const struct model *m)
{
	struct making k;

	assert(t->n == (size_t)m->cfg.vocab * block_qkv_dim(m, 0));
	if (!t->row)
		t->row = big_alloc(t->n * sizeof *t->row);
	k = (struct making){m, t->row};
	par_for(((size_t)m->cfg.vocab + ROWS - 1) / ROWS, job_make, &k);
}

void qkvtable_qkv(const struct qkvtable *t, const struct block *b, float *qkv,
		  const uint32_t *tokens, const uint32_t *pos)
{
	size_t n = block_qkv_dim(b->m, 0);

	assert(t->row && qkv && tokens && pos);
	assert(b->layer == 0);
	for (size_t i = 0; i < b->rows; i++)
		memcpy(qkv + i * n, t->row + tokens[i] * n, n * sizeof *qkv);
	block_turn(b, qkv, NULL, pos);
}

void qkvtable_free(struct qkvtable *t)
{
	big_free(t->row, t->n * sizeof *t->row);
}
