/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands beside the tables so that misses are cheap: the IPv4 gate and
 * the lengths and first bytes of SMS patterns. Made by the builder, made again
 * by the check.
 */
#ifndef ENGINE_SEGMENT_AID_H
#define ENGINE_SEGMENT_AID_H

#include "engine/segment.h"

/* A section in memory; the owner frees `bytes`. */
struct aid_image {
	uint8_t *bytes;
	size_t length;
};

/* Zeroed. */
enum status
aid_image_new(struct aid_image *image, size_t length, struct fault *fault);

/*
 * One bit per block of IPv4 addresses: some entry, /32 or prefix, lies in it or
 * covers it. *bits is chosen so that there are at least 64 blocks an entry, 2^9
 * to 2^24. No entries, or more than seven eighths of the bits set (then it would end too
 * few look-ups): *bits is 0 and there is no image.
 */
enum status
aid_gate_make(const struct hosts *hosts, uint64_t host_count, const struct ptrie *prefixes,
	      uint32_t *bits, struct aid_image *image, struct fault *fault);

/* pattern_d rows and the bitmap of first two bytes; both empty if there is no pattern. */
enum status
aid_patterns_make(const struct segment_table *urls, struct aid_image *patterns,
		  struct aid_image *grams, struct fault *fault);

#endif
