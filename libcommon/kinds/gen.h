/*
 * gen.h - procedural problems whose answers can be verified, and solutions to them.
 *
 * A kind is one file that both draws problems and judges responses. A problem has a canonical key;
 * a hash of kind and key alone decides which split the problem belongs to, so no problem is ever
 * in two splits, whatever the seed, the parameters or the count.
 */
#ifndef KINDS_GEN_H
#define KINDS_GEN_H

#include "answer/judge.h"

enum split { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLIT_OOD, SPLIT_PRETRAIN, N_SPLITS };
enum { GEN_PARTS = 4, GEN_NUMBERS = 16 /* most numbers of a problem */ };
extern const char *const split_name[N_SPLITS];

/* Parameters of a share of the problems; what a kind makes of them: task-gen(1). As an override, a
 * field that is 0 changes nothing. */
struct gen_part {
	int share; /* of 100; the shares of a split sum to 100 */
	int min_numbers, max_numbers, max_value;
	int min_large; /* numbers of two digits and more, at least */
	int min_target, max_target;
};

struct problem {        /* zero-initialise; buffers are reused; freed with gen_problem_free */
	struct buf key; /* canonical, printable */
	struct buf prompt, answer, meta;
	struct buf solution; /* a right response */
};
void gen_problem_reset(struct problem *p); /* empty, memory kept */
void gen_problem_free(struct problem *p);

/* Randomness of one draw: counter-based, see rng.h. */
struct gen_draw {
	uint64_t key, pos;
};
int64_t gen_below(struct gen_draw *d, int64_t n);              /* 0..n-1 */
int64_t gen_range(struct gen_draw *d, int64_t lo, int64_t hi); /* both included */
/* min to max_numbers numbers from 1 to max_value, ascending, not always distinct, min_large of them
 * above 9; false when that cannot be. */
bool gen_numbers(struct gen_draw *d, const struct gen_part *part, int64_t *v, size_t *n);

struct kind {
	const char *name, *purpose;
	struct gen_part part[N_SPLITS][GEN_PARTS];
	/* One attempt: false when this draw leads to no problem. words: a prompt in English. The
	 * problem comes in empty. */
	bool (*draw)(struct problem *p, struct gen_draw *d, const struct gen_part *part,
		     bool words);
	judge_fn *judge;
	/* Of kinds whose problems are givens (numbers, a graph) and a goal; else NULL. Keys are
	 * appended.
	 * The key of the item's problem; false: its meta and answer are no problem of this kind. */
	bool (*key)(const struct verify_item *it, struct buf *key);
	/* The problem of a key, which may be any bytes; false: it is none. p comes in empty. */
	bool (*problem)(struct problem *p, struct span key, bool words);
	/* Hindsight: the key of the problem with the item's givens that its response solves; false:
	 * it solves none that the kind could draw. */
	bool (*solves)(const struct verify_item *it, struct buf *key);
};
extern const struct kind kind_countdown, kind_subset, kind_path, kind_arithmetic;
const struct kind *const *gen_kinds(void);     /* ends with NULL */
const struct kind *gen_kind(struct span name); /* NULL: none of that name */

struct gen_opts {
	const struct kind *kind;
	enum split split;
	uint64_t seed;
	struct gen_part over; /* overrides */
	bool words;
	bool solutions; /* no problem and solution twice, instead of no problem twice */
};

struct gen; /* opaque: remembers what it gave */
struct gen *gen_open(const struct gen_opts *o);
/* The next problem in p; false when a long run of draws led to nothing new. */
bool gen_next(struct gen *g, struct problem *p);
void gen_close(struct gen *g);

/* "countdown:3,4,7,9=24", what a problem is called: its kind, NULL: there is none of that name, and
 * its key. */
const struct kind *gen_named(struct span id, struct span *key);
/* The key of the problem of this kind that the item is, or that its response solves, behind the
 * kind's name: what it is called. False: there is none; what is in id is then of no use. */
bool gen_name(const struct kind *k, const struct verify_item *it, struct buf *id);
bool gen_solves(const struct kind *k, const struct verify_item *it, struct buf *id);

/* ---- for the kinds ---- */
void gen_put_int(struct buf *b, int64_t v); /* decimal; quicker than printf */
/* "3 4 7" with the separator; last: another one before the last number, or NULL */
void gen_put_numbers(struct buf *b, const int64_t *v, size_t n, const char *sep, const char *last);
extern const char gen_ask[]; /* how a prompt in words asks for the answer's place */

#endif
