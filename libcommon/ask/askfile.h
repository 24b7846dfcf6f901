/*
 * askfile.h - a stream in a file that a stopped run left: which samples are in it, and going on
 * behind them.
 */
#ifndef ASK_ASKFILE_H
#define ASK_ASKFILE_H

#include "stream/traj.h"

/* Given each trajectory that is kept. A status other than 0 ends the reading. */
typedef int askfile_seen(void *arg, const struct traj *t, struct reason *why);

/*
 * Makes w, which has written nothing, write to path by o: from the beginning when nothing is there
 * (or it is no regular file); else behind the last sample of the segment that the same call began,
 * and what is cut off behind that goes. Samples at the end that were given up are asked for again:
 * the server was gone. *whole: the segment has its end, and nothing is opened. Another call's
 * segment, or a file of another kind: ST_INPUT, untouched.
 */
int askfile_open(struct rec_out *w, struct out *o, const char *path, askfile_seen *seen, void *arg,
		 bool *whole, struct reason *why);
/* The samples are all there: writes the end, to the disk. */
int askfile_finish(struct rec_out *w, struct reason *why);

#endif
