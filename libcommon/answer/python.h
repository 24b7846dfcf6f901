/* python.h - which Python in a response is the answer. */
#ifndef ANSWER_PYTHON_H
#define ANSWER_PYTHON_H

#include "base/buf.h"

/*
 * Appends the program that the response, thoughts left out already, means. names[0..n): of the
 * functions that are asked for; n 0: a whole program is. prompt: what the response continues, or a
 * conversation; may be absent. The first of these that there is:
 *   1. the last fenced block that defines one of the names; with none, the last block that is said
 *      to be Python, else the last one that looks like it
 *   2. the function in the text, from its imports to the first line at the margin that is no code
 *   3. the prompt with its rest: the last fenced block whose first line is indented, else the text
 *      up to the first line at the margin that is neither blank nor a comment
 * Before 1 and 2 stands what the prompt has before the function: all of it where that is code, else
 * its imports. Where answer tags hold 1 or 2, only what is between them is looked at. Fences are
 * Markdown's, with any spelling of Python behind them or none; one in a docstring ends no block,
 * the end of the response does. The prompts of a Python prompt (>>>) are taken off. Linear but for
 * the number of names.
 */
void python_answer(struct buf *program, struct span response, struct span prompt,
		   const struct span *names, size_t n);

#endif
