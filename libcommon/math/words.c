/* words.c - the words of mathematics. See words.h. */
#include "math/words.h"
#include "math/node.h"
#include "answer/text.h"

#include <string.h>
#include <strings.h>

static const struct word commands[] = {
	/* layout */
	{"displaystyle", TOKEN_SKIP, 0},
	{"textstyle", TOKEN_SKIP, 0},
	{"limits", TOKEN_SKIP, 0},
	{"nolimits", TOKEN_SKIP, 0},
	{"quad", TOKEN_SKIP, 0},
	{"qquad", TOKEN_SKIP, 0},
	{"enspace", TOKEN_SKIP, 0},
	{"thinspace", TOKEN_SKIP, 0},
	{"big", TOKEN_SKIP, 0},
	{"Big", TOKEN_SKIP, 0},
	{"bigg", TOKEN_SKIP, 0},
	{"Bigg", TOKEN_SKIP, 0},
	{"bigl", TOKEN_SKIP, 0},
	{"bigr", TOKEN_SKIP, 0},
	{"Bigl", TOKEN_SKIP, 0},
	{"Bigr", TOKEN_SKIP, 0},
	{"biggl", TOKEN_SKIP, 0},
	{"biggr", TOKEN_SKIP, 0},
	{"tiny", TOKEN_SKIP, 0},
	{"small", TOKEN_SKIP, 0},
	{"normalsize", TOKEN_SKIP, 0},
	{"large", TOKEN_SKIP, 0},
	{"Large", TOKEN_SKIP, 0},
	{"LARGE", TOKEN_SKIP, 0},
	{"huge", TOKEN_SKIP, 0},
	{"Huge", TOKEN_SKIP, 0},
	{"scriptstyle", TOKEN_SKIP, 0},
	{"middle", TOKEN_SKIP, 0},
	{"nonumber", TOKEN_SKIP, 0},
	{"notag", TOKEN_SKIP, 0},
	{"checkmark", TOKEN_SKIP, 0},
	{"blacksquare", TOKEN_SKIP, 0},
	{"hline", TOKEN_SKIP, 0},
	{"newline", TOKEN_SKIP, 0},
	{"par", TOKEN_SKIP, 0},
	{"bf", TOKEN_SKIP, 0},
	{"rm", TOKEN_SKIP, 0},
	{"it", TOKEN_SKIP, 0},
	{"color", TOKEN_SKIPARG, 0},
	{"textcolor", TOKEN_SKIPARG, 0},
	{"colorbox", TOKEN_SKIPARG, 0},
	{"hspace", TOKEN_SKIPARG, 0},
	{"vspace", TOKEN_SKIPARG, 0},
	{"phantom", TOKEN_SKIPARG, 0},
	{"label", TOKEN_SKIPARG, 0},
	{"tag", TOKEN_SKIPARG, 0},
	{"left", TOKEN_LEFT, 0},
	{"right", TOKEN_RIGHT, 0},
	{"not", TOKEN_NOT, 0},
	/* letters and words */
	{"text", TOKEN_WORDS, 0},
	{"textbf", TOKEN_WORDS, 0},
	{"textit", TOKEN_WORDS, 0},
	{"textrm", TOKEN_WORDS, 0},
	{"textsf", TOKEN_WORDS, 0},
	{"texttt", TOKEN_WORDS, 0},
	{"textnormal", TOKEN_WORDS, 0},
	{"emph", TOKEN_WORDS, 0},
	{"mbox", TOKEN_WORDS, 0},
	{"hbox", TOKEN_WORDS, 0},
	{"mathrm", TOKEN_FONT, 0},
	{"mathit", TOKEN_WRAP, 0},
	{"mathsf", TOKEN_FONT, 0},
	{"mathtt", TOKEN_FONT, 0},
	{"operatorname", TOKEN_FONT, 0},
	{"mathbf", TOKEN_WRAP, 0},
	{"boldsymbol", TOKEN_WRAP, 0},
	{"bm", TOKEN_WRAP, 0},
	{"pmb", TOKEN_WRAP, 0},
	{"mathcal", TOKEN_WRAP, 0},
	{"mathscr", TOKEN_WRAP, 0},
	{"mathbb", TOKEN_DOUBLE, 0},
	{"boxed", TOKEN_WRAP, 0},
	{"fbox", TOKEN_WRAP, 0},
	{"framebox", TOKEN_WRAP, 0},
	{"ensuremath", TOKEN_WRAP, 0},
	{"underline", TOKEN_WRAP, 0},
	{"overline", TOKEN_DECOR, 0},
	{"bar", TOKEN_DECOR, 0},
	{"vec", TOKEN_DECOR, 0},
	{"hat", TOKEN_DECOR, 0},
	{"widehat", TOKEN_DECOR, 0},
	{"tilde", TOKEN_DECOR, 0},
	{"overrightarrow", TOKEN_DECOR, 0},
	{"dot", TOKEN_DECOR, 0},
	{"ddot", TOKEN_DECOR, 0},
	{"overarc", TOKEN_DECOR, 0},
	/* operators */
	{"cdot", TOKEN_OP, '*'},
	{"times", TOKEN_OP, '*'},
	{"ast", TOKEN_OP, '*'},
	{"div", TOKEN_OP, '/'},
	{"colon", TOKEN_OP, ':'},
	{"forall", TOKEN_OP, ','},
	{"pm", TOKEN_PM, 0},
	{"mp", TOKEN_PM, 1},
	{"cup", TOKEN_UNION, 0},
	{"bigcup", TOKEN_UNION, 0},
	{"setminus", TOKEN_LESS, 0},
	{"smallsetminus", TOKEN_LESS, 0},
	{"backslash", TOKEN_LESS, 0},
	{"frac", TOKEN_FRAC, 0},
	{"dfrac", TOKEN_FRAC, 0},
	{"tfrac", TOKEN_FRAC, 0},
	{"cfrac", TOKEN_FRAC, 0},
	{"nicefrac", TOKEN_FRAC, 0},
	{"sfrac", TOKEN_FRAC, 0},
	{"sqrt", TOKEN_SQRT, 0},
	{"binom", TOKEN_BINOM, 0},
	{"dbinom", TOKEN_BINOM, 0},
	{"tbinom", TOKEN_BINOM, 0},
	{"choose", TOKEN_CHOOSE, 0},
	{"over", TOKEN_OVER, 0},
	{"prime", TOKEN_OP, '\''},
	{"circ", TOKEN_DEGREE, 0},
	{"degree", TOKEN_DEGREE, 0},
	{"dots", TOKEN_DOTS, 0},
	{"ldots", TOKEN_DOTS, 0},
	{"cdots", TOKEN_DOTS, 0},
	{"dotsc", TOKEN_DOTS, 0},
	{"dotsb", TOKEN_DOTS, 0},
	{"vdots", TOKEN_DOTS, 0},
	{"ddots", TOKEN_DOTS, 0},
	{"sum", TOKEN_BIG, 's'},
	{"prod", TOKEN_BIG, 'p'},
	{"int", TOKEN_BIG, 'i'},
	{"iint", TOKEN_BIG, 'i'},
	{"oint", TOKEN_BIG, 'i'},
	{"lim", TOKEN_BIG, 'l'},
	/* relations */
	{"eq", TOKEN_REL, REL_EQ},
	{"ne", TOKEN_REL, REL_NE},
	{"neq", TOKEN_REL, REL_NE},
	{"lt", TOKEN_REL, REL_LT},
	{"gt", TOKEN_REL, REL_GT},
	{"le", TOKEN_REL, REL_LE},
	{"leq", TOKEN_REL, REL_LE},
	{"leqslant", TOKEN_REL, REL_LE},
	{"leqq", TOKEN_REL, REL_LE},
	{"ge", TOKEN_REL, REL_GE},
	{"geq", TOKEN_REL, REL_GE},
	{"geqslant", TOKEN_REL, REL_GE},
	{"geqq", TOKEN_REL, REL_GE},
	{"approx", TOKEN_REL, REL_APPROX},
	{"doteq", TOKEN_REL, REL_APPROX},
	{"in", TOKEN_REL, REL_IN},
	{"notin", TOKEN_REL, REL_OTHER},
	{"equiv", TOKEN_REL, REL_OTHER},
	{"cong", TOKEN_REL, REL_OTHER},
	{"sim", TOKEN_REL, REL_OTHER},
	{"simeq", TOKEN_REL, REL_APPROX},
	{"approxeq", TOKEN_REL, REL_APPROX},
	{"thickapprox", TOKEN_REL, REL_APPROX},
	{"propto", TOKEN_REL, REL_OTHER},
	{"mid", TOKEN_OP, '|'},
	{"parallel", TOKEN_REL, REL_OTHER},
	{"perp", TOKEN_REL, REL_OTHER},
	{"subset", TOKEN_REL, REL_OTHER},
	{"subseteq", TOKEN_REL, REL_OTHER},
	{"supset", TOKEN_REL, REL_OTHER},
	{"to", TOKEN_REL, REL_OTHER},
	{"rightarrow", TOKEN_REL, REL_OTHER},
	{"leftarrow", TOKEN_REL, REL_OTHER},
	{"longrightarrow", TOKEN_REL, REL_OTHER},
	{"Rightarrow", TOKEN_REL, REL_OTHER},
	{"Longrightarrow", TOKEN_REL, REL_OTHER},
	{"Leftrightarrow", TOKEN_REL, REL_OTHER},
	{"leftrightarrow", TOKEN_REL, REL_OTHER},
	{"implies", TOKEN_REL, REL_OTHER},
	{"iff", TOKEN_REL, REL_OTHER},
	{"mapsto", TOKEN_REL, REL_OTHER},
	{"land", TOKEN_JOIN, 'a'},
	{"wedge", TOKEN_JOIN, 'a'},
	{"lor", TOKEN_JOIN, 'o'},
	{"vee", TOKEN_JOIN, 'o'},
	/* brackets */
	{"lbrace", TOKEN_SET, 0},
	{"rbrace", TOKEN_ENDSET, 0},
	{"langle", TOKEN_ANGLE, 0},
	{"rangle", TOKEN_ENDANGLE, 0},
	{"lfloor", TOKEN_FLOOR, 0},
	{"rfloor", TOKEN_ENDFLOOR, 0},
	{"lceil", TOKEN_FLOOR, 1},
	{"rceil", TOKEN_ENDFLOOR, 1},
	{"lvert", TOKEN_BAR, 0},
	{"rvert", TOKEN_ENDBAR, 0},
	{"vert", TOKEN_OP, '|'},
	{"lbrack", TOKEN_OP, '['},
	{"rbrack", TOKEN_OP, ']'},
	{"lparen", TOKEN_OP, '('},
	{"rparen", TOKEN_OP, ')'},
	{"begin", TOKEN_BEGIN, 0},
	{"end", TOKEN_ENDENV, 0},
	/* constants and sets */
	{"infty", TOKEN_CONST, 'o'},
	{"pi", TOKEN_CONST, 'p'},
	{"imath", TOKEN_CONST, 'i'},
	{"emptyset", TOKEN_EMPTY, 0},
	{"varnothing", TOKEN_EMPTY, 0},
	{"R", TOKEN_NUMBERS, 'R'},
	{"Z", TOKEN_NUMBERS, 'Z'},
	{"N", TOKEN_NUMBERS, 'N'},
	{"Q", TOKEN_NUMBERS, 'Q'},
	/* functions */
	{"arccot", TOKEN_FUNC, FUNC_ACOT},
	{"arcsec", TOKEN_FUNC, FUNC_ASEC},
	{"arccsc", TOKEN_FUNC, FUNC_ACSC},
	{"mod", TOKEN_MOD, 0},
	{"bmod", TOKEN_MOD, 0},
	{"pmod", TOKEN_MOD, 1},
	{"pounds", TOKEN_MONEY, 0},
	{"euro", TOKEN_MONEY, 0},
	{"yen", TOKEN_MONEY, 0},
	{"rupee", TOKEN_MONEY, 0},
};

