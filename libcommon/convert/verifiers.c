/*
 * verifiers.c - traces of verifiers, which prime-rl writes as traces.jsonl: episodes of traces,
 * each a tree of messages of which some were sampled.
 *
 * Read are traces of one turn: no sampled message has a sampled one before it; siblings are samples
 * of one prompt. Log-probs are rounded to four digits in the file, so they stay there. The key of a
 * task does not name a prompt (an agent adds what it likes): a problem is called after its prompt.
 */
#include "convert/fromrow.h"

#include <math.h>
#include <string.h>

enum { MAX_CHAIN = 4096 };

struct trace {
	struct tape_val episode, v, nodes;
	uint32_t n_nodes, n_sampled;
};

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "traces")) == TAPE_ARRAY ||
	       (tape_type(tape_get(row, "nodes")) == TAPE_ARRAY &&
		!tape_none(tape_get(row, "agent")));
}

static bool is_sampled(struct tape_val node)
{
	return tape_type(tape_get(node, "sampled")) == TAPE_TRUE;
}

/* The node before it; false: it is a first one */
static bool parent_of(const struct trace *t, uint32_t i, uint32_t *parent)
{
	int64_t p;

	if (!tape_i64(tape_get(tape_at(t->nodes, i), "parent"), &p) || p < 0 || p >= i)
		return false;
	*parent = (uint32_t)p;
	return true;
}

/* ---- the prompt ---- */

/* Nodes from the first one to the parent of i, in order; how many. SIZE_MAX: one was sampled. */
static size_t chain_to(const struct trace *t, uint32_t i, uint32_t *chain)
{
	size_t n = 0;

	while (n < MAX_CHAIN && parent_of(t, i, &i)) {
		if (is_sampled(tape_at(t->nodes, i)))
			return SIZE_MAX;
		chain[n++] = i;
	}
	for (size_t a = 0; a < n / 2; a++) {
		uint32_t x = chain[a];

		chain[a] = chain[n - 1 - a];
		chain[n - 1 - a] = x;
	}
	return n;
}

static int read_messages(struct from *f, struct sample *s, const struct trace *t,
			 const uint32_t *chain, size_t n)
{
	struct buf b = {0};
	int st = 0;

	for (size_t i = 0; !st && i < n; i++)
		st = from_message(f, &b, tape_get(tape_at(t->nodes, chain[i]), "message"));
	if (!st && n)
		st = from_turns(f, s, &b);
	buf_free(&b);
	return st;
}

static uint32_t n_ids(const struct trace *t, uint32_t i)
{
	return tape_count(tape_get(tape_at(t->nodes, i), "token_ids"));
}

/* How many ids of the node were put in front of what was sampled, and how many were sampled; false:
 * the others do not stand around them, or it has no ids. */
static bool drawn_part(const struct trace *t, uint32_t i, uint32_t *before, uint32_t *drawn)
{
	struct tape_iter it = tape_walk(tape_get(tape_at(t->nodes, i), "mask"));
	struct tape_val none, v;
	int state = 0; /* before, in, behind */

	*before = *drawn = 0;
	if (!n_ids(t, i) || (it.left && it.left != n_ids(t, i)))
		return false;
	if (!it.left)
		*drawn = n_ids(t, i);
	while (tape_next(&it, &none, &v)) {
		bool is = tape_type(v) == TAPE_TRUE;

		if (is && state == 2)
			return false;
		state = is ? 1 : state == 1 ? 2 : state;
		*before += state == 0;
		*drawn += is;
	}
	return true;
}

static int read_ids(struct from *f, struct traj *t, const struct trace *tr, uint32_t node,
		    const uint32_t *chain, size_t n)
{
	uint32_t before, drawn, all = 0, *ids;
	const uint32_t *one = NULL;
	size_t count, at = 0;
	int st = 0;

	if (!drawn_part(tr, node, &before, &drawn))
		return 0;
	for (size_t i = 0; i < n; i++) {
		all += n_ids(tr, chain[i]);
		if (!n_ids(tr, chain[i]))
			return 0;
	}
	ids = from_mem(f, 4 * ((size_t)all + before));
	for (size_t i = 0; !st && i <= n; i++) {
		st = from_ids(f, tape_get(tape_at(tr->nodes, i < n ? chain[i] : node), "token_ids"),
			      "token_ids", &one, &count);
		count = i < n ? count : before;
		if (!st && count)
			memcpy(ids + at, one, 4 * count);
		at += count;
	}
	t->prompt_tokens = ids;
	t->n_prompt_tokens = at;
	t->tokens = one + before;
	t->n_tokens = drawn;
	return st;
}

