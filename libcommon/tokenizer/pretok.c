/* pretok.c - cutting text into pieces with PCRE2. See pretok.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pretok.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tokenizer/pattern.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 8, MAX_PATTERN = 65536 };

struct step {
	pcre2_code *re; /* NULL: does not cut */
	enum { ISOLATED, REMOVED, WITH_PREVIOUS, WITH_NEXT, CONTIGUOUS } behavior;
	bool invert;     /* what matches counts as what does not, and the other way round */
	bool prefix;     /* a space before every piece that does not begin with one */
	struct buf mark; /* Metaspace: what a space becomes; n = 0: not this step */
	enum { NEVER, FIRST, ALWAYS } before; /* and whether pieces are made to begin with it */
	bool split;                           /* each begins a piece */
};

struct pretok {
	struct step step[MAX_STEPS];
	int n;
	bool bytes; /* ByteLevel was there */
	bool meta;  /* Metaspace was there */
};

/* GPT-2's: contractions, words, numbers, other signs (each with the space before it), spaces. */
static const char gpt2_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
				   " ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* In PCRE2's syntax */
static int translate(const char *pattern, bool literal, struct buf *text, struct reason *why)
{
	size_t n = strlen(pattern);

	if (n > MAX_PATTERN)
		return fail(why, ST_INPUT, "pattern of more than %d bytes", MAX_PATTERN);
	if (literal)
		buf_add(text, pattern, n);
	else if (pattern_translate((struct span){pattern, n}, text, why))
		return fail_prefix(why, "pattern \"%.200s\"", pattern);
	return 0;
}

static pcre2_code *compile_text(const struct buf *text, bool literal, int *err)
{
	uint32_t flags = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	pcre2_compile_context *how = pcre2_compile_context_create(NULL);
	PCRE2_SIZE at;
	pcre2_code *re;

	if (!how)
		no_memory(text->n);
	pcre2_set_newline(how, PCRE2_NEWLINE_LF);
	flags |= literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
	re = pcre2_compile((PCRE2_SPTR)text->p, text->n, flags, err, &at, how);
	pcre2_compile_context_free(how);
	if (!re && *err == PCRE2_ERROR_HEAP_FAILED)
		no_memory(text->n);
	return re;
}

static int compile(struct step *st, const char *pattern, bool literal, struct reason *why)
{
	struct buf text = {0};
	int err;

	if (translate(pattern, literal, &text, why)) {
		buf_free(&text);
		return ST_INPUT;
	}
	buf_cstr(&text); /* an empty pattern is one, too */
	st->re = compile_text(&text, literal, &err);
	if (!st->re) {
		char said[128] = "";

		pcre2_get_error_message(err, (PCRE2_UCHAR *)said, sizeof said);
		fail(why, ST_INPUT, "pattern \"%.200s\": %s", pattern, said);
	} else {
		pcre2_jit_compile(st->re, PCRE2_JIT_COMPLETE); /* slower without, else the same */
	}
	buf_free(&text);
	return st->re ? 0 : ST_INPUT;
}

static bool is_true(const json_t *j, const char *key, bool absent)
{
	const json_t *v = json_object_get(j, key);

	return v ? json_is_true(v) : absent;
}

static int add_split(struct step *st, const json_t *j, struct reason *why)
{
	static const char *const names[] = {[ISOLATED] = "Isolated",
					    [REMOVED] = "Removed",
					    [WITH_PREVIOUS] = "MergedWithPrevious",
					    [WITH_NEXT] = "MergedWithNext",
					    [CONTIGUOUS] = "Contiguous"};
	const json_t *pattern = json_object_get(j, "pattern");
	const char *regex = json_string_value(json_object_get(pattern, "Regex"));
	const char *string = json_string_value(json_object_get(pattern, "String"));
	const char *behavior = json_string_value(json_object_get(j, "behavior"));
	size_t i = 0;

	if (!behavior || (!regex && (!string || !*string)))
		return fail(why, ST_INPUT, "Split without pattern or behavior");
	while (i < sizeof names / sizeof *names && strcmp(behavior, names[i]) != 0)
		i++;
	if (i == sizeof names / sizeof *names)
		return fail(why, ST_INPUT, "Split: behavior %.40s is not supported", behavior);
	st->behavior = i;
	st->invert = is_true(j, "invert", false);
	return compile(st, regex ? regex : string, !regex, why);
}

