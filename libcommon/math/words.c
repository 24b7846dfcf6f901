/* words.c - the words of mathematics. See words.h. */
#include "math/words.h"
#include "math/node.h"

#include <string.h>
#include <strings.h>

static const struct mword commands[] = {
	/* layout */
	{"displaystyle", MT_SKIP, 0},
	{"textstyle", MT_SKIP, 0},
	{"limits", MT_SKIP, 0},
	{"nolimits", MT_SKIP, 0},
	{"quad", MT_SKIP, 0},
	{"qquad", MT_SKIP, 0},
	{"enspace", MT_SKIP, 0},
	{"thinspace", MT_SKIP, 0},
	{"big", MT_SKIP, 0},
	{"Big", MT_SKIP, 0},
	{"bigg", MT_SKIP, 0},
	{"Bigg", MT_SKIP, 0},
	{"bigl", MT_SKIP, 0},
	{"bigr", MT_SKIP, 0},
	{"Bigl", MT_SKIP, 0},
	{"Bigr", MT_SKIP, 0},
	{"biggl", MT_SKIP, 0},
	{"biggr", MT_SKIP, 0},
	{"tiny", MT_SKIP, 0},
	{"small", MT_SKIP, 0},
	{"normalsize", MT_SKIP, 0},
	{"large", MT_SKIP, 0},
	{"Large", MT_SKIP, 0},
	{"LARGE", MT_SKIP, 0},
	{"huge", MT_SKIP, 0},
	{"Huge", MT_SKIP, 0},
	{"scriptstyle", MT_SKIP, 0},
	{"middle", MT_SKIP, 0},
	{"nonumber", MT_SKIP, 0},
	{"notag", MT_SKIP, 0},
	{"checkmark", MT_SKIP, 0},
	{"blacksquare", MT_SKIP, 0},
	{"hline", MT_SKIP, 0},
	{"newline", MT_SKIP, 0},
	{"par", MT_SKIP, 0},
	{"bf", MT_SKIP, 0},
	{"rm", MT_SKIP, 0},
	{"it", MT_SKIP, 0},
	{"color", MT_SKIPARG, 0},
	{"textcolor", MT_SKIPARG, 0},
	{"colorbox", MT_SKIPARG, 0},
	{"hspace", MT_SKIPARG, 0},
	{"vspace", MT_SKIPARG, 0},
	{"phantom", MT_SKIPARG, 0},
	{"label", MT_SKIPARG, 0},
	{"tag", MT_SKIPARG, 0},
	{"left", MT_LEFT, 0},
	{"right", MT_RIGHT, 0},
	{"not", MT_NOT, 0},
	/* letters and words */
	{"text", MT_WORDS, 0},
	{"textbf", MT_WORDS, 0},
	{"textit", MT_WORDS, 0},
	{"textrm", MT_WORDS, 0},
	{"textsf", MT_WORDS, 0},
	{"texttt", MT_WORDS, 0},
	{"textnormal", MT_WORDS, 0},
	{"emph", MT_WORDS, 0},
	{"mbox", MT_WORDS, 0},
	{"hbox", MT_WORDS, 0},
	{"mathrm", MT_FONT, 0},
	{"mathit", MT_WRAP, 0},
	{"mathsf", MT_FONT, 0},
	{"mathtt", MT_FONT, 0},
	{"operatorname", MT_FONT, 0},
	{"mathbf", MT_WRAP, 0},
	{"boldsymbol", MT_WRAP, 0},
	{"bm", MT_WRAP, 0},
	{"pmb", MT_WRAP, 0},
	{"mathcal", MT_WRAP, 0},
	{"mathscr", MT_WRAP, 0},
	{"mathbb", MT_DOUBLE, 0},
	{"boxed", MT_WRAP, 0},
	{"fbox", MT_WRAP, 0},
	{"framebox", MT_WRAP, 0},
	{"ensuremath", MT_WRAP, 0},
	{"underline", MT_WRAP, 0},
	{"overline", MT_DECOR, 0},
	{"bar", MT_DECOR, 0},
	{"vec", MT_DECOR, 0},
	{"hat", MT_DECOR, 0},
	{"widehat", MT_DECOR, 0},
	{"tilde", MT_DECOR, 0},
	{"overrightarrow", MT_DECOR, 0},
	{"dot", MT_DECOR, 0},
	{"ddot", MT_DECOR, 0},
	{"overarc", MT_DECOR, 0},
	/* operators */
	{"cdot", MT_OP, '*'},
	{"times", MT_OP, '*'},
	{"ast", MT_OP, '*'},
	{"div", MT_OP, '/'},
	{"colon", MT_OP, ':'},
	{"forall", MT_OP, ','},
	{"pm", MT_PM, 0},
	{"mp", MT_PM, 1},
	{"cup", MT_UNION, 0},
	{"bigcup", MT_UNION, 0},
	{"setminus", MT_LESS, 0},
	{"smallsetminus", MT_LESS, 0},
	{"backslash", MT_LESS, 0},
	{"frac", MT_FRAC, 0},
	{"dfrac", MT_FRAC, 0},
	{"tfrac", MT_FRAC, 0},
	{"cfrac", MT_FRAC, 0},
	{"nicefrac", MT_FRAC, 0},
	{"sfrac", MT_FRAC, 0},
	{"sqrt", MT_SQRT, 0},
	{"binom", MT_BINOM, 0},
	{"dbinom", MT_BINOM, 0},
	{"tbinom", MT_BINOM, 0},
	{"choose", MT_CHOOSE, 0},
	{"over", MT_OVER, 0},
	{"prime", MT_OP, '\''},
	{"circ", MT_DEGREE, 0},
	{"degree", MT_DEGREE, 0},
	{"dots", MT_DOTS, 0},
	{"ldots", MT_DOTS, 0},
	{"cdots", MT_DOTS, 0},
	{"dotsc", MT_DOTS, 0},
	{"dotsb", MT_DOTS, 0},
	{"vdots", MT_DOTS, 0},
	{"ddots", MT_DOTS, 0},
	{"sum", MT_BIG, 's'},
	{"prod", MT_BIG, 'p'},
	{"int", MT_BIG, 'i'},
	{"iint", MT_BIG, 'i'},
	{"oint", MT_BIG, 'i'},
	{"lim", MT_BIG, 'l'},
	/* relations */
	{"eq", MT_REL, MR_EQ},
	{"ne", MT_REL, MR_NE},
	{"neq", MT_REL, MR_NE},
	{"lt", MT_REL, MR_LT},
	{"gt", MT_REL, MR_GT},
	{"le", MT_REL, MR_LE},
	{"leq", MT_REL, MR_LE},
	{"leqslant", MT_REL, MR_LE},
	{"leqq", MT_REL, MR_LE},
	{"ge", MT_REL, MR_GE},
	{"geq", MT_REL, MR_GE},
	{"geqslant", MT_REL, MR_GE},
	{"geqq", MT_REL, MR_GE},
	{"approx", MT_REL, MR_APPROX},
	{"doteq", MT_REL, MR_APPROX},
	{"in", MT_REL, MR_IN},
	{"notin", MT_REL, MR_OTHER},
	{"equiv", MT_REL, MR_OTHER},
	{"cong", MT_REL, MR_OTHER},
	{"sim", MT_REL, MR_OTHER},
	{"simeq", MT_REL, MR_OTHER},
	{"propto", MT_REL, MR_OTHER},
	{"mid", MT_OP, '|'},
	{"parallel", MT_REL, MR_OTHER},
	{"perp", MT_REL, MR_OTHER},
	{"subset", MT_REL, MR_OTHER},
	{"subseteq", MT_REL, MR_OTHER},
	{"supset", MT_REL, MR_OTHER},
	{"to", MT_REL, MR_OTHER},
	{"rightarrow", MT_REL, MR_OTHER},
	{"leftarrow", MT_REL, MR_OTHER},
	{"longrightarrow", MT_REL, MR_OTHER},
	{"Rightarrow", MT_REL, MR_OTHER},
	{"Longrightarrow", MT_REL, MR_OTHER},
	{"Leftrightarrow", MT_REL, MR_OTHER},
	{"leftrightarrow", MT_REL, MR_OTHER},
	{"implies", MT_REL, MR_OTHER},
	{"iff", MT_REL, MR_OTHER},
	{"mapsto", MT_REL, MR_OTHER},
	{"land", MT_JOIN, 'a'},
	{"wedge", MT_JOIN, 'a'},
	{"lor", MT_JOIN, 'o'},
	{"vee", MT_JOIN, 'o'},
	/* brackets */
	{"lbrace", MT_SET, 0},
	{"rbrace", MT_ENDSET, 0},
	{"langle", MT_ANGLE, 0},
	{"rangle", MT_ENDANGLE, 0},
	{"lfloor", MT_FLOOR, 0},
	{"rfloor", MT_ENDFLOOR, 0},
	{"lceil", MT_FLOOR, 1},
	{"rceil", MT_ENDFLOOR, 1},
	{"lvert", MT_BAR, 0},
	{"rvert", MT_ENDBAR, 0},
	{"vert", MT_OP, '|'},
	{"lbrack", MT_OP, '['},
	{"rbrack", MT_OP, ']'},
	{"lparen", MT_OP, '('},
	{"rparen", MT_OP, ')'},
	{"begin", MT_BEGIN, 0},
	{"end", MT_ENDENV, 0},
	/* constants and sets */
	{"infty", MT_CONST, 'o'},
	{"pi", MT_CONST, 'p'},
	{"imath", MT_CONST, 'i'},
	{"emptyset", MT_EMPTY, 0},
	{"varnothing", MT_EMPTY, 0},
	{"R", MT_NUMBERS, 'R'},
	{"Z", MT_NUMBERS, 'Z'},
	{"N", MT_NUMBERS, 'N'},
	{"Q", MT_NUMBERS, 'Q'},
	/* functions */
	{"arccot", MT_FUNC, MF_ACOT},
	{"arcsec", MT_FUNC, MF_ASEC},
	{"arccsc", MT_FUNC, MF_ACSC},
	{"mod", MT_MOD, 0},
	{"bmod", MT_MOD, 0},
	{"pmod", MT_MOD, 1},
	{"pounds", MT_MONEY, 0},
	{"euro", MT_MONEY, 0},
	{"yen", MT_MONEY, 0},
	{"rupee", MT_MONEY, 0},
};

