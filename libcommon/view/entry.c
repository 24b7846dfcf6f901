/* entry.c - what a reader is shown of a trajectory. See entry.h. */
#include "view/entry.h"
#include "base/mem.h"
#include "stream/mpjson.h"
#include "stream/trajfield.h"
#include "stream/trajscan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 600 }; /* bytes shown of a value */

/* What matters, in this order; #: how many */
static const char *const first[] = {"reward",  "verdict", "extracted", "answer",
				    "iter",    "step",    "sample",    "finish",
				    "#tokens", "used",    "advantage", "entropy"};
enum { N_FIRST = sizeof first / sizeof first[0] };
/* Shown as texts and as colours, or said by where they stand */
static const char *const elsewhere[] = {"kind",   "task",          "prompt",  "response",
					"tokens", "prompt_tokens", "logprobs"};
enum { N_ELSEWHERE = sizeof elsewhere / sizeof elsewhere[0] };

/* ---- numbers beside the tokens ---- */

static bool floats_of_list(struct mp v, float *to, size_t n)
{
	struct mp_iter it;
	struct mp element;
	double x;
	size_t i = 0;

	if (!mp_array(v, &it) || it.left != n)
		return false;
	for (; mp_next(&it, &element); i++) {
		if (!mp_f64(element, &x))
			return false;
		to[i] = (float)x;
	}
	return true;
}

static bool floats_of(struct mp v, float *to, size_t n)
{
	struct span s;

	if (!mp_bin(v, &s))
		return floats_of_list(v, to, n);
	if (s.n != 4 * n)
		return false;
	traj_copy_words(to, s.p, n);
	return true;
}

/* Its ref_logprobs, as long as they are one finite number for each token */
static float *ref_of(const struct entry *e)
{
	float *ref = xarray(e->t.n_tokens + 1, sizeof *ref);
	bool good = e->t.n_tokens && floats_of(mp_get(e->map, "ref_logprobs"), ref, e->t.n_tokens);

	for (size_t i = 0; good && i < e->t.n_tokens; i++)
		good = isfinite(ref[i]);
	if (good)
		return ref;
	free(ref);
	return NULL;
}

int entry_read(struct entry *e, const struct rec *r, const char *name, const struct tokenizer *tok,
	       struct reason *why)
{
	int st = traj_read(&e->t, r, name, &e->mem, why);

	free(e->ref);
	e->ref = NULL;
	e->pieces.n = 0;
	if (st)
		return st;
	e->map = r->map;
	e->ref = ref_of(e);
	if (tok)
		pieces_lay(&e->pieces, tok, e->t.response, e->t.tokens, e->t.n_tokens);
	return 0;
}

void entry_free(struct entry *e)
{
	free(e->ref);
	pieces_free(&e->pieces);
	traj_mem_free(&e->mem);
	*e = (struct entry){0};
}

/* ---- facts ---- */

static bool is_among(struct span key, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(key, names[i]))
			return true;
	return false;
}

/* Cuts at the beginning of a character what nobody would read. */
static void shorten(struct buf *value)
{
	size_t n = LONGEST;

	if (value->n <= LONGEST)
		return;
	while (n && ((unsigned char)value->p[n] & 0xc0) == 0x80)
		n--;
	value->n = n;
	buf_str(value, " ...");
}

/* Appends the value as text (six digits of a number), or, where it is none, as JSON; false: nil. */
static bool tell(struct buf *b, struct span key, struct mp v)
{
	double x = 0;
	char *name;

	if (mp_type(v) == MP_NIL || mp_type(v) == MP_NONE)
		return false;
	if (mp_type(v) == MP_FLOAT && mp_f64(v, &x)) {
		buf_printf(b, "%.6g", x);
		return true;
	}
	if (trajscan_text(b, v))
		return true;
	name = xstrndup(key.p, key.n);
	mpjson_from_key(b, name, v);
	free(name);
	return true;
}

static bool first_fact(struct facts *f, const struct entry *e)
{
	const char *name = first[f->at++];

	buf_reset(&f->value);
	f->key = (struct span){name, strlen(name)};
	if (*name != '#')
		return tell(&f->value, f->key, mp_get(e->map, name));
	f->key = (struct span){name + 1, strlen(name + 1)};
	buf_printf(&f->value, "%zu", e->t.n_tokens);
	return e->t.n_tokens > 0;
}

static bool is_shown_elsewhere(struct span key, const struct entry *e)
{
	return is_among(key, first, N_FIRST) || is_among(key, elsewhere, N_ELSEWHERE) ||
	       (e->ref && span_is(key, "ref_logprobs"));
}

static bool other_fact(struct facts *f, const struct entry *e)
{
	struct mp key, v;

	if (!f->others)
		mp_enter(e->map, &f->it);
	f->others = true;
	while (mp_next_pair(&f->it, &key, &v)) {
		buf_reset(&f->value);
		if (mp_str(key, &f->key) && !is_shown_elsewhere(f->key, e) &&
		    tell(&f->value, f->key, v))
			return true;
	}
	return false;
}

bool entry_fact(struct facts *f, const struct entry *e)
{
	bool got = false;

	while (!got && f->at < N_FIRST)
		got = first_fact(f, e);
	if (!got)
		got = other_fact(f, e);
	shorten(&f->value);
	return got;
}

void entry_facts_free(struct facts *f)
{
	buf_free(&f->value);
}
