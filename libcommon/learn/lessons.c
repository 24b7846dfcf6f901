/* lessons.c - trajectories of a stream as lessons. See lessons.h. */
#include "learn/lessons.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct lessons_step {
	int64_t number; /* -1: none */
	double temperature;
	size_t row, n; /* its rows */
	size_t groups; /* of them */
	size_t kept;   /* groups that are learned from: their rows come first, in order */
	size_t n_kept; /* rows of those */
};

struct lessons_row {
	size_t prompt, n_prompt; /* places in ids; a prompt is there once for a task and step */
	size_t resp, n_resp;
	size_t kept, n_kept; /* bytes of kept */
	size_t group;        /* in its step */
	double reward, advantage;
	size_t part;    /* place in part, where there are several rewards */
	bool truncated; /* the length ended it */
};

struct lessons_task {
	uint64_t prompt;    /* see traj_one_prompt */
	size_t step, group; /* where it was last, step from 1 */
	size_t prompt_at;   /* its prompt there */
	int64_t sample;     /* the last one's number */
};

/* ---- adding ---- */

/* The step that t is of */
static struct lessons_step *step_of(struct lessons *l, const struct traj *t, double temperature)
{
	struct lessons_step *s = l->n_steps ? &l->step[l->n_steps - 1] : NULL;

	if (s && s->number == t->step)
		return s;
	l->step = names_room(l->step, &l->cap_steps, l->n_steps, sizeof *l->step);
	s = &l->step[l->n_steps++];
	*s = (struct lessons_step){.number = t->step, .temperature = temperature, .row = l->n};
	return s;
}

/* n floats of a record's key into to; false: they are not there. */
static bool take_floats(const struct rec *r, const char *key, size_t n, float *to)
{
	struct mp v = mp_get(r->map, key), e;
	struct mp_iter it;
	struct span s;
	double x;
	size_t i = 0;

	if (v.p && mp_bin(v, &s)) {
		if (s.n != n * sizeof *to)
			return false;
		memcpy(to, s.p, s.n);
		return true;
	}
	if (!v.p || !mp_array(v, &it))
		return false;
	for (; mp_next(&it, &e); i++) {
		if (i == n || !mp_f64(e, &x))
			return false;
		to[i] = (float)x;
	}
	return i == n;
}

static int bad_floats(const char *key, struct reason *why)
{
	return fail(why, ST_INPUT,
		    "%s: not a number for each token of the response (policy-score -p DIR --as %s "
		    "writes those of a policy)",
		    key, key);
}

static int check_floats(const float *v, size_t n, const char *key, struct reason *why)
{
	for (size_t i = 0; i < n; i++)
		if (!(v[i] <= 0) || !isfinite(v[i]))
			return fail(why, ST_INPUT, "%s: %g is no log-probability", key,
				    (double)v[i]);
	return 0;
}

/* The log-probabilities of the response that was appended last */
static int add_floats(struct lessons *l, const struct lessons_row *row, const struct rec *r,
		      struct reason *why)
{
	const char *teacher = l->o->teacher;

	if (l->cap_old < l->ids.cap) {
		l->cap_old = l->ids.cap;
		l->old = xgrow(l->old, l->cap_old, sizeof *l->old);
		if (teacher)
			l->teacher = xgrow(l->teacher, l->cap_old, sizeof *l->teacher);
	}
	if (!take_floats(r, l->o->old, row->n_resp, l->old + row->resp))
		return bad_floats(l->o->old, why);
	if (teacher && !take_floats(r, teacher, row->n_resp, l->teacher + row->resp))
		return bad_floats(teacher, why);
	if (check_floats(l->old + row->resp, row->n_resp, l->o->old, why))
		return why->status;
	return teacher ? check_floats(l->teacher + row->resp, row->n_resp, teacher, why) : 0;
}

/* The row's group and prompt: the task's present ones, or new ones. */
static void add_to_group(struct lessons *l, struct lessons_step *s, struct lessons_task *k,
			 const struct traj *t, struct lessons_row *row)
{
	bool here = k->step == l->n_steps;

	if (!here) {
		k->prompt_at = l->ids.n;
		tok_append(&l->ids, l->scratch.ids.v, l->scratch.n_prompt);
	}
	if (!here || (t->sample >= 0 && t->sample <= k->sample))
		k->group = s->groups++;
	k->step = l->n_steps;
	k->sample = t->sample;
	row->group = k->group;
	row->prompt = k->prompt_at;
	row->n_prompt = l->scratch.n_prompt;
}

static bool is_of(const struct lessons_opts *o, struct span policy)
{
	size_t i = 0;

	while (i < o->n_policies && !span_is(policy, o->policies[i]))
		i++;
	return i < o->n_policies;
}

