/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs that measure kind after kind are asked for:
 *
 *   [--entries N] [--kind KIND]... [--table NAME] [--slices N]
 */
#ifndef BENCH_CHOICE_H
#define BENCH_CHOICE_H

#include "bench/data.h"

struct choice {
	size_t entries, slices;
	unsigned kinds;      /* a bit a class; 0: none was named */
	const char *table;   /* NULL: that of the kind */
};

/* An option of one program alone; false if it has none of this name. */
typedef bool
choice_other(const char *name, const char *value);

/* False for what nobody knows, no entries, and slices that are none or more than `slices_most`. `other` may be NULL. */
bool
choice_read(struct choice *choice, size_t slices_most, choice_other *other, int argc, char **argv);

/* `run` for each kind that was named, or for those of `otherwise`; false if one of them was. */
#define CHOICE_ALL ((1u << CLASS_CANON) - 1)
bool
choice_each(const struct choice *choice, unsigned otherwise, bool (*run)(enum data_class class));

#endif
