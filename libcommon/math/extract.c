/* extract.c - the answer in a worked solution. See extract.h. */
#include "math/extract.h"
#include "math/box.h"
#include "math/fold.h"
#include "math/prose.h"
#include "answer/tag.h"
#include "answer/text.h"

#include <string.h>
#include <strings.h>

/* TRIES: of places that say "answer" and tell none, so that time stays linear */
enum { BETWEEN = 100, SHORT = 400, WORDS = 120, TRIES = 32 };

static bool word_at(struct span s, size_t i, const char *word)
{
	size_t n = strlen(word);

	return s.n - i >= n && strncasecmp(s.p + i, word, n) == 0 &&
	       (i + n == s.n || !text_letter(s.p[i + n])) && (!i || !text_letter(s.p[i - 1]));
}

static struct span from(struct span s, size_t i)
{
	return (struct span){s.p + i, s.n - i};
}

/* ---- what follows "answer" ---- */

/* Behind "is", "are", ":" or "=" that follow the word at i with few words between, or behind a
 * line's end that follows it at once; 0: nothing of the kind. */
static size_t introduced(struct span s, size_t i)
{
	size_t end = s.n - i > BETWEEN ? i + BETWEEN : s.n;
	bool words = false;

	for (; i < end; i++) {
		if (s.p[i] == ':' || s.p[i] == '=')
			return i + 1;
		if (word_at(s, i, "is"))
			return i + 2;
		if (word_at(s, i, "are"))
			return i + 3;
		if (s.p[i] == '\n')
			return words ? 0 : i + 1;
		words |= text_letter(s.p[i]);
		if (!text_letter(s.p[i]) && !strchr(" *_,'()#-", s.p[i]))
			return 0;
	}
	return 0;
}

/* "the answer is correct" tells none. */
static bool about_answer(struct span s)
{
	static const char *const word[] = {"correct", "incorrect", "right",
					   "wrong",   "given",     "obtained"};

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (word_at(s, 0, word[i]))
			return true;
	return false;
}

/* An HTML tag that says how words look, at the front of s: its length, else 0 */
static size_t html(struct span s)
{
	static const char *const name[] = {"b", "i", "u", "p", "em", "strong", "span", "code"};
	size_t n = 1 + (s.n > 1 && s.p[1] == '/'), from = n;

	if (!s.n || *s.p != '<')
		return 0;
	while (n < s.n && text_letter(s.p[n]))
		n++;
	for (size_t i = 0; n < s.n && s.p[n] == '>' && i < sizeof name / sizeof *name; i++)
		if (span_is((struct span){s.p + from, n - from}, name[i]))
			return n + 1;
	return 0;
}

static struct span skip_marks(struct span s)
{
	for (size_t n; s.n; s = from(s, n)) {
		n = html(s);
		n = n ? n : text_blank(*s.p) || strchr("*:_`#>}\"", *s.p);
		if (!n)
			break;
	}
	return s;
}

/* Behind the words of s that only lead over to what it says */
static struct span skip_leads(struct span s)
{
	static const char *const lead[] = {"therefore", "thus",   "hence", "then",
					   "indeed",    "simply", "just",  "clearly"};

	s = skip_marks(s);
	for (size_t i = 0; i < sizeof lead / sizeof *lead; i++)
		if (word_at(s, 0, lead[i])) {
			s = from(s, strlen(lead[i]));
			while (s.n && (*s.p == ',' || text_blank(*s.p)))
				s = from(s, 1);
			return skip_marks(s);
		}
	return s;
}

static bool cut(struct span *s, const char *before, const char *after)
{
	size_t n = strlen(before), m = strlen(after);

	if (s->n <= n + m || memcmp(s->p, before, n) != 0 || memcmp(s->p + s->n - m, after, m) != 0)
		return false;
	*s = text_trim((struct span){s->p + n, s->n - n - m});
	return true;
}

