/*
 * trajscan.h - what filters and counters look at, read off a record's bytes in one pass.
 *
 * Nothing is decoded that they do not ask for and nothing is copied: traj_read is for those who
 * need token ids and log-probs.
 */
#ifndef STREAM_TRAJSCAN_H
#define STREAM_TRAJSCAN_H

#include "stream/traj.h"

/*
 * Sets task, prompt, response, finish, verdict, reward, entropy, step, iter, relabelled and
 * n_tokens of *t, and makes everything else absent: tokens stays NULL although n_tokens is the
 * number of response tokens (0 when the key is absent). A missing task, prompt or response, one of
 * these keys twice or of the wrong type, a reward or an entropy that is not finite: ST_INPUT with
 * record and key in the reason. nil counts as absent.
 */
int trajscan(struct traj *t, const struct rec *r, const char *name, struct reason *why);

/* There is a reward, and no verdict but "ok": a verifier that failed is no evidence. */
bool trajscan_graded(const struct traj *t);

/* The value at a path: the key of that name, or with "a.b" what key b of the map at key a holds.
 * p NULL when it is absent or nil. */
struct mp trajscan_path(struct mp map, const char *path);

/* Appends a value as text: text as it is, numbers in their shortest form, true, false, else "".
 * False when v is nothing of the kind (absent, nil, array, map). */
bool trajscan_text(struct buf *b, struct mp v);

#endif
