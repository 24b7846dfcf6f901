/* cut.c - the distribution over a set of tokens. See cut.h. */
#include "model/cut.h"

#include <assert.h>
#include <string.h>

static void gather(float *to, const float *logits, const uint32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = logits[ids[i]];
}

static size_t take_set(struct span kept, uint32_t ids[KEPT_MOST])
{
	size_t n = 0;
	const char *wrong = kept_take(&kept, ids, &n);

	assert(!wrong && n >= 1);
	(void)wrong;
	return n;
}

float cut_logp(const float *logits, const uint32_t *ids, size_t n, size_t target, float inv_t)
{
	float z[KEPT_MOST];
	struct softmax_stat s;

	assert(n >= 1 && n <= KEPT_MOST);
	if (n == 1)
		return 0;
	gather(z, logits, ids, n);
	s = softmax_stat(z, n, inv_t);
	return softmax_logp(&s, logits[target], inv_t);
}

float cut_logp_kept(const float *logits, struct span kept, size_t target, float inv_t)
{
	uint32_t ids[KEPT_MOST];

	return cut_logp(logits, ids, take_set(kept, ids), target, inv_t);
}

/* d log p_K(target) / d logit_j = ([j = target] - p_K(j)) / temperature in K, into z; 0 outside */
static void gradient_in(float *z, const uint32_t *ids, size_t n, float dlogp,
			const struct softmax_grad *g)
{
	struct softmax_stat s = softmax_stat(z, n, g->inv_t);
	struct softmax_grad in = *g;

	in.target = 0;
	while (in.target + 1 < n && ids[in.target] != g->target)
		in.target++;
	assert(ids[in.target] == g->target);
	in.dlogp = dlogp;
	in.dent = 0;
	softmax_backward(z, n, &s, &in);
}

void cut_backward(float *logits, size_t v, struct span kept, float dlogp,
		  const struct softmax_stat *s, const struct softmax_grad *g)
{
	uint32_t ids[KEPT_MOST];
	float z[KEPT_MOST] = {0};
	size_t n = take_set(kept, ids);

	gather(z, logits, ids, n);
	if (g->dlogp != 0 || g->dent != 0)
		softmax_backward(logits, v, s, g);
	else
		memset(logits, 0, v * sizeof *logits);
	if (n == 1)
		return;
	gradient_in(z, ids, n, dlogp, g);
	for (size_t i = 0; i < n; i++)
		logits[ids[i]] += z[i];
}
