/*
 * format.h - a form that other programs write rollouts in, or read them in.
 *
 * Each is one file with one struct format; formats.c lists them.
 */
#ifndef CONVERT_FORMAT_H
#define CONVERT_FORMAT_H

#include "base/tape.h"
#include "stream/traj.h"

struct from;   /* from.h: what a reader works with */
struct sample; /* from.h */
struct to;     /* to.h: what a writer works with */

struct format {
	const char *name;
	const char *what; /* one line, for people */
	/* Does a row look like one of this format's? It must not be taken for another's. */
	bool (*looks)(struct tape_val row);
	/* Puts the samples that the row holds (from_put), or none and a note. ST_INPUT with the
	 * reason: the row is no row of this format. NULL: it is only written. */
	int (*read)(struct from *f, struct tape_val row);
	/* A file has ended: what was held back of it is put; NULL: nothing ever is. */
	int (*read_end)(struct from *f);
	/* Writes what a trajectory is in this format (see to.h). NULL: it is only read. */
	int (*write)(struct to *t, const struct traj *r);
	/* The keys of a trajectory that it can say, one word each with blanks around; those of them
	 * that do not always come back as they were, NULL: none */
	const char *holds, *changes;
	bool pairs; /* a written row is two trajectories: nothing can be kept beside one */
};

#endif
