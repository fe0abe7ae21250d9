/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C, for every machine; x86-64 uses it in tests only. */
#include "engine/bucket.h"
#include "engine/hosts.h"
#include "engine/name.h"

static inline uint32_t
many_find(const struct bucket_d *line, uint16_t tag)
{
	uint32_t found = 0;
	for (unsigned i = 0; i < FORMAT_SLOTS; i++)
		found |= (uint32_t)((le16_get(line->slot[i]) & FORMAT_SLOT_TAG) == tag) << i;
	return found;
}

/* Slots that are this tag and these flags. */
static inline uint32_t
many_same(const struct bucket_d *line, uint16_t slot)
{
	uint32_t found = 0;
	for (unsigned i = 0; i < FORMAT_SLOTS; i++)
		found |= (uint32_t)(le16_get(line->slot[i]) == slot) << i;
	return found;
}

static inline uint32_t
many_entries(const struct bucket_d *line)
{
	uint32_t entries = 0;
	for (unsigned i = 0; i < FORMAT_SLOTS; i++)
		entries |= (uint32_t)((le16_get(line->slot[i]) & BUCKET_ENTRY) != 0) << i;
	return entries;
}

/* Bit i: address i of a line. */
static inline uint32_t
many_hosts(const struct hosts_line_d *line, uint32_t address)
{
	uint32_t found = 0;
	for (unsigned i = 0; i < FORMAT_HOSTS; i++)
		found |= (uint32_t)(le32_get(line->address[i]) == address) << i;
	return found;
}

#define many_dots name_dots
#define many_wide wide_many_portable
#define MANY(name) name##_portable
#define MANY_NAME "portable"
#include "engine/segment_many_body.h"
