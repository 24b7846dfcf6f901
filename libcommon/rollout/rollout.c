/* rollout.c - sampled and judged responses. See rollout.h. */
#include "rollout/rollout.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/profile.h"
#include "base/rank.h"
#include "model/pick.h"
#include "rollout/prompt.h"
#include "stream/pack.h"

#include <stdlib.h>
#include <string.h>

struct roller {
	const struct policy *p;
	const struct task_set *tasks;
	struct rollout_opts o;
	struct sampler *sampler;
	struct verifier *verifier;
	struct prompts prompts;
};

static struct span span_of(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

struct roller *rollout_open(const struct policy *p, const struct task_set *tasks, const char *name,
			    const struct rollout_opts *o, struct reason *why)
{
	struct roller *r = xcalloc(1, sizeof *r);

	r->p = p;
	r->tasks = tasks;
	r->o = *o;
	if (prompt_make(&r->prompts, p, tasks, name, &o->prompt, why) ||
	    (o->judge && !(r->verifier = verify_open(&r->o.verify, why)))) {
		rollout_close(r);
		return NULL;
	}
	r->sampler = sampler_new(&p->model, &r->o.sample);
	return r;
}

void rollout_close(struct roller *r)
{
	if (!r)
		return;
	if (r->verifier)
		verify_close(r->verifier);
	if (r->sampler)
		sampler_free(r->sampler);
	prompt_free(&r->prompts);
	free(r);
}

const uint32_t *rollout_prompt(const struct roller *r, size_t task, size_t *n)
{
	return prompt_ids(&r->prompts, task, n);
}

size_t rollout_longest(const struct roller *r)
{
	size_t longest = 0, n;

	for (size_t i = 0; i < r->tasks->n; i++) {
		rollout_prompt(r, i, &n);
		longest = n > longest ? n : longest;
	}
	return longest;
}

size_t rollout_bytes(const struct roller *r, size_t n_draws, size_t n, size_t kept)
{
	const struct sample_opts *o = &r->o.sample;
	const struct pick_opts cut = {o->temperature, o->top_k, o->top_p};
	size_t token = sizeof(uint32_t) + sizeof(float) + pick_bytes(&cut, (size_t)r->p->cfg.vocab);
	int64_t len = r->p->cfg.max_len, most = r->o.sample.max_new;

	return sampler_bytes(r->sampler, rollout_longest(r), n_draws, n) +
	       kept * (sizeof(struct rollout) + (size_t)(most < len ? most : len) * token);
}

void rollout_reset(struct rollouts *r)
{
	r->n = r->n_tok = 0;
	buf_reset(&r->text);
	buf_reset(&r->kept);
}

void rollout_free(struct rollouts *r)
{
	free(r->v);
	free(r->tokens);
	free(r->logprobs);
	buf_free(&r->text);
	buf_free(&r->kept);
	memset(r, 0, sizeof *r);
}

static void make_room(struct rollouts *r, size_t more, size_t more_tok)
{
	if (r->cap - r->n < more) {
		r->cap = r->n + more > 2 * r->cap ? r->n + more : 2 * r->cap;
		r->v = xgrow(r->v, r->cap, sizeof *r->v);
	}
	if (r->cap_tok - r->n_tok < more_tok) {
		r->cap_tok =
			r->n_tok + more_tok > 2 * r->cap_tok ? r->n_tok + more_tok : 2 * r->cap_tok;
		r->tokens = xgrow(r->tokens, r->cap_tok, sizeof *r->tokens);
		r->logprobs = xgrow(r->logprobs, r->cap_tok, sizeof *r->logprobs);
	}
}

void rollout_add(struct rollouts *to, const struct rollouts *from, size_t first, size_t n)
{
	const struct rollout *a = &from->v[first], *z = &from->v[first + n - 1];
	size_t n_tok = z->tok + z->n - a->tok;

	make_room(to, n, n_tok);
	memcpy(to->tokens + to->n_tok, from->tokens + a->tok, n_tok * sizeof *to->tokens);
	memcpy(to->logprobs + to->n_tok, from->logprobs + a->tok, n_tok * sizeof *to->logprobs);
	for (const struct rollout *r = a; r <= z; r++) {
		struct rollout *o = &to->v[to->n++];

		*o = *r;
		o->tok = to->n_tok + (r->tok - a->tok);
		o->text = to->text.n + (r->text - a->text);
		o->kept = to->kept.n + (r->kept - a->kept);
	}
	to->n_tok += n_tok;
	if (z->text + z->n_text > a->text)
		buf_add(&to->text, from->text.p + a->text, z->text + z->n_text - a->text);
	if (z->n_kept)
		buf_add(&to->kept, from->kept.p + a->kept, z->kept + z->n_kept - a->kept);
}

static double mean(const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

/* Copies one sample, which lives until the next sampler_run only, and decodes it. */
static void keep(const struct roller *r, size_t task, size_t index, const struct sample *s,
		 struct rollouts *out)
{
	struct rollout *o;

	make_room(out, 1, s->n);
	o = &out->v[out->n++];
	*o = (struct rollout){.task = task,
			      .tok = out->n_tok,
			      .n = s->n,
			      .text = out->text.n,
			      .kept = out->kept.n,
			      .n_kept = s->kept.n,
			      .sample = (int64_t)index,
			      .stopped = s->stopped,
			      .entropy = mean(s->entropy, s->n)};
	memcpy(out->tokens + o->tok, s->tokens, s->n * sizeof *out->tokens);
	memcpy(out->logprobs + o->tok, s->logprobs, s->n * sizeof *out->logprobs);
	if (s->kept.n)
		buf_add(&out->kept, s->kept.p, s->kept.n);
	out->n_tok += s->n;
	tok_decode(r->p->tok, s->tokens, s->n, false, &out->text);
	o->n_text = out->text.n - o->text;
}

static int judge_all(struct roller *r, struct rollouts *out, size_t from, struct reason *why)
{
	enum profile_part before = profile_to(PROFILE_VERIFY);
	size_t n = out->n - from;
	struct verify_item *items = xcalloc(n, sizeof *items);
	struct verdict *verdicts = xcalloc(n, sizeof *verdicts);
	int st;

	for (size_t i = 0; i < n; i++) {
		const struct rollout *o = &out->v[from + i];
		const struct task *t = &r->tasks->v[o->task];

		items[i] = (struct verify_item){
			.task = span_of(t->id),
			.prompt = prompt_text(&r->prompts, o->task),
			.response = {o->n_text ? out->text.p + o->text : "", o->n_text},
			.answer = span_of(t->answer),
			.meta = {t->meta.n ? (const uint8_t *)t->meta.p : NULL, t->meta.n},
			.verifier = task_verifier(t, r->o.verify.verifier)};
	}
	st = verify_run(r->verifier, items, n, verdicts, why);
	for (size_t i = 0; i < n && !st; i++) {
		out->v[from + i].verdict = verdicts[i];
		out->v[from + i].judged = true;
	}
	free(items);
	free(verdicts);
	profile_to(before);
	return st;
}

struct want { /* what rollout_run is asked for */
	const struct draw *d;
	size_t draws, each;
	uint64_t step;
};

/* Into samples, in order; of ranks, those that this one gets. */
static int sample_all(struct roller *r, const struct want *w, struct sample *samples,
		      struct reason *why)
{
	struct sample_group *groups = xcalloc(w->draws, sizeof *groups);
	enum profile_part before = profile_to(PROFILE_SAMPLE);
	int st;

	for (size_t i = 0; i < w->draws; i++) {
		groups[i] = (struct sample_group){
			.n = w->each, .seed = r->o.seed, .step = w->step, .task = w->d[i].key};
		groups[i].prompt = rollout_prompt(r, w->d[i].task, &groups[i].n_prompt);
	}
	st = rank_count() > 1 ? sampler_run_dealt(r->sampler, groups, w->draws, samples, why)
			      : sampler_run(r->sampler, groups, w->draws, samples, why);
	free(groups);
	profile_to(before);
	return st;
}

/* Samples, and has judged what this rank sampled: which of all that is goes into index. */
static int run_own(struct roller *r, const struct want *w, struct rollouts *out, size_t *index,
		   struct reason *why)
{
	size_t n = w->draws * w->each, done = out->n;
	struct sample *samples = xcalloc(n, sizeof *samples);
	int st = sample_all(r, w, samples, why);

	for (size_t i = 0; i < n && !st; i++) {
		if (!samples[i].n)
			continue;
		index[out->n - done] = i;
		keep(r, w->d[i / w->each].task, i % w->each, &samples[i], out);
	}
	free(samples);
	return st || !r->verifier || out->n == done ? st : judge_all(r, out, done, why);
}

/* ---- what ranks have sampled ---- */

struct part { /* of one rank */
	struct rollouts r;
	size_t *index; /* (r.n) of which of all */
};

/* r, or room for as much, becomes rank `from`'s. */
static void pass_rollouts(struct rollouts *r, int from)
{
	size_t n[4] = {r->n, r->n_tok, r->text.n, r->kept.n};

	rank_broadcast(n, sizeof n, from);
	if (rank_self() != from) {
		r->n = n[0];
		r->n_tok = n[1];
		r->v = xarray(n[0], sizeof *r->v);
		r->tokens = xarray(n[1], sizeof *r->tokens);
		r->logprobs = xarray(n[1], sizeof *r->logprobs);
		buf_reserve(&r->text, n[2]);
		r->text.n = n[2];
		buf_reserve(&r->kept, n[3]);
		r->kept.n = n[3];
	}
	rank_broadcast(r->v, n[0] * sizeof *r->v, from);
	rank_broadcast(r->tokens, n[1] * sizeof *r->tokens, from);
	rank_broadcast(r->logprobs, n[1] * sizeof *r->logprobs, from);
	rank_broadcast(r->text.p, n[2], from);
	rank_broadcast(r->kept.p, n[3], from);
}

/* Appends all, in order. */
static void merge_parts(const struct part *part, size_t n, struct rollouts *all)
{
	struct place {
		const struct rollouts *r;
		size_t i;
	} *at = xcalloc(n, sizeof *at);

	for (int k = 0; k < rank_count(); k++)
		for (size_t i = 0; i < part[k].r.n; i++)
			at[part[k].index[i]] = (struct place){&part[k].r, i};
	for (size_t i = 0; i < n; i++)
		rollout_add(all, at[i].r, at[i].i, 1);
	free(at);
}

/* own: this rank's of the n, which all get. */
static void gather_ranks(struct part own, size_t n, struct rollouts *all)
{
	struct part *part = xcalloc((size_t)rank_count(), sizeof *part);

	part[rank_self()] = own;
	for (int from = 0; from < rank_count(); from++) {
		struct part *p = &part[from];

		pass_rollouts(&p->r, from);
		if (rank_self() != from)
			p->index = xarray(p->r.n, sizeof *p->index);
		rank_broadcast(p->index, p->r.n * sizeof *p->index, from);
		for (size_t i = 0; i < p->r.n && rank_self() != from; i++)
			p->r.v[i].verdict.why = NULL; /* constant text of another process */
	}
	merge_parts(part, n, all);
	for (int k = 0; k < rank_count(); k++) {
		if (k == rank_self())
			continue;
		rollout_free(&part[k].r);
		free(part[k].index);
	}
	free(part);
}

int rollout_run(struct roller *r, const struct draw *d, size_t n_draws, size_t n_each,
		uint64_t step, struct rollouts *out, struct reason *why)
{
	const struct want w = {d, n_draws, n_each, step};
	size_t n = n_draws * n_each;
	struct part own = {.index = xarray(n, sizeof *own.index)};
	int st;

	if (rank_count() == 1) {
		st = run_own(r, &w, out, own.index, why);
	} else {
		st = rank_agree(run_own(r, &w, &own.r, own.index, why), why);
		if (!st)
			gather_ranks(own, n, out);
	}
	rollout_free(&own.r);
	free(own.index);
	return st;
}

struct span rollout_kept(const struct rollouts *r, size_t i)
{
	const struct rollout *o = &r->v[i];

	return o->n_kept ? (struct span){r->kept.p + o->kept, o->n_kept} : (struct span){0};
}

void rollout_traj(const struct roller *r, const struct rollouts *all, size_t i, struct traj *t)
{
	const struct rollout *o = &all->v[i];
	const struct task *task = &r->tasks->v[o->task];
	const char *by = task_verifier(task, r->o.verify.verifier);

	traj_clear(t);
	t->task = span_of(task->id);
	t->prompt = prompt_text(&r->prompts, o->task);
	t->response = (struct span){o->n_text ? all->text.p + o->text : "", o->n_text};
	t->answer = span_of(task->answer);
	t->verifier = span_of(by);
	if (task->meta.n)
		t->meta = (struct mp){(const uint8_t *)task->meta.p, task->meta.n};
	t->prompt_tokens = rollout_prompt(r, o->task, &t->n_prompt_tokens);
	t->tokens = all->tokens + o->tok;
	t->logprobs = all->logprobs + o->tok;
	t->n_tokens = t->n_logprobs = o->n;
	if (o->n_kept <= KEPT_BYTES)
		t->kept = rollout_kept(all, i);
	t->temperature = r->o.sample.temperature;
	t->top_p = r->o.sample.top_p;
	t->top_k = r->o.sample.top_k;
	t->finish = span_of(o->stopped ? "stop" : "length");
	t->sample = o->sample;
	t->entropy = o->entropy;
	if (!o->judged)
		return;
	t->verdict = span_of(verdict_name(o->verdict.code));
	if (o->verdict.code == VERDICT_OK) {
		t->reward = o->verdict.reward;
		if (o->verdict.extracted[0])
			t->extracted = span_of(o->verdict.extracted);
	}
}

void rollout_more(const struct rollouts *all, size_t i, struct traj *t, struct buf *b)
{
	const struct verdict *v = &all->v[i].verdict;
	msgpack_packer pk;

	if (!all->v[i].judged)
		return;
	buf_reset(b);
	pack_init(&pk, b);
	if (v->n_parts) {
		pack_str(&pk, "rewards");
		verdict_pack(v, b);
		t->n_more++;
	}
	if (*v->hindsight) {
		pack_str(&pk, "hindsight");
		pack_str(&pk, v->hindsight);
		t->n_more++;
	}
	t->more = (struct span){b->p, b->n};
}
