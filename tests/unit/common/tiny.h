/* tiny.h - a random policy over a few characters; include after <cmocka.h>. */
#ifndef UNIT_TINY_H
#define UNIT_TINY_H

#include "policy/policy.h"

/* <pad> 0, <eos> 1, then the characters of alphabet: 2, 3 ... */
static struct policy tiny_policy(const char *alphabet, uint64_t seed)
{
	struct config cfg = {.d = 16,
			     .layers = 2,
			     .heads = 2,
			     .kv_heads = 1,
			     .head_dim = 8,
			     .ffn = 24,
			     .max_len = 40,
			     .norm_eps = 1e-5,
			     .rope = {.theta = 10000},
			     .tied = true,
			     .bos = -1};
	struct buf json = {0};
	struct policy p = {0};
	struct reason why = {0};

	if (chars_make(alphabet, &json, &why) || policy_make(&p, &cfg, &json, seed, 0.1, &why))
		fail_msg("%s", why.text);
	buf_free(&json);
	return p;
}

#endif
