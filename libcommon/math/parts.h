/*
 * parts.h - an answer as words and formulas in turn.
 *
 * Words are what stands in \text{} and its like, around $...$, or in plain text as a phrase of a
 * language (15 red apples); and and or are none, they join values.
 */
#ifndef MATH_PARTS_H
#define MATH_PARTS_H

#include "base/buf.h"

#include <stdbool.h>

enum { PARTS = 64 };

struct part {
	bool word;
	size_t from, n; /* in text */
};

struct parts {
	struct buf text; /* all of them, one behind the other */
	int n, words;
	struct part v[PARTS];
};

/* False when there are too many, or braces that do not end; *p is empty then. */
bool parts_split(struct span s, struct parts *p);
void parts_free(struct parts *p);
struct span parts_at(const struct parts *p, int i);
/* Is part i that word, in any case? */
bool parts_is(const struct parts *p, int i, const char *word);
/* Is it a word that the list, ended by NULL, holds? */
bool parts_in(const struct parts *p, int i, const char *const *words);
/* Takes out n parts from i on. */
void parts_drop(struct parts *p, int i, int n);
/* Adds the parts to *out as LaTeX, words in \text{}. */
void parts_join(const struct parts *p, struct buf *out);

#endif