/* Without \( and \) or \[ and \] around it, if it is all one formula */
static bool cut_formula(struct span *s)
{
	if (s->n < 5 || *s->p != '\\' || !strchr("([", s->p[1]) || !s->p[1])
		return false;
	return s->p[1] == '('
		       ? memmem(s->p, s->n, "\\)", 2) == s->p + s->n - 2 && cut(s, "\\(", "\\)")
		       : memmem(s->p, s->n, "\\]", 2) == s->p + s->n - 2 && cut(s, "\\[", "\\]");
}

/* Without the $ around it, if it is all one formula, quotes, stars and the like */
static struct span undress(struct span s)
{
	static const char *const around[][2] = {
		{"**", "**"},      {"__", "__"},    {"`", "`"},
		{"\"", "\""},      {"'", "'"},      {"\u201c", "\u201d"},
		{"<b>", "</b>"},   {"*", "*"},      {"<strong>", "</strong>"},
		{"<em>", "</em>"}, {"<i>", "</i>"}, {"<u>", "</u>"}};
	bool more;

	s = text_trim(s);
	more = s.n && (strchr("$*_`\"'<\\", *s.p) || (unsigned char)*s.p >= 0x80);
	while (more) {
		more = s.n > 2 && *s.p == '$' && s.p[s.n - 1] == '$' &&
		       (s.p[1] == '$' || !memchr(s.p + 1, '$', s.n - 2)) && cut(&s, "$", "$");
		more = more || cut_formula(&s);
		for (size_t i = 0; i < sizeof around / sizeof *around && !more; i++)
			more = cut(&s, around[i][0], around[i][1]);
	}
	return s;
}

static bool put_answer(struct span s, struct buf *out)
{
	s = undress(text_trim(s));
	buf_add(out, s.p, s.n);
	return s.n > 0;
}

/* Does one of the words stand right before at in s? Its length, else 0 */
static size_t word_before(struct span s, size_t at, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);

		if (at >= n && word_at((struct span){s.p, at}, at - n, *words))
			return n;
	}
	return 0;
}

/* "is wrong", "is not" behind at in s: where it ends, else at */
static size_t called_false(struct span s, size_t at)
{
	static const char *const words[] = {"is wrong", "is not", "is incorrect", "is impossible",
					    "isn't",    "fails",  "is never",     "are not"};
	size_t k = at;

	while (k < s.n && strchr(" $*,)", s.p[k]))
		k++;
	for (size_t i = 0; i < sizeof words / sizeof *words && k > at && k < s.n; i++)
		if (word_at(s, k, words[i]))
			return k + strlen(words[i]);
	return at;
}

/* The item, a value in s, from at on to end, without half of a $...$ */
static struct span widened(struct span s, struct span item, size_t at, size_t end)
{
	size_t behind = (size_t)(item.p - s.p) + item.n;

	if (end == behind && end < s.n && s.p[end] == '$' && item.p > s.p && item.p[-1] == '$')
		end++;
	return (struct span){s.p + at, end - at};
}

/* The item, a value in s, with the words right before or behind it that deny it */
static struct span with_denial(struct span s, struct span item)
{
	static const char *const no[] = {"not",          "never",           "isn't",
					 "cannot be",    "not necessarily", "can't be",
					 "not equal to", "wasn't",          NULL};
	size_t from = (size_t)(item.p - s.p), at = from, end = called_false(s, from + item.n), n;

	while (at && strchr(" $*\\(", s.p[at - 1]))
		at--;
	n = word_before(s, at, no);
	return n || end > from + item.n ? widened(s, item, n ? at - n : from, end) : item;
}

/* The same for words that make a bound of it too */
static struct span with_bound(struct span s, struct span item)
{
	static const char *const bound[] = {"at least",
					    "at most",
					    "more than",
					    "less than",
					    "fewer than",
					    "greater than",
					    "less than or equal to",
					    "greater than or equal to",
					    "close to",
					    "below",
					    "above",
					    "under",
					    "over",
					    "minus",
					    "negative",
					    NULL};
	static const char *const between[] = {"between", NULL};
	size_t at = (size_t)(item.p - s.p), n;

