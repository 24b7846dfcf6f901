/*
 * peft.h - adapter_config.json, as Hugging Face's PEFT has it beside adapter_model.safetensors.
 *
 * Every key that changes the arithmetic is honoured or refused by name; the rest is kept.
 */
#ifndef POLICY_PEFT_H
#define POLICY_PEFT_H

#include "base/buf.h"
#include "model/lora.h"
#include "policy/modules.h"

#define PEFT_CONFIG "adapter_config.json"
#define PEFT_WEIGHTS "adapter_model.safetensors"
#define PEFT_PREFIX "base_model.model." /* before each weight's name */

/* A fresh adapter, as an option asks for it, or one that a file tells of. */
struct peft {
	char *base;              /* folder of the policy that it is for, an absolute path; owned */
	int64_t r;               /* 0: none */
	double alpha;            /* 0: twice r */
	unsigned targets;        /* 0: all */
	bool root;               /* use_rslora: B A counts alpha / sqrt(r), not alpha / r */
	struct modules *modules; /* which layers of targets have one; NULL: all */
	struct buf json;         /* the file as it came; n = 0: there was none */
};

/* Adds the targets of a list, "q_proj,v_proj". */
int peft_targets(const char *list, unsigned *targets, struct reason *why);
/* Of the targets (0: all) keeps those that the model has: ST_INPUT where it has none or, of layers
 * that somebody named, not all. */
int peft_choose(struct peft *p, const struct config *c, bool named, struct reason *why);
bool peft_is_folder(const char *dir); /* has it an adapter? */
/* base_model_name_or_path, when it is no absolute path, begins at dir. */
int peft_read(struct peft *p, const char *dir, struct reason *why);
/* The adapter of zeros that it tells of; NULL: no layer has one. */
struct lora *peft_lora(const struct peft *p, const struct config *c, struct reason *why);
/* Appends the file. */
void peft_text(const struct peft *p, struct buf *out);
void peft_free(struct peft *p);

#endif
