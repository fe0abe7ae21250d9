/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 hosts (/32): a hash table of 64-byte lines, each with up to seven
 * addresses and their claims, so that a hit reads one line and a claim. (Longer
 * keys have their lines and records apart: bucket.h.)
 *
 *   hosts_build (sorted records in) -> lines -> hosts_attach -> hosts_find, hosts_key
 *
 *   line   up to 7 hosts by hash, then address; a host that does not fit its home
 *          line goes to the next one and leaves a bit of its hash in each line
 *          that it passed; never farther than LIMIT_HOSTS_HOPS
 *
 * The number of a host is 8 * line + place. The bytes are a function of the
 * hosts, their claims and the seed.
 *
 * After hosts_attach every call is memory-safe for any bytes, in a bounded number of steps.
 */
#ifndef ENGINE_HOSTS_H
#define ENGINE_HOSTS_H

#include "engine/bucket.h"
#include "engine/path.h"
#include "engine/ptrie.h"
#include "engine/status.h"

#define HOSTS_PLACES FORMAT_HOSTS
#define HOSTS_NUMBERS 8 /* numbers a line; the eighth names nothing */

struct hosts {
	const struct hosts_line_d *lines; /* buckets + LIMIT_HOSTS_HOPS */
	uint64_t buckets;                 /* home lines; 0 = no hosts */
	uint64_t numbers;                 /* below this are all hosts' */
	struct hash_seed seed;
};

/* Which bit a host of this hash leaves in a line that it passed. */
static inline uint32_t
hosts_passed_bit(uint64_t hash)
{
	return (uint32_t)1 << (8 + ((hash & 0xff) * 24 >> 8));
}

static inline unsigned
hosts_count(const struct hosts_line_d *line)
{
	unsigned count = le32_get(line->state) & 0xff;
	return count < HOSTS_PLACES ? count : HOSTS_PLACES;
}

static inline const struct hosts_line_d *
hosts_home(const struct hosts *hosts, uint64_t hash)
{
	return hosts->lines + bucket_home(hash, hosts->buckets);
}

/* The number and claims id of an address; false if it is not there. */
bool
hosts_find(const struct hosts *hosts, uint32_t address, uint32_t *number, uint32_t *claims);

/* The address and claims id of a number; false if it names no host. */
bool
hosts_get(const struct hosts *hosts, uint64_t number, uint32_t *address, uint32_t *claims);

/* --- building ------------------------------------------------------------------------ */

/* What a builder keeps of a host; in the file it stands in its line. */
struct hosts_record {
	uint8_t address[4];   /* network order */
	struct le32 claims;
};

/* How many times the set was re-seeded, and the lines: the caller's to free. */
struct hosts_layout {
	struct hosts_line_d *lines;
	uint64_t buckets, lines_count;
	uint32_t reseeds;
	uint64_t salt;        /* of the set; 0 = not re-seeded */
};

/*
 * `records`: struct hosts_record with claims ids as they shall stand in the file; they are sorted. An
 * address twice: STATUS_USAGE. Memory: the lines.
 */
enum status
hosts_build(uint8_t *records, size_t count, struct hash_seed seed, struct hosts_layout *layout,
	    struct fault *fault);

/* Say of each host whether a prefix covers it too. */
void
hosts_mark(struct hosts_layout *layout, const struct ptrie *prefixes);

#endif
