/* verdict.c - verdicts by name. See verdict.h. */
#include "answer/verdict.h"
#include "stream/pack.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"ok",      "timeout",  "signal",    "exit",
				    "garbage", "too-long", "unanswered"};

const char *verdict_name(enum verdict_code c)
{
	return names[c];
}

void verdict_pack(const struct verdict *v, struct buf *b)
{
	msgpack_packer pk;

	if (!v->n_parts)
		return;
	pack_init(&pk, b);
	msgpack_pack_map(&pk, v->n_parts);
	for (size_t i = 0; i < v->n_parts; i++) {
		pack_str(&pk, v->part[i].name);
		pack_float(&pk, v->part[i].reward);
	}
}

double verdict_reward(const struct verdict *v, const char *name)
{
	for (size_t i = 0; i < v->n_parts; i++)
		if (strcmp(v->part[i].name, name) == 0)
			return v->part[i].reward;
	return strcmp(name, "reward") == 0 ? v->reward : NAN;
}
