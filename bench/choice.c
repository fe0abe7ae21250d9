/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/choice.h"

#include <stdlib.h>
#include <string.h>

bool
choice_read(struct choice *choice, size_t slices_most, choice_other *other, int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];
		if (strcmp(name, "--entries") == 0)
			choice->entries = (size_t)strtod(value, NULL);
		else if (strcmp(name, "--slices") == 0)
			choice->slices = strtoul(value, NULL, 10);
		else if (strcmp(name, "--table") == 0)
			choice->table = value;
		else if (strcmp(name, "--kind") == 0 ? !data_class_add(&choice->kinds, value)
						     : other == NULL || !other(name, value))
			return false;
	}
	return argc % 2 == 1 && choice->entries > 0 && choice->slices > 0 &&
	       choice->slices <= slices_most;
}

bool
choice_each(const struct choice *choice, unsigned otherwise, bool (*run)(enum data_class class))
{
	unsigned kinds = choice->kinds == 0 ? otherwise : choice->kinds;
	bool good = true;
	for (unsigned class = 0; class < CLASS_CANON; class++)
		if (kinds >> class & 1)
			good = run((enum data_class)class) && good;
	return good;
}
