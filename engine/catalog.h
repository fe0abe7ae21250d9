/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of a store: its tag categories and its sources.
 *
 * One catalogue goes with each generation (store.h keeps it in the manifest).
 * catalog_init() has the predefined categories of the SMS and our own:
 *
 *   Trend Micro Detection Category  list   Suspicious Object, C&C Callback Address
 *   Trend Micro Publisher           text
 *   Trend Micro Source              text
 *   Trend Micro Suspicious Object Source  list  UDSO, VASO
 *   Trend Micro Scan Action         list   log, block
 *   Trend Micro Severity            list   High, Medium, Low
 *   Reputation Entries TTL          date   (not stored as a tag: it sets the claim's expiry)
 *   Malware Family                  text   (ours: what file and family names of feeds become)
 *   Description                     text   (ours)
 *   List Count                      number 1..100000 (ours: on how many lists, IPsum)
 *   Confidence                      number 0..100 (ours)
 *   Threat Type                     text   (ours: the column of URLhaus and its like)
 *
 * The first seven are service-owned (read-only for users). Names are found in
 * any letter case and shown as defined.
 * Not thread-safe while being changed; any number of readers otherwise.
 */
#ifndef ENGINE_CATALOG_H
#define ENGINE_CATALOG_H

#include "engine/tag.h"

#define CATALOG_TTL_NAME "Reputation Entries TTL"
#define CATALOG_FAMILY_NAME "Malware Family"
#define CATALOG_DESCRIPTION_NAME "Description"
#define CATALOG_COUNT_NAME "List Count"
#define CATALOG_PRIORITY_DEFAULT 100

struct source_row {
	char *name;
	char *description;
	uint32_t priority;      /* lower first among hits on one key; default 100 */
	uint64_t ttl_seconds;   /* default life of a claim; 0 = ten years */
	uint64_t last_import;   /* 0 = never */
	uint64_t last_count;    /* good lines of the last import: for shrink/grow checks */
};

/* A profile as its canonical text; what it means is query/profile.h's. */
struct profile_row {
	char *name;
	char *text;
	size_t text_length;
	uint64_t changed;       /* when it was put */
};

struct catalog {
	struct tag_category **categories; /* sorted by name, byte order */
	size_t category_count;
	struct source_row **sources;      /* sorted by name, byte order */
	size_t source_count;
	struct profile_row **profiles;    /* sorted by name, byte order */
	size_t profile_count;
};

enum status
catalog_init(struct catalog *catalog, struct fault *fault);
void
catalog_fini(struct catalog *catalog);
enum status
catalog_copy(const struct catalog *from, struct catalog *to, struct fault *fault);

const struct tag_category *
catalog_category(const struct catalog *catalog, const char *name, size_t length);

/* The name nearest to a mistyped one, for "did you mean"; NULL if none is near. */
const char *
catalog_category_near(const struct catalog *catalog, const char *name, size_t length);

/*
 * Define a category (copied). An equal one already there: OK and nothing
 * changes. The same name with another type, or a service-owned one: refused.
 * More list values or a wider number range than before: the category grows;
 * it never shrinks, and a description that is not empty replaces the old one.
 * A service (category->service) may let a service-owned one grow; who owns a
 * category never changes. Not well formed (engine/category.h): bad-tag.
 */
enum status
catalog_category_put(struct catalog *catalog, const struct tag_category *category,
		     struct fault *fault);
enum status
catalog_category_remove(struct catalog *catalog, const char *name, size_t length,
			struct fault *fault);

/* Source names: 1..255 bytes UTF-8, no control characters; case matters. */
struct source_row *
catalog_source(const struct catalog *catalog, const char *name, size_t length);
/* Find or make. */
enum status
catalog_source_put(struct catalog *catalog, const char *name, size_t length,
		   struct source_row **source, struct fault *fault);
/* Replace its description: at most 255 bytes of plain UTF-8, else usage. */
enum status
catalog_source_describe(struct source_row *source, const char *text, size_t length,
			struct fault *fault);
enum status
catalog_source_remove(struct catalog *catalog, const char *name, size_t length,
		      struct fault *fault);

/*
 * Profile names are found in any letter case; 1..255 bytes as names of categories: plain
 * UTF-8 without blanks around it. A text is UTF-8 without NUL.
 */
bool
catalog_profile_name_ok(const char *name, size_t length);
bool
catalog_profile_text_ok(const char *text, size_t length);
const struct profile_row *
catalog_profile(const struct catalog *catalog, const char *name, size_t length);
/*
 * New, or in the place of the one of that name, whose spelling it takes. The text is copied, at
 * most LIMIT_PROFILE_BYTES. A bad name or text: profile.
 */
enum status
catalog_profile_put(struct catalog *catalog, const char *name, size_t length, const char *text,
		    size_t text_length, uint64_t changed, struct fault *fault);
enum status
catalog_profile_remove(struct catalog *catalog, const char *name, size_t length,
		       struct fault *fault);

/*
 * The disk form (docs/format.md, manifest sections TCAT and SRCS together):
 * deterministic. The caller frees *bytes. Decoding takes any bytes: format,
 * version or corrupt, never a crash; what it takes of version 2, encodes to the same bytes.
 *
 *   "RCAT", version u8 = 2 (1, without profiles, is read too)
 *   category count u16, category*      by name, byte order, no two equal in folded case
 *     category = type u8, owner u8 (1 = service), name, description, then
 *                list: value count u16, value*; number: min i64, max i64
 *   source count u16, source*          by name, byte order
 *     source   = name, description, priority u32, ttl_seconds u64,
 *                last_import u64, last_count u64
 *   profile count u16, profile*        by name, byte order, no two equal in folded case
 *     profile  = name, changed u64, text length u32, text
 *
 * name, description, value = length u8, bytes. Integers little-endian.
 */
enum status
catalog_encode(const struct catalog *catalog, uint8_t **bytes, size_t *length,
	       struct fault *fault);
enum status
catalog_decode(const uint8_t *bytes, size_t length, struct catalog *catalog,
	       struct fault *fault);

#endif
