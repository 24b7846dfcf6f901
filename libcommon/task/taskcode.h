/* taskcode.h - problems whose answer is a program, as HumanEval, MBPP, LiveCodeBench, APPS and TACO
 * write them. */
#ifndef TASK_TASKCODE_H
#define TASK_TASKCODE_H

#include "task/rowkeys.h"

#include <stdbool.h>

/* Does the row have tests that verifier code runs? test with entry_point; test_list;
 * public_test_cases; input_output */
bool taskcode_find(const struct row *r);
bool taskcode_text(
	const char *text); /* an answer that is such tests: {"inputs", "outputs"} or a list */
/* The prompt's text with what the policy has to know besides: MBPP's tests, which name the
 * function; the code to begin with. *prompt is owned by the caller and replaced. */
void taskcode_prompt(const struct row *r, char **prompt);
/* The reference solution, if it is there: canonical_solution or code; used */
int taskcode_answer(struct row *r, char **answer);

#endif
