/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a segment's claims expire (section EXPO), so that a sweep finds what
 * has expired without reading what has not.
 *
 *   due        the earliest expiry among the claims of a key: when it must be looked at
 *   due_d[]    every due there is, ascending: few, since what one import brings mostly
 *              expires in one second
 *   places     for each due the records of its keys, ascending, as gaps in bits: a quotient of
 *              ones and a zero, then `low` low bits (a Rice code); none where they are so many
 *              that looking at all records is no dearer
 *
 * A due that at least one key in EXPIRY_PART has, has no places: reading all records then costs
 * at most EXPIRY_PART claims ids, two or three pages of records one after another, for each key that is
 * found; places would cost a page each, and a byte of the file. So a sweep that finds k keys reads at
 * most EXPIRY_PART * k records, and the section has a few bytes in all where keys share up to some
 * 200 dues, one and a half a key where there are a thousand, three and a row where each key has its own.
 * The file says which part its writer took (`part`), and is checked by that.
 *
 * `swept` (overlays): this layer was made by a sweep at that time, or folded of such. Every
 * key of a lower layer that was due by then is hidden by this layer or one below it, so that
 * the next sweep begins behind it: what was taken out is not found again.
 *
 * Records are numbered through the parts in file order: ipv4 hosts (segment.h, HOSTS_NUMBERS a
 * line), ipv4 prefixes, ipv6 hosts, ipv6 prefixes, domain ... sha256. A segment of fewer than
 * EXPIRY_KEYS_FEW keys has no such section unless `swept` is set: reading it all is cheaper
 * than one more page of every small overlay.
 *
 * Any bytes are safe; wrong ones find too little or too much, which a sweep does not
 * believe (engine/sweep.h).
 */
#ifndef ENGINE_SEGMENT_EXPIRY_H
#define ENGINE_SEGMENT_EXPIRY_H

#include "engine/segment.h"

#define EXPIRY_PART 256
#define EXPIRY_PART_BEFORE 64 /* of files that say 0 */
#define EXPIRY_PART_MOST 65536
#define EXPIRY_KEYS_FEW 1024
#define EXPIRY_PARTS 8
#define EXPIRY_LOW_MOST 40
#define EXPIRY_NEVER UINT64_MAX

/* --- reading ----------------------------------------------------------------- */

/* By segment_attach. */
enum status
segment_expiry_attach(struct segment *segment, struct fault *fault);

/* The dues in (after, until], as numbers [*from, *to); `after` 0: from the first. */
void
segment_expiry_range(const struct segment *segment, uint64_t after, uint64_t until, uint32_t *from,
		     uint32_t *to);

/* The time of a due; EXPIRY_NEVER past the last. */
uint64_t
segment_expiry_due(const struct segment *segment, uint32_t number);

/* The keys of a due, by their records; set by segment_expiry_places. */
struct segment_expiry_cursor {
	const uint8_t *places;
	uint64_t bit, bits;
	uint64_t next;  /* number of the record after the last one */
	unsigned low;
};
/* False if it has no places: all records must be looked at. */
bool
segment_expiry_places(const struct segment *segment, uint32_t number,
		      struct segment_expiry_cursor *cursor);
/* The next record: what segment_next is to begin with. */
bool
segment_expiry_next(const struct segment *segment, struct segment_expiry_cursor *cursor,
		    struct segment_cursor *record);

/*
 * For dues without places: the next record, from *cursor on, whose list of claims has this mark, by
 * claims ids alone. `marks`: a byte by claims id, segment->claim_count of them. *record as above.
 */
bool
segment_expiry_marked(const struct segment *segment, const uint8_t *marks, uint8_t mark,
		      struct segment_cursor *cursor, struct segment_cursor *record);

/* The earliest expiry in a list of claims; EXPIRY_NEVER for a removal. */
uint64_t
segment_expiry_of(const struct segment *segment, uint32_t claims);

#endif
