/* notes.c - things counted. See notes.h. */
#include "convert/notes.h"

#include <assert.h>
#include <string.h>

void notes_add(struct notes *s, const char *text)
{
	size_t i = 0;

	while (i < s->n && s->v[i].text != text && strcmp(s->v[i].text, text) != 0)
		i++; /* most are the same words of the program */
	assert(i < sizeof s->v / sizeof *s->v);
	if (i == s->n)
		s->v[s->n++].text = text;
	s->v[i].n++;
}
