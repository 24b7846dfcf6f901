/* forward.h - one layer of the forward pass, computed again where the backward pass kept only its
 * input. */
#ifndef MODEL_FORWARD_H
#define MODEL_FORWARD_H

#include "model/workspace.h"

/* Computes layer r->layer from its input in r->x. */
void forward_layer(struct workspace *r);

#endif
