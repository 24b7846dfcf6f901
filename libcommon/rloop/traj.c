/* traj.c - trajectory streams for programs of one's own. See traj.h. */
#include "rloop/traj.h"
#include "base/io.h"
#include "base/mem.h"
#include "stream/edit.h"
#include "stream/pack.h"
#include "stream/rec.h"
#include "stream/traj.h"
#include "stream/trajfield.h"
#include "stream/trajscan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Words that were decoded for traj_get_ids or traj_get_floats */
struct words {
	struct words *next;
	uint32_t v[];
};

struct traj_rec {
	struct rec rec;     /* map: in the reader's memory, or in bytes once it was changed */
	struct buf bytes;   /* of a record that was changed or made */
	struct buf scratch; /* what it becomes next */
	struct words *words;
	bool changed;
};

struct traj_in {
	struct rec_in *in; /* NULL: it could not be opened */
	char *path;
	unsigned flags;
	struct reason why; /* status 0: nothing failed */
	struct traj_rec r;
	struct traj_mem mem;
	struct traj_out *out; /* that follows; may be NULL */
};

struct traj_out {
	struct out o;
	struct rec_out w;
	char *path;
	struct reason why; /* status 0: nothing failed */
	struct traj_mem mem;
};

/* ---- records ---- */

static void free_words(struct traj_rec *r)
{
	while (r->words) {
		struct words *w = r->words;

		r->words = w->next;
		free(w);
	}
}

static void free_record(struct traj_rec *r)
{
	free_words(r);
	buf_free(&r->bytes);
	buf_free(&r->scratch);
}

struct traj_rec *traj_rec_new(void)
{
	struct traj_rec *r = xcalloc(1, sizeof *r);

	buf_char(&r->bytes, (char)0x80); /* a map of no pairs */
	r->rec.map = (struct mp){(const uint8_t *)r->bytes.p, r->bytes.n};
	r->rec.index = 1;
	r->changed = true;
	return r;
}

void traj_rec_free(struct traj_rec *r)
{
	if (r)
		free_record(r);
	free(r);
}

bool traj_is_traj(const struct traj_rec *r)
{
	struct mp kind = trajscan_path(r->rec.map, "kind");
	struct span s;

	return !kind.p || (mp_str(kind, &s) && span_is(s, "traj"));
}

/* ---- values ---- */

bool traj_get_text(const struct traj_rec *r, const char *key, const char **p, size_t *n)
{
	struct span s;

	if (!mp_bytes(trajscan_path(r->rec.map, key), &s))
		return false;
	*p = s.p;
	*n = s.n;
	return true;
}

bool traj_get_number(const struct traj_rec *r, const char *key, double *v)
{
	return mp_f64(trajscan_path(r->rec.map, key), v);
}

bool traj_get_integer(const struct traj_rec *r, const char *key, int64_t *v)
{
	return mp_i64(trajscan_path(r->rec.map, key), v);
}

bool traj_get_flag(const struct traj_rec *r, const char *key, bool *v)
{
	return mp_bool(trajscan_path(r->rec.map, key), v);
}

bool traj_get_packed(const struct traj_rec *r, const char *key, const void **p, size_t *n)
{
	struct mp v = key ? trajscan_path(r->rec.map, key) : r->rec.map;

	if (!v.p)
		return false;
	*p = v.p;
	*n = v.n;
	return true;
}

static bool one_id(struct mp v, uint32_t *to)
{
	int64_t i;

	if (!mp_i64(v, &i) || i < 0 || i > UINT32_MAX)
		return false;
	*to = (uint32_t)i;
	return true;
}

static bool one_float(struct mp v, uint32_t *to)
{
	double d;
	float f;

	if (!mp_f64(v, &d))
		return false;
	f = (float)d;
	memcpy(to, &f, sizeof f);
	return true;
}

static bool words_of_array(struct mp_iter *it, uint32_t *to, bool (*one)(struct mp, uint32_t *))
{
	struct mp v;

	while (mp_next(it, &v))
		if (!one(v, to++))
			return false;
	return true;
}

/* The n words of a bin or an array, which live as long as the record; NULL: it is neither. */
static const uint32_t *get_words(struct traj_rec *r, const char *key, size_t *n,
				 bool (*one)(struct mp, uint32_t *))
{
	struct mp v = trajscan_path(r->rec.map, key);
	struct mp_iter it = {0};
	struct words *w;
	struct span s = {0};

	if (!mp_array(v, &it) && (!mp_bin(v, &s) || s.n % 4))
		return NULL;
	*n = s.p ? s.n / 4 : it.left;
	w = xmalloc(sizeof *w + 4 * *n);
	w->next = r->words;
	r->words = w;
	if (s.p)
		traj_copy_words(w->v, s.p, *n);
	return s.p || words_of_array(&it, w->v, one) ? w->v : NULL;
}

