/* update.c - one update of a model's weights. See update.h. */
#include "learn/update.h"
#include "base/fault.h"
#include "base/profile.h"

#include <assert.h>
#include <math.h>

bool update_apply(struct adamw *a, struct model *m, const float *grads, double loss, double lr,
		  double *norm)
{
	enum profile_part before = profile_to(PROFILE_UPDATE);
	bool applied = false;

	assert(a->n == model_trained(m).n);
	assert(grads);
	fault_double("loss", &loss);
	if (isfinite(loss))
		applied = adamw_step(a, model_trained(m).v, grads, lr, norm);
	else
		a->skipped_in_row++;
	if (applied) {
		fault_float("weight", model_trained(m).v);
		model_pack(m);
	}
	profile_to(before);
	return applied;
}

void update_state(struct adamw *a, const struct weights *w, struct state *s)
{
	assert(a->n == w->n);
	state_count(s, "adamw.steps", &a->steps);
	state_count(s, "adamw.skipped_in_row", &a->skipped_in_row);
	state_array(s, "optimizer.safetensors", "m.", w->w, w->n_w, a->m);
	state_array(s, "optimizer.safetensors", "v.", w->w, w->n_w, a->v);
	state_array(s, "model.safetensors", "", w->w, w->n_w, w->v);
}
