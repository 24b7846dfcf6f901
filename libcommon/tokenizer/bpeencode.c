/* bpeencode.c - encoding a piece of text: bpe_encode of bpe.h. The pair of least rank is merged
 * first, the leftmost of equals; n log n in the longest word. */
#include "base/mem.h"
#include "base/utf8.h"
#include "tokenizer/bpe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const size_t NONE = SIZE_MAX;

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

	assert(w->n_heap < w->cap_heap); /* there was one */
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
	m = bpe_merge(b, w->sym[at].id, w->sym[next].id);
	if (m)
		heap_push(w, (struct bpe_pair){m->rank, m->left, m->right, m->made, at});
}

/* ---- a word as symbols ---- */

static void add_symbol(struct bpe_work *w, int64_t id)
{
	size_t i = w->n_sym++;

	assert(i < w->cap_sym && id >= 0);
	w->sym[i] = (struct bpe_symbol){(uint32_t)id, .prev = i ? i - 1 : NONE, .next = NONE};
	if (i)
		w->sym[i - 1].next = i;
}

/* The symbol that text begins with, n bytes of it; -1: it has no token. */
static int64_t first_symbol(const struct bpe *b, struct span text, size_t *n)
{
	unsigned char c = (unsigned char)*text.p;
	uint32_t id;

	assert(text.n);
	*n = b->characters ? utf8_char(text.p, text.n) : 1;
	if (!*n) { /* no UTF-8 */
		*n = 1;
		return -1;
	}
	if (!b->characters || c < 0x80)
		return b->byte_id[c];
	return bpe_find(b, (struct span){text.p, *n}, &id) ? (int64_t)id : -1;
}

static bool add_fallback(const struct bpe *b, struct bpe_work *w, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (b->fallback[(unsigned char)bytes.p[i]] < 0)
			return false;
	for (size_t i = 0; i < bytes.n; i++)
		add_symbol(w, b->fallback[(unsigned char)bytes.p[i]]);
	return true;
}

/* As in transformers' library, an unknown character is put out late: when the next known one comes,
 * so behind bytes that stood in between. */
static int split_word(const struct bpe *b, struct bpe_work *w, struct span word, struct reason *why)
{
	bool unknown = false;
	size_t n;

	if (word.n > w->cap_sym) {
		w->cap_sym = word.n;
		w->sym = xgrow(w->sym, w->cap_sym, sizeof *w->sym);
	}
	w->n_sym = 0;
	for (size_t i = 0; i < word.n; i += n) {
		int64_t id = first_symbol(b, (struct span){word.p + i, word.n - i}, &n);

		if (id < 0 && add_fallback(b, w, (struct span){word.p + i, n}))
			continue;
		if (id < 0 && b->unk < 0)
			return fail(why, ST_INPUT, "no token for byte 0x%02x in \"%.*s\"",
				    (unsigned char)word.p[i], (int)(word.n < 40 ? word.n : 40),
				    word.p);
		if (unknown && (id >= 0 || !b->fuse_unk))
			add_symbol(w, b->unk);
		unknown = id < 0;
		if (!unknown)
			add_symbol(w, id);
	}
	if (unknown)
		add_symbol(w, b->unk);
	return 0;
}

static void merge_all(const struct bpe *b, struct bpe_work *w)
{
	w->n_heap = 0;
	for (size_t i = 0; i < w->n_sym; i++)
		push_pair(b, w, i);
	while (w->n_heap) {
		struct bpe_pair p = heap_pop(w);
		struct bpe_symbol *s = &w->sym[p.at];
		size_t next = s->next;

		if (s->gone || next == NONE || s->id != p.left || w->sym[next].id != p.right)
			continue;
		assert(p.at < w->n_sym && w->sym[next].prev == p.at && !w->sym[next].gone);
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
	if (b->characters)
		return bpe_find(b, piece, id);
	buf_reset(&w->name);
	for (size_t i = 0; i < piece.n; i++)
		bpe_byte_char((unsigned char)piece.p[i], &w->name);
	return bpe_find(b, (struct span){w->name.p, w->name.n}, id);
}

/* Where the word ends that text begins with: before the first blank that is not at its front. */
static size_t word_end(const struct bpe *b, struct span text)
{
	struct span blank = bpe_blank(b);
	const char *p;
	size_t i = 0;

	if (!b->words)
		return text.n;
	while (text.n - i >= blank.n && memcmp(text.p + i, blank.p, blank.n) == 0)
		i += blank.n;
	p = i < text.n ? memmem(text.p + i, text.n - i, blank.p, blank.n) : NULL;
	return p ? (size_t)(p - text.p) : text.n;
}

long bpe_encode(const struct bpe *b, struct bpe_work *w, struct span piece, uint32_t *out,
		struct reason *why)
{
	long n = 0;
	size_t len;

	if (b->whole_first && piece.n && whole_piece(b, w, piece, out))
		return 1;
	for (; piece.n; piece = (struct span){piece.p + len, piece.n - len}) {
		len = word_end(b, piece);
		assert(len && len <= piece.n);
		if (split_word(b, w, (struct span){piece.p, len}, why))
			return -1;
		merge_all(b, w);
		assert(w->n_sym && w->n_sym <= len); /* so out has room */
		for (size_t i = 0; i != NONE; i = w->sym[i].next)
			out[n++] = w->sym[i].id;
	}
	return n;
}
