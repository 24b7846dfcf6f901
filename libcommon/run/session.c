/* session.c - a run that trains. See session.h. */
#include "run/session.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/profile.h"
#include "base/rank.h"
#include "tensor/blas.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

int session_open_state(struct state *s, const char *dir, struct reason *why)
{
	int st;

	s->lock = -1;
	st = rank_agree(rank_self() ? 0 : state_open(s, dir, why), why);
	if (!st && rank_self())
		st = state_open(s, dir, why);
	return rank_agree(st, why);
}

int session_open(struct session *s, bool hold, struct reason *why)
{
	int st;

	profile_to(PROFILE_REST);
	par_start((int)s->o->threads);
	if (hold)
		tool_hold_signals();
	st = session_open_state(&s->state, s->o->state, why);
	state_made_here(&s->state);
	return st;
}

int session_load_policy(struct session *s, struct policy *p, int how, struct reason *why)
{
	const struct run_options *o = s->o;
	int st = policy_load_trained(p, o->policy, model_how(o->compute) | how, &o->lora,
				     (uint64_t)o->seed, o->merge, why);

	if (!st && strcmp(o->blas, "openblas") == 0)
		st = blas_start(why);
	st = rank_agree(st, why);
	return st ? st : rank_same(model_hash(&p->model), "the weights of --policy", why);
}

void session_name(struct session *s, const struct opt *opts, const struct policy *p)
{
	state_same(&s->state, "tool", msg_tool());
	state_made(&s->state, "OpenBLAS's kernels", blas_core());
	state_same_options(&s->state, opts);
	state_same_hash(&s->state, "weights of --policy", model_hash(&p->model));
	state_count(&s->state, strcmp(s->unit, "step") == 0 ? "total.steps" : "total.updates",
		    &s->done);
	state_count(&s->state, "log.end", &s->log_mark);
}

int session_load(struct session *s, struct reason *why)
{
	int got = s->o->state ? state_load(&s->state, why) : 0;

	if (rank_agree(got < 0 ? why->status : 0, why))
		return -1;
	return rank_same(s->state.last, "the checkpoint that it goes on from", why) ? -1 : got;
}

void session_tell(const struct session *s)
{
	if (s->state.damaged.status)
		msg_warn("%s: an older checkpoint is taken", s->state.damaged.text);
	if (s->state.elsewhere.status)
		msg_warn("%s", s->state.elsewhere.text);
	if (s->done == s->all)
		msg_info("%s: all %" PRIu64 " %ss were made before", s->o->state, s->all, s->unit);
	else
		msg_info("%s: going on after %s %" PRIu64, s->o->state, s->unit, s->done);
}

int session_open_log(struct session *s, bool resumed, struct reason *why)
{
	s->logged = profile_now();
	return resumed ? runlog_resume(&s->log, s->o->log, s->log_mark, why)
		       : runlog_open(&s->log, s->o->log, why);
}

int session_log(struct session *s, struct reason *why)
{
	struct profile spent = profile_since(&s->logged);

	s->logged = profile_now();
	runlog_profile(&s->log, &spent);
	return runlog_end(&s->log, why);
}

int session_checkpoint(struct session *s, struct reason *why)
{
	int st;

	if (!s->o->state || !s->done)
		return 0;
	st = rank_agree(runlog_sync(&s->log, why), why);
	s->log_mark = runlog_at(&s->log);
	return st ? st : state_save(&s->state, s->done, why);
}

int session_close_log(struct session *s, int st, struct reason *why)
{
	struct reason close_why = {0};

	if (!runlog_close(&s->log, &close_why) || st)
		return st;
	*why = close_why;
	return why->status;
}

/* Bytes free where the file or folder is, or would be; as many as there can be: it is not known. */
static uint64_t room_at(const char *path)
{
	struct statvfs v;
	char *dir = xstrdup(path), *slash;
	int st;

	while ((st = statvfs(*dir ? dir : ".", &v)) != 0 && *dir) {
		slash = strrchr(dir, '/');
		*(slash ? slash + (slash == dir) : dir) = '\0';
		if (slash == dir)
			break;
	}
	free(dir);
	return st ? UINT64_MAX : (uint64_t)v.f_bavail * v.f_frsize;
}

static void check_room(const char *path, double need)
{
	char want[MEMORY_SIZE], there[MEMORY_SIZE];
	uint64_t room = room_at(path);

	if (need > (double)room)
		msg_warn("disk: %s: %s are free, and up to %s will be written", path,
			 memory_size((size_t)room, there), memory_size((size_t)need, want));
}

void session_plan(const struct session *s, const struct policy *p, const struct memory *need,
		  const char *where, uint64_t n)
{
	struct weights_form form = policy_form(s->o->dtype, s->o->round, s->o->seed);
	char text[MEMORY_TEXT], size[MEMORY_SIZE];

	msg_info("memory: %s", memory_text(need, text));
	msg_info("disk: %s%s for each policy that is written",
		 form.as == WEIGHTS_TRAINED ? "at most " : "",
		 memory_size((size_t)policy_size(p, &form), size));
	if (where)
		check_room(where, (double)n * (double)policy_size(p, &form));
	if (s->o->state) /* two checkpoints, and a third on its way; moments of all ranks */
		check_room(s->o->state, 3.0 * ((double)need->moments * rank_count() +
					       (double)model_trained(&p->model).n * sizeof(float)));
}

int session_save(const struct session *s, const struct policy *p, const char *dir,
		 struct reason *why)
{
	struct weights_form form = policy_form(s->o->dtype, s->o->round, s->o->seed);

	if (rank_self() || (s->o->state && policy_is_saved(p, dir, &form)))
		return 0;
	options_tell_loss(p, s->o->policy, &form);
	return policy_save(p, dir, &form, why);
}

void session_rescue(const struct session *s, const struct policy *p, const char *dir)
{
	struct reason why = {0};

	if (session_save(s, p, dir, &why))
		msg_reason(&why);
	else
		msg_warn("%s: the last good weights are here", dir);
}

int session_close(struct session *s, int st, const struct reason *why)
{
	bool whole = s->all && s->done == s->all;

	if (st)
		msg_reason(why);
	state_close(&s->state);
	par_stop();
	st = rank_end(tool_finish(st));
	if (!tool_caught() || st || whole)
		return st;
	if (rank_count() == 1)
		raise(tool_caught());
	return 128 + tool_caught(); /* MPICH's launcher would make the bare number of it */
}
