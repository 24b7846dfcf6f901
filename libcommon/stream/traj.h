/*
 * traj.h - one trajectory as a struct: decoded from a record, or written as one. See
 * traj-stream(5).
 */
#ifndef STREAM_TRAJ_H
#define STREAM_TRAJ_H

#include "stream/rec.h"

/*
 * Absent: spans have p NULL, floats are NaN, integers are -1, arrays have n 0.
 * All pointers belong to somebody else: after traj_read, to the record or to the
 * reader's memory, and live until the next traj_read with that memory; before
 * traj_write, to the caller.
 */
struct traj {
	struct span task, prompt, response; /* required */
	struct span id;                     /* 32 hex digits */
	struct span answer, verifier, finish, verdict, extracted, policy;
	struct mp meta; /* raw map of the user's */
	const uint32_t *prompt_tokens, *tokens;
	size_t n_prompt_tokens, n_tokens;
	const float *logprobs; /* one per token of tokens, natural log */
	size_t n_logprobs;
	struct span kept; /* what each token was drawn from, see base/kept.h: one set per token */
	double temperature, top_p, reward, advantage, entropy;
	int64_t top_k, sample, step, iter;
	bool utf8;              /* for traj_write: all texts but the task are known to be UTF-8 */
	struct span relabelled; /* of trajscan: the problem that the response was sampled for, where
				   it is another (traj-relabel) */
	int used;         /* 1: RL trained on it; 0: dynamic sampling rejected it; -1: absent */
	struct span more; /* further pairs, packed, to be written behind these; not read */
	size_t n_more;
};

void traj_clear(struct traj *t); /* everything absent */

/* Zero-initialised; reused from record to record; freed with traj_mem_free. */
struct traj_mem {
	struct msgpack_unpacked *unpacked; /* what msgpack-c decoded the record into */
	struct buf b;                      /* tokens and logprobs, aligned */
	struct buf kept;                   /* that came as an array */
};
/* Decodes r through msgpack-c. A required key that is missing, a known key of the wrong type, an id
 * that does not match, a NaN reward, duplicate keys: ST_INPUT with record and key in the reason. */
int traj_read(struct traj *t, const struct rec *r, const char *name, struct traj_mem *m,
	      struct reason *why);
void traj_mem_free(struct traj_mem *m);

typedef int traj_fn(void *ctx, const struct traj *t, const struct rec *r, const char *name,
		    struct reason *why);
/* Calls fn with each trajectory of the stream until one fails, and closes it. */
int traj_each(struct rec_in *in, traj_fn *fn, void *ctx, struct reason *why);

/* Writes t as one traj record (canonical: shortest forms, keys in the order of traj-stream(5));
 * bytes that are not UTF-8 go as bin. The id is computed when t->id is absent. */
void traj_write(struct rec_out *w, const struct traj *t);

/* XXH3-128 of task, prompt, response and tokens: each field preceded by its length (u64 LE); 32 hex
 * digits and a NUL. */
void traj_id(const struct traj *t, char hex[33]);

/* Identity of a solution for de-duplication: XXH3-128 of task, prompt and response alone. */
void traj_solution(const struct traj *t, uint64_t out[2]);

/*
 * For whoever groups by task: is the prompt the one that this task had before? *seen is kept for
 * each task, 0 before its first prompt; an empty prompt says nothing. Two problems under one id
 * would be counted as one: then ST_INPUT, with task and record (r NULL: the caller says where).
 */
int traj_one_prompt(const struct traj *t, uint64_t *seen, const struct rec *r, const char *name,
		    struct reason *why);

bool traj_correct(const struct traj *t, double threshold); /* reward present and >= threshold */
/* No response was sampled: there is nothing to judge, to score or to learn. */
bool traj_unanswered(const struct traj *t);

#endif