/* ---- the answer ---- */

/* The call that made the node */
static struct tape_val call_of(const struct trace *t, uint32_t node)
{
	struct tape_iter it = tape_walk(tape_get(t->v, "calls"));
	struct tape_val none, call;
	int64_t i;

	while (tape_next(&it, &none, &call))
		if (tape_i64(tape_get(call, "node"), &i) && i == node)
			return call;
	return (struct tape_val){0};
}

/* False: no sample */
static bool read_call(struct from *f, struct traj *t, struct tape_val call)
{
	struct tape_val how = tape_get(call, "sampling");
	struct span reason = from_maybe(call, "finish_reason");

	tape_f64(tape_get(how, "temperature"), &t->temperature);
	tape_f64(tape_get(how, "top_p"), &t->top_p);
	if (span_is(reason, "length") ||
	    (span_is(reason, "stop") && tape_none(tape_get(how, "stop")))) {
		t->finish = reason;
	} else if (reason.p && !span_is(reason, "stop")) {
		from_skipped(f, span_is(reason, "tool_calls")
					? "answers that call tools"
					: "answers that did not come to an end");
		return false;
	}
	return true;
}

/* The sum of the parts, each with its weight; NaN: one has no value. */
static double weighted(struct tape_val parts)
{
	struct tape_iter it = tape_walk(parts);
	struct tape_val key, v;
	double sum = it.left ? 0 : NAN, score, weight;

	while (tape_next(&it, &key, &v)) {
		score = NAN;
		weight = 1;
		tape_f64(tape_type(v) == TAPE_OBJECT ? tape_get(v, "score") : v, &score);
		tape_f64(tape_get(v, "weight"), &weight);
		sum += score * weight;
	}
	return sum;
}

static int read_reward(struct from *f, struct sample *s, const struct trace *t)
{
	struct tape_val parts = tape_get(t->v, "rewards"), part;
	const char *name = f->o->reward;

	if (t->n_sampled > 1) {
		if (tape_count(parts))
			from_lost(f, "no reward: it is that of several answers");
		return 0;
	}
	if (name && strcmp(name, "sum") != 0) {
		part = tape_get(parts, name);
		f->reward_seen |= tape_type(part) != TAPE_NONE;
		return tape_type(part) == TAPE_OBJECT ? from_num(f, part, "score", &s->t.reward)
						      : from_num(f, parts, name, &s->t.reward);
	}
	f->reward_seen = true;
	if (name || tape_count(parts) == 1)
		s->t.reward = weighted(parts);
	else if (tape_count(parts))
		from_lost(f, "no reward: it has several parts: --reward NAME, or sum for all with "
			     "their weights");
	return 0;
}

static void read_failure(struct traj *t, const struct trace *tr)
{
	if (tape_type(tape_get(tr->v, "is_timeout")) == TAPE_TRUE ||
	    tape_type(tape_get(tr->episode, "is_timeout")) == TAPE_TRUE)
		t->verdict = (struct span){"timeout", 7};
	else if (tape_type(tape_get(tr->v, "ok")) == TAPE_FALSE ||
		 tape_type(tape_get(tr->episode, "ok")) == TAPE_FALSE)
		t->verdict = (struct span){"exit", 4};
}

