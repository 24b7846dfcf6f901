/*
 * policy-score - log-probabilities of a stream's tokens under a policy. See man/policy-score.1.
 */
#include "base/elem.h"
#include "base/mem.h"
#include "base/file.h"
#include "base/par.h"
#include "base/rank.h"
#include "base/tool.h"
#include "learn/batch.h"
#include "rollout/trajids.h"
#include "run/memory.h"
#include "run/options.h"
#include "stream/edit.h"
#include "stream/hold.h"
#include "stream/pack.h"
#include "stream/traj.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { HELD = 256 }; /* records of a rank */

static const char *policy_dir, *stream_file, *compute = "f32", *as = "logprobs", *entropy_key,
					     *perplexity_key;
static int64_t threads, micro_tokens = 2048;
static double temperature;
static bool strict;

static const struct opt opts[] = {
	{'p', "policy", "DIR", OPT_STR | OPT_BY_CONTENT, &policy_dir, 0, 0,
	 "policy whose log-probabilities are wanted"},
	{0, "as", "KEY", OPT_STR, &as, 0, 0,
	 "write them under this key; logprobs: into records that have none"},
	{0, "entropy", "KEY", OPT_STR, &entropy_key, 0, 0,
	 "write the mean entropy of the response's tokens, in nats, under this key"},
	{0, "perplexity", "KEY", OPT_STR, &perplexity_key, 0, 0,
	 "write the response's perplexity under this key"},
	{0, "temperature", "X", OPT_NUM, &temperature, 0, 100,
	 "logits are divided by it; 0: by each record's own, or 1"},
	{0, "stream", "FILE", OPT_STR | OPT_FREE, &stream_file, 0, 0,
	 "write the stream there, not to standard output"},
	OPTION_COMPUTE(compute),
	OPTION_THREADS(threads),
	{0, "micro-tokens", "N", OPT_INT | OPT_FREE, &micro_tokens, 1, 1e9,
	 "tokens that go through the model together: speed and memory"},
	OPT__STRICT(strict),
	{0}};
static const struct tool tool = {"policy-score", "[file ...]",
				 "Adds log-probabilities under a policy to a stream.", opts};

/* A record that waits for its numbers, or for those before it */
struct held {
	struct buf bytes;
	struct traj t; /* points into bytes and mem */
	struct traj_mem mem;
	struct trajids ids;
	bool is_traj, scored, done; /* scored: is to be, done: is */
	size_t at;                  /* of its first number */
};

static struct score {
	struct policy p;
	struct batch *batch;
	struct held *held;
	size_t n, most, n_tok;
	struct seq *seq; /* (most), as held */
	uint64_t *order;
	float *logp, *whole, *entropy; /* whole: logp, of the whole vocabulary */
	size_t cap;
	struct out stream;
	struct rec_out out;
	uint64_t records, scored, had, cut, empty, too_long, tokens;
	double sum; /* of log-probabilities */
} s = {.stream = {.fd = -1}};

static int check_options(void)
{
	static const char *const taken[] = {"task",   "prompt",        "response", "kind",
					    "tokens", "prompt_tokens", "id"};
	const char *keys[] = {as, entropy_key, perplexity_key};

	if (!policy_dir)
		return tool_usage("-p is needed");
	if (options_check_ends(stream_file, NULL))
		return ST_USAGE;
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; keys[i] && k < sizeof taken / sizeof *taken; k++)
			if (strcmp(keys[i], taken[k]) == 0 || !*keys[i])
				return tool_usage("'%s': a record's own key", keys[i]);
		for (size_t k = 0; keys[i] && k < i; k++)
			if (keys[k] && strcmp(keys[i], keys[k]) == 0)
				return tool_usage("'%s' is given twice", keys[i]);
	}
	return options_use_compute(compute);
}

/* ---- what is asked of each record ---- */
static double temperature_of(const struct traj *t)
{
	if (temperature > 0)
		return temperature;
	return t->temperature > 0 ? t->temperature : 1;
}

/* It is not known what the tokens were drawn from. */
static bool is_cut(const struct traj *t)
{
	bool cut = t->top_p < 1 || (t->top_k > 0 && t->top_k < s.p.cfg.vocab); /* absent: NaN, -1 */

	return cut && !t->kept.p && t->temperature != 0;
}

