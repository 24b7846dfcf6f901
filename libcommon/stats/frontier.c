/* frontier.c - what of one number can be had with at least so much of another. See frontier.h. */
#include "stats/frontier.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* The greatest y on the line from a to b where x is at least that; a.x < x <= b.x */
static double top_of_line(struct frontier_point a, struct frontier_point b, double x)
{
	double y = a.y + (b.y - a.y) * ((x - a.x) / (b.x - a.x));

	return y > b.y ? y : b.y;
}

double frontier_at(const struct frontier_point *v, size_t n, double x)
{
	double top = NAN;

	for (size_t i = 0; i < n; i++) {
		double y = v[i].x >= x ? v[i].y : NAN;

		if (i && v[i - 1].x < x && v[i].x >= x)
			y = top_of_line(v[i - 1], v[i], x);
		else if (i && v[i].x < x && v[i - 1].x >= x)
			y = top_of_line(v[i], v[i - 1], x);
		top = fmax(top, y); /* of a number and NaN it is the number */
	}
	return top;
}

struct slant { /* y = y0 + slope x */
	double y0, slope;
};

/* The lines that Y is made of: of neighbouring points, and level through each point; their number
 */
static size_t slants_of(const struct frontier_point *v, size_t n, struct slant *line)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++) {
		line[lines++] = (struct slant){v[i].y, 0};
		if (i && v[i].x != v[i - 1].x) {
			double slope = (v[i].y - v[i - 1].y) / (v[i].x - v[i - 1].x);

			line[lines++] = (struct slant){v[i].y - slope * v[i].x, slope};
		}
	}
	return lines;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void note_between(double x, double from, double to, double *at, size_t *n)
{
	if (x > from && x < to)
		at[(*n)++] = x;
}

/* Where Y may pass from one line to another: at the points and where lines cross; ascending, with
 * both ends. Their number */
static size_t corners(const struct frontier_point *v, size_t n, double from, double to, double *at)
{
	struct slant *line = xarray(2 * n, sizeof *line);
	size_t lines = slants_of(v, n, line), all = 0;

	at[all++] = from;
	at[all++] = to;
	for (size_t i = 0; i < n; i++)
		note_between(v[i].x, from, to, at, &all);
	for (size_t i = 0; i < lines; i++)
		for (size_t j = 0; j < i; j++)
			note_between((line[j].y0 - line[i].y0) / (line[i].slope - line[j].slope),
				     from, to, at, &all);
	free(line);
	qsort(at, all, sizeof *at, by_size);
	return all;
}

/* Between two corners Y is a straight line: its mean is what it is in the middle. */
double frontier_mean(const struct frontier_point *v, size_t n, double from, double to)
{
	double *at, sum = 0;
	size_t all;

	if (!(from < to) || isnan(frontier_at(v, n, to)))
		return NAN;
	at = xarray(2 + n + n * (2 * n - 1), sizeof *at);
	all = corners(v, n, from, to, at);
	for (size_t i = 1; i < all; i++)
		sum += (at[i] - at[i - 1]) * frontier_at(v, n, (at[i - 1] + at[i]) / 2);
	free(at);
	return sum / (to - from);
}
