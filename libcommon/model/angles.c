/* angles.c - cosines and sines of the rotary embedding. See angles.h. */
#include "model/angles.h"
#include "base/elem.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STEP = 256 }; /* positions made at a time */

struct angles {
	size_t len, hd;
	double *freq, scale;
	float *v;             /* (len, hd): room for all, which is no memory until it is written */
	atomic_size_t made;   /* positions that are in v */
	pthread_mutex_t lock; /* of making more */
};

struct angles *angles_new(const struct rope *r, int64_t len, int64_t hd)
{
	struct angles *a = xcalloc(1, sizeof *a);

	assert(len >= 1 && hd >= 2 && hd % 2 == 0);
	a->len = (size_t)len;
	a->hd = (size_t)hd;
	a->freq = xarray(a->hd / 2, sizeof *a->freq);
	a->scale = rope_scale(r);
	a->v = big_alloc(a->len * a->hd * sizeof *a->v);
	rope_freqs(r, a->freq, hd);
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void angles_table(float *cs, const double *freq, size_t pos, double scale, size_t n)
{
	assert(cs && freq && n % 2 == 0);
	for (size_t i = 0; i < n / 2; i++) {
		cs[i] = (float)(scale * elem_cos((double)pos * freq[i]));
		cs[i + n / 2] = (float)(scale * elem_sin((double)pos * freq[i]));
	}
}

static void make_more(struct angles *a, size_t pos)
{
	size_t n, end = (pos / STEP + 1) * STEP;

	pthread_mutex_lock(&a->lock);
	end = end < a->len ? end : a->len;
	for (n = atomic_load(&a->made); n < end; n++)
		angles_table(a->v + n * a->hd, a->freq, n, a->scale, a->hd);
	atomic_store(&a->made, n);
	pthread_mutex_unlock(&a->lock);
}

const float *angles_at(struct angles *a, size_t pos)
{
	assert(pos < a->len);
	if (pos >= atomic_load_explicit(&a->made, memory_order_acquire))
		make_more(a, pos);
	return a->v + pos * a->hd;
}

void angles_free(struct angles *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	big_free(a->v, a->len * a->hd * sizeof *a->v);
	free(a->freq);
	free(a);
}