/* also as commands */
static const struct word words[] = {
	{"sin", TOKEN_FUNC, FUNC_SIN},     {"cos", TOKEN_FUNC, FUNC_COS},
	{"tan", TOKEN_FUNC, FUNC_TAN},     {"cot", TOKEN_FUNC, FUNC_COT},
	{"sec", TOKEN_FUNC, FUNC_SEC},     {"csc", TOKEN_FUNC, FUNC_CSC},
	{"arcsin", TOKEN_FUNC, FUNC_ASIN}, {"arccos", TOKEN_FUNC, FUNC_ACOS},
	{"arctan", TOKEN_FUNC, FUNC_ATAN}, {"asin", TOKEN_FUNC, FUNC_ASIN},
	{"acos", TOKEN_FUNC, FUNC_ACOS},   {"atan", TOKEN_FUNC, FUNC_ATAN},
	{"sinh", TOKEN_FUNC, FUNC_SINH},   {"cosh", TOKEN_FUNC, FUNC_COSH},
	{"tanh", TOKEN_FUNC, FUNC_TANH},   {"cis", TOKEN_FUNC, FUNC_CIS},
	{"ln", TOKEN_FUNC, FUNC_LN},       {"log", TOKEN_FUNC, FUNC_LOG},
	{"exp", TOKEN_FUNC, FUNC_EXP},     {"sqrt", TOKEN_SQRT, 0},
	{"gcd", TOKEN_NAMED, 0},           {"lcm", TOKEN_NAMED, 0},
	{"max", TOKEN_NAMED, 0},           {"min", TOKEN_NAMED, 0},
	{"det", TOKEN_NAMED, 0},           {"pi", TOKEN_CONST, 'p'},
	{"infinity", TOKEN_CONST, 'o'},    {"infty", TOKEN_CONST, 'o'},
	{"inf", TOKEN_CONST, 'o'},         {"oo", TOKEN_CONST, 'o'},
	{"and", TOKEN_JOIN, 'a'},          {"or", TOKEN_JOIN, 'o'},
	{"percent", TOKEN_PERCENT, 0},     {"lg", TOKEN_FUNC, FUNC_LOG},
	{"per cent", TOKEN_PERCENT, 0},    {"pct", TOKEN_PERCENT, 0},
	{"cup", TOKEN_UNION, 0},           {"mod", TOKEN_MOD, 0},
};