/* Whether a record's log-probabilities are to be written */
static bool wants_logprobs(const struct traj *t)
{
	return strcmp(as, "logprobs") != 0 || (!t->n_logprobs && !is_cut(t));
}

static bool wanted(const struct held *h)
{
	const struct traj *t = &h->t;
	bool ours = strcmp(as, "logprobs") == 0;

	s.had += ours && t->n_logprobs;
	s.cut += ours && !t->n_logprobs && is_cut(t);
	if (!wants_logprobs(t) && !entropy_key && !perplexity_key)
		return false;
	if (h->ids.ids.n == h->ids.n_prompt) {
		s.empty++;
		return false;
	}
	if (h->ids.ids.n > (size_t)s.p.cfg.max_len) {
		s.too_long++;
		return false;
	}
	return true;
}

/* ---- numbers ---- */
static void room(size_t n)
{
	if (n <= s.cap)
		return;
	s.cap = 2 * n;
	s.logp = xgrow(s.logp, s.cap, sizeof *s.logp);
	s.whole = xgrow(s.whole, s.cap, sizeof *s.whole);
	s.entropy = xgrow(s.entropy, s.cap, sizeof *s.entropy);
}

/* From now on the n records in order are as if nothing had been cut; was anything? */
static bool forget_kept(size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct seq *q = &s.seq[s.order[i]];

		any |= q->kept.p != NULL;
		q->kept = (struct span){0};
	}
	return any;
}

/* Scores the held records from the first on that are as hot as it; their numbers begin at `at`.
 * Returns where they end. */
static size_t score_like(size_t first, size_t at)
{
	double hot = temperature_of(&s.held[first].t);
	size_t n = 0, from = at;

	for (size_t i = first; i < s.n; i++) {
		struct held *h = &s.held[i];

		if (!h->scored || h->done || temperature_of(&h->t) != hot)
			continue;
		h->done = true;
		h->at = at;
		at += s.seq[i].n_resp;
		s.order[n++] = i;
	}
	batch_score(s.batch, s.seq, s.order, n, (size_t)micro_tokens, hot, s.logp + from,
		    entropy_key ? s.entropy + from : NULL);
	memcpy(s.whole + from, s.logp + from, (at - from) * sizeof *s.logp);
	if (forget_kept(n))
		batch_score(s.batch, s.seq, s.order, n, (size_t)micro_tokens, hot, s.whole + from,
			    NULL);
	return at;
}

static void score_held(void)
{
	size_t all = 0, at = 0;

	for (size_t i = 0; i < s.n; i++) {
		const struct trajids *k = &s.held[i].ids;
		const struct traj *t = &s.held[i].t;

		if (!s.held[i].scored)
			continue;
		s.seq[i] = (struct seq){.prompt = k->ids.v,
					.resp = k->ids.v + k->n_prompt,
					.n_prompt = k->n_prompt,
					.n_resp = k->ids.n - k->n_prompt};
		if (strcmp(as, "logprobs") == 0 && wants_logprobs(t))
			s.seq[i].kept = t->kept;
		all += s.seq[i].n_resp;
	}
	room(all);
	for (size_t i = 0; i < s.n; i++)
		if (s.held[i].scored && !s.held[i].done)
			at = score_like(i, at);
}

/* ---- records ---- */
enum { PROMPT_TOKENS, TOKENS, LOGPROBS, ENTROPY, PERPLEXITY, ID, KEYS };

static double mean(const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum / (double)n;
}

/* A record without tokens gets those that were scored; its id is about them. */
static void add_tokens(struct held *h, struct buf *value)
{
	const struct trajids *k = &h->ids;
	msgpack_packer pk;
	char id[33];

	if (h->t.n_tokens)
		return;
	h->t.prompt_tokens = k->ids.v;
	h->t.n_prompt_tokens = k->n_prompt;
	h->t.tokens = k->ids.v + k->n_prompt;
	h->t.n_tokens = k->ids.n - k->n_prompt;
	pack_init(&pk, &value[PROMPT_TOKENS]);
	pack_bin(&pk, h->t.prompt_tokens, h->t.n_prompt_tokens * sizeof *k->ids.v);
	pack_init(&pk, &value[TOKENS]);
	pack_bin(&pk, h->t.tokens, h->t.n_tokens * sizeof *k->ids.v);
	if (!h->t.id.p)
		return;
	traj_id(&h->t, id);
	pack_init(&pk, &value[ID]);
	pack_str(&pk, id);
}