/* Whether t is to be learned from; what is not is counted. */
static bool counts(struct lessons *l, const struct traj *t)
{
	bool has = !isnan(l->o->given ? t->advantage : t->reward);

	if (t->used == 0) {
		l->rejected++;
		return false;
	}
	if (l->o->n_policies && !is_of(l->o, t->policy)) {
		l->others++;
		return false;
	}
	l->unjudged += !has;
	return has;
}

static double temperature_of(const struct traj *t)
{
	return isnan(t->temperature) ? 1 : t->temperature;
}

/* Log-probabilities under a name of their own are of the whole distribution. */
static bool uses_kept(const struct lessons *l)
{
	return strcmp(l->o->old, "logprobs") == 0;
}

static int check_drawn(const struct lessons *l, const struct traj *t, const struct lessons_step *s,
		       struct reason *why)
{
	bool cut = t->top_p < 1 || (t->top_k > 0 && t->top_k < l->policy->cfg.vocab);

	if (temperature_of(t) <= 0)
		return fail(why, ST_INPUT, "temperature %g: greedy responses have no ratio",
			    t->temperature);
	if (temperature_of(t) != s->temperature)
		return fail(why, ST_INPUT, "temperature %g, and %g before it in one step",
			    temperature_of(t), s->temperature);
	return cut && uses_kept(l) && !t->kept.p
		       ? fail(why, ST_INPUT,
			      "drawn with top-p or top-k, and without `kept`: logprobs are of a "
			      "part "
			      "of the policy's distribution, and it is not known of which "
			      "(policy-score --as KEY writes the whole's, and --logprobs KEY takes "
			      "them)")
		       : 0;
}

/* Several rewards, which make its reward */
static int add_parts(struct lessons *l, struct lessons_row *row, const struct rec *r,
		     struct reason *why)
{
	const struct rewards *several = &l->o->rl->rewards;

	if (!several->n || l->o->given)
		return 0;
	l->part = names_room(l->part, &l->cap_part, l->n, several->n * sizeof *l->part);
	row->part = l->n * several->n;
	if (rewards_of_record(several, r->map, l->part + row->part, why))
		return why->status;
	row->reward = rewards_sum(several, l->part + row->part);
	return 0;
}

static int add_row(struct lessons *l, const struct traj *t, const struct rec *r,
		   struct lessons_task *k, struct reason *why)
{
	struct lessons_step *s = step_of(l, t, temperature_of(t));
	const struct trajids *ids = &l->scratch;
	struct lessons_row row = {.reward = t->reward,
				  .advantage = t->advantage,
				  .truncated = span_is(t->finish, "length")};

	if (check_drawn(l, t, s, why) || add_parts(l, &row, r, why) ||
	    trajids_take(&l->scratch, l->policy, t, why))
		return why->status;
	row.n_resp = ids->ids.n - ids->n_prompt;
	if (row.n_resp == 0)
		return fail(why, ST_INPUT, "response: it has no token");
	if (ids->ids.n > (size_t)l->policy->cfg.max_len)
		return fail(why, ST_INPUT, "%zu tokens, and the policy has %lld positions",
			    ids->ids.n, (long long)l->policy->cfg.max_len);
	add_to_group(l, s, k, t, &row);
	row.resp = l->ids.n;
	tok_append(&l->ids, ids->ids.v + ids->n_prompt, row.n_resp);
	row.kept = l->kept.n;
	if (t->kept.p && uses_kept(l))
		buf_add(&l->kept, t->kept.p, row.n_kept = t->kept.n);
	l->row = names_room(l->row, &l->cap, l->n, sizeof *l->row);
	l->row[l->n++] = row;
	s->n++;
	return add_floats(l, &row, r, why);
}

int lessons_add(struct lessons *l, const struct traj *t, const struct rec *r, const char *name,
		struct reason *why)
{
	size_t id = names_id(&l->tasks, t->task);
	struct reason text;

	l->task = names_room(l->task, &l->cap_tasks, id, sizeof *l->task);
	if (traj_one_prompt(t, &l->task[id].prompt, r, name, why))
		return why->status;
	if (!counts(l, t))
		return 0;
	return add_row(l, t, r, &l->task[id], &text) ? rec_fail(why, name, r, "%s", text.text) : 0;
}

/* ---- groups and advantages ---- */

/* The step's rows group by group, each in the order in which they came */
static void sort_rows(const struct lessons *l, const struct lessons_step *s, size_t *start)
{
	struct lessons_row *row = l->row + s->row, *old = xarray(s->n, sizeof *old);
	size_t *next = xarray(s->groups + 1, sizeof *next);

	memcpy(old, row, s->n * sizeof *old);
	memset(start, 0, (s->groups + 1) * sizeof *start);
	for (size_t i = 0; i < s->n; i++)
		start[row[i].group + 1]++;
	for (size_t g = 0; g < s->groups; g++)
		start[g + 1] += start[g];
	memcpy(next, start, (s->groups + 1) * sizeof *next);
	for (size_t i = 0; i < s->n; i++)
		row[next[old[i].group]++] = old[i];
	free(old);
	free(next);
}

