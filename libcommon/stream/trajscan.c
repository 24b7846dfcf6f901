/* trajscan.c - what filters and counters look at, in one pass. See trajscan.h. */
#include "stream/trajscan.h"
#include "base/num.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum kind { BYTES, NUMBER, WHOLE, COUNT };

static const char *const kind_text[] = {
	[BYTES] = "text",
	[NUMBER] = "a finite number",
	[WHOLE] = "a whole number from 0 to 2^63-1",
	[COUNT] = "token ids",
};

static const struct key {
	const char *name;
	size_t len;
	enum kind kind;
	size_t at; /* offset in struct traj */
} keys[] = {
	{"task", 4, BYTES, offsetof(struct traj, task)},
	{"prompt", 6, BYTES, offsetof(struct traj, prompt)},
	{"response", 8, BYTES, offsetof(struct traj, response)},
	{"finish", 6, BYTES, offsetof(struct traj, finish)},
	{"verdict", 7, BYTES, offsetof(struct traj, verdict)},
	{"reward", 6, NUMBER, offsetof(struct traj, reward)},
	{"entropy", 7, NUMBER, offsetof(struct traj, entropy)},
	{"step", 4, WHOLE, offsetof(struct traj, step)},
	{"iter", 4, WHOLE, offsetof(struct traj, iter)},
	{"relabelled", 10, BYTES, offsetof(struct traj, relabelled)},
	{"tokens", 6, COUNT, offsetof(struct traj, n_tokens)},
};
enum { N_KEYS = sizeof keys / sizeof keys[0], N_REQUIRED = 3 };

static const struct key *find(struct span name)
{
	for (const struct key *k = keys; k < keys + N_KEYS; k++)
		if (k->len == name.n && memcmp(k->name, name.p, name.n) == 0)
			return k;
	return NULL;
}

static bool count_tokens(struct mp v, size_t *n)
{
	struct mp_iter it;
	struct span s;

	if (mp_array(v, &it))
		*n = it.left;
	else if (mp_bin(v, &s) && s.n % 4 == 0)
		*n = s.n / 4;
	else
		return false;
	return true;
}

static bool take_key(struct traj *t, const struct key *k, struct mp v)
{
	void *to = (char *)t + k->at;

	switch (k->kind) {
	case BYTES:
		return mp_bytes(v, to);
	case NUMBER:
		return mp_f64(v, to) && isfinite(*(double *)to);
	case WHOLE:
		return mp_i64(v, to) && *(int64_t *)to >= 0;
	default: /* COUNT */
		return count_tokens(v, to);
	}
}

int trajscan(struct traj *t, const struct rec *r, const char *name, struct reason *why)
{
	unsigned seen = 0;
	struct mp_iter it;
	struct mp key, v;
	struct span s;

	assert(mp_type(r->map) == MP_MAP);
	traj_clear(t);
	mp_enter_ends(r->map, r->ends, &it);
	while (mp_next_pair(&it, &key, &v)) {
		const struct key *k;

		if (!mp_str(key, &s) || !(k = find(s)))
			continue;
		if (seen & 1u << (k - keys))
			return rec_fail(why, name, r, "key \"%s\" occurs twice", k->name);
		seen |= 1u << (k - keys);
		if (mp_type(v) == MP_NIL && k >= keys + N_REQUIRED)
			continue;
		if (!take_key(t, k, v))
			return rec_fail(why, name, r, "key \"%s\" is not %s", k->name,
					kind_text[k->kind]);
	}
	for (int i = 0; i < N_REQUIRED; i++)
		if (!(seen & 1u << i))
			return rec_fail(why, name, r, "key \"%s\" is missing", keys[i].name);
	return 0;
}

bool trajscan_graded(const struct traj *t)
{
	return !isnan(t->reward) && (!t->verdict.p || span_is(t->verdict, "ok"));
}

struct mp trajscan_path(struct mp map, const char *path)
{
	for (;;) {
		struct mp v = mp_get(map, path);
		const char *dot = strchr(path, '.');

		if (v.p)
			return mp_type(v) == MP_NIL ? (struct mp){NULL, 0} : v;
		if (!dot)
			return v;
		map = mp_get_n(map, path, (size_t)(dot - path));
		path = dot + 1;
	}
}

bool trajscan_text(struct buf *b, struct mp v)
{
	char num[32];
	struct span s;
	bool yes = false;
	int64_t i = 0;
	double f = 0;

	if (mp_bytes(v, &s))
		buf_add(b, s.p, s.n);
	else if (mp_bool(v, &yes))
		buf_str(b, yes ? "true" : "false");
	else if (mp_i64(v, &i))
		buf_printf(b, "%" PRId64, i);
	else if (mp_f64(v, &f))
		buf_str(b, num_text(f, num));
	else
		return false;
	return true;
}
