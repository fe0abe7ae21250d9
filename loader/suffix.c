/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/suffix.h"

#include <stdlib.h>
#include <string.h>

#include <libpsl.h>

#include "engine/limits.h"

struct suffix {
	const psl_ctx_t *rules;
	psl_ctx_t *loaded; /* ours to free; NULL: the built-in list */
};

enum status
suffix_new(const char *path, struct suffix **out, struct fault *fault)
{
	struct suffix *suffix = calloc(1, sizeof(*suffix));
	if (suffix == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, path, 0, "no memory for a suffix list");
	suffix->loaded = path != NULL ? psl_load_file(path) : psl_latest(NULL);
	suffix->rules = suffix->loaded != NULL ? suffix->loaded : path == NULL ? psl_builtin() : NULL;
	if (suffix->rules == NULL) {
		free(suffix);
		return fault_set(fault, STATUS_MISSING, path, 0, "no public suffix list can be read");
	}
	*out = suffix;
	return STATUS_OK;
}

void
suffix_free(struct suffix *suffix)
{
	if (suffix == NULL)
		return;
	psl_free(suffix->loaded);
	free(suffix);
}

bool
suffix_is_public(const struct suffix *suffix, const char *name, size_t length)
{
	char text[LIMIT_DOMAIN_BYTES + 1];
	if (length > LIMIT_DOMAIN_BYTES)
		return false;
	memcpy(text, name, length);
	text[length] = '\0';
	return psl_is_public_suffix2(suffix->rules, text, PSL_TYPE_ICANN) == 1;
}

const char *
suffix_registrable(const struct suffix *suffix, const char *name)
{
	return psl_registrable_domain(suffix->rules, name);
}