	while (at && strchr(" $*\\(", s.p[at - 1]))
		at--;
	n = word_before(s, at, bound);
	if (n)
		return widened(s, item, at - n, (size_t)(item.p - s.p) + item.n);
	for (size_t k = at; k > 0 && at - k < BETWEEN; k--) /* between 44 and 45 */
		if (word_before(s, k, between))
			return widened(s, item, k - 7, (size_t)(item.p - s.p) + item.n);
	return with_denial(s, item);
}

/* Does s begin with Yes or No, so that all it says behind that explains it? */
static bool yes_no(struct span s)
{
	return word_at(s, 0, "yes") || word_at(s, 0, "no");
}

/* A word or two between the value of n bytes and the end of the sentence say what it is of, 20%
 * less, 5 km north: their length with the blanks before, else 0. */
static size_t nouns_behind(struct span s, size_t n)
{
	size_t k = n, words = 0, i = 0;

	while (i < n && !text_digit(s.p[i]))
		i++;
	for (; i < n && words < 3; words++) {
		size_t from = k, end;

		while (k < s.n && s.p[k] == ' ')
			k++;
		end = k;
		while (end < s.n && text_letter(s.p[end]))
			end++;
		if (end < k + 3 || from == k ||
		    (end > k + 2 && memcmp(s.p + end - 2, "ly", 2) == 0))
			break;
		k = end;
	}

	return words && words < 3 && (k == s.n || strchr(".\n", s.p[k])) ? k - n : 0;
}

/* " or more" and the like behind a value of n bytes: its length, else 0 */
static size_t bound_behind(struct span s, size_t n)
{
	static const char *const bound[] = {"or more",   "or less",  "or fewer", "or greater",
					    "otherwise", "or above", "or below", "and above",
					    "and below", "at most",  "at least", "or higher",
					    "or lower"};
	size_t k = n;

	while (k < s.n && strchr(" $*;,", s.p[k]))
		k++;
	if (k > n && word_at(s, k < s.n ? k : s.n - 1, "to") && k + 3 < s.n &&
	    text_digit(s.p[k + 3]))
		return k + 4 - n; /* 45 to 46 */
	for (size_t i = 0; i < sizeof bound / sizeof *bound && k > n && k < s.n; i++)
		if (word_at(s, k, bound[i]))
			return k + strlen(bound[i]) - n;
	return 0;
}

/* s begins behind "answer is" */
static bool pick(struct span s, struct buf *out)
{
	struct span sentence, item;
	size_t n;

	s = skip_leads(s);
	n = prose_prefix(s);
	if (n)
		return put_answer((struct span){s.p, n + nouns_behind(s, n) + bound_behind(s, n)},
				  out);
	sentence = prose_sentence(s);
	if (!yes_no(sentence) && prose_last_item(sentence, &item))
		return put_answer(with_bound(sentence, item), out);
	while (sentence.n && strchr("*`.\" ", sentence.p[sentence.n - 1]))
		sentence.n--;
	if (yes_no(sentence) && sentence.n > WORDS)
		sentence.n = WORDS;
	return sentence.n <= WORDS && put_answer(sentence, out);
}

/* Is nothing but blanks behind the line that i is in? */
static bool last_line(struct span s, size_t i)
{
	while (i < s.n && s.p[i] != '\n')
		i++;
	while (i < s.n && text_blank(s.p[i]))
		i++;
	return i == s.n;
}

/* Behind #### or the like at i, before a number; ### only where that is all the line, # and ## only
 * where it is the last one; else 0 */
