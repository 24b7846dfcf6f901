/* bpe.c - byte-pair encoding. See bpe.h. */
#include "policy/bpe.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct bpe_name {
	uint32_t id;
	bool used;
};

/* Tokens left and right next to each other become made; low ranks first. */
struct bpe_merge {
	uint32_t left, right, made, rank;
	bool used;
};

/* A piece while it is merged: a doubly linked list in an array. */
struct bpe_symbol {
	uint32_t id;
	size_t prev, next; /* NONE at the ends */
	bool gone;         /* merged into the symbol before it */
};

/* A candidate of the heap; stale when its symbols changed since. */
struct bpe_pair {
	uint32_t rank, left, right, made;
	size_t at; /* of the left symbol */
};

static const size_t NONE = SIZE_MAX;

/* ---- the alphabet: printable Latin-1 characters stand for themselves, the other 68 bytes (0x00 to
 * 0x20, 0x7f to 0xa0, 0xad) for U+0100 and on ---- */

static bool stands_for_itself(unsigned c)
{
	return (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xff && c != 0xad);
}

void bpe_byte_char(unsigned char byte, struct buf *out)
{
	unsigned code = byte;

	if (!stands_for_itself(byte))
		code = byte <= 0x20 ? 0x100 + code : byte == 0xad ? 0x143 : 0x121 + code - 0x7f;
	if (code >= 0x80) {
		buf_char(out, (char)(0xc0 | code >> 6));
		code = 0x80 | (code & 0x3f);
	}
	buf_char(out, (char)code);
}

/* The byte that a character stands for, or -1. */
static int byte_of_char(unsigned code)
{
	if (code >= 0x100 && code <= 0x120)
		return (int)code - 0x100;
	if (code >= 0x121 && code <= 0x142)
		return (int)code - 0x121 + 0x7f;
	if (code == 0x143)
		return 0xad;
	return stands_for_itself(code) ? (int)code : -1;
}

/* Translates name into bytes at to (room for name.n). False when a character stands for no byte. */
static bool name_to_bytes(struct span name, char *to, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < name.n; i++) {
		unsigned c = (unsigned char)name.p[i];
		int byte;

		if (c >= 0x80) {
			if (c < 0xc2 || c > 0xc5 || i + 1 == name.n)
				return false;
			c = (c & 0x1f) << 6 | ((unsigned char)name.p[++i] & 0x3f);
		}
		byte = byte_of_char(c);
		if (byte < 0)
			return false;
		to[(*n)++] = (char)byte;
	}
	return true;
}

/* ---- hash tables: at most half full, linear probing ---- */

static struct bpe_name *name_slot(const struct bpe *b, struct span name)
{
	size_t i = XXH3_64bits(name.p, name.n) & (b->cap_names - 1);

	while (b->names[i].used && !span_eq(b->v[b->names[i].id].name, name))
		i = (i + 1) & (b->cap_names - 1);
	return &b->names[i];
}

static void grow_names(struct bpe *b)
{
	struct bpe_name *old = b->names;
	size_t n = b->cap_names;

	b->cap_names = n ? n * 2 : 1024;
	b->names = xcalloc(b->cap_names, sizeof *b->names);
	for (size_t i = 0; i < n; i++)
		if (old[i].used)
			*name_slot(b, b->v[old[i].id].name) = old[i];
	free(old);
}

/* The first token of a name keeps it. */
static void add_name(struct bpe *b, struct span name, uint32_t id)
{
	struct bpe_name *slot;

	if (b->n_names * 2 >= b->cap_names)
		grow_names(b);
	slot = name_slot(b, name);
	b->n_names += !slot->used;
	if (!slot->used)
		*slot = (struct bpe_name){id, true};
}

static struct bpe_merge *merge_slot(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t key = (uint64_t)left << 32 | right;
	size_t i = XXH3_64bits(&key, sizeof key) & (b->cap_merges - 1);

	while (b->merges[i].used && (b->merges[i].left != left || b->merges[i].right != right))
		i = (i + 1) & (b->cap_merges - 1);
	return &b->merges[i];
}

static void grow_merges(struct bpe *b)
{
	struct bpe_merge *old = b->merges;
	size_t n = b->cap_merges;

	b->cap_merges = n ? n * 2 : 1024;
	b->merges = xcalloc(b->cap_merges, sizeof *b->merges);
	for (size_t i = 0; i < n; i++)
		if (old[i].used)
			*merge_slot(b, old[i].left, old[i].right) = old[i];
	free(old);
}

