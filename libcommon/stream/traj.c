/* traj.c - one trajectory as a struct: its fields, written by msgpack-c's packer. See traj.h. */
#include "stream/traj.h"
#include "base/hash.h"
#include "stream/pack.h"
#include "stream/trajfield.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>
#include <xxhash.h>

/* Every key, in canonical order. */
#define AT(field) offsetof(struct traj, field)
#define KEY(name) name, sizeof name - 1
const struct field traj_fields[TRAJ_FIELDS] = {
	{KEY("kind"), F_KIND, 0, 0},
	{KEY("task"), F_BYTES, AT(task), 0},
	{KEY("prompt"), F_BYTES, AT(prompt), 0},
	{KEY("response"), F_BYTES, AT(response), 0},
	{KEY("id"), F_BYTES, AT(id), 0},
	{KEY("answer"), F_BYTES, AT(answer), 0},
	{KEY("verifier"), F_BYTES, AT(verifier), 0},
	{KEY("meta"), F_MAP, AT(meta), 0},
	{KEY("prompt_tokens"), F_TOKENS, AT(prompt_tokens), AT(n_prompt_tokens)},
	{KEY("tokens"), F_TOKENS, AT(tokens), AT(n_tokens)},
	{KEY("logprobs"), F_FLOATS, AT(logprobs), AT(n_logprobs)},
	{KEY("kept"), F_KEPT, AT(kept), 0},
	{KEY("temperature"), F_NUM, AT(temperature), 0},
	{KEY("top_p"), F_NUM, AT(top_p), 0},
	{KEY("top_k"), F_INT, AT(top_k), 0},
	{KEY("finish"), F_BYTES, AT(finish), 0},
	{KEY("sample"), F_INT, AT(sample), 0},
	{KEY("step"), F_INT, AT(step), 0},
	{KEY("iter"), F_INT, AT(iter), 0},
	{KEY("policy"), F_BYTES, AT(policy), 0},
	{KEY("reward"), F_NUM, AT(reward), 0},
	{KEY("verdict"), F_BYTES, AT(verdict), 0},
	{KEY("extracted"), F_BYTES, AT(extracted), 0},
	{KEY("advantage"), F_NUM, AT(advantage), 0},
	{KEY("used"), F_BOOL, AT(used), 0},
	{KEY("entropy"), F_NUM, AT(entropy), 0},
};

void traj_clear(struct traj *t)
{
	*t = (struct traj){.temperature = NAN,
			   .top_p = NAN,
			   .reward = NAN,
			   .advantage = NAN,
			   .entropy = NAN,
			   .top_k = -1,
			   .sample = -1,
			   .step = -1,
			   .iter = -1,
			   .used = -1};
}

/* ---- writing ---- */

void traj_copy_words(void *to, const void *from, size_t n)
{
	assert(!n || (to && from));
	for (size_t i = 0; i < n; i++) {
		uint32_t w;

		memcpy(&w, (const char *)from + 4 * i, 4);
		w = le32toh(w);
		memcpy((char *)to + 4 * i, &w, 4);
	}
}

bool traj_has(const struct traj *t, const struct field *f)
{
	const char *at = (const char *)t + f->at;

	if (f->form <= F_KEPT) /* a pointer, with its length behind it or elsewhere */
		return *(const void *const *)(const void *)at || f->at == AT(id) ||
		       f->form == F_KIND;
	if (f->form == F_NUM)
		return !isnan(*(const double *)(const void *)at);
	if (f->form == F_INT)
		return *(const int64_t *)(const void *)at >= 0;
	return *(const int *)(const void *)at >= 0;
}

static void pack_words(msgpack_packer *pk, const void *p, size_t n)
{
	uint32_t block[256];

	msgpack_pack_bin(pk, 4 * n);
	for (size_t i = 0; i < n; i += 256) {
		size_t k = n - i < 256 ? n - i : 256;

		traj_copy_words(block, (const char *)p + 4 * i, k);
		msgpack_pack_bin_body(pk, block, 4 * k);
	}
}

/* What is hashed: side by side, as most has room, else what is small together */
struct pieces {
	struct hash *h;
	bool begun; /* with h */
	size_t n;
	char room[8192];
};

static void add_piece(struct pieces *s, const void *p, size_t n)
{
	if (s->n + n > sizeof s->room) {
		if (!s->begun)
			hash_reset(s->h);
		s->begun = true;
		hash_add(s->h, s->room, s->n);
		s->n = 0;
	}
	if (n > sizeof s->room)
		hash_add(s->h, p, n);
	else if (n)
		memcpy(s->room + s->n, p, n);
	s->n += n > sizeof s->room ? 0 : n;
}

static void add_field(struct pieces *s, const void *p, size_t n)
{
	uint64_t le = htole64((uint64_t)n);

	add_piece(s, &le, sizeof le);
	add_piece(s, p, n);
}

static void identity(struct hash *h, const struct traj *t, bool tokens, uint64_t out[2])
{
	struct pieces s;

	s.h = h;
	s.n = 0;
	s.begun = false;
	add_field(&s, t->task.p, t->task.n);
	add_field(&s, t->prompt.p, t->prompt.n);
	add_field(&s, t->response.p, t->response.n);
	if (tokens)
		add_field(&s, t->tokens, 4 * t->n_tokens);
	if (s.begun) {
		hash_add(h, s.room, s.n);
		hash_128(h, out);
	} else {
		hash_once_128(s.room, s.n, out);
	}
}

