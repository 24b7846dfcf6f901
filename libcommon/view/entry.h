/* entry.h - what a reader is shown of a trajectory, be it on a page or as text. */
#ifndef VIEW_ENTRY_H
#define VIEW_ENTRY_H

#include "stream/traj.h"
#include "view/pieces.h"

/* Zero-initialise; entry_read fills it, entry_free frees it. */
struct entry {
	struct traj t;
	struct mp map;
	uint64_t number;      /* among the trajectories of all inputs, from 1 */
	struct pieces pieces; /* of t.tokens, where a tokenizer was given */
	float *ref;           /* its ref_logprobs, one for each token; NULL: none; owned */
	struct traj_mem mem;
};

/* Reads the record and lays its tokens; tok may be NULL. What of it is damaged: see traj_read. */
int entry_read(struct entry *e, const struct rec *r, const char *name, const struct tokenizer *tok,
	       struct reason *why);
void entry_free(struct entry *e);

/* Walks what is told beside the texts: first what matters, then all other keys of the record, those
 * that nobody here knows included. Zero-initialise; free with entry_facts_free. */
struct facts {
	size_t at;   /* of the keys that matter */
	bool others; /* those are done: the fact is one of the others */
	struct mp_iter it;
	struct span key; /* the fact at hand */
	struct buf value;
};
bool entry_fact(struct facts *f, const struct entry *e);
void entry_facts_free(struct facts *f);

#endif
