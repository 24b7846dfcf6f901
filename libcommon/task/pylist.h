/* pylist.h - lists as Python and NumPy print them, which a table made into text. */
#ifndef TASK_PYLIST_H
#define TASK_PYLIST_H

/* 1: text is a list of one text or number, which is *out, owned by the caller; 0: it is no printed
 * list; -1: it is one of more, or of none, or of something else. */
int pylist_one(const char *text, char **out);

#endif
