/* update.c - one update of a model's weights. See update.h. */
#include "learn/update.h"
#include "base/fault.h"
#include "base/profile.h"
#include "learn/lanes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static void change(void *ctx, size_t from, size_t n)
{
	const struct optimizer_pass *s = ctx;

	optimizer_piece(s, from, n);
	if (!from)
		fault_float("weight", s->u.p);
}

static bool step(struct optimizer *a, struct model *m, const float *grads, double lr, double *norm)
{
	struct optimizer_pass s;

	if (model_packs_all(m) && optimizer_in_pieces(a)) {
		if (!optimizer_begin(a, &s, m->params, grads, lr, norm))
			return false;
		model_change(m, change, &s);
		optimizer_end(a);
		return true;
	}
	if (!optimizer_step(a, model_trained(m).v, grads, lr, norm))
		return false;
	fault_float("weight", model_trained(m).v);
	model_pack(m);
	return true;
}

bool update_apply(struct optimizer *a, struct model *m, const float *grads, double loss, double lr,
		  double *norm)
{
	enum profile_part before = profile_to(PROFILE_UPDATE);
	bool applied = false;

	assert(a->n == model_trained(m).n);
	assert(grads);
	fault_double("loss", &loss);
	if (isfinite(loss))
		applied = step(a, m, grads, lr, norm);
	else
		a->skipped_in_row++;
	profile_to(before);
	return applied;
}

void update_memory(const struct optimizer_opts *o, const struct model *m, size_t lanes, bool fits,
		   struct memory *need)
{
	struct weights w = model_trained(m);
	size_t *bound = optimizer_bounds(o, &w);

	need->gradients = lanes_bytes(lanes, m, bound, fits);
	free(bound);
	optimizer_bytes(o, &w, &need->moments, &need->work);
}

void update_state(struct optimizer *a, const struct weights *w, struct state *s)
{
	static const char *const names[][2] = {
		[OPTIMIZER_ADAMW] = {"adamw.steps", "adamw.skipped_in_row"},
		[OPTIMIZER_SGD] = {"sgd.steps", "sgd.skipped_in_row"},
		[OPTIMIZER_LION] = {"lion.steps", "lion.skipped_in_row"},
		[OPTIMIZER_MUON] = {"muon.steps", "muon.skipped_in_row"}};

	assert(a->n == w->n);
	state_count(s, names[a->kind][0], &a->steps);
	state_count(s, names[a->kind][1], &a->skipped_in_row);
	if (a->m)
		state_array(s, "optimizer.safetensors", "m.", w->w, w->n_w, a->m);
	if (a->m)
		state_parts(s, a->bound);
	if (a->n_second)
		state_array(s, "optimizer.safetensors", "v.", a->second, a->n_second, a->v);
	if (a->n_second)
		state_parts(s, a->v_bound);
	state_array(s, "model.safetensors", "", w->w, w->n_w, w->v);
}