static void put_number(struct buf *value, double x)
{
	msgpack_packer pk;

	pack_init(&pk, value);
	pack_float(&pk, (double)(float)x);
}

static void put_scored(struct held *h)
{
	const float *logp = s.logp + h->at, *whole = s.whole + h->at;
	static struct buf value[KEYS], b; /* reused */
	const char *key[KEYS] = {"prompt_tokens", "tokens", as, entropy_key, perplexity_key, "id"};
	struct edit e[KEYS];
	msgpack_packer pk;
	size_t n = 0, len = h->ids.ids.n - h->ids.n_prompt;

	for (size_t i = 0; i < KEYS; i++)
		buf_reset(&value[i]);
	buf_reset(&b);
	pack_init(&pk, &value[LOGPROBS]);
	if (wants_logprobs(&h->t)) {
		add_tokens(h, value);
		pack_bin(&pk, logp, len * sizeof *logp);
	}
	if (entropy_key)
		put_number(&value[ENTROPY], mean(s.entropy + h->at, len));
	if (perplexity_key)
		put_number(&value[PERPLEXITY], elem_exp(-mean(whole, len)));
	for (size_t i = 0; i < KEYS; i++)
		if (value[i].n)
			e[n++] = (struct edit){key[i], {value[i].p, value[i].n}};
	edit_put(&b, (struct mp){(const uint8_t *)h->bytes.p, h->bytes.n}, e, n);
	rec_put(&s.out, b.p, b.n, true);
	s.scored++;
	s.tokens += len;
	s.sum += mean(whole, len) * (double)len;
}

/* What is held, as a number: of nothing, and of the end of all files, another */
static uint64_t held_hash(bool end)
{
	uint64_t sum = end;

	for (size_t i = 0; i < s.n; i++)
		sum = XXH3_64bits_withSeed(s.held[i].bytes.p, s.held[i].bytes.n, sum);
	return sum;
}

/* Ranks read each for itself: here each learns whether all could, and have the same. */
static int meet(int st, bool end, struct reason *why)
{
	st = rank_agree(st, why);
	return st || rank_count() == 1 ? st : rank_same(held_hash(end), "the records", why);
}

/* Scores and writes what is held. */
static int settle(void *ctx, struct reason *why)
{
	int st = meet(0, false, why);

	(void)ctx;
	if (st)
		return st;
	score_held();
	for (size_t i = 0; i < s.n; i++) {
		struct held *h = &s.held[i];

		if (h->scored)
			put_scored(h);
		else
			rec_put(&s.out, h->bytes.p, h->bytes.n, h->is_traj);
	}
	s.n = s.n_tok = 0;
	return out_flush(s.out.o, why);
}

static bool is_full(void *ctx)
{
	(void)ctx;
	return s.n == s.most || s.n_tok >= 4 * (size_t)micro_tokens * (size_t)rank_count();
}

static int hold(void *ctx, const struct rec *r, const char *name, struct reason *why)
{
	struct held *h = &s.held[s.n++];
	struct rec copy = hold_copy(&h->bytes, r);
	struct reason text;

	(void)ctx;
	h->is_traj = r->is_traj;
	h->scored = h->done = false;
	if (!r->is_traj)
		return 0;
	s.records++;
	if (traj_read(&h->t, &copy, name, &h->mem, why))
		return why->status;
	if (traj_unanswered(&h->t)) {
		s.empty++;
		return 0;
	}
	if (trajids_take(&h->ids, &s.p, &h->t, &text))
		return rec_fail(why, name, r, "%s", text.text);
	h->scored = wanted(h);
	s.n_tok += h->scored ? h->ids.ids.n : 0;
	return 0;
}

static int score_all(char *files[], struct reason *why)
{
	struct hold h = {.take = hold,
			 .full = is_full,
			 .settle = settle,
			 .out = &s.out,
			 .flags = strict ? REC_STRICT : 0,
			 .patient = rank_count() > 1};
	int st = meet(hold_files(&h, files, why), true, why);

	if (!st)
		rec_finish(&s.out);
	return st;
}

