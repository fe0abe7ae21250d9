/* SPDX-License-Identifier: Apache-2.0 */
/* Building the lines of IPv4 hosts: apart from hosts.c, since look-up needs none of it. */
#include "engine/hosts.h"

#include <stdlib.h>

#include "engine/segment_salt.h"
#include "engine/segment_sort.h"

#define HOSTS_PLANNED 11 /* half hosts a line on average: 5.5 of 7 */

/*
 * What a set is asked before its lines are taken; more lines, then another seed, if it fails.
 * Of ten million random hosts none stands farther than 5 lines from home, the
 * mean is 0.16; readers allow LIMIT_HOSTS_HOPS.
 */
#define HOPS_MOST 6
#define HOPS_MEAN_PART 4       /* all hops together: at most count / 4 and .. */
#define HOPS_SPARE 256         /* .. this, for small sets are uneven */
#define GROWTHS 2
#define RESEEDS_MOST 16

static void
line_put(struct hosts_line_d *line, const struct hosts_record *record)
{
	unsigned count = hosts_count(line);
	line->address[count] = le32_make(be32_get(record->address));
	line->claims[count] = record->claims;
	line->state = le32_make(le32_get(line->state) + 1);
}

/*
 * Records come by hash, so by home; `line` is the first that has room. False
 * if a host, or all of them on average, would stand too far from home.
 */
static bool
fill(const struct hosts_record *records, size_t count, struct hash_seed seed,
     struct hosts_layout *layout)
{
	uint64_t line = 0, hops = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash = path_host(seed, be32_get(records[i].address));
		uint64_t home = bucket_home(hash, layout->buckets);
		if (line < home)
			line = home;
		while (hosts_count(&layout->lines[line]) == HOSTS_PLACES)
			line++;
		if (line - home > HOPS_MOST)
			return false;
		hops += line - home;
		for (uint64_t passed = home; passed < line; passed++) {
			struct le32 *state = &layout->lines[passed].state;
			*state = le32_make(le32_get(*state) | hosts_passed_bit(hash));
		}
		line_put(&layout->lines[line], &records[i]);
	}
	return hops <= count / HOPS_MEAN_PART + HOPS_SPARE;
}

/* More lines if these are too few. */
static enum status
place(const struct hosts_record *records, size_t count, struct hash_seed seed,
      struct hosts_layout *layout, bool *placed, struct fault *fault)
{
	uint64_t buckets = (uint64_t)count * 2 / HOSTS_PLANNED + 1;
	*placed = false;
	for (int tries = 0; tries < GROWTHS && !*placed; tries++, buckets += buckets / 8 + 1) {
		free(layout->lines);
		layout->buckets = buckets;
		layout->lines_count = buckets + LIMIT_HOSTS_HOPS;
		/* and one, for `fill` looks at the next line before it gives up */
		layout->lines = calloc(layout->lines_count + 1, sizeof(*layout->lines));
		if (layout->lines == NULL || buckets > UINT32_MAX / HOSTS_NUMBERS)
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0,
					 "no memory for %llu lines", (unsigned long long)buckets);
		*placed = fill(records, count, seed, layout);
	}
	return STATUS_OK;
}

/* Of records in the order of the plain seed. */
static enum status
make_salt(const struct hosts_record *records, size_t count, uint64_t *value, struct fault *fault)
{
	struct salt *salt;
	enum status status = salt_new(&salt, fault);
	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < count; i++)
		salt_add(salt, records[i].address, sizeof(records[i].address));
	*value = salt_finish(salt);
	return STATUS_OK;
}

enum status
hosts_build(uint8_t *records, size_t count, struct hash_seed seed, struct hosts_layout *layout,
	    struct fault *fault)
{
	bool placed = count == 0, twice = false;
	enum status status = STATUS_OK;
	*layout = (struct hosts_layout){0};
	for (uint32_t reseeds = 0; status == STATUS_OK && !placed; reseeds++) {
		if (reseeds == 1)
			status = make_salt((const struct hosts_record *)records, count, &layout->salt,
					   fault);
		if (status != STATUS_OK)
			break;
		struct hash_seed own = path_seed(seed, KIND_IPV4, reseeds, layout->salt);
		layout->reseeds = reseeds;
		if (reseeds == RESEEDS_MOST)
			status = fault_set(fault, STATUS_LIMIT, NULL, 0,
					   "no seed bounds the probes of this set");
		else
			status = sort_records(KIND_IPV4, own, records, count, &twice, fault);
		if (status == STATUS_OK && twice)
			status = fault_set(fault, STATUS_USAGE, NULL, 0, "a key stands there twice");
		if (status == STATUS_OK)
			status = place((const struct hosts_record *)records, count, own, layout,
				       &placed, fault);
	}
	if (status != STATUS_OK) {
		free(layout->lines);
		*layout = (struct hosts_layout){0};
	}
	return status;
}

void
hosts_mark(struct hosts_layout *layout, const struct ptrie *prefixes)
{
	for (uint64_t i = 0; i < layout->lines_count; i++) {
		struct hosts_line_d *line = &layout->lines[i];
		uint32_t addresses[HOSTS_PLACES], covered = 0;
		struct ptrie_found found[HOSTS_PLACES];
		unsigned count = hosts_count(line);
		for (unsigned place = 0; place < count; place++)
			addresses[place] = le32_get(line->address[place]);
		ptrie_find_many_ipv4(prefixes, addresses, count, found);
		for (unsigned place = 0; place < count; place++)
			covered |= (uint32_t)(found[place].record != 0) << place;
		line->covered = le32_make(covered);
	}
}
