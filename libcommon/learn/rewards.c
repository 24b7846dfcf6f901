/* rewards.c - several rewards of a response. See rewards.h. */
#include "learn/rewards.h"
#include "base/mem.h"
#include "base/num.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NAME=WEIGHT, or NAME: of weight 1 */
static int parse_one(const char *s, size_t n, struct rewards *r, struct reason *why)
{
	const char *eq = memchr(s, '=', n);
	size_t len = eq ? (size_t)(eq - s) : n;
	struct verdict_part *p = &r->v[r->n];
	char *number = eq ? xstrndup(eq + 1, n - len - 1) : NULL;
	bool ok = len && len < sizeof p->name;

	p->reward = 1;
	ok = ok && (!eq || num_f64(number, -1e9, 1e9, &p->reward));
	free(number);
	if (!ok)
		return fail(why, ST_USAGE, "'%.*s' is not NAME=WEIGHT", (int)(n < 80 ? n : 80), s);
	memcpy(p->name, s, len);
	p->name[len] = '\0';
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].name, p->name) == 0)
			return fail(why, ST_USAGE, "%s comes twice", p->name);
	r->n++;
	return 0;
}

int rewards_parse(const char *list, struct rewards *r, struct reason *why)
{
	int st = 0;

	*r = (struct rewards){0};
	for (const char *end; !st; list = end + 1) {
		end = strchrnul(list, ',');
		if (r->n == VERDICT_PARTS)
			return fail(why, ST_USAGE, "more than %d rewards", VERDICT_PARTS);
		st = parse_one(list, (size_t)(end - list), r, why);
		if (!*end)
			break;
	}
	return st;
}

static int lacks(const char *name, struct reason *why)
{
	return fail(why, ST_INPUT,
		    "rewards: there is no %s, which --rewards names (a verifier that is a command "
		    "can give several rewards, see rloop-verify(7))",
		    name);
}

int rewards_of_verdict(const struct rewards *r, const struct verdict *v, double *out,
		       struct reason *why)
{
	assert(v->code == VERDICT_OK);
	for (size_t i = 0; i < r->n; i++) {
		out[i] = verdict_reward(v, r->v[i].name);
		if (isnan(out[i]))
			return lacks(r->v[i].name, why);
	}
	return 0;
}

int rewards_of_record(const struct rewards *r, struct mp map, double *out, struct reason *why)
{
	struct mp several = mp_get(map, "rewards");

	for (size_t i = 0; i < r->n; i++) {
		const char *name = r->v[i].name;
		struct mp v = mp_get(strcmp(name, "reward") == 0 ? map : several, name);

		if (!v.p || !mp_f64(v, &out[i]) || !isfinite(out[i]))
			return lacks(name, why);
	}
	return 0;
}

double rewards_sum(const struct rewards *r, const double *v)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->v[i].reward * v[i];
	return sum;
}