/* also as commands */
static const struct mword words[] = {
	{"sin", MT_FUNC, MF_SIN},     {"cos", MT_FUNC, MF_COS},     {"tan", MT_FUNC, MF_TAN},
	{"cot", MT_FUNC, MF_COT},     {"sec", MT_FUNC, MF_SEC},     {"csc", MT_FUNC, MF_CSC},
	{"arcsin", MT_FUNC, MF_ASIN}, {"arccos", MT_FUNC, MF_ACOS}, {"arctan", MT_FUNC, MF_ATAN},
	{"asin", MT_FUNC, MF_ASIN},   {"acos", MT_FUNC, MF_ACOS},   {"atan", MT_FUNC, MF_ATAN},
	{"sinh", MT_FUNC, MF_SINH},   {"cosh", MT_FUNC, MF_COSH},   {"tanh", MT_FUNC, MF_TANH},
	{"cis", MT_FUNC, MF_CIS},     {"ln", MT_FUNC, MF_LN},       {"log", MT_FUNC, MF_LOG},
	{"exp", MT_FUNC, MF_EXP},     {"sqrt", MT_SQRT, 0},         {"gcd", MT_NAMED, 0},
	{"lcm", MT_NAMED, 0},         {"max", MT_NAMED, 0},         {"min", MT_NAMED, 0},
	{"det", MT_NAMED, 0},         {"pi", MT_CONST, 'p'},        {"infinity", MT_CONST, 'o'},
	{"infty", MT_CONST, 'o'},     {"inf", MT_CONST, 'o'},       {"oo", MT_CONST, 'o'},
	{"and", MT_JOIN, 'a'},        {"or", MT_JOIN, 'o'},         {"percent", MT_PERCENT, 0},
	{"lg", MT_FUNC, MF_LOG},      {"per cent", MT_PERCENT, 0},  {"pct", MT_PERCENT, 0},
	{"cup", MT_UNION, 0},         {"mod", MT_MOD, 0},
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
	{"cent", "cents"},
	{"euro", "euros"},
	{"degree", "degrees", "deg"},
	{"rad", "radian", "radians"},
};

