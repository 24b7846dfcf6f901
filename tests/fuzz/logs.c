/* logs.c - any bytes as a training log: what is no row is told with its line, and the means of what
 * are rows are of ascending steps. */
#include "common/fuzz.h"

#include "base/num.h"
#include "stats/curve.h"
#include "stats/logread.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 2000, FUZZ_ZSTD};

enum { STEP, REWARD, SEED };

static void add(struct curves *c, struct logread *l)
{
	struct span seed = {l->cell[SEED].p ? l->cell[SEED].p : "", l->cell[SEED].n};
	double v = NAN;
	struct curve_row row = {.step = 0, .iter = -1, .v = &v};

	num_i64(buf_cstr(&l->cell[STEP]), 0, 1000000000, &row.step);
	num_f64(buf_cstr(&l->cell[REWARD]), -DBL_MAX, DBL_MAX, &v);
	curve_add(c, (struct span){"all", 3}, seed, &row);
}

static void means(const struct curves *c)
{
	size_t n;
	struct curve_mean *m = curve_means(c, 0, 0, &n);

	for (size_t i = 0; i < n; i++) {
		MUST(i == 0 || m[i].step > m[i - 1].step);
		MUST(m[i].runs >= 1 && m[i].runs <= c->names.n && m[i].low <= m[i].high);
	}
	free(m);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	static const char *const key[] = {"step", "reward", "seed"};
	struct curves c = {.columns = 1, .smooth = 3};
	struct names keys = {0};
	struct reason why = {0};
	struct logread l;
	int got;

	for (size_t i = 0; i < 3; i++)
		names_id(&keys, (struct span){key[i], strlen(key[i])});
	MUST(logread_open(&l, fuzz_file(0, p, n), &keys, &why) == 0);
	while ((got = logread_next(&l, &why)) > 0)
		add(&c, &l);
	MUST(got == 0 || (why.status == ST_INPUT && strstr(why.text, ":")));
	MUST(!l.cut || (n && p[n - 1] != '\n'));
	logread_close(&l);
	means(&c);
	curve_free(&c);
	names_free(&keys);
}
