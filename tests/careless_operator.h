/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Careless operators: what they do to a published file, each in a process of its own, and putting
 * it right again from a copy.
 */
#ifndef TESTS_CARELESS_OPERATOR_H
#define TESTS_CARELESS_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a deed is done to. */
#define DEED_SEGMENT 1u
#define DEED_COUNTER 2u
#define DEED_JOURNAL 4u
#define DEED_DIRECTORY 8u
#define DEED_CLEAN 16u /* takes whole pages away and writes nothing: wrong answers have no excuse */

struct deed {
	const char *name;
	unsigned targets;
	void (*act)(const char *path, uint64_t random);
};
extern const struct deed deeds[];
extern const size_t deed_count;

/*
 * In a child. False if it has not come to its end after `seconds`; it is killed then. What the
 * deed itself says about its success is nobody's business: an operator may be refused.
 */
bool
deed_do(const struct deed *deed, const char *path, uint64_t random, unsigned seconds);

/* Copy all files of the store aside, in place of the copy that is there. */
void
store_keep(const char *store, const char *copy);
/*
 * Put back every file that is not what it was, in place or by renaming, as `random` says; and
 * remove what is too much. In a child, as deed_do.
 */
bool
store_restore(const char *store, const char *copy, uint64_t random, unsigned seconds);

#endif