static size_t hashes(struct span s, size_t i)
{
	size_t n = 0;
	struct span line;

	if (i && s.p[i - 1] == '#')
		return 0;
	while (i + n < s.n && s.p[i + n] == '#')
		n++;
	if (n < 4 && ((i && s.p[i - 1] != '\n') || (n < 3 && !last_line(s, i))))
		return 0;
	for (i += n; i < s.n && strchr(" *:", s.p[i]);)
		i++;
	if (i == s.n || !(text_digit(s.p[i]) || strchr("-+.$\\", s.p[i]) ||
			  fold_sign((struct span){s.p + i, s.n - i})))
		return 0;
	line = (struct span){s.p + i, 0};
	while (n <= 3 && i + line.n < s.n && line.n < SHORT && line.p[line.n] != '\n')
		line.n++;
	return n > 3 || prose_prefix(line) == text_trim(line).n ? i : 0;
}

/* Does nothing but marks stand before i in its line? */
static bool begins_line(struct span s, size_t i)
{
	while (i && strchr(" *#_", s.p[i - 1]))
		i--;
	return !i || s.p[i - 1] == '\n';
}

/* Behind a marker at i that an answer follows: "answer is" and the like, #### before a number; else
 * 0 */
static size_t marker(struct span s, size_t i)
{
	size_t word = word_at(s, i, "answer")    ? 6
		      : word_at(s, i, "answers") ? 7
		      : word_at(s, i, "ans")     ? 3
						 : 0;

	if (word && begins_line(s, i) && i + word < s.n && s.p[i + word] == '.')
		return i + word + 1;
	if (word)
		return introduced(s, i + word);
	return s.p[i] == '#' ? hashes(s, i) : 0;
}

static bool after_answer(struct span s, struct buf *out)
{
	int tries = TRIES;

	for (size_t i = s.n; i-- > 0 && tries > 0;) {
		size_t at = marker(s, i);

		if (at && !about_answer(skip_leads(from(s, at))) && pick(from(s, at), out))
			return true;
		tries -= at > 0;
	}
	return false;
}

/* ---- choices, and Yes or No ---- */

/* The letter of a choice that stands alone at i, in brackets or not; 0: none. "A" in front of a
 * word is an article, "I" nobody's choice. */
static bool choice_at(struct span s, size_t i)
{
	static const char *const reason[] = {"because", "since", "as", "and",
					     "which",   "with",  "is", "for"};
	struct span next;

	if (s.p[i] < 'A' || s.p[i] > 'J' || s.p[i] == 'I' || (i && text_letter(s.p[i - 1])) ||
	    (i + 1 < s.n && (text_letter(s.p[i + 1]) || strchr("'^_=+-/", s.p[i + 1]))))
		return false;
	next = text_trim(from(s, i + 1));
	if (s.p[i] != 'A' || !next.n || next.p == s.p + i + 1 || !text_letter(*next.p) ||
	    (i && s.p[i - 1] == '('))
		return true;
	for (size_t k = 0; k < sizeof reason / sizeof *reason; k++)
		if (word_at(next, 0, reason[k]))
			return true;
	return false;
}

/* "B is wrong", with the letter at i */
static bool called_wrong(struct span s, size_t i)
{
	static const char *const wrong[] = {"wrong", "incorrect", "false", "not", "impossible"};

	while (++i < s.n && strchr(" )*.$", s.p[i]))
		;
	if (i == s.n || !word_at(s, i, "is"))
		return false;
	for (i += 2; i < s.n && s.p[i] == ' ';)
		i++;
	for (size_t k = 0; k < sizeof wrong / sizeof *wrong && i < s.n; k++)
		if (word_at(s, i, wrong[k]))
			return true;
	return false;
}

