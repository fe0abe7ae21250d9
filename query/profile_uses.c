/* SPDX-License-Identifier: Apache-2.0 */
#include "query/profile_uses.h"

#include "query/profile.h"

static const struct profile_filter *
filter_using(const struct profile *profile, const char *name, size_t length)
{
	for (size_t i = 0; i < profile->filter_count; i++) {
		const struct profile_filter *filter = &profile->filters[i];
		if (filter->criteria && criteria_uses_category(filter->criteria, name, length))
			return filter;
	}
	return NULL;
}

enum status
profile_uses_check(const struct catalog *catalog, const char *name, size_t length,
		   struct fault *fault)
{
	for (size_t i = 0; i < catalog->profile_count; i++) {
		const struct profile_row *row = catalog->profiles[i];
		struct profile *profile;
		const struct profile_filter *filter;
		enum status status = profile_parse(row->text, row->text_length, catalog, &profile,
						   NULL);
		if (status == STATUS_NO_MEMORY)
			return fault_set(fault, status, NULL, 0, "out of memory");
		if (status != STATUS_OK)
			continue;
		filter = filter_using(profile, name, length);
		if (filter)
			status = fault_set(fault, STATUS_REFUSED, NULL, 0,
					   "filter \"%.96s\" of profile \"%.96s\" asks the tag "
					   "category \"%.*s\"; it stays as long as it does",
					   filter->name, row->name, (int)(length < 96 ? length : 96),
					   name);
		profile_free(profile);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}