/* the first of a line is the name they share */
static const char *const units[][8] = {
	{"cm", "centimeter", "centimeters", "centimetre", "centimetres"},
	{"mm", "millimeter", "millimeters", "millimetre", "millimetres"},
	{"km", "kilometer", "kilometers", "kilometre", "kilometres"},
	{"m", "meter", "meters", "metre", "metres"},
	{"in", "inch", "inches"},
	{"ft", "foot", "feet"},
	{"yd", "yard", "yards"},
	{"mi", "mile", "miles"},
	{"s", "sec", "secs", "second", "seconds"},
	{"min", "mins", "minute", "minutes"},
	{"h", "hr", "hrs", "hour", "hours"},
	{"day", "days"},
	{"week", "weeks"},
	{"month", "months"},
	{"year", "years"},
	{"mg", "milligram", "milligrams"},
	{"g", "gram", "grams"},
	{"kg", "kilogram", "kilograms"},
	{"lb", "lbs", "pound", "pounds"}, /* of either kind */
	{"oz", "ounce", "ounces"},
	{"l", "liter", "liters", "litre", "litres"},
	{"ml", "milliliter", "milliliters", "millilitre", "millilitres"},
	{"mph"},
	{"$", "dollar", "dollars", "usd"},
	{"cent", "cents", "¢"},
	{"euro", "euros"},
	{"degree", "degrees", "deg"},
	{"rad", "radian", "radians"},
	{"acre", "acres"},
	{"hectare", "hectares", "ha"},
	{"ton", "tons", "tonne", "tonnes"},
	{"gal", "gallon", "gallons"},
	{"qt", "quart", "quarts"},
	{"person", "people", "persons"},

};

