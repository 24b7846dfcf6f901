/*
 * where.h - conditions on any key of a record: "reward >= 0.5", "meta.level = 3", "answer ~ ^4".
 *
 * KEY alone: the key is there. KEY OP VALUE with OP one of = (or ==) != < <= > >= ~ (blanks around
 * OP are optional, but where VALUE begins with a sign of OP's). For = and != a number in the record
 * is compared with VALUE as numbers when VALUE is one; otherwise both are compared as text, byte by
 * byte. VALUE of < <= > >= is a number, and what the record has must be one, or text that reads as
 * one, for the condition to hold. ~ is a POSIX extended regular expression that matches anywhere in
 * the text. An absent key satisfies != alone. VALUE may be empty for = and !=.
 */
#ifndef STREAM_WHERE_H
#define STREAM_WHERE_H

#include "stream/mp.h"
#include "base/err.h"

#include <regex.h>

enum where_op { WHERE_THERE, WHERE_EQ, WHERE_NE, WHERE_LT, WHERE_LE, WHERE_GT, WHERE_GE, WHERE_RE };

struct where {
	char *key; /* owned */
	enum where_op op;
	char *text; /* owned: VALUE */
	bool is_num, is_int;
	double num;
	int64_t whole;
	bool seen;          /* a record that where_holds saw has the key */
	regex_t re;         /* of WHERE_RE */
	struct buf scratch; /* a value as text */
};

/* Parses one condition; a bad one is ST_USAGE and leaves nothing to free. */
int where_parse(struct where *w, const char *condition, struct reason *why);
bool where_holds(struct where *w, struct mp map);
void where_free(struct where *w);

#endif
