/* cut.c - the distribution over a part of the vocabulary: worked numbers, central differences in
 * double, and what a set of one token and a set of all are. */
#include "model/cut.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "close.h"

enum { V = 40 };

static struct span set_of(struct buf *b, const uint32_t *ids, size_t n)
{
	buf_reset(b);
	kept_put(b, ids, n);
	return (struct span){b->p, b->n};
}

/* p .5 .25 .15 .1, of which top-p .8 keeps three */
static void worked(void **state)
{
	static const double p[] = {0.5, 0.25, 0.15, 0.1}, moved[] = {0.2, 0, 0, 0.5};
	static const double logp[] = {-0.587787, -1.280934, -1.791759};
	static const double gradient[] = {-0.555556, 0.722222, -0.166667, 0};
	static const double ratio[] = {1.087623, 0.890471, 0.890471};
	static const uint32_t ids[] = {0, 1, 2};
	struct softmax_grad g = {1, 0, 0, 1, 0};
	float z[4], then[4];
	struct softmax_stat s;
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		z[i] = (float)log(p[i]);
		then[i] = (float)(log(p[i]) + moved[i]);
	}
	for (uint32_t i = 0; i < 3; i++) {
		float now = cut_logp(z, ids, 3, i, 1);

		assert_close(now, logp[i], 1e-6);
		assert_close(exp((double)cut_logp(then, ids, 3, i, 1) - now), ratio[i], 1e-6);
		assert_true(cut_logp_kept(z, set_of(&b, ids, 3), i, 1) == now);
	}
	s = softmax_stat(z, 4, 1);
	cut_backward(z, 4, set_of(&b, ids, 3), 1, &s, &g);
	for (size_t i = 0; i < 4; i++)
		assert_close(z[i], gradient[i], 1e-6);
	buf_free(&b);
}

/* a log p_K(t) + b log p(t) + c H(p), p of logits y = cap tanh(x / cap) at 1 / temperature */
struct example {
	uint32_t ids[V];
	size_t n, target;
	double a, b, c, inv_t, cap;
};

static double log_sum(const double *x, const uint32_t *ids, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += exp(x[ids ? ids[i] : i]);
	return log(sum);
}

static double value(const struct example *e, const double *x)
{
	double z[V], entropy = 0, all;

	for (size_t i = 0; i < V; i++)
		z[i] = e->inv_t * (e->cap > 0 ? e->cap * tanh(x[i] / e->cap) : x[i]);
	all = log_sum(z, NULL, V);
	for (size_t i = 0; i < V; i++)
		entropy -= exp(z[i] - all) * (z[i] - all);
	return e->a * (z[e->target] - log_sum(z, e->ids, e->n)) + e->b * (z[e->target] - all) +
	       e->c * entropy;
}

static void check_gradient(const struct example *e)
{
	struct softmax_grad g = {e->target, (float)e->b, (float)e->c, (float)e->inv_t,
				 (float)e->cap};
	struct softmax_stat s;
	struct buf b = {0};
	double x[V];
	float y[V];

	for (size_t i = 0; i < V; i++) {
		x[i] = rng_normal(3, i);
		y[i] = (float)(e->cap > 0 ? e->cap * tanh(x[i] / e->cap) : x[i]);
	}
	s = softmax_stat(y, V, (float)e->inv_t);
	cut_backward(y, V, set_of(&b, e->ids, e->n), (float)e->a, &s, &g);
	for (size_t i = 0; i < V; i++) {
		const double h = 1e-5, was = x[i];
		double up, down;

		x[i] = was + h;
		up = value(e, x);
		x[i] = was - h;
		down = value(e, x);
		x[i] = was;
		assert_close(y[i], (up - down) / (2 * h), 2e-6);
	}
	buf_free(&b);
}

static void gradients(void **state)
{
	struct example e = {.a = 0.7, .inv_t = 1.25};

	(void)state;
	for (size_t n = 1; n <= V; n += n < 20 ? 3 : 9) {
		e.n = n;
		for (uint32_t i = 0; i < n; i++)
			e.ids[i] = i * V / (uint32_t)n;
		e.target = e.ids[n / 2];
		for (int k = 0; k < 8; k++) {
			e.b = k & 1 ? -0.4 : 0;
			e.c = k & 2 ? 0.3 : 0;
			e.cap = k & 4 ? 2 : 0;
			check_gradient(&e);
		}
	}
}

/* One token: 0 and no gradient, exactly, at any temperature. */
static void one_token(void **state)
{
	struct buf b = {0};

	(void)state;
	for (uint32_t i = 0; i < V; i++) {
		struct softmax_grad g = {i, 0, 0, 0.7F, i % 2 ? 30.0F : 0};
		struct softmax_stat s;
		float x[V];

		for (size_t k = 0; k < V; k++)
			x[k] = 20 * (float)rng_normal(4, k);
		assert_true(cut_logp(x, &i, 1, i, 0.7F) == 0);
		s = softmax_stat(x, V, 0.7F);
		cut_backward(x, V, set_of(&b, &i, 1), 1, &s, &g);
		for (size_t k = 0; k < V; k++)
			assert_true(x[k] == 0);
	}
	buf_free(&b);
}

/* All of the vocabulary: the floats of the plain softmax */
static void all_tokens(void **state)
{
	uint32_t ids[V];
	float x[V];
	struct softmax_stat s;

	(void)state;
	for (uint32_t i = 0; i < V; i++) {
		ids[i] = i;
		x[i] = (float)rng_normal(6, i);
	}
	s = softmax_stat(x, V, 0.9F);
	for (size_t i = 0; i < V; i++)
		assert_true(cut_logp(x, ids, V, i, 0.9F) == softmax_logp(&s, x[i], 0.9F));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked),
		cmocka_unit_test(gradients),
		cmocka_unit_test(one_token),
		cmocka_unit_test(all_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
