/* batch.c - sequences packed into micro-batches. See batch.h. */
#include "learn/batch.h"
#include "base/mem.h"
#include "base/profile.h"

#include <stdlib.h>
#include <string.h>

struct batch {
	const struct model *m;
	struct run *run;
	uint32_t *tokens, *target; /* inputs, and the token that each row asks for */
	size_t *start, *at;        /* as in struct pack */
	float *logp, *dlogp;       /* one per row */
	size_t cap_tok, cap_seq, cap_row;
};

size_t seq_inputs(const struct seq *s)
{
	return s->n_prompt + s->n_resp - 1;
}

struct batch *batch_new(const struct model *m, bool recompute)
{
	struct batch *b = xcalloc(1, sizeof *b);

	b->m = m;
	b->run = run_new(m);
	run_recompute(b->run, recompute);
	return b;
}

size_t batch_bytes(const struct batch *b, size_t micro_tokens, size_t longest, bool grads)
{
	size_t n = micro_tokens > longest ? micro_tokens : longest;

	return run_bytes(b->run, n, n, longest, grads) +
	       n * (3 * sizeof(uint32_t) + sizeof *b->at + sizeof *b->logp + sizeof *b->dlogp);
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	run_free(b->run);
	free(b->tokens);
	free(b->target);
	free(b->start);
	free(b->at);
	free(b->logp);
	free(b->dlogp);
	free(b);
}

/* How many of the next sequences make one micro-batch. */
static size_t fit(const struct seq *all, const uint64_t *order, size_t n, size_t micro_tokens)
{
	size_t i = 0, used = 0;

	while (i < n && (i == 0 || used + seq_inputs(&all[order[i]]) <= micro_tokens))
		used += seq_inputs(&all[order[i++]]);
	return i;
}

static void make_room(struct batch *b, size_t n_tok, size_t n_seq, size_t n_row)
{
	if (n_tok > b->cap_tok) {
		b->cap_tok = n_tok;
		b->tokens = xgrow(b->tokens, n_tok, sizeof *b->tokens);
	}
	if (n_seq > b->cap_seq) {
		b->cap_seq = n_seq;
		b->start = xgrow(b->start, n_seq + 1, sizeof *b->start);
	}
	if (n_row > b->cap_row) {
		b->cap_row = n_row;
		b->at = xgrow(b->at, n_row, sizeof *b->at);
		b->target = xgrow(b->target, n_row, sizeof *b->target);
		b->logp = xgrow(b->logp, n_row, sizeof *b->logp);
		b->dlogp = xgrow(b->dlogp, n_row, sizeof *b->dlogp);
	}
}

static void add(struct batch *b, struct pack *p, const struct seq *s)
{
	size_t first = p->n_tok;

	b->start[p->n_seq++] = first;
	memcpy(b->tokens + first, s->prompt, s->n_prompt * sizeof *b->tokens);
	memcpy(b->tokens + first + s->n_prompt, s->resp, (s->n_resp - 1) * sizeof *b->tokens);
	p->n_tok += seq_inputs(s);
	for (size_t t = 0; t < s->n_resp; t++) {
		b->at[p->n_rows] = first + s->n_prompt - 1 + t;
		b->target[p->n_rows++] = s->resp[t];
	}
}

static struct pack fill(struct batch *b, const struct seq *all, const uint64_t *order, size_t n)
{
	struct pack p = {0};
	size_t n_tok = 0, n_row = 0;

	for (size_t i = 0; i < n; i++) {
		n_tok += seq_inputs(&all[order[i]]);
		n_row += all[order[i]].n_resp;
	}
	make_room(b, n_tok, n, n_row);
	for (size_t i = 0; i < n; i++)
		add(b, &p, &all[order[i]]);
	b->start[n] = p.n_tok;
	p.tokens = b->tokens;
	p.start = b->start;
	p.at = b->at;
	p.target = b->target;
	return p;
}

void batch_run(struct batch *b, const struct seq *all, const uint64_t *order, size_t n,
	       size_t micro_tokens, double temperature, batch_fn *fn, void *ctx, float *grads)
{
	for (size_t done = 0, k; done < n; done += k) {
		enum profile_part before = profile_to(PROFILE_FORWARD);
		struct pack p;
		size_t row = 0;

		k = fit(all, order + done, n - done, micro_tokens);
		p = fill(b, all, order + done, k);
		p.temperature = temperature;
		if (grads)
			model_forward(b->run, b->m, &p, b->logp, NULL);
		else
			model_logprobs(b->run, b->m, &p, b->logp, NULL);
		profile_to(before);
		for (size_t i = 0; i < k; i++) {
			uint64_t s = order[done + i];

			fn(ctx, s, b->logp + row, all[s].n_resp, grads ? b->dlogp + row : NULL);
			row += all[s].n_resp;
		}
		if (!grads)
			continue;
		profile_to(PROFILE_BACKWARD);
		model_backward(b->run, b->m, &p, b->dlogp, NULL, grads);
		profile_to(before);
	}
}
