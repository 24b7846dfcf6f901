/* property.c - sets of characters by name. See property.h. */
#include "tokenizer/property.h"

#include <stdlib.h>
#include <string.h>

/* Characters that became alphabetic, or lower case, after the Unicode that PCRE2 knows */
#define LATER_ALPHA "\\x{363}-\\x{36f}\\x{1dd3}-\\x{1de6}\\x{1ded}\\x{1def}-\\x{1df2}\\x{10efc}"
#define LATER_LOWER "\\x{10fc}\\x{a7f2}-\\x{a7f4}\\x{ab69}"
#define ALPHA "\\p{Alphabetic}" LATER_ALPHA
#define PUNCT "\\p{P}\\p{S}"

struct named {
	const char *name, *set;
};

/* Sorted: what stands between [: and :] */
static const struct named posix[] = {
	{"alnum", ALPHA "\\p{Nd}"},
	{"alpha", ALPHA},
	{"ascii", "\\x{0}-\\x{7f}"},
	{"blank", "\\p{Zs}\\x{9}"},
	{"cntrl", "\\p{Cc}"},
	{"digit", "\\p{Nd}"},
	{"graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}"},
	{"lower", "\\p{Lowercase}" LATER_LOWER},
	{"print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}"},
	{"punct", PUNCT},
	{"space", PROPERTY_SPACE},
	{"upper", "\\p{Uppercase}"},
	{"word", PROPERTY_WORD},
	{"xdigit", PROPERTY_HEX},
};

/* Sorted: other names than scripts, in small letters, without blanks, hyphens and underscores */
static const struct named properties[] = {
	{"alnum", ALPHA "\\p{Nd}"},
	{"alpha", ALPHA},
	{"alphabetic", ALPHA},
	{"any", "\\p{Any}"},
	{"ascii", "\\x{0}-\\x{7f}"},
	{"asciihexdigit", PROPERTY_HEX},
	{"assigned", "\\P{Cn}"},
	{"blank", "\\p{Zs}\\x{9}"},
	{"c", "\\p{C}"},
	{"casedletter", "\\p{L&}"},
	{"cc", "\\p{Cc}"},
	{"cf", "\\p{Cf}"},
	{"closepunctuation", "\\p{Pe}"},
	{"cn", "\\p{Cn}"},
	{"cntrl", "\\p{Cc}"},
	{"co", "\\p{Co}"},
	{"combiningmark", "\\p{M}"},
	{"connectorpunctuation", "\\p{Pc}"},
	{"control", "\\p{Cc}"},
	{"cs", "\\p{Cs}"},
	{"currencysymbol", "\\p{Sc}"},
	{"dash", "\\p{Dash}"},
	{"dashpunctuation", "\\p{Pd}"},
	{"decimalnumber", "\\p{Nd}"},
	{"digit", "\\p{Nd}"},
	{"emoji", "\\p{Emoji}"},
	{"emojimodifier", "\\p{Emoji_Modifier}"},
	{"emojipresentation", "\\p{Emoji_Presentation}"},
	{"enclosingmark", "\\p{Me}"},
	{"extendedpictographic", "\\p{Extended_Pictographic}"},
	{"finalpunctuation", "\\p{Pf}"},
	{"format", "\\p{Cf}"},
	{"graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}"},
	{"hexdigit", "\\p{Hex_Digit}"},
	{"ideographic", "\\p{Ideographic}"},
	{"initialpunctuation", "\\p{Pi}"},
	{"l", "\\p{L}"},
	{"lc", "\\p{L&}"},
	{"letter", "\\p{L}"},
	{"letternumber", "\\p{Nl}"},
	{"lineseparator", "\\p{Zl}"},
	{"ll", "\\p{Ll}"},
	{"lm", "\\p{Lm}"},
	{"lo", "\\p{Lo}"},
	{"lower", "\\p{Lowercase}" LATER_LOWER},
	{"lowercase", "\\p{Lowercase}" LATER_LOWER},
	{"lowercaseletter", "\\p{Ll}"},
	{"lt", "\\p{Lt}"},
	{"lu", "\\p{Lu}"},
	{"m", "\\p{M}"},
	{"mark", "\\p{M}"},
	{"math", "\\p{Math}"},
	{"mathsymbol", "\\p{Sm}"},
	{"mc", "\\p{Mc}"},
	{"me", "\\p{Me}"},
	{"mn", "\\p{Mn}"},
	{"modifierletter", "\\p{Lm}"},
	{"modifiersymbol", "\\p{Sk}"},
	{"n", "\\p{N}"},
	{"nd", "\\p{Nd}"},
	{"nl", "\\p{Nl}"},
	{"no", "\\p{No}"},
	{"nonspacingmark", "\\p{Mn}"},
	{"number", "\\p{N}"},
	{"openpunctuation", "\\p{Ps}"},
	{"other", "\\p{C}"},
	{"otherletter", "\\p{Lo}"},
	{"othernumber", "\\p{No}"},
	{"otherpunctuation", "\\p{Po}"},
	{"othersymbol", "\\p{So}"},
	{"p", "\\p{P}"},
	{"paragraphseparator", "\\p{Zp}"},
	{"pc", "\\p{Pc}"},
	{"pd", "\\p{Pd}"},
	{"pe", "\\p{Pe}"},
	{"pf", "\\p{Pf}"},
	{"pi", "\\p{Pi}"},
	{"po", "\\p{Po}"},
	{"posixpunct", PUNCT},
	{"print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}"},
	{"privateuse", "\\p{Co}"},
	{"ps", "\\p{Ps}"},
	{"punct", "\\p{P}"},
	{"punctuation", "\\p{P}"},
	{"s", "\\p{S}"},
	{"sc", "\\p{Sc}"},
	{"separator", "\\p{Z}"},
	{"sk", "\\p{Sk}"},
	{"sm", "\\p{Sm}"},
	{"so", "\\p{So}"},
	{"space", PROPERTY_SPACE},
	{"spaceseparator", "\\p{Zs}"},
	{"spacingmark", "\\p{Mc}"},
	{"surrogate", "\\p{Cs}"},
	{"symbol", "\\p{S}"},
	{"titlecaseletter", "\\p{Lt}"},
	{"unassigned", "\\p{Cn}"},
	{"upper", "\\p{Uppercase}"},
	{"uppercase", "\\p{Uppercase}"},
	{"uppercaseletter", "\\p{Lu}"},
	{"whitespace", PROPERTY_SPACE},
	{"word", PROPERTY_WORD},
	{"xdigit", PROPERTY_HEX},
	{"xposixpunct", PUNCT},
	{"z", "\\p{Z}"},
	{"zl", "\\p{Zl}"},
	{"zp", "\\p{Zp}"},
	{"zs", "\\p{Zs}"},
};

