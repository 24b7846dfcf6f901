/* relabel.c - wrong responses as right ones to what they do solve. See relabel.h. */
#include "rollout/relabel.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/set.h"
#include "kinds/gen.h"
#include "stream/edit.h"
#include "stream/pack.h"
#include "task/taskleak.h"
#include "verify/verify.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct relabel {
	const struct policy *p; /* NULL: none */
	uint64_t per_task;      /* 0: any number */
	struct verifier *verifier;
	struct names held_id, held_text;
	struct set made; /* task, prompt and response of each */
	struct names problem;
	uint64_t *count; /* of records of each problem */
	size_t n_count;

	/* of the present record */
	struct problem old, new[2]; /* the new one's prompt as symbols and in words */
	struct buf id, prompt, text;
	struct ids ids, other;
};

static struct span span_of(const struct buf *b)
{
	return (struct span){b->p, b->n};
}

static struct span of_text(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

static struct mp meta_of(const struct buf *b)
{
	return (struct mp){(const uint8_t *)b->p, b->n};
}

struct relabel *relabel_new(const struct policy *p, int64_t per_task, struct reason *why)
{
	struct verify_opts o = VERIFY_OPTS_DEFAULT;
	struct relabel *r = xcalloc(1, sizeof *r);

	r->p = p;
	r->per_task = (uint64_t)per_task;
	r->verifier = verify_open(&o, why);
	if (r->verifier)
		return r;
	relabel_free(r);
	return NULL;
}

void relabel_free(struct relabel *r)
{
	if (!r)
		return;
	verify_close(r->verifier);
	names_free(&r->held_id);
	names_free(&r->held_text);
	names_free(&r->problem);
	set_free(&r->made);
	free(r->count);
	gen_problem_free(&r->old);
	gen_problem_free(&r->new[0]);
	gen_problem_free(&r->new[1]);
	buf_free(&r->id);
	buf_free(&r->prompt);
	buf_free(&r->text);
	free(r->ids.v);
	free(r->other.v);
	free(r);
}

size_t relabel_problems(const struct relabel *r)
{
	return r->problem.n;
}

/* ---- what may not be learned ---- */

static void hold_out_one(struct relabel *r, const struct task *t)
{
	const char *by = task_verifier(t, NULL);
	const struct kind *k = by ? gen_kind(of_text(by)) : NULL;
	struct verify_item it = {.answer = of_text(t->answer)};

	if (t->meta.n)
		it.meta = meta_of(&t->meta);
	names_id(&r->held_id, of_text(t->id));
	if (k && gen_name(k, &it, &r->id))
		names_id(&r->held_id, span_of(&r->id));
	taskleak_text(&r->text, t);
	if (r->text.n)
		names_id(&r->held_text, span_of(&r->text));
}

void relabel_hold_out(struct relabel *r, const struct task_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		hold_out_one(r, &s->v[i]);
}

static bool is_held_text(struct relabel *r, struct problem *p)
{
	const struct task t = {.prompt = (char *)buf_cstr(&p->prompt)};

	taskleak_text(&r->text, &t);
	return names_find(&r->held_text, span_of(&r->text)) != (size_t)-1;
}

static bool is_held_out(struct relabel *r, struct span id)
{
	return names_find(&r->held_id, id) != (size_t)-1 || is_held_text(r, &r->new[0]) ||
	       is_held_text(r, &r->new[1]);
}

/* ---- the new problem and its prompt ---- */

static bool read_problem(const struct kind *k, struct span key, bool words, struct problem *p)
{
	gen_problem_reset(p);
	return k->problem && k->problem(p, key, words);
}

static int read_new(struct relabel *r, struct span id, const struct kind **kind, struct reason *why)
{
	struct span key;
	const struct kind *k = *kind = gen_named(id, &key);

	if (!k || !read_problem(k, key, false, &r->new[0]) ||
	    !read_problem(k, key, true, &r->new[1]))
		return fail(why, ST_INPUT, "hindsight: no problem of a generated kind: %.*s",
			    (int)(id.n < 120 ? id.n : 120), id.p);
	return 0;
}

/* The record's prompt with the new problem where the old one stands. False: it stands nowhere. */
static bool write_prompt(struct relabel *r, const struct kind *k, const struct traj *t)
{
	const struct verify_item it = {.answer = t->answer, .meta = t->meta};
	struct span key;

	if (!gen_name(k, &it, &r->id))
		return false;
	gen_named(span_of(&r->id), &key);
	for (int words = 0; words < 2; words++) {
		struct span old;

		if (!read_problem(k, key, words, &r->old))
			return false;
		old = span_of(&r->old.prompt);
		if (!t->prompt.n || !memmem(t->prompt.p, t->prompt.n, old.p, old.n))
			continue;
		buf_reset(&r->prompt);
		buf_replaced(&r->prompt, t->prompt, old, span_of(&r->new[words].prompt));
		return true;
	}
	return false;
}

/* ---- its tokens ---- */

static bool is_encoded(struct relabel *r, const struct traj *t, bool special)
{
	size_t n = t->n_prompt_tokens;

	r->other.n = 0;
	return !tok_encode(r->p->tok, t->prompt.p, t->prompt.n, special, &r->other, NULL) &&
	       r->other.n == n && !memcmp(r->other.v, t->prompt_tokens, n * sizeof *r->other.v);
}

/* Of the new prompt, as those of the old one came to be: behind a BOS, or not where a chat template
 * has its own. */
static int encode_prompt(struct relabel *r, const struct traj *t, struct reason *why)
{
	bool special = true;

	r->ids.n = 0;
	if (!r->p || !t->n_prompt_tokens)
		return 0;
	if (!is_encoded(r, t, true) && is_encoded(r, t, false))
		special = false;
	else if (!is_encoded(r, t, true))
		return fail(why, ST_INPUT,
			    "prompt_tokens are not those of prompt in the policy's tokenizer");
	return tok_encode(r->p->tok, r->prompt.p, r->prompt.n, special, &r->ids, why)
		       ? fail_prefix(why, "prompt")
		       : 0;
}

/* ---- the new record ---- */

/* As with those of traj_write: little-endian */
static void pack_ids(struct buf *b, const struct ids *ids)
{
	msgpack_packer pk;

	pack_init(&pk, b);
	msgpack_pack_bin(&pk, 4 * ids->n);
	for (size_t i = 0; i < ids->n; i++) {
		uint32_t le = htole32(ids->v[i]);

		msgpack_pack_bin_body(&pk, &le, sizeof le);
	}
}

static void pack_span(struct buf *b, struct span s)
{
	msgpack_packer pk;

	pack_init(&pk, b);
	pack_text(&pk, s);
}

/* What of the record becomes what; behind WENT all that was measured for the old problem goes. */
enum { TASK, PROMPT, ID, ANSWER, VERIFIER, META, PROMPT_TOKENS, REWARD, VERDICT, RELABELLED, WENT };
static const char *const edited[] = {
	"task",      "prompt",  "id",         "answer",   "verifier",     "meta", "prompt_tokens",
	"reward",    "verdict", "relabelled", "logprobs", "ref_logprobs", "kept", "sample",
	"advantage", "used",    "entropy",    "rewards",  "hindsight",    "why"};
enum { EDITS = sizeof edited / sizeof *edited };

static void pack_values(struct relabel *r, const struct traj *t, const struct kind *k,
			const struct traj *now, struct buf value[WENT])
{
	msgpack_packer pk;
	char hex[33];

	traj_id(now, hex);
	pack_span(&value[TASK], now->task);
	pack_span(&value[PROMPT], now->prompt);
	pack_span(&value[ID], of_text(hex));
	pack_span(&value[ANSWER], span_of(&r->new[0].answer));
	pack_span(&value[VERIFIER], of_text(k->name));
	buf_add(&value[META], r->new[0].meta.p, r->new[0].meta.n);
	if (r->ids.n)
		pack_ids(&value[PROMPT_TOKENS], &r->ids);
	pack_init(&pk, &value[REWARD]);
	pack_float(&pk, 1);
	pack_span(&value[VERDICT], of_text(verdict_name(VERDICT_OK)));
	pack_span(&value[RELABELLED], t->task);
}

static void write_record(struct relabel *r, const struct traj *t, struct mp map,
			 const struct kind *k, const struct traj *now, struct buf *made)
{
	struct buf value[WENT] = {0};
	struct edit e[EDITS];

	pack_values(r, t, k, now, value);
	for (size_t i = 0; i < EDITS; i++)
		e[i] = (struct edit){edited[i], i < WENT ? span_of(&value[i]) : (struct span){0}};
	edit_put(made, map, e, EDITS);
	for (size_t i = 0; i < WENT; i++)
		buf_free(&value[i]);
}

/* Whatever said so: is the response right for the new problem? */
static int verify_again(struct relabel *r, const struct kind *k, const struct traj *now,
			struct reason *why)
{
	const struct verify_item it = {.task = now->task,
				       .prompt = now->prompt,
				       .response = now->response,
				       .answer = span_of(&r->new[0].answer),
				       .meta = meta_of(&r->new[0].meta),
				       .verifier = k->name};
	struct verdict v;

	if (verify_run(r->verifier, &it, 1, &v, why))
		return why->status;
	return v.code == VERDICT_OK && v.reward == 1
		       ? 0
		       : fail(why, ST_INPUT, "hindsight: the response does not solve %.*s",
			      (int)(now->task.n < 120 ? now->task.n : 120), now->task.p);
}

/* Whether it is one too many */
static enum relabel_end count_in(struct relabel *r, const struct traj *now)
{
	uint64_t key[2];
	size_t id;

	traj_solution(now, key);
	if (!set_add_hash(&r->made, key))
		return RELABEL_COPY;
	id = names_id(&r->problem, now->task);
	r->count = names_room(r->count, &r->n_count, id, sizeof *r->count);
	if (r->per_task && r->count[id] >= r->per_task)
		return RELABEL_CAPPED;
	r->count[id]++;
	return RELABEL_DONE;
}

int relabel_one(struct relabel *r, const struct traj *t, struct mp map, enum relabel_end *end,
		struct buf *made, struct reason *why)
{
	struct mp hindsight = mp_get(map, "hindsight");
	const struct kind *k;
	struct traj now = *t;

	*end = RELABEL_NONE;
	buf_reset(made);
	if (!hindsight.p || mp_type(hindsight) == MP_NIL)
		return 0;
	if (!mp_str(hindsight, &now.task))
		return fail(why, ST_INPUT, "hindsight: not the name of a problem");
	if (read_new(r, now.task, &k, why))
		return why->status;
	*end = RELABEL_FOREIGN;
	if (!write_prompt(r, k, t))
		return 0;
	now.prompt = span_of(&r->prompt);
	if (verify_again(r, k, &now, why))
		return why->status;
	*end = is_held_out(r, now.task) ? RELABEL_HELD_OUT : count_in(r, &now);
	if (*end != RELABEL_DONE)
		return 0;
	if (encode_prompt(r, t, why))
		return why->status;
	write_record(r, t, map, k, &now, made);
	return 0;
}