/* Behind "B or C", "B and C." at i; 0: one letter alone */
static size_t choices_end(struct span s, size_t i)
{
	size_t k = i + 1, n;

	while (k < s.n && strchr(" )*$}", s.p[k]))
		k++;
	n = k == s.n ? 0 : word_at(s, k, "or") ? 2 : word_at(s, k, "and") ? 3 : 0;
	if (!n || s.p[k - 1] == '(')
		return 0;
	for (k += n; k < s.n && strchr(" (*$", s.p[k]);)
		k++;
	if (k >= s.n || !choice_at(s, k))
		return 0;
	for (n = k + 1; n < s.n && strchr(")*$.", s.p[n]);)
		n++;
	return n == s.n || s.p[n] == '\n' || strchr(").*$", s.p[n - 1]) ? k + 1 : 0;
}

/* The first choice in the sentence at i that is not denied */
static bool choice_in(struct span s, size_t i, struct buf *out)
{
	size_t end = s.n - i > BETWEEN ? i + BETWEEN : s.n;
	bool denied = false;

	for (; i < end && s.p[i] != '\n'; i++) {
		denied |= word_at(s, i, "not") || word_at(s, i, "isn't");
		if (s.p[i] == '.' && i + 1 < end && text_blank(s.p[i + 1]))
			return false;
		if (!choice_at(s, i))
			continue;
		if (!denied && choices_end(s, i))
			return put_answer((struct span){s.p + i, choices_end(s, i) - i}, out);
		if (!denied && !called_wrong(s, i))
			return put_answer((struct span){s.p + i, 1}, out);
		denied = false;
	}
	return false;
}

/* Behind one of the words, the last one first */
static bool choice_behind(struct span s, const char *const *words, size_t n, struct buf *out)
{
	int tries = TRIES;

	for (size_t i = s.n; i-- > 0 && tries > 0;)
		for (size_t k = 0; k < n; k++)
			if (word_at(s, i, words[k])) {
				tries--;
				if (choice_in(s, i + strlen(words[k]), out))
					return true;
			}
	return false;
}

/* A letter that is all of the last line */
static bool choice_alone(struct span s, struct buf *out)
{
	struct span line = text_trim(s);

	for (size_t i = line.n; i-- > 0;)
		if (line.p[i] == '\n') {
			line = from(line, i + 1);
			break;
		}
	line = skip_marks(line);
	while (line.n && strchr("*_`.)$ ", line.p[line.n - 1]))
		line.n--;
	while (line.n && strchr("($", *line.p))
		line = from(line, 1);
	return line.n == 1 && choice_at(line, 0) && put_answer(line, out);
}

/* The last of "B is correct", "(C) is the answer" */
static bool choice_said(struct span s, struct buf *out)
{
	static const char *const says[] = {"correct", "right", "the correct", "the right",
					   "the answer"};

	for (size_t i = s.n; i-- > 0;) {
		size_t k = i + 1;

		if (!choice_at(s, i))
			continue;
		while (k < s.n && strchr(" )*", s.p[k]))
			k++;
		if (!word_at(s, k < s.n ? k : s.n - 1, "is"))
			continue;
		for (k += 2; k < s.n && s.p[k] == ' ';)
			k++;
		for (size_t n = 0; k < s.n && n < sizeof says / sizeof *says; n++)
			if (word_at(s, k, says[n]))
				return put_answer((struct span){s.p + i, 1}, out);
	}
	return false;
}

static bool any_choice(struct span s, struct buf *out)
{
	static const char *const answer[] = {"answer", "ans"}, *const right[] = {"correct",
										 "right"};
	static const char *const option[] = {"option", "choice", "choose",
					     "pick",   "select", "go with"};

	return choice_behind(s, answer, 2, out) || choice_behind(s, right, 2, out) ||
	       choice_alone(s, out) || choice_said(s, out) || choice_behind(s, option, 6, out);
}

