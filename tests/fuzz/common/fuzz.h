/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is one file tests/fuzz/X.c with fuzz_one, which ends the program by MUST when the code
 * under test breaks a promise, and fuzz_memory. It is linked with libFuzzer (make fuzz), or with
 * replay.c, which gives it the files of its corpus and its findings (make check).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

void fuzz_one(const uint8_t *p, size_t n);

/* The most memory that an input of n bytes may lead to: base + n * factor, and, where it begins as
 * zstd's files do, packed: the window that a frame may ask for. Checked in builds with
 * AddressSanitizer. */
struct fuzz_memory {
	size_t base, factor, packed;
};
enum { FUZZ_ZSTD = (1 << 27) + (1 << 20) }; /* libzstd's limit of a window, and its tables */
extern const struct fuzz_memory fuzz_memory;

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

_Noreturn void fuzz_broken(const char *file, int line, const char *what);
#define MUST(promise) ((promise) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #promise))

/* The path of a file in memory that holds these bytes; valid until the next call with this slot. */
enum { FUZZ_FILES = 2 };
const char *fuzz_file(int slot, const void *p, size_t n);

/* The part of the input up to the first byte sep, which is taken off it. */
struct span fuzz_cut(struct span *rest, char sep);

#endif
