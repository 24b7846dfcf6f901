/* runstat.c - what happened in each step of a run. See runstat.h. */
#include "stats/runstat.h"
#include "stream/trajscan.h"

#include <math.h>
#include <stdlib.h>

static void mean_add(struct mean *m, double v)
{
	m->sum += v;
	m->n++;
}

static double mean_of(const struct mean *m)
{
	return m->n ? m->sum / (double)m->n : NAN;
}

static void add_graded(struct runstat *s, struct runstat_task *task, const struct traj *t)
{
	bool correct = traj_correct(t, s->threshold);
	uint64_t now = s->step + 1, solution[2];

	mean_add(&s->reward, t->reward);
	mean_add(&s->correct, correct);
	if (task->graded != now) {
		task->graded = now;
		task->earlier = task->solved && (!s->window || task->solved + s->window >= now);
		s->row.attempted++;
		s->earlier += task->earlier;
		s->lost += task->earlier;
	}
	if (!correct)
		return;
	if (task->solved != now) {
		s->ever += !task->solved;
		s->lost -= task->earlier;
		s->row.solved++;
		task->solved = now;
	}
	traj_solution(t, solution);
	tally_add(&s->solutions, solution, 1, 0);
}

/* The value of key tokens as little-endian 32-bit units: as they are, or gathered from an array */
static int token_ids(struct mp v, struct buf *b, struct span *ids, struct reason *why)
{
	struct mp_iter it;
	struct mp e;
	int64_t id = 0;

	if (mp_bin(v, ids))
		return 0;
	if (!mp_array(v, &it))
		return fail(why, ST_INPUT, "key \"tokens\" is missing");
	while (mp_next(&it, &e)) {
		if (!mp_i64(e, &id) || id < 0 || id > UINT32_MAX)
			return fail(why, ST_INPUT, "key \"tokens\" holds no token ids");
		buf_add(b,
			(uint8_t[4]){(uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16),
				     (uint8_t)(id >> 24)},
			4);
	}
	*ids = (struct span){b->p, b->n};
	return 0;
}

static int add_grams(struct runstat *s, uint32_t task, const struct traj *t, struct mp map,
		     struct reason *why)
{
	struct buf b = {0};
	struct span ids;
	int st = 0;

	if (!s->by_token) {
		ngram_add_text(&s->now, task, t->response, s->ngram);
		return 0;
	}
	st = token_ids(trajscan_path(map, "tokens"), &b, &ids, why);
	if (!st)
		ngram_add_tokens(&s->now, task, ids, s->ngram);
	buf_free(&b);
	return st;
}

int runstat_add(struct runstat *s, const struct traj *t, struct mp map, struct reason *why)
{
	size_t id = names_id(&s->tasks, t->task);
	struct runstat_task *task;

	s->task = names_room(s->task, &s->n_task, id, sizeof *s->task);
	task = &s->task[id];
	if (traj_one_prompt(t, &task->prompt, NULL, NULL, why))
		return why->status;
	s->row.trajectories++;
	if (task->seen != s->step + 1)
		s->row.tasks++;
	task->seen = s->step + 1;
	if (t->verdict.p && !span_is(t->verdict, "ok"))
		s->row.failed++;
	if (!isnan(t->entropy))
		mean_add(&s->entropy, t->entropy);
	if (trajscan_path(map, "tokens").p)
		mean_add(&s->tokens, (double)t->n_tokens);
	if (t->finish.p)
		mean_add(&s->cut, span_is(t->finish, "length"));
	if (trajscan_graded(t))
		add_graded(s, task, t);
	return s->ngram ? add_grams(s, (uint32_t)id, t, map, why) : 0;
}

void runstat_close(struct runstat *s, struct runstat_row *row)
{
	struct ngrams old = s->before;
	uint64_t tasks;

	*row = s->row;
	row->graded = s->reward.n;
	row->ever = s->ever;
	row->reward = mean_of(&s->reward);
	row->accuracy = mean_of(&s->correct);
	row->entropy = mean_of(&s->entropy);
	row->tokens = mean_of(&s->tokens);
	row->cut = mean_of(&s->cut);
	row->distinct = row->attempted ? (double)s->solutions.n / (double)row->attempted : NAN;
	row->forgetting = s->earlier ? (double)s->lost / (double)s->earlier : NAN;
	row->similarity = ngram_overlap(&s->before, &s->now, &tasks);

	ngram_clear(&old);
	s->before = s->now;
	s->now = old;
	tally_clear(&s->solutions);
	s->row = (struct runstat_row){0};
	s->reward = s->correct = s->entropy = s->tokens = s->cut = (struct mean){0};
	s->earlier = s->lost = 0;
	s->step++;
}

void runstat_free(struct runstat *s)
{
	names_free(&s->tasks);
	free(s->task);
	tally_free(&s->solutions);
	ngram_free(&s->now);
	ngram_free(&s->before);
}
