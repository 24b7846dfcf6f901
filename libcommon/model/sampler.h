/*
 * sampler.h - batched sampling with a key/value cache: prompts are prefilled once per group,
 * sequences leave the batch when they finish and the next takes the place.
 *
 * What a sequence becomes depends on its prompt, its key and the weights alone: not on the batch,
 * the threads or the order.
 */
#ifndef MODEL_SAMPLER_H
#define MODEL_SAMPLER_H

#include "base/buf.h"
#include "model/model.h"

struct sample_opts {
	double temperature; /* 0: greedy */
	double top_p;       /* 1: off */
	int64_t top_k;      /* 0: off */
	int64_t max_new;    /* most tokens of a response, the stop token included */
	int64_t batch;      /* most sequences decoded together by one thread */
};

struct sample_group { /* in: */
	const uint32_t *prompt;
	size_t n_prompt; /* >= 1; n_prompt + max_new <= the model's max_len, else finish comes
			    earlier */
	size_t first, n; /* samples wanted: the first-th and what follows */
	uint64_t seed, step, task; /* coordinates of the randomness: rng_key(seed, RNG_SAMPLE, step,
				      task, sample) */
};

struct sample { /* out: arrays are owned by the sampler, valid until the next sampler_run or
		   sampler_free */
	const uint32_t *tokens;
	const float *logprobs; /* of the distribution really drawn from (greedy: temperature 1) */
	const float *entropy;  /* per token, nats, of softmax(logits / temperature) */
	struct span kept;      /* what top-k and top-p left of the vocabulary for each token, see
				  base/kept.h; p NULL: both are off */
	size_t n;
	bool stopped; /* ended by a stop token (which is the last of tokens) */
};

struct sampler;
/* The model is borrowed and must be packed (model_pack) whenever its weights changed. */
struct sampler *sampler_new(const struct model *m, const struct sample_opts *o);
/* out[g * ...]: samples of group g stand behind those of group g-1, in order. Uses par_for.
 * ST_INPUT when a prompt leaves no room for a token or holds an id outside the vocabulary. */
int sampler_run(struct sampler *s, const struct sample_group *groups, size_t n_groups,
		struct sample *out, struct reason *why);
/* * The same, of all ranks (base/rank.h) together: each gets a share of the samples to begin with,
 * and the rest is dealt to whoever has room. Only those that this rank made have tokens in out. */
int sampler_run_dealt(struct sampler *s, const struct sample_group *groups, size_t n_groups,
		      struct sample *out, struct reason *why);
void sampler_free(struct sampler *s);
/* Bytes of the largest sampler_run: prompts of up to n_prompt tokens, of so many groups n samples
 * in all. */
size_t sampler_bytes(const struct sampler *s, size_t n_prompt, size_t n_groups, size_t n);

#endif
