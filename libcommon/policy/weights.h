/* weights.h - the weights of a model, or of an adapter, from and to safetensors files. */
#ifndef POLICY_WEIGHTS_H
#define POLICY_WEIGHTS_H

#include "model/model.h"
#include "policy/peft.h"
#include "policy/safetensors.h"

#include <stdbool.h>

/* Beside MODEL_*: MODEL_FROZEN if all weights are BF16 on disk, so that nothing is rounded. */
enum { WEIGHTS_LEAN = 1 << 8 };

/* Makes the model that cfg describes of the tensors in DIR, read side by side by the threads of
 * par.h, and packs it; how: of model_init, and above; *dtype: the
 * type on disk of each weight of the model, the caller's to free; NULL on failure. A tensor
 * that is missing, too many, of another shape or not finite: ST_INPUT naming it; model_free is
 * right then too. */
int weights_load(struct model *m, const struct config *cfg, int how, const char *dir,
		 enum sft_dtype **dtype, struct reason *why);
/* An adapter's, whose names begin with PEFT_PREFIX; packs it. */
int weights_load_adapter(struct lora *l, const char *path, enum sft_dtype **dtype,
			 struct reason *why);
/* In which types weights are written. */
struct weights_form {
	enum weights_as {
		WEIGHTS_F32 = SFT_F32,
		WEIGHTS_F16 = SFT_F16,
		WEIGHTS_BF16 = SFT_BF16,
		WEIGHTS_TRAINED, /* each as it came where that loses nothing, else F32 */
		WEIGHTS_SAME,    /* each as it came */
	} as;
	bool random;   /* rounded at random, not to nearest */
	uint64_t seed; /* of that */
};

/* What rounding does to a change of weights, told from those in a folder, as a file of the new
 * types would have had these. */
struct weights_loss {
	uint64_t changed, returned; /* weights; of them those that come back with their old value */
	uint64_t rounded;           /* weights that the file does not have as they are */
	double change, kept;        /* norms of the change before and after rounding */
};

/* The type of each weight in a file; came: on disk before (n_w). */
void weights_types(const struct model *m, const struct weights_form *f, const enum sft_dtype *came,
		   enum sft_dtype *types);
void weights_types_adapter(const struct lora *l, const struct weights_form *f,
			   const enum sft_dtype *came, enum sft_dtype *types);
/* Those of the model, with its adapter, if it has one, added; or those of the adapter. As
 * sft_write: ST_INPUT when one is not finite. */
int weights_write(const struct model *m, struct out *o, const struct weights_form *f,
		  const enum sft_dtype *types, struct reason *why);
int weights_write_adapter(const struct lora *l, struct out *o, const struct weights_form *f,
			  const enum sft_dtype *types, struct reason *why);
/* Rows first .. first + n of weight i of the table, the adapter added: where they lie, or made in
 * buf, which has room for them. */
const float *weights_rows(const struct model *m, size_t i, size_t first, size_t n, float *buf);
/* What weights_write with these types does to the change from the weights in dir. */
int weights_compare(const struct model *m, const char *dir, const struct weights_form *f,
		    const enum sft_dtype *types, struct weights_loss *loss, struct reason *why);
/* The same of an adapter, whose file was at path. */
int weights_compare_adapter(const struct lora *l, const char *path, const struct weights_form *f,
			    const enum sft_dtype *types, struct weights_loss *loss,
			    struct reason *why);

#endif
