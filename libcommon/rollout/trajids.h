/*
 * trajids.h - the tokens of a trajectory for a policy: those of the record, or its texts encoded.
 */
#ifndef ROLLOUT_TRAJIDS_H
#define ROLLOUT_TRAJIDS_H

#include "policy/policy.h"
#include "stream/traj.h"

struct trajids { /* zero-initialise; reused; freed with trajids_free */
	struct ids ids;
	size_t n_prompt; /* of them; the response is behind */
	struct buf said, want;
};

/*
 * Token ids come from the record; without them prompt and response are encoded and, unless finish
 * is "length", the policy's first stop token is appended. ST_INPUT: no token of a prompt, ids that
 * are not in the policy's vocabulary, or that are not the text beside them in its tokenizer.
 */
int trajids_take(struct trajids *s, const struct policy *p, const struct traj *t,
		 struct reason *why);
/* Are ids[0 .. n) in the policy's vocabulary? ST_INPUT. */
int trajids_check(const struct policy *p, const uint32_t *ids, size_t n, struct reason *why);
void trajids_free(struct trajids *s);

#endif