static int by_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct named *)item)->name);
}

/* The name without what makes no difference; false: it is none */
static bool plain_name(struct span name, char *to, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == ' ' || c == '-' || c == '_')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (n + 1 == room || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
			return false;
		to[n++] = c;
	}
	to[n] = '\0';
	return n > 0;
}

int property_named(struct span name, struct buf *set, struct reason *why)
{
	const struct named *found;
	char plain[64];

	if (!plain_name(name, plain, sizeof plain))
		return fail(why, ST_INPUT, "\\p{%.*s} is no property", (int)(name.n % 80), name.p);
	found = bsearch(plain, properties, sizeof properties / sizeof *properties,
			sizeof *properties, by_name);
	if (found)
		buf_str(set, found->set);
	else if (strncmp(plain, "in", 2) == 0)
		return fail(why, ST_INPUT, "\\p{%s}: blocks are not supported", plain);
	else /* a script, or PCRE2 refuses it; alone it would take other scripts' characters too */
		buf_printf(set, "\\p{sc:%s}", plain);
	return 0;
}

const char *property_posix(struct span name)
{
	char plain[16];
	const struct named *found;

	if (name.n >= sizeof plain)
		return NULL;
	memcpy(plain, name.p, name.n);
	plain[name.n] = '\0';
	found = bsearch(plain, posix, sizeof posix / sizeof *posix, sizeof *posix, by_name);
	return found ? found->set : NULL;
}

bool property_is_caseless(const char *set)
{
	static const char *const sets[] = {PROPERTY_SPACE, PROPERTY_HEX, PUNCT,     "\\p{N}",
					   "\\p{Nd}",      "\\p{P}",     "\\p{Z}",  "\\p{Zs}",
					   "\\p{Cc}",      "\\p{C}",     "\\p{Pd}", "\\p{Pc}"};

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (strcmp(set, sets[i]) == 0)
			return true;
	return false;
}
