/*
 * relabel.c - any hindsight in any record: it is refused with a reason, or left out, or what comes
 * of it is one whole record of a problem whose judge takes the response, once. Of hindsight that
 * the verifier says, none is refused. Input: name of the problem that is solved (empty: what the
 * verifier says), task's name, prompt, answer, response, each up to a NUL, then edges, or numbers
 * as bytes.
 */
#include "common/fuzz.h"

#include "kinds/gen.h"
#include "rollout/relabel.h"
#include "stream/pack.h"
#include "verify/verify.h"

#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 200, 0};

static void pack_pair(msgpack_packer *pk, const char *key, struct span value)
{
	pack_str(pk, key);
	pack_text(pk, value);
}

static void pack_meta(struct buf *b, const struct kind *k, struct span givens)
{
	msgpack_packer pk;

	pack_init(&pk, b);
	msgpack_pack_map(&pk, 1);
	if (k == &kind_path) {
		pack_pair(&pk, "edges", givens);
		return;
	}
	pack_str(&pk, "numbers");
	msgpack_pack_array(&pk, givens.n);
	for (size_t i = 0; i < givens.n; i++)
		msgpack_pack_int64(&pk, givens.p[i]);
}

static void pack_record(struct buf *b, const struct verify_item *it, struct span hindsight)
{
	msgpack_packer pk;

	pack_init(&pk, b);
	msgpack_pack_map(&pk, 8);
	pack_pair(&pk, "hindsight", hindsight);
	pack_pair(&pk, "task", it->task);
	pack_pair(&pk, "prompt", it->prompt);
	pack_pair(&pk, "answer", it->answer);
	pack_pair(&pk, "response", it->response);
	pack_str(&pk, "reward");
	pack_float(&pk, 0);
	pack_pair(&pk, "own", it->task);
	pack_str(&pk, "meta");
	buf_add(b, it->meta.p, it->meta.n);
}

/* The record of bytes b as a trajectory */
static struct traj decoded(struct buf *b, struct traj_mem *mem)
{
	struct rec rec = {.map = {(const uint8_t *)b->p, b->n}, .is_traj = true};
	struct traj t;
	size_t len;

	MUST(mp_skim(b->p, b->n, &len) == MP_OK && len == b->n);
	MUST(!traj_read(&t, &rec, "record", mem, NULL));
	return t;
}

static bool judge(const struct verify_item *it, struct verdict *v)
{
	static struct verifier *verifier;
	struct verify_opts o = VERIFY_OPTS_DEFAULT;

	o.hindsight = true;
	if (!verifier)
		verifier = verify_open(&o, NULL);
	return !verify_run(verifier, it, 1, v, NULL);
}

static void check_made(struct buf *made, const struct verify_item *it)
{
	struct traj_mem mem = {0};
	struct traj t = decoded(made, &mem);
	struct span key, own;
	const struct kind *k = gen_named(t.task, &key);
	struct verdict v = {0};

	MUST(k && span_is(t.verifier, k->name) && t.reward == 1);
	MUST(span_eq(t.response, it->response) &&
	     !mp_get((struct mp){(uint8_t *)made->p, made->n}, "hindsight").p);
	MUST(mp_bytes(mp_get((struct mp){(uint8_t *)made->p, made->n}, "relabelled"), &own) &&
	     span_eq(own, it->task));
	judge(&(struct verify_item){.prompt = t.prompt,
				    .response = t.response,
				    .answer = t.answer,
				    .meta = t.meta,
				    .verifier = k->name},
	      &v);
	MUST(v.reward == 1);
	traj_mem_free(&mem);
}

static void relabel(const struct verify_item *it, struct span hindsight, bool own)
{
	struct relabel *r = relabel_new(NULL, 0, NULL);
	struct buf record = {0}, made = {0};
	struct traj_mem mem = {0};
	struct reason why = {0};
	enum relabel_end end;
	struct traj t;
	int st;

	pack_record(&record, it, hindsight);
	t = decoded(&record, &mem);
	st = relabel_one(r, &t, (struct mp){(uint8_t *)record.p, record.n}, &end, &made, &why);
	MUST(!st || (st == ST_INPUT && why.text[0] && !own));
	if (!st && end == RELABEL_DONE) {
		check_made(&made, it);
		st = relabel_one(r, &t, (struct mp){(uint8_t *)record.p, record.n}, &end, &made,
				 &why);
		MUST(!st && end == RELABEL_COPY);
	}
	relabel_free(r);
	traj_mem_free(&mem);
	buf_free(&record);
	buf_free(&made);
}

/* What its verifier says that the response solves */
static struct span looked_back(const struct verify_item *it, struct verdict *v)
{
	if (!judge(it, v))
		return (struct span){0};
	MUST(v->reward == 0 || !*v->hindsight);
	return (struct span){v->hindsight, strlen(v->hindsight)};
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span rest = {(const char *)p, n}, hindsight = fuzz_cut(&rest, '\0'), key;
	struct verify_item it = {.task = fuzz_cut(&rest, '\0')};
	const struct kind *k = gen_named(it.task, &key);
	struct buf meta = {0};
	struct verdict v = {0};
	bool own = !hindsight.n;

	it.prompt = fuzz_cut(&rest, '\0');
	it.answer = fuzz_cut(&rest, '\0');
	it.response = fuzz_cut(&rest, '\0');
	pack_meta(&meta, k, rest);
	it.meta = (struct mp){(const uint8_t *)meta.p, meta.n};
	it.verifier = k ? k->name : NULL;
	if (own && k)
		hindsight = looked_back(&it, &v);
	if (hindsight.n)
		relabel(&it, hindsight, own);
	buf_free(&meta);
}
