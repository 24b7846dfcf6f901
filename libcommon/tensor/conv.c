/* conv.c - a short causal convolution. See conv.h. */
#include "tensor/conv.h"

#include <assert.h>

void conv_forward(const struct conv *c, float *y, const float *const *x)
{
	assert(c->taps >= 1 && c->taps <= CONV_MOST);
	for (size_t i = 0; i < c->n; i++)
		y[i] = c->b ? c->b[i] : 0.0f;
	for (size_t j = 0; j < c->taps; j++)
		for (size_t i = 0; x[j] && i < c->n; i++)
			y[i] += c->w[i * c->taps + j] * x[j][i];
}

void conv_backward(const struct conv *c, float *const *dx, float *dw, float *db, const float *dy,
		   const float *const *x, size_t from, size_t n)
{
	assert(from + n <= c->n);
	for (size_t j = 0; j < c->taps; j++) {
		for (size_t i = from; dx[j] && i < from + n; i++)
			dx[j][i] += c->w[i * c->taps + j] * dy[i];
		for (size_t i = from; dw && x[j] && i < from + n; i++)
			dw[i * c->taps + j] += dy[i] * x[j][i];
	}
	for (size_t i = from; db && i < from + n; i++)
		db[i] += dy[i];
}
