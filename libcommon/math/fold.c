/* fold.c - signs beyond ASCII as LaTeX. See fold.h. */
#include "math/fold.h"
#include "math/words.h"
#include "answer/text.h"

#include <string.h>

/* A raised or lowered sign becomes ^ or _ and what it raises; several in a row make one group. */
static const struct {
	const char *sign, *latex;
} signs[] = {{"°", "\\degree "},   {"\u00ba", "\\degree "},
	     {"℃", "\\degree "},   {"±", "\\pm "},
	     {"∓", "\\mp "},       {"·", "*"},
	     {"\u22c5", "*"},      {"\u2219", "*"},
	     {"\u2022", "*"},      {"\u2217", "*"},
	     {"×", "*"},           {"÷", "/"},
	     {"\u2044", "/"},      {"\u2215", "/"},
	     {"\u2212", "-"},      {"\u2013", "-"},
	     {"\u2010", "-"},      {"\u2011", "-"},
	     {"\u2012", "-"},      {"√", " sqrt "},
	     {"∛", " sqrt[3]"},    {"∑", "\\sum "},
	     {"∏", "\\prod "},     {"\u2032", "'"},
	     {"\u2019", "'"},      {"\u2033", "''"},
	     {"…", "\\dots "},     {"⌊", "\\lfloor "},
	     {"⌋", "\\rfloor "},   {"⌈", "\\lceil "},
	     {"⌉", "\\rceil "},    {"⟨", "\\langle "},
	     {"⟩", "\\rangle "},   {"\u2223", "|"},
	     {"∠", "\\angle "},    {"△", "\\triangle "},
	     {"≤", "\\le "},       {"≥", "\\ge "},
	     {"⩽", "\\le "},       {"⩾", "\\ge "},
	     {"≦", "\\le "},       {"≧", "\\ge "},
	     {"≠", "\\ne "},       {"≈", "\\approx "},
	     {"≡", "\\equiv "},    {"→", "\\to "},
	     {"⇒", "\\implies "},  {"∈", "\\in "},
	     {"∪", "\\cup "},      {"\u2216", "\\setminus "},
	     {"∅", "\\emptyset "}, {"ℝ", "\\mathbb{R}"},
	     {"ℤ", "\\mathbb{Z}"}, {"ℕ", "\\mathbb{N}"},
	     {"ℚ", "\\mathbb{Q}"}, {"ℂ", "\\mathbb{C}"},
	     {"∞", "\\infty "},    {"π", "\\pi "},
	     {"\u00a0", " "},      {"\u2009", " "},
	     {"\u200b", " "},      {"\u202f", " "},
	     {"\u3000", " "},      {"，", ", "},
	     {"、", ", "},         {"。", "."},
	     {"€", "\\euro "},     {"£", "\\pounds "},
	     {"¥", "\\yen "},      {"₹", "\\rupee "},
	     {"½", "\\frac12"},    {"⅓", "\\frac13"},
	     {"⅔", "\\frac23"},    {"¼", "\\frac14"},
	     {"¾", "\\frac34"},    {"⅕", "\\frac15"},
	     {"⅖", "\\frac25"},    {"⅗", "\\frac35"},
	     {"⅘", "\\frac45"},    {"⅙", "\\frac16"},
	     {"⅚", "\\frac56"},    {"⅛", "\\frac18"},
	     {"⅜", "\\frac38"},    {"⅝", "\\frac58"},
	     {"⅞", "\\frac78"},    {"⁰", "^0"},
	     {"¹", "^1"},          {"²", "^2"},
	     {"³", "^3"},          {"⁴", "^4"},
	     {"⁵", "^5"},          {"⁶", "^6"},
	     {"⁷", "^7"},          {"⁸", "^8"},
	     {"⁹", "^9"},          {"⁺", "^+"},
	     {"⁻", "^-"},          {"ⁿ", "^n"},
	     {"₀", "_0"},          {"₁", "_1"},
	     {"₂", "_2"},          {"₃", "_3"},
	     {"₄", "_4"},          {"₅", "_5"},
	     {"₆", "_6"},          {"₇", "_7"},
	     {"₈", "_8"},          {"₉", "_9"},
	     {"ₙ", "_n"},          {"α", "\\alpha "},
	     {"β", "\\beta "},     {"γ", "\\gamma "},
	     {"δ", "\\delta "},    {"ε", "\\epsilon "},
	     {"ζ", "\\zeta "},     {"η", "\\eta "},
	     {"θ", "\\theta "},    {"κ", "\\kappa "},
	     {"λ", "\\lambda "},   {"μ", "\\mu "},
	     {"ν", "\\nu "},       {"ξ", "\\xi "},
	     {"ρ", "\\rho "},      {"σ", "\\sigma "},
	     {"τ", "\\tau "},      {"φ", "\\phi "},
	     {"χ", "\\chi "},      {"ψ", "\\psi "},
	     {"ω", "\\omega "},    {"Γ", "\\Gamma "},
	     {"Δ", "\\Delta "},    {"Θ", "\\Theta "},
	     {"Λ", "\\Lambda "},   {"Σ", "\\Sigma "},
	     {"Φ", "\\Phi "},      {"Ψ", "\\Psi "},
	     {"Ω", "\\Omega "},    {"\u00b5", "\\mu "}};