/* A response whose first or last sentence begins with Yes or No */
static bool any_yes_no(struct span s, struct buf *out)
{
	static const char *const lead[] = {"so", "thus", "hence", "therefore"};
	struct span last;

	s = text_trim(s);
	if (s.n && (*s.p == '*' || *s.p == '$'))
		s = skip_marks(s);
	if (yes_no(s))
		return put_answer((struct span){s.p, s.n < WORDS ? s.n : WORDS}, out);
	last = s;
	for (size_t i = s.n; i-- > 1;)
		if (text_blank(s.p[i]) && strchr(".\n", s.p[i - 1])) {
			last = text_trim(from(s, i));
			break;
		}
	for (size_t i = 0; i < sizeof lead / sizeof *lead; i++)
		if (word_at(last, 0, lead[i]))
			last = from(last, strlen(lead[i]));
	while (last.n && (text_blank(*last.p) || strchr(",*_", *last.p)))
		last = from(last, 1);
	return yes_no(last) && last.n <= WORDS && put_answer(last, out);
}

/* ---- all of it ---- */

static bool only_expression(struct span s, struct buf *out)
{
	size_t n;

	s = text_trim(s);
	if (!s.n || s.n > SHORT)
		return false;
	n = prose_prefix(s);
	while (n < s.n && strchr(".*` \"'", s.p[n]))
		n++;
	return n == s.n && put_answer(s, out);
}

/* One or a few words that are all the response */
static bool few_words(struct span s, struct buf *out)
{
	s = text_trim(s);
	return s.n && s.n <= WORDS && !memchr(s.p, '\n', s.n) && put_answer(s, out);
}

/* "Final answer is" with a value, behind the last box */
static bool final_answer(struct span s, struct buf *out)
{
	for (size_t i = s.n; i-- > 0;)
		if ((s.p[i] | 0x20) == 'f' && word_at(s, i, "final answer")) {
			size_t at = introduced(s, i + 12), n;

			s = skip_marks(from(s, at ? at : s.n));
			n = prose_prefix(s);
			return n && (buf_reset(out), put_answer((struct span){s.p, n}, out));
		}
	return false;
}

static bool boxed(struct span s, struct extract *out)
{
	struct box_place place;
	struct span inside;

	if (!box_last(s, &out->text, &place))
		return false;
	out->percent = place.percent;
	if (final_answer(from(s, place.end), &out->text)) {
		out->percent = false;
		return true;
	}
	inside = undress((struct span){out->text.p, out->text.n});
	if (inside.n)
		memmove(out->text.p, inside.p, inside.n);
	out->text.n = inside.n;
	return true;
}

bool extract_answer(struct span response, enum extract_kind kind, struct extract *out)
{
	bool tagged = tag_inside(response, &response);
	struct buf *text = &out->text;
	struct span item;

	buf_reset(text);
	out->percent = false;
	if (boxed(response, out) || (kind == EXTRACT_CHOICE && any_choice(response, text)))
		return true;
	if (after_answer(response, text) || only_expression(response, text))
		return true;
	if ((tagged && few_words(response, text)) ||
	    (kind == EXTRACT_YES_NO && any_yes_no(response, text)))
		return true;
	if (prose_last_item(response, &item))
		return put_answer(with_denial(response, item), text);
	return few_words(response, text);
}

enum extract_kind extract_kind_of(struct span right)
{
	right = undress(right);
	while (right.n > 2 && strchr("({", *right.p) && strchr(")}", right.p[right.n - 1]))
		right = (struct span){right.p + 1, right.n - 2};
	if (right.n > 6 && memcmp(right.p, "\\text", 5) == 0 && memchr(right.p, '{', right.n))
		return extract_kind_of(
			from(right, (size_t)((char *)memchr(right.p, '{', right.n) - right.p)));
	return right.n == 1 && choice_at(right, 0) ? EXTRACT_CHOICE
	       : yes_no(right)                     ? EXTRACT_YES_NO
						   : EXTRACT_VALUE;
}

void extract_right(struct span answer, struct buf *out)
{
	struct span all = text_trim(answer);
	struct extract e = {.text = *out};

	buf_reset(&e.text);
	if (!boxed(all, &e) && (yes_no(all) || !after_answer(all, &e.text)))
		put_answer(all, &e.text);
	*out = e.text;
}
