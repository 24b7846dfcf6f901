/* bpe.c - the vocabulary and the merges of byte-pair encoding. See bpe.h. */
#include "tokenizer/bpe.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct bpe_name {
	uint32_t id;
	bool used;
};

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
	size_t i = XXH3_64bits_withSeed(name.p, name.n, b->key) & (b->cap_names - 1);

	assert(b->n_names * 2 <= b->cap_names && (b->cap_names & (b->cap_names - 1)) == 0);
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
	size_t i = hash_place((uint64_t)left << 32 | right, b->key, b->cap_merges);

	assert(b->n_merges * 2 <= b->cap_merges && (b->cap_merges & (b->cap_merges - 1)) == 0);
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
	*b = (struct bpe){.unk = -1, .max_id = BPE_MAX_ID, .key = hash_key()};
	for (int i = 0; i < 256; i++)
		b->byte_id[i] = b->fallback[i] = -1;
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
	struct bpe_token *t = NULL;
	char *mem;

	if (id < 0 || id > b->max_id)
		return fail(why, ST_INPUT, "token \"%.*s\": id %lld is not within 0..%lld",
			    (int)name.n, name.p, (long long)id, (long long)b->max_id);
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
	struct bpe_token *t = NULL;

	if (new_token(b, name, id, &t, why))
		return ST_INPUT;
	if (b->characters)
		t->bytes = t->name;
	else if (!name_to_bytes(name, (char *)t->bytes.p, &t->bytes.n)) {
		t->bytes = t->name; /* no text leads to it, but it can be decoded */
		return 0;
	}
	if (t->bytes.n == 1)
		b->byte_id[(unsigned char)t->bytes.p[0]] = id;
	return 0;
}

int bpe_add_literal(struct bpe *b, struct span name, int64_t id, bool special, struct reason *why)
{
	struct bpe_token *t = NULL;

	if (id >= 0 && id < b->n && b->v[id].name.p && span_eq(b->v[id].name, name)) {
		b->v[id].special = special;
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
	assert(m.left < b->n && m.right < b->n && m.made < b->n);
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

const struct bpe_merge *bpe_merge(const struct bpe *b, uint32_t left, uint32_t right)
{
	const struct bpe_merge *m = merge_slot(b, left, right);

	return m->used ? m : NULL;
}

struct span bpe_blank(const struct bpe *b)
{
	return b->characters ? (struct span){"\xe2\x96\x81", 3} : (struct span){" ", 1};
}

/* Is there a blank in text behind anything but blanks? */
static bool holds_blank(struct span text, struct span blank)
{
	while (text.n >= blank.n && memcmp(text.p, blank.p, blank.n) == 0)
		text = (struct span){text.p + blank.n, text.n - blank.n};
	return text.n && memmem(text.p, text.n, blank.p, blank.n);
}

void bpe_finish(struct bpe *b, bool fallback)
{
	struct span blank = bpe_blank(b);
	char name[8];
	uint32_t id;

	for (unsigned c = 0; fallback && c < 256; c++) {
		snprintf(name, sizeof name, "<0x%02X>", c);
		if (bpe_find(b, (struct span){name, 6}, &id))
			b->fallback[c] = id;
	}
	b->words = b->characters ? bpe_find(b, blank, &id) : b->byte_id[' '] >= 0;
	for (size_t i = 0; i < b->cap_merges && b->words; i++)
		if (b->merges[i].used && holds_blank(b->v[b->merges[i].made].bytes, blank))
			b->words = false;
}
