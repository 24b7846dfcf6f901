/*
 * join.h - the records of several streams as one segment.
 *
 * Its head, which comes first, tells how all of them were made: until their last head was read the
 * records are held in a file without a name, in $TMPDIR or /tmp. So nothing is written when one of
 * the streams turns out to be damaged or cut off.
 */
#ifndef STREAM_JOIN_H
#define STREAM_JOIN_H

#include "stream/rec.h"

struct join; /* opaque: holds an fd */

/* any_policy: trajectories of several policies are joined, too. NULL with the reason. */
struct join *join_new(bool any_policy, struct reason *why);
/* Reads in, which gives its frames (REC_FRAMES), to its end; its provenance goes to w, which has
 * written nothing. ST_INPUT where a trajectory is of another policy than the first that told its
 * own, and where a segment with trajectories came before: the same shard twice. */
int join_add(struct join *j, struct rec_in *in, struct rec_out *w, struct reason *why);
/* Puts all records to w, in their order; the segment stays open. */
int join_put(struct join *j, struct rec_out *w, struct reason *why);
void join_free(struct join *j); /* NULL is fine */

#endif
