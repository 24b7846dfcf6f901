/* convert.c - any bytes as rows of any format: what is accepted makes records that every reader of
 * streams takes, and all writers of formats write them as JSON. */
#include "base/json.h"
#include "common/fuzz.h"
#include "convert/formats.h"
#include "convert/fromrow.h"
#include "convert/to.h"

#include <stdio.h>
#include <sys/mman.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 2000, FUZZ_ZSTD};

/* A file in memory to write to, and its path, valid until the next call for this slot */
static const char *open_memory(int slot, struct out *o)
{
	static char path[2][64];
	int fd = memfd_create("out", MFD_CLOEXEC);

	MUST(fd >= 0);
	snprintf(path[slot], sizeof path[slot], "/proc/self/fd/%d", fd);
	out_init(o, fd, "memory");
	return path[slot];
}

/* The records as a file; what a writer of a format makes of them is lines of JSON. */
static void check_rows(const char *path)
{
	struct reason why = {0};
	struct span line;
	struct in in;
	int got;

	MUST(in_open(&in, path, &why) == 0);
	while ((got = in_line(&in, 256 << 20, &line, &why)) > 0) {
		json_t *j = json_parse(line.p, line.n, "row", &why);

		MUST(json_is_object(j));
		json_decref(j);
	}
	MUST(got == 0);
	in_close(&in);
}

static void write_all(const char *path)
{
	static const struct to_opts plain = {.model = "m", .threshold = 0.5},
				    kept = {.model = "m", .threshold = 0.5, .keep = true};
	const struct format *format;
	const char *rows;

	for (size_t i = 0; (format = formats_at(i)); i++) {
		struct reason why = {0};
		struct out out;
		struct to t = {
			.o = i % 2 ? &plain : &kept, .format = format, .out = &out, .why = &why};

		if (!format->write)
			continue;
		rows = open_memory(1, &out);
		MUST(to_file(&t, path) == 0 && out_flush(&out, &why) == 0);
		check_rows(rows);
		to_free(&t);
		MUST(out_close(&out, &why) == 0);
	}
}

static void check_records(const char *path)
{
	struct reason why = {0};
	struct rec_in *in = rec_open(path, REC_STRICT, &why);
	struct traj_mem mem = {0};
	struct traj t;
	struct rec r;
	int got;

	MUST(in);
	while ((got = rec_next(in, &r, &why)) > 0)
		MUST(traj_read(&t, &r, "made", &mem, &why) == 0);
	MUST(got == 0);
	traj_mem_free(&mem);
	rec_close(in);
}

/* The last byte but one chooses the format (or none: auto), the last the options. */
void fuzz_one(const uint8_t *p, size_t n)
{
	static const char *const rewards[] = {NULL, "reward", "sum", "acc"};
	const struct format *format = n > 1 ? formats_at(p[n - 2] % 32) : NULL;
	uint8_t bits = n > 1 ? p[n - 1] : 0;
	struct from_opts o = {.reward = rewards[bits & 3],
			      .filter = bits & 4 ? "first" : NULL,
			      .drawn = bits & 8,
			      .end = bits & 16 ? "</s>" : NULL};
	struct reason why = {0};
	struct rec_out written;
	struct out out;
	const char *path = open_memory(0, &out);
	struct from f = {.o = &o, .why = &why, .out = &written};
	int st;

	if (format && !format->read)
		format = NULL;
	rec_out_init(&written, &out, 0);
	st = from_file(&f, fuzz_file(0, p, n > 2 ? n - 2 : 0), format);
	if (st)
		MUST(st == ST_INPUT && why.text[0]);
	rec_finish(&written);
	from_free(&f);
	rec_out_free(&written);
	MUST(out_flush(&out, &why) == 0);
	check_records(path);
	write_all(path);
	MUST(out_close(&out, &why) == 0);
}