bool traj_get_ids(struct traj_rec *r, const char *key, const uint32_t **v, size_t *n)
{
	size_t k;
	const uint32_t *words = get_words(r, key, &k, one_id);

	if (!words)
		return false;
	*v = words;
	*n = k;
	return true;
}

bool traj_get_floats(struct traj_rec *r, const char *key, const float **v, size_t *n)
{
	size_t k;
	const uint32_t *words = get_words(r, key, &k, one_float);

	if (!words)
		return false;
	*v = (const float *)(const void *)words;
	*n = k;
	return true;
}

/* ---- changes ---- */

static void set_value(struct traj_rec *r, const char *key, struct span value)
{
	struct edit e = {key, value};
	struct buf old = r->bytes;

	buf_reset(&r->scratch);
	edit_put(&r->scratch, r->rec.map, &e, 1);
	r->bytes = r->scratch;
	r->scratch = old;
	r->rec.map = (struct mp){(const uint8_t *)r->bytes.p, r->bytes.n};
	r->rec.ends = NULL;
	r->changed = true;
	free_words(r);
}

/* Sets what was packed into b, and frees that. */
static void set_packed(struct traj_rec *r, const char *key, struct buf *b)
{
	set_value(r, key, (struct span){b->p, b->n});
	buf_free(b);
}

void traj_set_text(struct traj_rec *r, const char *key, const char *p, size_t n)
{
	struct buf b = {0};
	msgpack_packer pk;

	pack_init(&pk, &b);
	pack_text(&pk, (struct span){p, n});
	set_packed(r, key, &b);
}

void traj_set_number(struct traj_rec *r, const char *key, double v)
{
	struct buf b = {0};
	msgpack_packer pk;

	pack_init(&pk, &b);
	pack_float(&pk, v);
	set_packed(r, key, &b);
}

void traj_set_integer(struct traj_rec *r, const char *key, int64_t v)
{
	struct buf b = {0};
	msgpack_packer pk;

	pack_init(&pk, &b);
	msgpack_pack_int64(&pk, v);
	set_packed(r, key, &b);
}

void traj_set_flag(struct traj_rec *r, const char *key, bool v)
{
	set_value(r, key, (struct span){v ? "\xc3" : "\xc2", 1});
}

static void set_words(struct traj_rec *r, const char *key, const void *v, size_t n)
{
	struct buf b = {0}, words = {0};
	msgpack_packer pk;

	buf_reserve(&words, 4 * n + 1);
	if (n)
		traj_copy_words(words.p, v, n);
	pack_init(&pk, &b);
	pack_bin(&pk, words.p, 4 * n);
	buf_free(&words);
	set_packed(r, key, &b);
}

void traj_set_ids(struct traj_rec *r, const char *key, const uint32_t *v, size_t n)
{
	set_words(r, key, v, n);
}

void traj_set_floats(struct traj_rec *r, const char *key, const float *v, size_t n)
{
	set_words(r, key, v, n);
}

bool traj_set_packed(struct traj_rec *r, const char *key, const void *p, size_t n)
{
	size_t len;

	if (mp_skim(p, n, &len) != MP_OK || len != n)
		return false;
	set_value(r, key, (struct span){p, n});
	return true;
}

void traj_remove(struct traj_rec *r, const char *key)
{
	set_value(r, key, (struct span){0});
}

bool traj_set_id(struct traj_rec *r)
{
	struct traj t;
	char hex[33];

	traj_clear(&t);
	if (!mp_bytes(mp_get(r->rec.map, "task"), &t.task) ||
	    !mp_bytes(mp_get(r->rec.map, "prompt"), &t.prompt) ||
	    !mp_bytes(mp_get(r->rec.map, "response"), &t.response))
		return false;
	traj_get_ids(r, "tokens", &t.tokens, &t.n_tokens);
	traj_id(&t, hex);
	traj_set_text(r, "id", hex, 32);
	return true;
}

/* ---- reading ---- */

struct traj_in *traj_open(const char *path, unsigned flags)
{
	struct traj_in *in = xcalloc(1, sizeof *in);

	in->path = xstrdup(path);
	in->flags = flags;
	in->in = rec_open(in->path,
			  (flags & TRAJ_STRICT ? REC_STRICT : 0) |
				  (flags & TRAJ_PARTIAL ? REC_PARTIAL : 0),
			  &in->why);
	return in;
}

static struct traj_rec *failed(struct traj_in *in)
{
	assert(in->why.status);
	if (in->out && !in->out->why.status)
		in->out->why = in->why;
	return NULL;
}

struct traj_rec *traj_next(struct traj_in *in)
{
	struct traj_rec *r = &in->r;
	struct traj t;
	int got;

