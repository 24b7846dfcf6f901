/* batch.c - sequences packed into micro-batches. See batch.h. */
#include "learn/batch.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/profile.h"
#include "base/rank.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct batch {
	const struct model *m;
	struct workspace *run;
	uint32_t *tokens, *at, *target; /* as in struct pack */
	size_t *start, *prefix;
	float *logp, *dlogp;   /* one per row */
	float *entropy, *dent; /* the same, where entropies are wanted */
	bool with_entropy;
	struct span *kept; /* the same, where something was cut, and what follows */
	float *whole, *dwhole;
	size_t cap_tok, cap_seq, cap_row, cap_kept;
};

size_t batch_inputs(const struct seq *s)
{
	assert(s->n_prompt >= 1 && s->n_resp >= 1);
	return s->n_prompt + s->n_resp - 1;
}

size_t batch_outputs(const struct seq *s)
{
	size_t n = 0;

	if (!s->learn)
		return s->n_resp;
	for (size_t t = 0; t < s->n_resp; t++)
		n += s->learn[t] != 0;
	assert(n >= 1);
	return n;
}

struct batch *batch_new(const struct model *m, bool recompute)
{
	struct batch *b = xcalloc(1, sizeof *b);

	b->m = m;
	b->run = workspace_new(m);
	workspace_recompute(b->run, recompute);
	return b;
}

size_t batch_bytes(const struct batch *b, size_t micro_tokens, size_t longest, bool grads)
{
	size_t n = micro_tokens > longest ? micro_tokens : longest;

	assert(longest >= 1);
	/* where tokens were drawn from is known when they are read: room for it in any case */
	return workspace_bytes(b->run, n, n, longest, grads) +
	       n * (3 * sizeof(uint32_t) + sizeof *b->logp + sizeof *b->dlogp) +
	       n * (sizeof *b->kept + sizeof *b->whole + sizeof *b->dwhole) +
	       (b->with_entropy ? n * (sizeof *b->entropy + sizeof *b->dent) : 0);
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	workspace_free(b->run);
	free(b->tokens);
	free(b->target);
	free(b->start);
	free(b->prefix);
	free(b->at);
	free(b->logp);
	free(b->dlogp);
	free(b->entropy);
	free(b->dent);
	free(b->kept);
	free(b->whole);
	free(b->dwhole);
	free(b);
}

void batch_entropy(struct batch *b)
{
	assert(!b->cap_row /* before the first run */);
	b->with_entropy = true;
}

static bool same_prompt(const struct seq *a, const struct seq *b)
{
	return a->prompt == b->prompt && a->n_prompt == b->n_prompt;
}

/* A micro-batch: how many of the next sequences, and what they take */
struct part {
	size_t n, n_tok, n_row;
	bool cut; /* of a sequence it is known what was kept */
};

/* The next sequences that fit together; a prompt is counted once for those in a row that share it.
 */
static struct part fit(const struct seq *all, const uint64_t *order, size_t n, size_t micro_tokens)
{
	struct part p = {0};

	for (; p.n < n; p.n++) {
		const struct seq *s = &all[order[p.n]];
		bool shares = p.n && same_prompt(s, &all[order[p.n - 1]]);
		size_t more = shares ? s->n_resp - 1 : batch_inputs(s), out = batch_outputs(s);

		if (p.n && (p.n_tok + more > micro_tokens || p.n_row + out > micro_tokens))
			break;
		p.n_tok += more;
		p.n_row += out;
		p.cut |= s->kept.p != NULL;
	}
	return p;
}

static void make_room(struct batch *b, const struct part *p)
{
	size_t n_seq = 2 * p->n; /* prompts may stand alone */

	if (p->n_tok > b->cap_tok) {
		b->cap_tok = p->n_tok;
		b->tokens = xgrow(b->tokens, p->n_tok, sizeof *b->tokens);
	}
	if (n_seq > b->cap_seq) {
		b->cap_seq = n_seq;
		b->start = xgrow(b->start, n_seq + 1, sizeof *b->start);
		b->prefix = xgrow(b->prefix, n_seq, sizeof *b->prefix);
	}
	if (p->n_row > b->cap_row) {
		b->cap_row = p->n_row;
		b->at = xgrow(b->at, p->n_row, sizeof *b->at);
		b->target = xgrow(b->target, p->n_row, sizeof *b->target);
		b->logp = xgrow(b->logp, p->n_row, sizeof *b->logp);
		b->dlogp = xgrow(b->dlogp, p->n_row, sizeof *b->dlogp);
		if (b->with_entropy) {
			b->entropy = xgrow(b->entropy, p->n_row, sizeof *b->entropy);
			b->dent = xgrow(b->dent, p->n_row, sizeof *b->dent);
		}
	}
}

