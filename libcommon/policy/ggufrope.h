/* ggufrope.h - a rotary embedding in a GGUF's keys and tensors, and back. */
#ifndef POLICY_GGUFROPE_H
#define POLICY_GGUFROPE_H

#include "model/config.h"
#include "policy/gguf.h"
#include "policy/ggufarch.h"

/* What each frequency is divided by stands in tensors: Llama 3's in one, longrope's in two. */
enum { GGUF_ROPE_TENSORS = 2 };
struct gguf_rope_tensor {
	const char *name;
	float *v; /* owned */
	size_t n;
};

/* c->rope, and the base of layers with a window in c->local, of a file's; c: with its sizes. What
 * no config.json of the kind can say: ST_INPUT naming it. */
int gguf_rope_read(const struct gguf *g, const struct gguf_arch *a, struct config *c,
		   struct reason *why);
/* The keys of config.json that say it */
void gguf_rope_json(const struct gguf_arch *a, const struct config *c, json_t *j);
/* The keys of a GGUF; what they cannot say: ST_INPUT. */
int gguf_rope_put(const struct config *c, const struct gguf_arch *a, struct gguf_meta *m,
		  struct reason *why);
/* The tensors that go with them, and their number; v: the caller's to free. */
size_t gguf_rope_tensors(const struct config *c, struct gguf_rope_tensor t[GGUF_ROPE_TENSORS]);
bool gguf_rope_is_tensor(const char *name); /* Is it one of them? */

#endif
