/*
 * to.h - what the writers of formats share: a row of JSON that is being made, messages, and what a
 * format cannot say.
 *
 * A writer calls to_open, one function a key and to_close, which writes the line. A key whose value
 * is absent is left out; to_null writes it as null.
 */
#ifndef CONVERT_TO_H
#define CONVERT_TO_H

#include "convert/format.h"
#include "convert/notes.h"

struct to_opts {
	const char *model; /* of requests */
	double threshold;  /* least reward that is right */
	bool keep;         /* what a row cannot say goes beside it: keep.h */
};

struct to {
	const struct to_opts *o;
	const struct format *format;
	struct out *out;
	struct reason *why;
	struct tape_val chat; /* the prompt's messages; absent: it is a text */
	struct tape tape;     /* theirs, */
	struct buf prompt;    /* and their JSON */
	struct buf line;
	bool more; /* a key stands in front */
	struct notes lost, skipped;
	uint64_t records, rows;
	void *own; /* the format's; freed by free_own */
	void (*free_own)(void *own);
};

/* All trajectories of a stream, in the format; what is no trajectory is counted. */
int to_file(struct to *t, const char *path);
void to_free(struct to *t);

/* ---- for writers ---- */
void to_open(struct to *t);
void to_key(struct to *t, const char *key); /* a value is to be appended to t->line */
void to_text(struct to *t, const char *key, struct span s);
void to_word(struct to *t, const char *key, const char *word);
void to_num(struct to *t, const char *key, double x);  /* NaN: absent */
void to_int(struct to *t, const char *key, int64_t x); /* below 0: absent */
void to_ids(struct to *t, const char *key, const uint32_t *v, size_t n);
/* Those behind others in an open list, and its end */
void to_more_ids(struct to *t, const uint32_t *v, size_t n);
void to_floats(struct to *t, const char *key, const float *v, size_t n);
void to_null(struct to *t, const char *key);
/* Pairs of meta as keys of the row, but those among taken (words with blanks around) */
void to_rest(struct to *t, struct mp meta, const char *taken);
void to_close(struct to *t, const struct traj *r);

void to_lost(struct to *t, const char *note);
void to_skipped(struct to *t, const char *note);

/* The prompt as a list of messages (a text: the user's), with the answer behind it if there is one
 */
void to_messages(struct to *t, const char *key, struct span prompt, struct span answer);
/* The answer as the prompt is: a text, or a list of one message */
void to_answer(struct to *t, const char *key, struct span answer);
/* The prompt as it is: a text, or messages */
void to_prompt(struct to *t, const char *key, struct span prompt);

#endif
