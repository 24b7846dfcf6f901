/* mixpass.h - the trainer's passes through what some layers have in place of attention: see mix.h.
 */
#ifndef MODEL_MIXPASS_H
#define MODEL_MIXPASS_H

#include "model/workspace.h"

/* r->att of the present layer from r->qkv. */
void mixpass_forward(struct workspace *r);
/* r->dqkv, but for the gates, from r->datt, the gradient by r->att; adds to r->grads where they are
 * of all weights. */
void mixpass_backward(struct workspace *r);

#endif