/* ---- building ---- */

void bpe_init(struct bpe *b)
{
	*b = (struct bpe){.unk = -1};
	for (int i = 0; i < 256; i++)
		b->byte_id[i] = -1;
	grow_names(b);
	grow_merges(b);
}

void bpe_free(struct bpe *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		free((char *)b->v[i].name.p);
	free(b->v);
	free(b->names);
	free(b->merges);
	*b = (struct bpe){0};
}

/* The entry of a new token: name and room for its bytes in one block. */
static int new_token(struct bpe *b, struct span name, int64_t id, struct bpe_token **out,
		     struct reason *why)
{
	struct bpe_token *t;
	char *mem;

	if (id < 0 || id > BPE_MAX_ID)
		return fail(why, ST_INPUT, "token \"%.*s\": id %lld is not within 0..%d",
			    (int)name.n, name.p, (long long)id, BPE_MAX_ID);
	if (id < b->n && b->v[id].name.p)
		return fail(why, ST_INPUT, "token \"%.*s\": id %lld is that of \"%.*s\"",
			    (int)name.n, name.p, (long long)id, (int)b->v[id].name.n,
			    b->v[id].name.p);
	if (id >= b->cap) {
		uint32_t cap = b->cap ? b->cap : 1024;

		while (cap <= id)
			cap *= 2;
		b->v = xgrow(b->v, cap, sizeof *b->v);
		memset(b->v + b->cap, 0, (cap - b->cap) * sizeof *b->v);
		b->cap = cap;
	}
	if (id >= b->n)
		b->n = (uint32_t)id + 1;
	mem = xmalloc(2 * name.n + 1);
	memcpy(mem, name.p, name.n);
	t = &b->v[id];
	*t = (struct bpe_token){.name = {mem, name.n}, .bytes = {mem + name.n, 0}};
	add_name(b, t->name, (uint32_t)id);
	*out = t;
	return 0;
}

int bpe_add(struct bpe *b, struct span name, int64_t id, struct reason *why)
{
	struct bpe_token *t;

	if (new_token(b, name, id, &t, why))
		return ST_INPUT;
	if (!name_to_bytes(name, (char *)t->bytes.p, &t->bytes.n))
		t->bytes = t->name; /* no text leads to it, but it can be decoded */
	else if (t->bytes.n == 1)
		b->byte_id[(unsigned char)t->bytes.p[0]] = id;
	return 0;
}

int bpe_add_literal(struct bpe *b, struct span name, int64_t id, bool special, struct reason *why)
{
	struct bpe_token *t;
	uint32_t old;

	if (bpe_find(b, name, &old) && old == id) {
		b->v[old].special = special;
		return 0;
	}
	if (new_token(b, name, id, &t, why))
		return ST_INPUT;
	t->bytes = t->name;
	t->special = special;
	return 0;
}

int bpe_add_merge(struct bpe *b, struct span left, struct span right, struct reason *why)
{
	struct bpe_merge m = {.rank = (uint32_t)b->n_merges, .used = true}, *slot;
	char *both = xmalloc(left.n + right.n + 1);
	bool known;

	memcpy(both, left.p, left.n);
	memcpy(both + left.n, right.p, right.n);
	known = bpe_find(b, left, &m.left) && bpe_find(b, right, &m.right) &&
		bpe_find(b, (struct span){both, left.n + right.n}, &m.made);
	free(both);
	if (!known)
		return fail(why, ST_INPUT, "merge %u (\"%.*s\" \"%.*s\"): not in the vocabulary",
			    m.rank, (int)left.n, left.p, (int)right.n, right.p);
	if (b->n_merges * 2 >= b->cap_merges)
		grow_merges(b);
	slot = merge_slot(b, m.left, m.right);
	if (slot->used)
		return fail(why, ST_INPUT, "merge %u (\"%.*s\" \"%.*s\"): twice", m.rank,
			    (int)left.n, left.p, (int)right.n, right.p);
	*slot = m;
	b->n_merges++;
	return 0;
}

bool bpe_find(const struct bpe *b, struct span name, uint32_t *id)
{
	const struct bpe_name *s = name_slot(b, name);

	if (s->used)
		*id = s->id;
	return s->used;
}