/* name as a C string; it is short */
static bool is(struct span s, const char *name)
{
	return strlen(name) == s.n && memcmp(s.p, name, s.n) == 0;
}

static const struct word *find(const struct word *v, size_t n, struct span s)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].name[0] == *s.p && is(s, v[i].name))
			return &v[i];
	return NULL;
}

const struct word *word_known(struct span word)
{
	return word.n ? find(words, sizeof words / sizeof *words, word) : NULL;
}

const struct word *word_command(struct span name)
{
	const struct word *w = NULL;

	if (name.n)
		w = find(commands, sizeof commands / sizeof *commands, name);
	return w ? w : word_known(name);
}

const char *word_unit(struct span word)
{
	for (size_t i = 0; word.n && i < sizeof units / sizeof *units; i++)
		for (size_t k = 0; k < 8 && units[i][k]; k++)
			if ((*units[i][k] | 0x20) == (*word.p | 0x20) &&
			    strlen(units[i][k]) == word.n &&
			    strncasecmp(units[i][k], word.p, word.n) == 0)
				return units[i][0];
	return NULL;
}

int64_t word_scale(struct span word)
{
	static const struct {
		const char *name;
		int64_t value;
	} scales[] = {{"dozen", 12},        {"hundred", 100},        {"thousand", 1000},
		      {"million", 1000000}, {"billion", 1000000000}, {"trillion", 1000000000000}};

	word.n -= word.n > 3 && word.p[word.n - 1] == 's';
	for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
		if (is(word, scales[i].name))
			return scales[i].value;
	return 0;
}

