/* weights.h - the weights of a model from and to a folder's safetensors files. */
#ifndef POLICY_WEIGHTS_H
#define POLICY_WEIGHTS_H

#include "policy/model.h"
#include "policy/safetensors.h"

/* Makes the model that cfg describes of the tensors in DIR, read side by side by the threads of
 * par.h, and packs it; how: of model_init; *dtype: of the embedding on disk. A tensor that is
 * missing, too many, of another shape or not finite: ST_INPUT naming it; model_free is right then
 * too. */
int weights_load(struct model *m, const struct config *cfg, int how, const char *dir,
		 enum st_dtype *dtype, struct reason *why);
void weights_write(const struct model *m, struct out *o, enum st_dtype dtype);

#endif