/* name as a C string; it is short */
static bool is(struct span s, const char *name)
{
	return strlen(name) == s.n && memcmp(s.p, name, s.n) == 0;
}

static const struct mword *find(const struct mword *v, size_t n, struct span s)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].name[0] == *s.p && is(s, v[i].name))
			return &v[i];
	return NULL;
}

const struct mword *mw_word(struct span word)
{
	return word.n ? find(words, sizeof words / sizeof *words, word) : NULL;
}

const struct mword *mw_command(struct span name)
{
	const struct mword *w = NULL;

	if (name.n)
		w = find(commands, sizeof commands / sizeof *commands, name);
	return w ? w : mw_word(name);
}

const char *mw_unit(struct span word)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		for (size_t k = 0; k < 8 && units[i][k]; k++)
			if (strlen(units[i][k]) == word.n &&
			    strncasecmp(units[i][k], word.p, word.n) == 0)
				return units[i][0];
	return NULL;
}

int64_t mw_scale(struct span word)
{
	static const struct {
		const char *name;
		int64_t value;
	} scales[] = {{"dozen", 12},        {"hundred", 100},        {"thousand", 1000},
		      {"million", 1000000}, {"billion", 1000000000}, {"trillion", 1000000000000}};

	for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
		if (is(word, scales[i].name))
			return scales[i].value;
	return 0;
}

bool mw_changes(struct span word)
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

bool mw_wordlike(struct span word)
{
	if (word.n < 4)
		return false;
	for (size_t i = 1; i < word.n; i++)
		if (word.p[i] < 'a' || word.p[i] > 'z')
			return false;
	return true;
}
