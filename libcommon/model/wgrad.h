/* wgrad.h - gradients of weights: sums over all tokens of a micro-batch, cut into jobs whose order
 * of sums does not depend on the number of threads. */
#ifndef MODEL_WGRAD_H
#define MODEL_WGRAD_H

#include "model/model.h"
#include "tensor/matrix.h"
#include "tensor/norm.h"

/* One weight gradient: out (n, k) += dy' x, and bias (n) += the sum of dy over its rows (NULL:
 * none), with dy (T, n), x (T, k). */
struct wgrad {
	float *out, *bias;
	struct cmatrix dy, x;
};

/* What it takes: per_thread floats for each thread, at least wgrad_scratch; in bf16 wgrad_shared
 * words, in which x is packed once for all jobs (NULL: in f32). */
struct wgrad_room {
	float *scratch;
	size_t per_thread;
	uint32_t *shared;
};
/* For any gradients of m's, of T tokens */
size_t wgrad_scratch(const struct model *m, size_t T);
size_t wgrad_shared(const struct model *m, size_t T);
/* Runs all of w[0..n), of the same tokens, over the pool. */
void wgrad_all(const struct wgrad *w, size_t n, const struct wgrad_room *room);
/* out(row[t], :) += y(t, :) for t < n; rows of d floats */
void wgrad_add_rows(float *out, const uint32_t *row, const float *y, size_t n, size_t d);
/* Adds the gradient of a norm's weights: out(d) += sum over t of dy(t) * (x(t) - mean(t)) * r(t),
 * and of its bias (NULL: none): the sum of dy. */
void wgrad_norm(float *out, float *bias, const float *dy, const float *x,
		const struct norm_stat *stat, size_t T, size_t d);

#endif
