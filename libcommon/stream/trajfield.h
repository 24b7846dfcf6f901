/* trajfield.h - the keys of a trajectory's record, for those who read and write it. */
#ifndef STREAM_TRAJFIELD_H
#define STREAM_TRAJFIELD_H

#include <stdbool.h>
#include <stddef.h>

/* Up to F_KEPT with a pointer at its place that is NULL where the key is absent */
enum form { F_KIND, F_BYTES, F_MAP, F_TOKENS, F_FLOATS, F_KEPT, F_NUM, F_INT, F_BOOL };

enum { TRAJ_FIELDS = 26 };

/* Every key, in canonical order */
extern const struct field {
	char name[16]; /* all of which may be copied */
	size_t len;    /* of it */
	enum form form;
	size_t at;   /* in struct traj */
	size_t n_at; /* of the count, for arrays */
} traj_fields[TRAJ_FIELDS];

struct traj;
/* Is the key there? kind and id always are. */
bool traj_has(const struct traj *t, const struct field *f);

/* n words of the stream (little-endian) to or from this machine's order; either may be unaligned */
void traj_copy_words(void *to, const void *from, size_t n);

#endif