static void read_others(struct from *f, struct sample *s, const struct trace *t)
{
	struct tape_val task = tape_get(t->v, "task"), data = tape_get(task, "data"),
			work = tape_get(tape_get(t->episode, "run"), "work");

	if (tape_none(tape_get(data, "answer")))
		data = tape_get(tape_get(t->episode, "task"), "data");
	s->t.answer = from_answer(f, tape_get(data, "answer"));
	from_meta(f, s, "key", tape_get(task, "key"));
	from_meta(f, s, "env", tape_get(tape_get(t->episode, "env"), "id"));
	from_meta(f, s, "group", tape_get(tape_get(t->episode, "group"), "id"));
	from_meta(f, s, "policy", tape_get(work, "policy"));
	from_meta(f, s, "rewards", tape_get(t->v, "rewards"));
	from_meta(f, s, "metrics", tape_get(t->v, "metrics"));
	from_meta(f, s, "stop_condition", tape_get(t->v, "stop_condition"));
}

/* ---- traces ---- */

static int fill(struct from *f, struct sample *s, const struct trace *t, uint32_t node)
{
	struct tape_val one = tape_at(t->nodes, node);
	struct tape_val work = tape_get(tape_get(t->episode, "run"), "work");
	uint32_t *chain = from_mem(f, 4 * MAX_CHAIN);
	size_t n = chain_to(t, node, chain);
	int st = read_messages(f, s, t, chain, n);

	if (!st)
		st = read_ids(f, &s->t, t, node, chain, n);
	if (!st)
		st = read_reward(f, s, t);
	if (!st)
		st = from_int(f, work, "step", &s->t.step);
	read_failure(&s->t, t);
	read_others(f, s, t);
	if (tape_count(tape_get(one, "logprobs")))
		from_lost(f, "log-probs left out: the file has them rounded to four digits");
	return st;
}

static int put_node(struct from *f, const struct trace *t, uint32_t node)
{
	struct tape_val message = tape_get(tape_at(t->nodes, node), "message");
	struct sample s;
	int st;

	from_sample(&s);
	s.t.response = from_maybe(message, "content");
	if (tape_count(tape_get(message, "tool_calls")) || !s.t.response.p) {
		from_skipped(f, "answers that call tools");
		return 0;
	}
	if (!read_call(f, &s.t, call_of(t, node)))
		return 0;
	st = fill(f, &s, t, node);
	if (!st)
		st = from_put(f, &s);
	from_sample_free(f, &s);
	return st;
}

/* One turn? And how many answers are there? */
static bool one_turn(struct from *f, struct trace *t)
{
	uint32_t *chain = from_mem(f, 4 * MAX_CHAIN);

	for (uint32_t i = 0; i < t->n_nodes; i++) {
		if (!is_sampled(tape_at(t->nodes, i)))
			continue;
		t->n_sampled++;
		if (chain_to(t, i, chain) == SIZE_MAX)
			return false;
	}
	return true;
}

static int put_trace(struct from *f, struct tape_val episode, struct tape_val v)
{
	struct trace t = {.episode = episode, .v = v, .nodes = tape_get(v, "nodes")};
	int st = 0;

	t.n_nodes = tape_count(t.nodes);
	if (tape_type(tape_get(tape_get(v, "agent"), "trainable")) == TAPE_FALSE)
		from_skipped(f, "traces of agents that are not trained");
	else if (!one_turn(f, &t))
		from_skipped(f, "traces of several turns");
	else if (!t.n_sampled)
		from_skipped(f, "runs that failed before an answer");
	else
		for (uint32_t i = 0; !st && i < t.n_nodes; i++)
			if (is_sampled(tape_at(t.nodes, i)))
				st = put_node(f, &t, i);
	return st;
}

static int verifiers_read(struct from *f, struct tape_val row)
{
	struct tape_val traces = tape_get(row, "traces"), none, v;
	struct tape_iter it = tape_walk(traces);
	int st = 0;

	if (tape_type(traces) != TAPE_ARRAY && tape_type(tape_get(row, "nodes")) == TAPE_ARRAY)
		return put_trace(f, row, row);
	if (tape_type(traces) != TAPE_ARRAY)
		return from_bad(f, "traces", "missing");
	if (!it.left)
		from_skipped(f, "runs that failed before an answer");
	while (!st && tape_next(&it, &none, &v))
		st = put_trace(f, row, v);
	return st;
}

const struct format verifiers_format = {
	.name = "verifiers",
	.what = "traces of verifiers and prime-rl, those of one turn",
	.looks = looks,
	.read = verifiers_read,
};
