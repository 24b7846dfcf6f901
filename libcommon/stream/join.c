/* join.c - the records of several streams as one segment. See join.h. */
#include "stream/join.h"
#include "base/mem.h"
#include "base/names.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct join {
	struct out o; /* the file: a stream of its own, which is checked when it is read again */
	struct rec_out held;
	bool any_policy;
	struct buf policy; /* of the first trajectory that tells it; n 0: none did */
	struct names ends; /* hashes of the segments that were read, */
	const char **of;   /* and the file of each */
	size_t room;       /* of that */
};

/* A file that goes when it is closed; -1 */
static int nameless(struct reason *why)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s/rloop-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = mkstemp(path);

	if (fd < 0)
		fail_errno(why, errno, "%s: a file to hold the records", path);
	else
		unlink(path);
	free(path);
	return fd;
}

struct join *join_new(bool any_policy, struct reason *why)
{
	struct join *j;
	int fd = nameless(why);

	if (fd < 0)
		return NULL;
	j = xcalloc(1, sizeof *j);
	j->any_policy = any_policy;
	out_init(&j->o, fd, "the file that holds the records");
	rec_out_init(&j->held, &j->o, 0);
	return j;
}

void join_free(struct join *j)
{
	if (!j)
		return;
	if (j->o.fd >= 0)
		close(j->o.fd);
	buf_free(&j->o.b);
	rec_out_free(&j->held);
	buf_free(&j->policy);
	names_free(&j->ends);
	free(j->of);
	free(j);
}

static int check_policy(struct join *j, const struct rec *r, const char *name, struct reason *why)
{
	struct span s;

	if (j->any_policy || !r->is_traj || !mp_bytes(mp_get(r->map, "policy"), &s))
		return 0;
	if (!j->policy.n)
		buf_add(&j->policy, s.p, s.n);
	if (span_eq(s, (struct span){j->policy.p, j->policy.n}))
		return 0;
	return rec_fail(why, name, r, "drawn from the policy %.*s, those before from %.*s",
			(int)(s.n < 64 ? s.n : 64), s.p, (int)(j->policy.n < 64 ? j->policy.n : 64),
			j->policy.p);
}

/* Two segments of one hash are the same bytes, of a head, too, that says how they were made. */
static int check_end(struct join *j, const struct rec *r, const char *name, struct reason *why)
{
	size_t n = j->ends.n, id;
	struct span hash;
	int64_t count;

	if (!mp_i64(mp_get(r->map, "count"), &count) || count == 0 ||
	    !mp_str(mp_get(r->map, "xxh3"), &hash))
		return 0; /* a head, or nothing that could be counted twice */
	id = names_id(&j->ends, hash);
	if (id < n)
		return rec_fail(why, name, r,
				"what ends here came before, byte for byte, in %s: the same shard "
				"twice",
				j->of[id]);
	j->of = names_room(j->of, &j->room, id, sizeof *j->of);
	j->of[id] = name;
	return 0;
}

int join_add(struct join *j, struct rec_in *in, struct rec_out *w, struct reason *why)
{
	struct rec r;
	int got, st = 0;

	while (!st && (got = rec_next(in, &r, why)) > 0) {
		if (r.is_frame) {
			st = check_end(j, &r, rec_name(in), why);
			continue;
		}
		st = check_policy(j, &r, rec_name(in), why);
		if (!st)
			rec_put(&j->held, r.map.p, r.map.n, r.is_traj);
		if (!st && j->o.err)
			st = out_flush(&j->o, why);
	}
	if (!st && got < 0)
		st = why->status;
	if (!st)
		rec_out_chain(w, in);
	return st;
}

int join_put(struct join *j, struct rec_out *w, struct reason *why)
{
	struct in file = {.name = j->o.name};
	struct rec_in *in;
	struct rec r;
	int got;

	rec_finish(&j->held);
	if (out_flush(&j->o, why))
		return why->status;
	if (lseek(j->o.fd, 0, SEEK_SET) < 0)
		return fail_errno(why, errno, "%s: seek", j->o.name);
	file.fd = j->o.fd;
	j->o.fd = -1; /* the reader's now */
	in = rec_take(&file, REC_STRICT);
	while ((got = rec_next(in, &r, why)) > 0)
		rec_put(w, r.map.p, r.map.n, r.is_traj);
	rec_close(in);
	return got < 0 ? why->status : 0;
}