static void put_id(struct hash *h, const struct traj *t, char hex[33])
{
	uint64_t sum[2];

	identity(h, t, true, sum);
	hash_hex(sum[1], hex);
	hash_hex(sum[0], hex + 16);
}

/* h: for the id of a trajectory that has none yet */
static void pack_field(msgpack_packer *pk, const struct traj *t, const struct field *f,
		       struct hash *h)
{
	const void *at = (const char *)t + f->at;
	char hex[33];

	switch (f->form) {
	case F_KIND:
		pack_str(pk, "traj");
		break;
	case F_BYTES:
		if (f->at == AT(id) && !t->id.p) {
			put_id(h, t, hex);
			pack_utf8(pk, (struct span){hex, 32});
		} else if (t->utf8 && f->at != AT(task)) {
			pack_utf8(pk, *(const struct span *)at);
		} else {
			pack_text(pk, *(const struct span *)at);
		}
		break;
	case F_MAP:
		msgpack_pack_str_body(pk, t->meta.p, t->meta.n); /* packed already */
		break;
	case F_KEPT:
		pack_bin(pk, t->kept.p, t->kept.n);
		break;
	case F_TOKENS:
	case F_FLOATS:
		pack_words(pk, *(const void *const *)at,
			   *(const size_t *)(const void *)((const char *)t + f->n_at));
		break;
	case F_NUM:
		pack_float(pk, *(const double *)at);
		break;
	case F_INT:
		pack_whole(pk, (uint64_t) * (const int64_t *)at); /* not negative: it is there */
		break;
	default: /* F_BOOL */
		if (*(const int *)at)
			msgpack_pack_true(pk);
		else
			msgpack_pack_false(pk);
		break;
	}
}

static void pack_key(struct buf *b, const struct field *f)
{
	buf_reserve(b, 1 + sizeof f->name);
	b->p[b->n] = (char)(0xa0 | f->len);
	memcpy(b->p + b->n + 1, f->name, sizeof f->name);
	b->n += 1 + f->len;
}

void traj_write(struct rec_out *w, const struct traj *t)
{
	msgpack_packer pk;
	uint32_t has = 0; /* a bit a field */
	struct buf *b;
	size_t from;

	assert(t->task.p && t->prompt.p && t->response.p);
	assert(!t->tokens || !t->logprobs || t->n_tokens == t->n_logprobs);
	assert(!t->meta.p || mp_type(t->meta) == MP_MAP);
#pragma GCC unroll 32 /* what a field is need not be looked up */
	for (int i = 0; i < TRAJ_FIELDS; i++)
		has |= (uint32_t)traj_has(t, &traj_fields[i]) << i;
	b = rec_append(w, &from);
	pack_init(&pk, b);
	pack_map(&pk, (size_t)__builtin_popcount(has) + t->n_more);
	for (; has; has &= has - 1) {
		int i = __builtin_ctz(has);

		pack_key(b, &traj_fields[i]);
		pack_field(&pk, t, &traj_fields[i], w->spare);
	}
	buf_add(b, t->more.p, t->more.n);
	rec_appended(w, from, true);
}

/* ---- identity ---- */

void traj_id(const struct traj *t, char hex[33])
{
	struct hash *h = hash_new();

	put_id(h, t, hex);
	hash_free(h);
}

void traj_solution(const struct traj *t, uint64_t out[2])
{
	struct hash *h = hash_new();

	identity(h, t, false, out);
	hash_free(h);
}

bool traj_correct(const struct traj *t, double threshold)
{
	return t->reward >= threshold; /* false for the NaN of an absent one */
}

bool traj_unanswered(const struct traj *t)
{
	return span_is(t->verdict, "unanswered");
}

int traj_each(struct rec_in *in, traj_fn *fn, void *ctx, struct reason *why)
{
	struct traj_mem mem = {0};
	struct rec rec;
	struct traj t;
	int got = -1, st = 0;

	while (!st && (got = rec_next(in, &rec, why)) > 0) {
		if (!rec.is_traj)
			continue;
		st = traj_read(&t, &rec, rec_name(in), &mem, why);
		if (!st)
			st = fn(ctx, &t, &rec, rec_name(in), why);
	}
	traj_mem_free(&mem);
	rec_close(in);
	return st ? st : got < 0 ? why->status : 0;
}

int traj_one_prompt(const struct traj *t, uint64_t *seen, const struct rec *r, const char *name,
		    struct reason *why)
{
	static const char text[] = "task %.*s: another prompt than before: two problems under one "
				   "id would be counted as one; give each an id of its own";
	uint64_t hash = t->prompt.n ? XXH3_64bits(t->prompt.p, t->prompt.n) | 1 : 0;
	int n = (int)(t->task.n < 120 ? t->task.n : 120);

	if (!hash || !*seen || hash == *seen) {
		*seen = hash ? hash : *seen;
		return 0;
	}
	return r ? rec_fail(why, name, r, text, n, t->task.p)
		 : fail(why, ST_INPUT, text, n, t->task.p);
}