/* U+FF01 to U+FF5E: ASCII in full width; else 0 */
static char full_width(struct span s)
{
	unsigned char a, b;

	if (s.n < 3 || memcmp(s.p, "\xef", 1) != 0)
		return 0;
	a = (unsigned char)s.p[1];
	b = (unsigned char)s.p[2];
	if (a == 0xbc && b >= 0x81 && b <= 0xbf)
		return (char)(b - 0x60);
	return a == 0xbd && b >= 0x80 && b <= 0x9e ? (char)(b - 0x20) : 0;
}

/* What the sign at the front of s means, its length in *n; NULL: it is none. */
static const char *meaning(struct span s, size_t *n)
{
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		*n = strlen(signs[i].sign);
		if (*signs[i].sign == *s.p && s.n >= *n && memcmp(s.p, signs[i].sign, *n) == 0)
			return signs[i].latex;
	}
	return NULL;
}

size_t fold_sign(struct span s)
{
	size_t n;

	return full_width(s) ? 3 : meaning(s, &n) ? n : 0;
}

void fold_signs(struct span s, struct buf *out)
{
	char group = 0; /* the ^ or _ of the {} that out ends with */
	const char *latex;

	for (size_t n; s.n; s = (struct span){s.p + n, s.n - n}) {
		n = 1;
		latex = (unsigned char)*s.p < 0x80 ? NULL : meaning(s, &n);
		if (latex && (*latex == '^' || *latex == '_')) {
			if (group == *latex)
				out->n--;
			else
				buf_add(out, (char[]){*latex, '{'}, 2);
			group = *latex;
			buf_str(out, latex + 1);
			buf_char(out, '}');
			continue;
		}
		group = 0;
		if (latex) {
			buf_str(out, latex);
		} else if (full_width(s)) {
			buf_char(out, full_width(s));
			n = 3;
		} else {
			n = 1;
			buf_add(out, s.p, 1);
		}
	}
}

/* The letter of the escape that made the control character c; '\0': none */
static char escaped(char c)
{
	return c < '\a' || c > '\r' || c == '\n' ? '\0' : "abt.vfr"[c - '\a'];
}

/* Is the letter c with the letters at the front of s a command? */
static bool makes_command(char c, struct span s)
{
	static const char *const more[] = {"theta", "tau",      "beta",      "rho",
					   "alpha", "triangle", "boldsymbol"};
	char name[16] = {c};
	size_t n = 0;

	while (n < s.n && n + 1 < sizeof name && text_letter(s.p[n])) {
		name[n + 1] = s.p[n];
		n++;
	}
	if (!n || (n < s.n && text_letter(s.p[n])))
		return false;
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (span_is((struct span){name, n + 1}, more[i]))
			return true;
	return word_command((struct span){name, n + 1}) != NULL;
}

void fold_controls(struct span s, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < s.n && !any; i++)
		any = escaped(s.p[i]);
	if (!any) {
		buf_add(out, s.p, s.n);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		char c = escaped(s.p[i]);

		if (c && makes_command(c, (struct span){s.p + i + 1, s.n - i - 1}))
			buf_add(out, (char[]){'\\', c}, 2);
		else
			buf_char(out, s.p[i]);
	}
}
