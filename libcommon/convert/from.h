/*
 * from.h - what the readers of formats share: values of a row with their types checked, prompts of
 * messages, and what goes into meta. All that a sample points to lives until the row's end.
 */
#ifndef CONVERT_FROM_H
#define CONVERT_FROM_H

#include "convert/format.h"
#include "convert/notes.h"
#include "base/names.h"
#include "chat/chat.h"
#include "tokenizer/tokenizer.h"

/* A problem, or a request, that a row names and does not hold */
struct from_known {
	char *prompt, *messages; /* one of them, or neither */
	char *answer;            /* NULL: none */
	char *finish;            /* "stop" when nothing but the end token could end it; NULL */
	double temperature, top_p;
	bool plain; /* a request that draws from the whole distribution */
};

struct from_opts {          /* zero-initialise */
	const char *reward; /* the key of the reward, or the part; NULL: as the format has it */
	const char *filter; /* of lm-eval; NULL: the first */
	bool drawn;         /* log-probs are said to be of the drawn distribution */
	const struct tokenizer *tok; /* NULL: ids stay ids */
	const struct chat *chat;     /* NULL: messages stay JSON */
	const char *end;             /* the text of the token that ends an answer; NULL */
	struct names known_names;    /* of -t and --requests, */
	struct from_known *known;    /* one each */
	size_t n_known;
};

struct from {
	const struct from_opts *o;
	const char *name; /* of the file, for messages */
	size_t line;
	struct tape_val row; /* the whole of it */
	struct reason *why;
	struct rec_out *out;
	const struct format *format;
	bool told; /* it is this file's */
	struct notes lost, skipped;
	uint64_t rows, samples;
	uint64_t copies;         /* rows that stood before: no samples, and no fault */
	bool first;              /* this row is its file's first */
	bool reward_seen;        /* a row has the key that was asked for */
	const char *const *used; /* of from_rest: the list, */
	uint64_t used_bits;      /* a bit for each tape_place of its names, */
	struct span used_at[64]; /* and of each such place a name */
	void *own;               /* the format's, from file to file; NULL at first */
	void (*free_own)(void *own);
	struct buf meta; /* memory of a sample's that is gone */
	char *room;      /* of the row: a block for what is small, */
	size_t taken;    /* so much of it is in use, */
	void **mem;      /* and what did not fit there */
	size_t n_mem, cap_mem;
};

/* Of a record's keys that a row of another program's has beside its own: see keep.h */
#define KEEP_KEY "traj"

enum { META_HEAD = 5 }; /* bytes of a map's head, at most */

struct sample {
	struct traj t;
	struct span messages; /* the prompt's, as JSON; p NULL: it is a text */
	struct buf meta;      /* room for the head of a map, and pairs in MessagePack */
	size_t n_meta;
};

/* ---- for readers ---- */
void from_sample(struct sample *s);
void from_sample_free(struct from *f, struct sample *s);

void *from_mem(struct from *f, size_t n); /* until the row's end, */
void from_forget(struct from *f);         /* which this is */
struct span from_copy(struct from *f, const void *p, size_t n);
struct span from_print(struct from *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ST_INPUT: "FILE:LINE: key: what" */
int from_bad(struct from *f, const char *key, const char *what);
void from_lost(struct from *f, const char *note);    /* of a sample that is put */
void from_skipped(struct from *f, const char *note); /* one that is not */

/* The key's text; it must be there. */
int from_text(struct from *f, struct tape_val row, const char *key, struct span *s);
struct span from_maybe(struct tape_val row, const char *key); /* p NULL: no text there */
/* A text, or anything else as JSON; absent, null and []: p NULL. A list of one is that one. */
struct span from_answer(struct from *f, struct tape_val v);
struct span from_json(struct from *f, struct tape_val v); /* the value as JSON text */
/* A number, true, false, or a text that reads as one of them; absent and null: *x stays. */
int from_num(struct from *f, struct tape_val row, const char *key, double *x);
/* A whole number from 0; absent and null: *x stays. */
int from_int(struct from *f, struct tape_val row, const char *key, int64_t *x);
/* Token ids; absent and null: *n is 0. */
int from_ids(struct from *f, struct tape_val v, const char *key, const uint32_t **ids, size_t *n);
/* Numbers; absent and null: *n is 0. */
int from_floats(struct from *f, struct tape_val v, const char *key, const float **x, size_t *n);
/* Lists of ids, which ascend, as base/kept.h has them; absent and null: sets->p is NULL. */
int from_kept(struct from *f, struct tape_val v, const char *key, struct span *sets);
/* The reward that --reward asks for, in this map of numbers; what: what such a map's keys are
 * called. Without the option: NaN. */
int from_reward(struct from *f, struct tape_val map, double *reward);

/* A prompt: a text or messages (a text that is the JSON of messages counts as them). */
int from_prompt(struct from *f, struct sample *s, struct tape_val v, const char *key);
int from_messages(struct from *f, struct sample *s, struct tape_val v, uint32_t n);
/* The same, one by one: a turn, or a message without its keys that are null, behind those in b
 * (empty at first); then all of them as the prompt. */
void from_turn(struct buf *b, const char *role, struct span content);
int from_message(struct from *f, struct buf *b, struct tape_val m);
int from_turns(struct from *f, struct sample *s, struct buf *b);
/* The content of the messages' answer, which is one message of the assistant's. */
int from_completion(struct from *f, struct sample *s, struct tape_val v, const char *key);
/* The prompt and the answer of a problem or request that was given by option; false: unknown. */
const struct from_known *from_find(struct from *f, struct sample *s, struct span name);
/* Takes the end token's text off a response and says finish "stop"; false: it has none. */
bool from_cut_end(struct from *f, struct sample *s);
/* Texts of a sample that has ids alone */
void from_decode(struct from *f, struct sample *s);

/* Into meta: the value under this name; all keys of a row but those (a list that ends with NULL)
 * and KEEP_KEY, or with NULL all. null is left out. */
void from_meta(struct from *f, struct sample *s, const char *name, struct tape_val v);
void from_meta_text(struct sample *s, const char *name, struct span text);
void from_meta_bool(struct sample *s, const char *name, bool is);
void from_rest(struct from *f, struct sample *s, struct tape_val row, const char *const used[]);

#endif