	if (in->why.status)
		return failed(in);
	free_words(r);
	r->changed = false;
	got = rec_next(in->in, &r->rec, &in->why);
	if (got < 0)
		return failed(in);
	if (got == 0) {
		if (in->out && !in->out->w.open)
			rec_out_chain(&in->out->w, in->in);
		return NULL;
	}
	if (in->flags & TRAJ_CHECK && r->rec.is_traj &&
	    traj_read(&t, &r->rec, in->path, &in->mem, &in->why))
		return failed(in);
	if (in->out)
		rec_out_segment(&in->out->w, in->in, &r->rec);
	return r;
}

const char *traj_in_error(const struct traj_in *in)
{
	return in->why.status ? in->why.text : NULL;
}

bool traj_was_cut(const struct traj_in *in)
{
	return in->in && rec_was_cut(in->in);
}

int traj_close(struct traj_in *in)
{
	int st;

	if (!in)
		return 0;
	st = in->why.status;
	rec_close(in->in);
	free_record(&in->r);
	traj_mem_free(&in->mem);
	free(in->path);
	free(in);
	return st;
}

/* ---- writing ---- */

/* A file does not take the place of a standard stream that is closed. */
static int beside_standard(int fd)
{
	int higher;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return higher;
}

/* Standard output, if it is open to be written to */
static int standard_output(void)
{
	int how = fcntl(STDOUT_FILENO, F_GETFL);

	if (how >= 0 && (how & O_ACCMODE) != O_RDONLY)
		return STDOUT_FILENO;
	errno = EBADF;
	return -1;
}

struct traj_out *traj_create(const char *path, const char *tool, int argc, char *const argv[])
{
	struct traj_out *out = xcalloc(1, sizeof *out);
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? standard_output()
			  : beside_standard(
				    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));

	out->path = xstrdup(standard ? "<stdout>" : path);
	if (fd < 0)
		fail_errno(&out->why, errno, "%s: open", out->path);
	out_init(&out->o, fd, out->path);
	rec_out_init(&out->w, &out->o, 0);
	rec_entry(&out->w.self, tool, "", argc, argv, 0);
	return out;
}

void traj_follow(struct traj_out *out, struct traj_in *in)
{
	in->out = out;
	if (in->in)
		rec_tie(in->in, &out->o);
	else
		failed(in);
}

void traj_inherit(struct traj_out *out, const struct traj_in *in)
{
	if (in->in && !out->w.open)
		rec_out_chain(&out->w, in->in);
}

/* What traj_put must know of a record that was changed: is it still one? */
static int check_changed(struct traj_out *out, const struct traj_rec *r)
{
	enum mp_skim skim;
	struct traj t;
	struct mp kind = mp_get(r->rec.map, "kind");
	struct span s;
	size_t len;

	skim = mp_skim(r->rec.map.p, r->rec.map.n, &len);
	if (skim != MP_OK)
		return rec_fail(&out->why, out->path, &r->rec, "%s", mp_skim_text(skim));
	if (mp_str(kind, &s) && (span_is(s, "head") || span_is(s, "end")))
		return rec_fail(&out->why, out->path, &r->rec, "kind: not that of a record");
	if (kind.p && mp_type(kind) != MP_NIL && mp_type(kind) != MP_STR)
		return rec_fail(&out->why, out->path, &r->rec, "kind is not a string");
	return traj_is_traj(r) ? traj_read(&t, &r->rec, out->path, &out->mem, &out->why) : 0;
}

int traj_put(struct traj_out *out, const struct traj_rec *r)
{
	if (out->why.status || (r->changed && check_changed(out, r)))
		return out->why.status;
	rec_put(&out->w, r->rec.map.p, r->rec.map.n, traj_is_traj(r));
	if (out->o.err)
		return out_flush(&out->o, &out->why);
	return 0;
}

/* Standard output may have more to come. */
static int let_go(struct out *o, struct reason *why)
{
	if (o->fd < 0)
		return 0;
	return o->fd == STDOUT_FILENO ? out_flush(o, why) : out_close(o, why);
}

int traj_finish(struct traj_out *out)
{
	struct reason why;

	if (!out->why.status)
		rec_finish(&out->w);
	/* what was written before a failure is shown, too; that failure is the one to tell */
	if (let_go(&out->o, &why) && !out->why.status)
		out->why = why;
	return out->why.status;
}

const char *traj_out_error(const struct traj_out *out)
{
	return out->why.status ? out->why.text : NULL;
}

void traj_free(struct traj_out *out)
{
	if (!out)
		return;
	rec_out_free(&out->w);
	traj_mem_free(&out->mem);
	if (out->o.fd >= 0 && out->o.fd != STDOUT_FILENO)
		close(out->o.fd);
	buf_free(&out->o.b);
	free(out->path);
	free(out);
}