static bool is_equal(const struct lessons *l, const struct lessons_row *row, size_t n)
{
	size_t parts = l->o->rl->rewards.n;

	for (size_t i = 1; i < n; i++) {
		if (!parts && row[i].reward != row[0].reward)
			return false;
		for (size_t q = 0; q < parts; q++)
			if (l->part[row[i].part + q] != l->part[row[0].part + q])
				return false;
	}
	return true;
}

/* Leaves out the groups of equal rewards: the kept ones' rows move to the front. */
static void keep_groups(struct lessons *l, struct lessons_step *s, const size_t *start)
{
	struct lessons_row *row = l->row + s->row;
	bool any = l->o->given || l->o->rl->keep_equal;

	for (size_t g = 0; g < s->groups; g++) {
		size_t n = start[g + 1] - start[g];

		if (!any && is_equal(l, row + start[g], n)) {
			l->equal += n;
			continue;
		}
		memmove(row + s->n_kept, row + start[g], n * sizeof *row);
		for (size_t i = 0; i < n; i++)
			row[s->n_kept + i].group = s->kept;
		s->n_kept += n;
		s->kept++;
	}
}

/* Places in the step's rows where groups begin */
static void find_starts(const struct lessons *l, const struct lessons_step *s, size_t *start)
{
	size_t g = 0;

	for (size_t i = 0; i < s->n_kept; i++)
		if (i == 0 || l->row[s->row + i].group != l->row[s->row + i - 1].group)
			start[g++] = i;
	start[g] = s->n_kept;
	assert(g == s->kept);
}

static int give_advantages(const struct lessons *l, const struct lessons_step *s,
			   const size_t *start, struct reason *why)
{
	const struct rl_opts *o = l->o->rl;
	struct lessons_row *row = l->row + s->row;
	double *reward = xarray(s->n_kept, sizeof *reward), *out = xarray(s->n_kept, sizeof *out);
	size_t *len = xarray(s->n_kept, sizeof *len), parts = o->rewards.n;
	double *part = xarray(s->n_kept * parts, sizeof *part), weight[VERDICT_PARTS];
	const struct advantage_batch b = {reward, len, start, s->kept, part, weight, parts};
	int st;

	for (size_t q = 0; q < parts; q++)
		weight[q] = o->rewards.v[q].reward;

	for (size_t i = 0; i < s->n_kept; i++) {
		size_t most = (size_t)o->roll.sample.max_new;

		len[i] = row[i].n_resp;
		reward[i] = row[i].reward;
		if (parts)
			memcpy(part + i * parts, l->part + row[i].part, parts * sizeof *part);
		if (o->overlong_buffer)
			reward[i] += loss_overlong(len[i] < most ? len[i] : most, most,
						   (size_t)o->overlong_buffer, o->overlong_penalty);
	}
	st = advantage_check(&o->advantage, &b, why);
	if (!st)
		advantage_all(&o->advantage, &b, out);
	for (size_t i = 0; i < s->n_kept && !st; i++)
		row[i].advantage = out[i];
	free(reward);
	free(out);
	free(len);
	free(part);
	return st;
}

/* Is there a group that has as many as the estimator compares? */
static int check_sizes(const struct lessons *l, struct reason *why)
{
	const struct rl_opts *o = l->o->rl;
	size_t groups, each, longest;

	if (l->o->given || o->advantage.kind != ADV_PASS_AT_K)
		return 0;
	lessons_sizes(l, &groups, &each, &longest);
	return (int64_t)each >= o->advantage.k
		       ? 0
		       : fail(why, ST_INPUT,
			      "--advantage-k %lld: the largest group has %zu responses",
			      (long long)o->advantage.k, each);
}

int lessons_seal(struct lessons *l, struct reason *why)
{
	size_t most = 0, groups = 0;

	for (size_t i = 0; i < l->n_steps; i++) {
		struct lessons_step *s = &l->step[i];

		l->start = xgrow(l->start, s->groups + 1, sizeof *l->start);
		sort_rows(l, s, l->start);
		keep_groups(l, s, l->start);
		find_starts(l, s, l->start);
		if (!l->o->given && s->kept && give_advantages(l, s, l->start, why))
			return why->status;
		l->records += s->n_kept;
		most = s->n_kept > most ? s->n_kept : most;
		groups = s->groups > groups ? s->groups : groups;
	}
	l->start = xgrow(l->start, groups + 1, sizeof *l->start);
	l->seq = xarray(most + 1, sizeof *l->seq);
	l->olds = xarray(most + 1, sizeof *l->olds);
	l->teachers = xarray(most + 1, sizeof *l->teachers);
	l->advantage = xarray(most + 1, sizeof *l->advantage);
	l->truncated = xarray(most + 1, sizeof *l->truncated);
	if (!l->n)
		return fail(why, ST_INPUT, "no trajectory to learn from");
	return l->records ? check_sizes(l, why)
			  : fail(why, ST_INPUT,
				 "nothing to learn from: of %zu trajectories all are in groups of "
				 "equal rewards (--keep-equal learns from them)",
				 l->n);
}

