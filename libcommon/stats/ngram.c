/* ngram.c - how alike the responses of two steps are. See ngram.h. */
#include "stats/ngram.h"

#include <math.h>
#include <xxhash.h>

static void add_gram(struct ngrams *g, uint32_t task, const char *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(p, n, task);

	tally_add(&g->grams, (uint64_t[2]){h.low64, h.high64}, 1, task);
}

static void add_total(struct ngrams *g, uint32_t task, size_t n)
{
	/* consecutive numbers are spread by the slots' mask themselves */
	tally_add(&g->totals, (uint64_t[2]){task, 0}, (uint32_t)n, task);
}

/* First byte of the next character behind i */
static size_t next_char(struct span s, size_t i)
{
	do
		i++;
	while (i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80);
	return i;
}

void ngram_add_text(struct ngrams *g, uint32_t task, struct span text, size_t n)
{
	size_t from = 0, to = 0, grams = 1;

	for (size_t i = 0; i < n && to < text.n; i++)
		to = next_char(text, to);
	add_gram(g, task, text.p, to);
	for (; to < text.n; grams++) {
		from = next_char(text, from);
		to = next_char(text, to);
		add_gram(g, task, text.p + from, to - from);
	}
	add_total(g, task, grams);
}

void ngram_add_tokens(struct ngrams *g, uint32_t task, struct span ids, size_t n)
{
	size_t units = ids.n / 4, width = units < n ? units : n, grams = units - width + 1;

	for (size_t i = 0; i < grams; i++)
		add_gram(g, task, ids.p ? ids.p + 4 * i : "", 4 * width);
	add_total(g, task, grams);
}

double ngram_overlap(const struct ngrams *a, const struct ngrams *b, uint64_t *tasks)
{
	const struct tally_item *item;
	double sum = 0;

	*tasks = 0;
	for (size_t i = 0; (item = tally_next(&b->totals, &i));)
		*tasks += tally_count(&a->totals, item->key) > 0;
	for (size_t i = 0; (item = tally_next(&b->grams, &i));) {
		uint64_t task[2] = {item->tag, 0};
		uint32_t in_a = tally_count(&a->grams, item->key);

		if (in_a)
			sum += fmin((double)in_a / tally_count(&a->totals, task),
				    (double)item->count / tally_count(&b->totals, task));
	}
	return *tasks ? sum / (double)*tasks : NAN;
}

void ngram_clear(struct ngrams *g)
{
	tally_clear(&g->grams);
	tally_clear(&g->totals);
}

void ngram_free(struct ngrams *g)
{
	tally_free(&g->grams);
	tally_free(&g->totals);
}