static void summary(void)
{
	msg_info("%" PRIu64 " of %" PRIu64 " trajectories scored: %" PRIu64
		 " tokens, perplexity %.4f",
		 s.scored, s.records, s.tokens, elem_exp(-s.sum / (double)s.tokens));
	if (s.had)
		msg_info("%" PRIu64 " have logprobs already and keep them", s.had);
	if (s.cut)
		msg_warn("%" PRIu64 " were drawn with top-p or top-k: what they were drawn with "
			 "is not known, and they get no logprobs (under another name, by --as, "
			 "they get the whole distribution's)",
			 s.cut);
	if (s.empty)
		msg_info("%" PRIu64 " have an empty response", s.empty);
	if (s.too_long)
		msg_warn("%" PRIu64 " are longer than the policy's %lld positions and are passed "
			 "on as they are",
			 s.too_long, (long long)s.p.cfg.max_len);
}

/* --stream, and of other ranks than 0 nothing at all */
static int open_stream(char *const *files, struct reason *why)
{
	int st = 0;

	for (char *const *f = files; *f && !st; f++)
		if (file_clash(*f, stream_file))
			st = fail(why, ST_USAGE, "%s: input and output are the same file", *f);
	if (!st && stream_file)
		st = file_open_at(&s.stream, rank_self() ? "/dev/null" : stream_file, 0, why);
	return st || !stream_file ? st : file_cut(&s.stream, why);
}

static void make_room_for_records(void)
{
	s.most = HELD * (size_t)rank_count();
	s.held = xcalloc(s.most, sizeof *s.held);
	s.seq = xcalloc(s.most, sizeof *s.seq);
	s.order = xcalloc(s.most, sizeof *s.order);
}

static int plan(struct reason *why)
{
	struct memory need = {.weights = model_bytes(&s.p.model)};
	char text[MEMORY_TEXT];
	size_t longest = (size_t)s.p.cfg.max_len;

	s.batch = batch_new(&s.p.model, false);
	longest = longest < (size_t)micro_tokens ? longest : (size_t)micro_tokens;
	need.activations = batch_bytes(s.batch, (size_t)micro_tokens, longest, false);
	if (memory_check(&need, why))
		return why->status;
	if (rank_count() > 1)
		msg_info("memory: %s", memory_text(&need, text));
	return 0;
}

static int start(char *const *files, struct reason *why)
{
	int st = open_stream(files, why);

	make_room_for_records();
	rec_out_init(&s.out, stream_file ? &s.stream : out_stdout(), 0);
	if (!st)
		st = policy_load_as(&s.p, policy_dir, model_how(compute) | WEIGHTS_LEAN, why);
	st = rank_agree(st, why);
	if (!st && rank_count() > 1)
		st = rank_same(model_hash(&s.p.model), "the weights of --policy", why);
	return st ? st : plan(why);
}

static void end(void)
{
	batch_free(s.batch);
	policy_free(&s.p);
	rec_out_free(&s.out);
	free(s.logp);
	free(s.whole);
	free(s.entropy);
	for (size_t i = 0; i < s.most; i++) {
		buf_free(&s.held[i].bytes);
		traj_mem_free(&s.held[i].mem);
		trajids_free(&s.held[i].ids);
	}
	free(s.held);
	free(s.seq);
	free(s.order);
}

int main(int argc, char *argv[])
{
	struct reason why = {0};
	int i = tool_start(&tool, argc, argv), ranks = rank_start(&why), st;

	if (ranks)
		return rank_end(tool_finish(msg_reason(&why)));
	st = check_options();
	st = rank_agree(st ? st : options_check_files(argc - i, argv + i), &why);
	if (st)
		return rank_end(tool_finish(st));
	par_start((int)threads);
	st = start(argv + i, &why);
	if (!st)
		st = score_all(argv + i, &why);
	if (st && st != ST_USAGE && s.out.o->fd >= 0)
		rec_put_head(&s.out); /* and no end: a reader sees that it failed */
	if (s.stream.fd >= 0 && out_close(&s.stream, st ? NULL : &why) && !st)
		st = why.status;
	st = rank_agree(st, &why);
	if (st)
		msg_reason(&why);
	else
		summary();
	end();
	par_stop();
	return rank_end(tool_finish(st));
}
