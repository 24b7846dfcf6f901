/* head.h - the output layer: log-probabilities of the scored rows, and its backward pass. */
#ifndef MODEL_HEAD_H
#define MODEL_HEAD_H

#include "model/workspace.h"

/* Computes logp, entropy and stat of all rows from r->xr. */
void head_forward(struct workspace *r);
/* Adds to grads, and writes the gradient by the last layer's output into r->dx. */
void head_backward(struct workspace *r);

#endif