int64_t lessons_get(struct lessons *l, size_t i, struct lesson *out)
{
	const struct lessons_step *s = &l->step[i];

	assert(i < l->n_steps && l->seq /* sealed */);
	find_starts(l, s, l->start);
	for (size_t k = 0; k < s->n_kept; k++) {
		const struct lessons_row *r = &l->row[s->row + k];

		l->seq[k] = (struct seq){.prompt = l->ids.v + r->prompt,
					 .resp = l->ids.v + r->resp,
					 .n_prompt = r->n_prompt,
					 .n_resp = r->n_resp};
		if (r->n_kept)
			l->seq[k].kept = (struct span){l->kept.p + r->kept, r->n_kept};
		l->olds[k] = l->old + r->resp;
		l->teachers[k] = l->teacher ? l->teacher + r->resp : NULL;
		l->advantage[k] = r->advantage;
		l->truncated[k] = r->truncated;
	}
	*out = (struct lesson){.seq = l->seq,
			       .old = l->olds,
			       .teacher = l->teacher ? l->teachers : NULL,
			       .advantage = l->advantage,
			       .truncated = l->o->rl->mask_truncated ? l->truncated : NULL,
			       .start = l->start,
			       .n = s->n_kept,
			       .groups = s->kept,
			       .temperature = s->temperature};
	return s->number;
}

double lessons_reward(const struct lessons *l, size_t i)
{
	const struct lessons_step *s = &l->step[i];
	double sum = 0;
	size_t n = 0;

	for (size_t k = 0; k < s->n_kept; k++) {
		double x = l->row[s->row + k].reward;

		sum += isnan(x) ? 0 : x;
		n += !isnan(x);
	}
	return sum / (double)n;
}

void lessons_sizes(const struct lessons *l, size_t *groups, size_t *each, size_t *longest)
{
	*groups = *each = *longest = 1;
	for (size_t i = 0; i < l->n_steps; i++) {
		const struct lessons_step *s = &l->step[i];

		*groups = s->kept > *groups ? s->kept : *groups;
		for (size_t k = 0, n = 0; k < s->n_kept; k++) {
			const struct lessons_row *r = &l->row[s->row + k];

			n = k && r->group == r[-1].group ? n + 1 : 1;
			*each = n > *each ? n : *each;
			if (r->n_prompt + r->n_resp > *longest)
				*longest = r->n_prompt + r->n_resp;
		}
	}
}

uint64_t lessons_hash(const struct lessons *l)
{
	struct hash *h = hash_new();
	uint64_t sum;

	for (size_t i = 0; i < l->n_steps; i++) {
		const struct lessons_step *s = &l->step[i];

		for (size_t k = 0; k < s->n_kept; k++) {
			const struct lessons_row *r = &l->row[s->row + k];
			uint64_t head[] = {(uint64_t)s->number, r->group, r->n_prompt, r->n_resp};

			hash_add(h, head, sizeof head);
			hash_add(h, &s->temperature, sizeof s->temperature);
			hash_add(h, &r->advantage, sizeof r->advantage);
			if (l->o->rl->mask_truncated)
				hash_add(h, &r->truncated, sizeof r->truncated);
			hash_add(h, l->ids.v + r->prompt, r->n_prompt * sizeof *l->ids.v);
			hash_add(h, l->ids.v + r->resp, r->n_resp * sizeof *l->ids.v);
			hash_add(h, l->old + r->resp, r->n_resp * sizeof *l->old);
			if (r->n_kept)
				hash_add(h, l->kept.p + r->kept, r->n_kept);
			if (l->teacher)
				hash_add(h, l->teacher + r->resp, r->n_resp * sizeof *l->teacher);
		}
	}
	sum = hash_64(h);
	hash_free(h);
	return sum;
}

void lessons_free(struct lessons *l)
{
	free(l->step);
	free(l->row);
	free(l->part);
	free(l->ids.v);
	free(l->old);
	free(l->teacher);
	buf_free(&l->kept);
	names_free(&l->tasks);
	free(l->task);
	trajids_free(&l->scratch);
	free(l->seq);
	free(l->olds);
	free(l->teachers);
	free(l->advantage);
	free(l->truncated);
	free(l->start);
	*l = (struct lessons){0};
}