static void make_kept_room(struct batch *b, size_t rows)
{
	if (rows <= b->cap_kept)
		return;
	b->cap_kept = rows;
	b->kept = xgrow(b->kept, rows, sizeof *b->kept);
	b->whole = xgrow(b->whole, rows, sizeof *b->whole);
	b->dwhole = xgrow(b->dwhole, rows, sizeof *b->dwhole);
}

static void add_tokens(struct batch *b, struct pack *p, const uint32_t *tokens, size_t n)
{
	assert(p->n_tok + n <= b->cap_tok);
	memcpy(b->tokens + p->n_tok, tokens, n * sizeof *tokens);
	p->n_tok += n;
}

/* Begins a sequence that goes on from the prefix; the next one may be its own. */
static void begin(struct batch *b, struct pack *p, size_t prefix)
{
	assert(prefix <= p->n_seq && p->n_seq < b->cap_seq);
	b->start[p->n_seq] = p->n_tok;
	b->prefix[p->n_seq++] = prefix;
}

/* What the next token was drawn from; n 0: the whole vocabulary */
static struct span next_set(struct span *sets)
{
	struct span set = {0};
	size_t n = 0;

	if (sets->p)
		set = kept_cut(sets, &n);
	return n ? set : (struct span){0};
}

/* first, last: of those that share its prompt. One that shares it with nobody is one sequence. */
static void add_seq(struct batch *b, struct pack *p, const struct seq *s, bool first, bool last)
{
	size_t prompt = first ? p->n_seq : b->prefix[p->n_seq - 1], prompt_end;
	struct span sets = s->kept;

	if (first) {
		begin(b, p, prompt);
		add_tokens(b, p, s->prompt, s->n_prompt);
	}
	prompt_end = b->start[prompt] + s->n_prompt - 1;
	if (!(first && last))
		begin(b, p, prompt);
	for (size_t t = 0; t < s->n_resp; t++) {
		struct span set = next_set(&sets);

		if (s->learn && !s->learn[t])
			continue;
		if (p->kept)
			b->kept[p->n_rows] = set;
		b->at[p->n_rows] = (uint32_t)(t ? p->n_tok + t - 1 : prompt_end);
		b->target[p->n_rows++] = s->resp[t];
	}
	add_tokens(b, p, s->resp, s->n_resp - 1);
}

static struct pack fill(struct batch *b, const struct seq *all, const uint64_t *order,
			const struct part *part)
{
	struct pack p = {0};

	make_room(b, part);
	if (part->cut) {
		make_kept_room(b, part->n_row);
		memset(b->dwhole, 0, part->n_row * sizeof *b->dwhole);
		p.kept = b->kept;
		p.whole = b->whole;
		p.dwhole = b->dwhole;
	}
	for (size_t i = 0; i < part->n; i++) {
		const struct seq *s = &all[order[i]];
		bool first = i == 0 || !same_prompt(s, &all[order[i - 1]]);
		bool last = i + 1 == part->n || !same_prompt(s, &all[order[i + 1]]);

		add_seq(b, &p, s, first, last);
	}
	b->start[p.n_seq] = p.n_tok;
	p.tokens = b->tokens;
	p.start = b->start;
	p.prefix = b->prefix;
	p.at = b->at;
	p.target = b->target;
	return p;
}

/* The next micro-batch of n sequences: *k of them */
static struct pack next_pack(struct batch *b, const struct seq *all, const uint64_t *order,
			     size_t n, size_t micro_tokens, double temperature, size_t *k)
{
	struct part part = fit(all, order, n, micro_tokens);
	struct pack p = fill(b, all, order, &part);

	assert(part.n >= 1 && p.n_tok == part.n_tok && p.n_rows == part.n_row);
	p.temperature = temperature;
	*k = part.n;
	return p;
}

struct scoring { /* what batch_score is asked for */
	float *logp, *entropy;
	size_t micro_tokens;
	double temperature;
};

