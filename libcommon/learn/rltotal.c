/* rltotal.c - see rltotal.h. */
#include "learn/rltotal.h"

void rltotal_add(struct rl_total *t, const struct rl_report *r, bool is_first, int64_t groups)
{
	t->responses += r->explored.responses;
	t->failures += r->explored.failures;
	t->skipped += r->learned.skipped;
	t->updates += r->learned.updates;
	t->short_of_groups += r->explored.kept < (size_t)groups;
	t->without_update += r->learned.updates == 0;
	t->first = is_first ? r->explored.reward : t->first;
	t->last = r->explored.reward;
}

void rltotal_state(struct rl_total *t, struct state *s)
{
	state_count(s, "total.responses", &t->responses);
	state_count(s, "total.failures", &t->failures);
	state_count(s, "total.skipped", &t->skipped);
	state_count(s, "total.updates", &t->updates);
	state_count(s, "total.short_of_groups", &t->short_of_groups);
	state_count(s, "total.without_update", &t->without_update);
	state_real(s, "reward.first", &t->first);
	state_real(s, "reward.last", &t->last);
}
