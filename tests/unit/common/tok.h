/* tok.h - what the tests of tokenizers share. */
#ifndef UNIT_TOK_H
#define UNIT_TOK_H

#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static inline void assert_encodes(const struct tokenizer *t, const char *text, size_t n,
				  bool special, const uint32_t *want, size_t n_want)
{
	struct ids ids = {0};
	struct reason why;

	if (tok_encode(t, text, n, special, &ids, &why))
		fail_msg("%s", why.text);
	for (size_t i = 0; i < n_want && i < ids.n; i++)
		if (ids.v[i] != want[i])
			fail_msg("\"%s\": id %zu is %u, not %u", text, i, ids.v[i], want[i]);
	if (ids.n != n_want)
		fail_msg("\"%s\": %zu ids, not %zu", text, ids.n, n_want);
	free(ids.v);
}

#define ENCODES(t, text, special, ...)                                                  \
	assert_encodes(t, text, strlen(text), special, (const uint32_t[]){__VA_ARGS__}, \
		       sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* The obvious quadratic way: merge the pair of least rank, the leftmost of equals, until there is
 * none. Returns how many symbols are left of the n. */
static inline size_t merge_plainly(const char *const (*merges)[2], size_t n_merges, char (*sym)[16],
				   size_t n)
{
	for (;;) {
		size_t best = n_merges, at = 0;

		for (size_t i = 0; i + 1 < n; i++)
			for (size_t k = 0; k < best; k++)
				if (strcmp(sym[i], merges[k][0]) == 0 &&
				    strcmp(sym[i + 1], merges[k][1]) == 0) {
					best = k;
					at = i;
				}
		if (best == n_merges)
			return n;
		memcpy(sym[at] + strlen(sym[at]), sym[at + 1], strlen(sym[at + 1]) + 1);
		memmove(sym + at + 1, sym + at + 2, (n - at - 2) * sizeof *sym);
		n--;
	}
}

#endif