/* Older files have add_prefix_space, later ones prepend_scheme, some both. */
static int add_meta(struct step *st, const json_t *j, struct reason *why)
{
	const char *mark = json_string_value(json_object_get(j, "replacement"));
	const char *scheme = json_string_value(json_object_get(j, "prepend_scheme"));
	bool prefix = is_true(j, "add_prefix_space", true);

	if (!mark || !*mark || utf8_char(mark, strlen(mark)) != strlen(mark))
		return fail(why, ST_INPUT, "Metaspace: replacement is not a character");
	buf_str(&st->mark, mark);
	st->split = is_true(j, "split", true);
	if (!scheme)
		scheme = prefix ? "always" : "never";
	else if (!prefix && strcmp(scheme, "never") != 0)
		return fail(why, ST_INPUT,
			    "Metaspace: prepend_scheme \"%.40s\" without add_prefix_space", scheme);
	if (strcmp(scheme, "always") == 0)
		st->before = ALWAYS;
	else if (strcmp(scheme, "first") == 0)
		st->before = FIRST;
	else if (strcmp(scheme, "never") != 0)
		return fail(why, ST_INPUT, "Metaspace: prepend_scheme \"%.40s\" is not supported",
			    scheme);
	return 0;
}

static int add_step(struct pretok *p, const json_t *j, struct reason *why)
{
	const char *type = json_string_value(json_object_get(j, "type"));
	struct step *st = &p->step[p->n];
	const json_t *item;
	size_t i;

	if (!type)
		return fail(why, ST_INPUT, "without a type");
	if (strcmp(type, "Sequence") == 0) {
		json_array_foreach(json_object_get(j, "pretokenizers"), i,
				   item) if (add_step(p, item, why)) return ST_INPUT;
		return 0;
	}
	if (p->bytes)
		return fail(why, ST_INPUT, "%.40s after ByteLevel is not supported", type);
	if (p->n == MAX_STEPS)
		return fail(why, ST_INPUT, "more than %d steps", MAX_STEPS);
	p->n++;
	if (strcmp(type, "Split") == 0)
		return add_split(st, j, why);
	if (strcmp(type, "Digits") == 0)
		return compile(st, is_true(j, "individual_digits", false) ? "\\p{N}" : "\\p{N}+",
			       false, why);
	if (strcmp(type, "Metaspace") == 0) {
		if (p->meta)
			return fail(why, ST_INPUT, "Metaspace twice is not supported");
		p->meta = true;
		return add_meta(st, j, why);
	}
	if (strcmp(type, "ByteLevel") != 0)
		return fail(why, ST_INPUT, "%.40s is not supported", type);
	p->bytes = true;
	st->prefix = is_true(j, "add_prefix_space", true);
	return is_true(j, "use_regex", true) ? compile(st, gpt2_pattern, false, why) : 0;
}

struct pretok *pretok_new(const json_t *j, struct reason *why)
{
	struct pretok *p = xcalloc(1, sizeof *p);

	if (j && !json_is_null(j) && add_step(p, j, why)) {
		fail_prefix(why, "pre_tokenizer");
		pretok_free(p);
		p = NULL;
	}
	return p;
}

bool pretok_bytes(const struct pretok *p)
{
	return p->bytes;
}

void pretok_free(struct pretok *p)
{
	for (int i = 0; p && i < p->n; i++) {
		pcre2_code_free(p->step[i].re);
		buf_free(&p->step[i].mark);
	}
	free(p);
}

void pretok_pieces_free(struct pieces *s)
{
	free(s->v);
	free(s->next);
	buf_free(&s->text);
	*s = (struct pieces){0};
}

static void add_piece(struct pieces *s, size_t at, size_t n)
{
	assert(at <= s->text.n && n <= s->text.n - at);
	if (!n)
		return;
	if (s->n_next == s->cap_next) {
		s->cap_next = s->cap_next ? s->cap_next * 2 : 64;
		s->next = xgrow(s->next, s->cap_next, sizeof *s->next);
	}
	s->next[s->n_next++] = (struct piece){at, n};
}

/* A copy of the piece with a space before it, at the end of the text. */
static struct piece with_space(struct pieces *s, struct piece p)
{
	size_t at = s->text.n;

	assert(p.n);
	buf_reserve(&s->text, p.n + 1);
	buf_char(&s->text, ' ');
	buf_add(&s->text, s->text.p + p.at, p.n);
	return (struct piece){at, p.n + 1};
}

/* A copy of the piece, at the end of the text, as Metaspace has it. start: the text begins with it.
 */
static struct piece with_marks(const struct step *st, struct piece p, bool start, struct pieces *s)
{
	struct span mark = {st->mark.p, st->mark.n}, text;
	struct buf made = {0};
	size_t at = s->text.n;

	assert(p.n && mark.n);
	text = (struct span){s->text.p + p.at, p.n};
	if ((st->before == ALWAYS || (st->before == FIRST && start)) && *text.p != ' ' &&
	    (text.n < mark.n || memcmp(text.p, mark.p, mark.n) != 0))
		buf_add(&made, mark.p, mark.n);
	buf_replaced(&made, text, (struct span){" ", 1}, mark);
	buf_add(&s->text, made.p, made.n);
	buf_free(&made);
	return (struct piece){at, s->text.n - at};
}

