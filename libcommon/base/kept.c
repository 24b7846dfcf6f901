/* kept.c - sets of token ids as bytes. See kept.h. */
#include "base/kept.h"

#include <assert.h>
#include <stdbool.h>

static void put_number(struct buf *b, uint32_t x)
{
	for (; x >= 0x80; x >>= 7)
		buf_char(b, (char)(uint8_t)(x | 0x80));
	buf_char(b, (char)x);
}

void kept_put(struct buf *b, const uint32_t *ids, size_t n)
{
	assert(n <= KEPT_MOST);
	put_number(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		assert(i == 0 || ids[i] > ids[i - 1]);
		put_number(b, ids[i] - (i ? ids[i - 1] : 0));
	}
}

/* The number that s begins with is taken off. NULL, or what is wrong. */
static const char *take_number(struct span *s, uint32_t *x)
{
	uint64_t sum = 0;
	size_t i = 0;
	uint8_t byte;

	do {
		if (i == s->n)
			return "cut off";
		byte = (uint8_t)s->p[i];
		sum |= (uint64_t)(byte & 0x7f) << 7 * i++;
		if (sum > UINT32_MAX || (byte & 0x80 && i == 5))
			return "a number above 2^32-1";
	} while (byte & 0x80);
	if (byte == 0 && i > 1)
		return "a number that is not in its shortest form";
	*x = (uint32_t)sum;
	s->p += i;
	s->n -= i;
	return NULL;
}

const char *kept_take(struct span *sets, uint32_t ids[KEPT_MOST], size_t *n)
{
	const char *wrong;
	uint32_t count, more;

	wrong = take_number(sets, &count);
	if (wrong)
		return wrong;
	if (count > KEPT_MOST)
		return "more than 1024 ids";
	for (size_t i = 0; i < count; i++) {
		wrong = take_number(sets, &more);
		if (wrong)
			return wrong;
		if (i && more == 0)
			return "ids that do not ascend";
		if (i && more > UINT32_MAX - ids[i - 1])
			return "an id above 2^32-1";
		ids[i] = i ? ids[i - 1] + more : more;
	}
	*n = count;
	return NULL;
}

struct span kept_cut(struct span *sets, size_t *n)
{
	struct span set = *sets;
	uint32_t ids[KEPT_MOST];
	const char *wrong = kept_take(sets, ids, n);

	assert(!wrong);
	(void)wrong;
	set.n -= sets->n;
	return set;
}

static bool holds(const uint32_t *ids, size_t n, uint32_t id)
{
	size_t i = 0;

	while (i < n && ids[i] < id)
		i++;
	return i < n && ids[i] == id;
}

const char *kept_check(struct span sets, const uint32_t *tokens, size_t n, size_t *at)
{
	uint32_t ids[KEPT_MOST];
	size_t k;

	for (*at = 0; *at < n; ++*at) {
		const char *wrong =
			sets.n ? kept_take(&sets, ids, &k) : "missing: there are fewer than tokens";

		if (wrong)
			return wrong;
		if (k && !holds(ids, k, tokens[*at]))
			return "the token that was drawn is not in it";
	}
	return sets.n ? "there are more than tokens" : NULL;
}

uint32_t kept_top(struct span sets)
{
	uint32_t ids[KEPT_MOST], top = 0;
	size_t n;

	while (sets.n && !kept_take(&sets, ids, &n))
		if (n && ids[n - 1] > top)
			top = ids[n - 1];
	return top;
}
