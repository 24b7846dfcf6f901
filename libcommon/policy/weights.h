/* weights.h - the weights of a model, or of an adapter, from and to safetensors files. */
#ifndef POLICY_WEIGHTS_H
#define POLICY_WEIGHTS_H

#include "model/model.h"
#include "policy/peft.h"
#include "policy/safetensors.h"

/* Beside MODEL_*: MODEL_FROZEN if all weights are BF16 on disk, so that nothing is rounded. */
enum { WEIGHTS_LEAN = 1 << 8 };

/* Makes the model that cfg describes of the tensors in DIR, read side by side by the threads of
 * par.h, and packs it; how: of model_init, and above; *dtype: of the embedding on disk. A tensor
 * that is missing, too many, of another shape or not finite: ST_INPUT naming it; model_free is
 * right then too. */
int weights_load(struct model *m, const struct config *cfg, int how, const char *dir,
		 enum sft_dtype *dtype, struct reason *why);
/* An adapter's, whose names begin with PEFT_PREFIX; packs it. */
int weights_load_adapter(struct lora *l, const char *path, enum sft_dtype *dtype,
			 struct reason *why);
/* Those of the model, with its adapter, if it has one, added; or those of the adapter. As
 * sft_write: ST_INPUT when one is not finite. */
int weights_write(const struct model *m, struct out *o, enum sft_dtype dtype, struct reason *why);
int weights_write_adapter(const struct lora *l, struct out *o, enum sft_dtype dtype,
			  struct reason *why);

#endif
