/* notes.h - what a conversion loses, each thing counted and told once. */
#ifndef CONVERT_NOTES_H
#define CONVERT_NOTES_H

#include <stddef.h>
#include <stdint.h>

struct notes { /* zero-initialise */
	struct note {
		const char *text; /* a literal: told apart by what it says */
		uint64_t n;
	} v[64];
	size_t n;
};

void notes_add(struct notes *s, const char *text);

#endif