/* Each mark begins a piece. */
static void cut_at_marks(const struct step *st, struct piece p, struct pieces *s)
{
	const struct buf *mark = &st->mark;
	const char *next;
	size_t n;

	while (p.n) {
		const char *from = s->text.p + p.at;

		next = p.n > 1 ? memmem(from + 1, p.n - 1, mark->p, mark->n) : NULL;
		n = next ? (size_t)(next - from) : p.n;
		add_piece(s, p.at, n);
		p = (struct piece){p.at + n, p.n - n};
	}
}

static int match(const struct step *st, const char *p, size_t n, size_t from, pcre2_match_data *md)
{
	int r = pcre2_match(st->re, (PCRE2_SPTR)p, n, from, 0, md, NULL);

	if (r == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter's stack is on the heap */
		r = pcre2_match(st->re, (PCRE2_SPTR)p, n, from, PCRE2_NO_JIT, md, NULL);
	if (r == PCRE2_ERROR_NOMEMORY)
		no_memory(n);
	return r;
}

/* The parts of a piece so far, each of them a match or what lies between two */
struct parts {
	struct pieces *s;
	bool last, kept; /* the one before was a match; it is (the end of) a piece */
};

/* A part of n bytes, perhaps none: as a piece, or as the end or the beginning of another */
static void add_part(const struct step *st, struct parts *p, size_t at, size_t n, bool match)
{
	struct pieces *s = p->s;
	bool m = match != st->invert, join = false;

	if (st->behavior == WITH_PREVIOUS)
		join = m && !p->last;
	else if (st->behavior == WITH_NEXT)
		join = !m && p->last;
	else if (st->behavior == CONTIGUOUS)
		join = m == p->last;
	join = join && p->kept;
	if (join)
		s->next[s->n_next - 1].n += n;
	else if (!m || st->behavior != REMOVED)
		add_piece(s, at, n);
	p->kept = join || n;
	p->last = m;
}

/* Bytes of the character at v[0..n); 1 where there is none */
static size_t char_bytes(const char *v, size_t n)
{
	size_t k = n ? utf8_char(v, n) : 1;

	return k ? k : 1;
}

/* An empty match right behind another counts for nothing. */
static int cut_piece(const struct step *st, struct piece p, struct pieces *s, pcre2_match_data *md,
		     struct reason *why)
{
	size_t from = 0, done = 0; /* where to search; what is in parts already */
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(md);
	struct parts parts = {.s = s};
	bool any = false;
	int r = 0;

	assert(st->re && md);
	while (from <= p.n && (r = match(st, s->text.p + p.at, p.n, from, md)) >= 0) {
		if (v[0] < done || v[1] < v[0])
			return fail(why, ST_INPUT, "pre-tokenizing failed: a match goes back");
		if (any && v[1] == v[0] && v[1] == done) {
			from += char_bytes(s->text.p + p.at + from, p.n - from);
			continue;
		}
		if (v[0] > done)
			add_part(st, &parts, p.at + done, v[0] - done, false);
		add_part(st, &parts, p.at + v[0], v[1] - v[0], true);
		from = done = v[1];
		any = true;
	}
	if (r < 0 && r != PCRE2_ERROR_NOMATCH)
		return fail(why, ST_INPUT, "pre-tokenizing failed: PCRE2 error %d", r);
	if (done < p.n)
		add_part(st, &parts, p.at + done, p.n - done, false);
	return 0;
}

/* The list under construction becomes the current one. */
static void take_next(struct pieces *s)
{
	struct pieces old = *s;

	s->v = old.next;
	s->n = old.n_next;
	s->cap = old.cap_next;
	s->next = old.v;
	s->cap_next = old.cap;
	s->n_next = 0;
}

/* start: the first of the pieces begins the whole text */
static int run_step(const struct step *st, bool start, struct pieces *s, struct reason *why)
{
	pcre2_match_data *md = st->re ? pcre2_match_data_create(1, NULL) : NULL;
	int r = 0;

	if (st->re && !md)
		no_memory(sizeof *s);
	for (size_t i = 0; i < s->n && !r; i++) {
		struct piece p = s->v[i];

		if (st->prefix && s->text.p[p.at] != ' ')
			p = with_space(s, p);
		if (st->mark.n)
			p = with_marks(st, p, start && p.at == 0, s);
		if (st->re)
			r = cut_piece(st, p, s, md, why);
		else if (st->mark.n && st->split)
			cut_at_marks(st, p, s);
		else
			add_piece(s, p.at, p.n);
	}
	pcre2_match_data_free(md);
	take_next(s);
	return r;
}

int pretok_cut(const struct pretok *p, struct span text, bool start, struct pieces *s,
	       struct reason *why)
{
	int r = 0;

	buf_reset(&s->text);
	buf_add(&s->text, text.p, text.n);
	add_piece(s, 0, text.n);
	take_next(s);
	for (int i = 0; i < p->n && !r; i++)
		r = run_step(&p->step[i], start, s, why);
	return r;
}
