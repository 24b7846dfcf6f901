/*
 * profile.h - where the time of the main thread goes: at any moment one part of the work is
 * counted, and seconds are kept of each.
 *
 *     enum profile_part before = profile_to(PROFILE_SAMPLE);
 *     ... sample ...
 *     profile_to(before);
 *
 * Always counted: a call reads a clock. The main thread alone may call these.
 */
#ifndef BASE_PROFILE_H
#define BASE_PROFILE_H

enum profile_part {
	PROFILE_REST, /* whatever is none of the others; counted first */
	PROFILE_SAMPLE,
	PROFILE_VERIFY,
	PROFILE_FORWARD, /* of the model, in training */
	PROFILE_BACKWARD,
	PROFILE_UPDATE, /* optimizer, and what follows from new weights */
	PROFILE_WAIT,   /* for other threads to end their share */
	PROFILE_PARTS
};

/* Counts for part from now on; returns what was counted before. The first call begins to count. */
enum profile_part profile_to(enum profile_part part);

struct profile {
	double s[PROFILE_PARTS]; /* seconds */
};
/* Seconds of each part since the process began to count. */
struct profile profile_now(void);
struct profile profile_since(const struct profile *then);
/* Says where the time of the process went: name, seconds and share of each part. */
void profile_show(void);
const char *profile_name(enum profile_part part); /* "sampling" ... */

#endif