/* n sequences as one rank scores them; their numbers begin at row. */
static void score_part(struct batch *b, const struct seq *all, const uint64_t *order, size_t n,
		       const struct scoring *s, size_t row)
{
	for (size_t done = 0, k; done < n; done += k) {
		struct pack p = next_pack(b, all, order + done, n - done, s->micro_tokens,
					  s->temperature, &k);

		model_logprobs(b->run, b->m, &p, s->logp + row,
			       s->entropy ? s->entropy + row : NULL);
		row += p.n_rows;
	}
}

/* Where in the order, and where among the numbers, the part of each rank begins: parts have about
 * as many tokens. */
static void cut_order(const struct seq *all, const uint64_t *order, size_t n, size_t *first,
		      size_t *row)
{
	size_t tokens = 0, before = 0, rows = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		tokens += batch_inputs(&all[order[i]]);
	for (size_t i = 0; i <= n; i++) {
		for (; r <= rank_count() && (i == n || rank_share(tokens, r) <= before); r++) {
			first[r] = i;
			row[r] = rows;
		}
		if (i == n)
			break;
		before += batch_inputs(&all[order[i]]);
		rows += batch_outputs(&all[order[i]]);
	}
}

size_t batch_score(struct batch *b, const struct seq *all, const uint64_t *order, size_t n,
		   size_t micro_tokens, double temperature, float *logp, float *entropy)
{
	size_t *first = xarray((size_t)rank_count() + 1, sizeof *first), rows;
	size_t *row = xarray((size_t)rank_count() + 1, sizeof *row);
	const struct scoring s = {logp, entropy, micro_tokens, temperature};
	int self = rank_self();

	assert(all && order && logp);
	assert(temperature > 0);
	cut_order(all, order, n, first, row);
	score_part(b, all, order + first[self], first[self + 1] - first[self], &s, row[self]);
	rank_join_floats(logp, row);
	if (entropy)
		rank_join_floats(entropy, row);
	rows = row[rank_count()];
	free(first);
	free(row);
	return rows;
}

/* Rows of a pack from `row` on, of sequence s */
static struct batch_rows rows_of(const struct batch *b, const struct seq *s, size_t row, bool grads)
{
	struct batch_rows r = {.n = batch_outputs(s), .logp = b->logp + row};

	if (grads)
		r.dlogp = b->dlogp + row;
	if (b->with_entropy) {
		r.entropy = b->entropy + row;
		r.dent = b->dent + row;
	}
	if (s->kept.p)
		r.whole = b->whole + row;
	if (s->kept.p && grads)
		r.dwhole = b->dwhole + row;
	return r;
}

bool batch_fits(const struct seq *all, const uint64_t *order, size_t n, size_t micro_tokens)
{
	return fit(all, order, n, micro_tokens).n == n;
}

static void backward(struct batch *b, const struct pack *p, const struct grads_to *to)
{
	enum profile_part before = profile_to(PROFILE_BACKWARD);

	if (to->all)
		model_backward(b->run, b->m, p, b->dlogp, b->dent, to->all);
	else
		model_backward_parts(b->run, b->m, p, b->dlogp, b->dent, to);
	profile_to(before);
}

size_t batch_run(struct batch *b, const struct seq *all, const uint64_t *order, size_t n,
		 size_t micro_tokens, double temperature, batch_fn *fn, void *ctx,
		 const struct grads_to *to)
{
	size_t seen = 0;

	assert(all && order && fn);
	assert(!to || to->all || batch_fits(all, order, n, micro_tokens));
	assert(temperature > 0);
	for (size_t done = 0, k; done < n; done += k) {
		enum profile_part before = profile_to(PROFILE_FORWARD);
		struct pack p =
			next_pack(b, all, order + done, n - done, micro_tokens, temperature, &k);
		size_t row = 0;

		seen += p.n_tok;
		if (to)
			model_forward(b->run, b->m, &p, b->logp, b->entropy);
		else
			model_logprobs(b->run, b->m, &p, b->logp, b->entropy);
		if (b->dent)
			memset(b->dent, 0, p.n_rows * sizeof *b->dent);
		profile_to(before);
		for (size_t i = 0; i < k; i++) {
			uint64_t s = order[done + i];
			struct batch_rows r = rows_of(b, &all[s], row, to != NULL);

			fn(ctx, s, &r);
			row += r.n;
		}
		if (to)
			backward(b, &p, to);
	}
	return seen;
}