/* ---- encoding: the pair of least rank first, the leftmost of equals; n log n in the piece ---- */

void bpe_work_free(struct bpe_work *w)
{
	free(w->sym);
	free(w->heap);
	buf_free(&w->name);
	*w = (struct bpe_work){0};
}

static bool before(const struct bpe_pair *a, const struct bpe_pair *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(struct bpe_work *w, struct bpe_pair p)
{
	size_t i = w->n_heap++;

	if (w->n_heap > w->cap_heap) {
		w->cap_heap = w->cap_heap ? w->cap_heap * 2 : 64;
		w->heap = xgrow(w->heap, w->cap_heap, sizeof *w->heap);
	}
	for (; i && before(&p, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = p;
}

static struct bpe_pair heap_pop(struct bpe_work *w)
{
	struct bpe_pair top = w->heap[0], last = w->heap[--w->n_heap];
	size_t i = 0;

	for (;;) {
		size_t k = 2 * i + 1;

		if (k + 1 < w->n_heap && before(&w->heap[k + 1], &w->heap[k]))
			k++;
		if (k >= w->n_heap || !before(&w->heap[k], &last))
			break;
		w->heap[i] = w->heap[k];
		i = k;
	}
	if (w->n_heap)
		w->heap[i] = last;
	return top;
}

static void push_pair(const struct bpe *b, struct bpe_work *w, size_t at)
{
	size_t next = at == NONE ? NONE : w->sym[at].next;
	const struct bpe_merge *m;

	if (next == NONE)
		return;
	m = merge_slot(b, w->sym[at].id, w->sym[next].id);
	if (m->used)
		heap_push(w, (struct bpe_pair){m->rank, m->left, m->right, m->made, at});
}

static int split_bytes(const struct bpe *b, struct bpe_work *w, struct span piece,
		       struct reason *why)
{
	if (piece.n > w->cap_sym) {
		w->cap_sym = piece.n;
		w->sym = xgrow(w->sym, w->cap_sym, sizeof *w->sym);
	}
	for (size_t i = 0; i < piece.n; i++) {
		int64_t id = b->byte_id[(unsigned char)piece.p[i]];

		if (id < 0)
			id = b->unk;
		if (id < 0)
			return fail(why, ST_INPUT, "no token for byte 0x%02x in \"%.*s\"",
				    (unsigned char)piece.p[i], (int)(piece.n < 40 ? piece.n : 40),
				    piece.p);
		w->sym[i] = (struct bpe_symbol){.id = (uint32_t)id,
						.prev = i ? i - 1 : NONE,
						.next = i + 1 < piece.n ? i + 1 : NONE};
	}
	return 0;
}

static void merge_all(const struct bpe *b, struct bpe_work *w, size_t n)
{
	w->n_heap = 0;
	for (size_t i = 0; i < n; i++)
		push_pair(b, w, i);
	while (w->n_heap) {
		struct bpe_pair p = heap_pop(w);
		struct bpe_symbol *s = &w->sym[p.at];
		size_t next = s->next;

		if (s->gone || next == NONE || s->id != p.left || w->sym[next].id != p.right)
			continue;
		s->id = p.made;
		w->sym[next].gone = true;
		s->next = w->sym[next].next;
		if (s->next != NONE)
			w->sym[s->next].prev = p.at;
		push_pair(b, w, s->prev);
		push_pair(b, w, p.at);
	}
}

static bool whole_piece(const struct bpe *b, struct bpe_work *w, struct span piece, uint32_t *id)
{
	buf_reset(&w->name);
	for (size_t i = 0; i < piece.n; i++)
		bpe_byte_char((unsigned char)piece.p[i], &w->name);
	return bpe_find(b, (struct span){w->name.p, w->name.n}, id);
}

long bpe_encode(const struct bpe *b, struct bpe_work *w, struct span piece, uint32_t *out,
		struct reason *why)
{
	long n = 0;

	if (!piece.n)
		return 0;
	if (b->whole_first && whole_piece(b, w, piece, out))
		return 1;
	if (split_bytes(b, w, piece, why))
		return -1;
	merge_all(b, w, piece.n);
	for (size_t i = 0; i != NONE; i = w->sym[i].next)
		out[n++] = w->sym[i].id;
	return n;
}