bool word_changes(struct span word)
{
	static const char *const names[] = {
		"not",       "squared",    "cubed",       "plus",   "minus",   "times",
		"factorial", "to",         "halves",      "thirds", "fourths", "fifths",
		"tenths",    "hundredths", "thousandths", "below",  "negative"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is(word, names[i]))
			return true;
	return false;
}

bool word_bounds(struct span s)
{
	static const char *const names[] = {"most", "least", "below", "not", "fewer"};

	for (size_t i = 0; i < s.n; i++) {
		struct span w = {s.p + i, 0};

		while (i + w.n < s.n && s.p[i + w.n] != ' ')
			w.n++;
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			if (is(w, names[k]))
				return true;
		i += w.n;
	}
	return false;
}

/* Is a word in s one of the list, ended by NULL? */
static bool has_word(struct span s, const char *const *names)
{
	for (size_t i = 0; i < s.n; i++) {
		struct span w = {s.p + i, 0};

		while (i + w.n < s.n && text_letter(s.p[i + w.n]))
			w.n++;
		for (size_t k = 0; w.n && names[k]; k++)
			if (w.n == strlen(names[k]) && strncasecmp(w.p, names[k], w.n) == 0)
				return true;
		i += w.n;
	}
	return false;
}

bool word_denies(struct span s)
{
	static const char *const names[] = {"except", "not",   "unless",  "none", "never",
					    "if",     "when",  "than",    "but",  "no",
					    "most",   "least", "without", NULL};

	return has_word(s, names);
}

bool word_rejects(struct span s)
{
	static const char *const names[] = {"not",        "never",   "wrong", "false", "incorrect",
					    "impossible", "invalid", "no",    "none",  "except",
					    "unless",     "fails",   NULL};

	return has_word(s, names);
}

bool word_natural(struct span word)
{
	if (word.n < 4)
		return false;
	for (size_t i = 1; i < word.n; i++)
		if (word.p[i] < 'a' || word.p[i] > 'z')
			return false;
	return true;
}
