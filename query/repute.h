/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librepute: what the world says about addresses, domains, URLs and files.
 *
 *   repute_open -> repute_view_take -> repute_key_* -> repute_find* -> repute_view_drop
 *                  (repute_refresh between views)                   -> repute_close
 *
 * A database is a directory that `repute import` and friends write. Opening it
 * maps its files; every process that does so shares one copy in memory. A view
 * is one generation of it: everything borrowed (hits, names, texts) lives
 * until the view is dropped, and a view never mixes generations.
 *
 * Look-ups take no lock, allocate nothing and make no system call. A miss is
 * success with `found` false; "could not tell" is an error status.
 *
 * Files that careless operators cut, overwrite or remove: an application that calls
 * repute_refresh at least every ten seconds, and then takes the view anew where it says so, gets
 * neither a wrong answer nor SIGBUS, if it runs as the owner of the files or with CAP_LEASE and
 * the file system has leases; nor does one that opens with REPUTE_OPEN_SEALED. Otherwise
 * look-ups fail with REPUTE_CORRUPT until the file is good again, and docs/store.md says in what window
 * an overwritten file is not yet seen. repute_open takes SIGBUS (REPUTE_OPEN_NO_GUARD); faults
 * elsewhere go to the handler that was there before. Do not block SIGBUS in threads that look up.
 *
 * Threads: a view may be used by any number of threads at once. repute_refresh
 * and repute_close are for one thread at a time; repute_view_take and
 * repute_view_drop are for any.
 *
 * Times are seconds since 1970-01-01T00:00:00Z. A claim is live while
 * now < expires; `now` is the caller's clock. Texts are UTF-8, with a length,
 * not NUL-terminated unless said.
 */
#ifndef REPUTE_H
#define REPUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define REPUTE_API __attribute__((visibility("default")))
#else
#define REPUTE_API
#endif

/* Numbers never change; new ones come at the end. */
enum repute_status {
	REPUTE_OK = 0,
	REPUTE_NO_MEMORY,
	REPUTE_IO,
	REPUTE_MISSING,
	REPUTE_USAGE,
	REPUTE_LIMIT,
	REPUTE_BUSY,
	REPUTE_FORMAT,
	REPUTE_VERSION,
	REPUTE_CORRUPT,
	REPUTE_BAD_KIND,
	REPUTE_BAD_IPV4,
	REPUTE_BAD_IPV6,
	REPUTE_BAD_DOMAIN,
	REPUTE_BAD_URL,
	REPUTE_BAD_HASH,
	REPUTE_BAD_CRITERIA = 21,
	REPUTE_BAD_PROFILE = 24
};

enum repute_kind {
	REPUTE_IPV4 = 0,
	REPUTE_IPV6,
	REPUTE_DOMAIN,
	REPUTE_URL,
	REPUTE_SHA1,
	REPUTE_SHA256,
	REPUTE_ANY /* repute_key_text: find out by looking */
};

/* What an entry covers: the key itself, all below it, or both. */
enum repute_scope {
	REPUTE_EXACT = 1,
	REPUTE_BELOW = 2,
	REPUTE_TREE = 3
};

enum repute_tag_type {
	REPUTE_TAG_TEXT = 0,
	REPUTE_TAG_LIST,
	REPUTE_TAG_DATE,
	REPUTE_TAG_YESNO,
	REPUTE_TAG_NUMBER
};

/* Where and why a cold call failed. Texts are NUL-terminated. */
struct repute_fault {
	enum repute_status status;
	uint64_t offset;
	char where[128];
	char text[384];
};

struct repute_db;
struct repute_view;

/* --- names ------------------------------------------------------------------- */

/* "not a domain name": static, NUL-terminated, never NULL. Any thread. */
REPUTE_API const char *
repute_status_text(enum repute_status status);

/* "0.1.0": static, NUL-terminated. Any thread. */
REPUTE_API const char *
repute_version(void);

/* --- database ------------------------------------------------------------------ */

/* Copy large files into sealed memory, which all processes of a user share: seconds, and all of it in memory. */
#define REPUTE_OPEN_SEALED 1u
/* Leave SIGBUS alone. A new generation is then seen by a system call in every repute_refresh. */
#define REPUTE_OPEN_NO_GUARD 2u

/* NULL: all zero but `size`. What this library does not know must be zero: else usage. */
struct repute_options {
	size_t size;    /* sizeof(struct repute_options), so that it can grow */
	uint64_t flags; /* REPUTE_OPEN_* */
};

/*
 * Open the store in `directory`. `fault` may be NULL. On success *db is the
 * caller's until repute_close. Cost: a few system calls a layer, no scan of
 * the data. Errors: missing, io, format, version, corrupt, no-memory, limit.
 */
REPUTE_API enum repute_status
repute_open(const char *directory, const struct repute_options *options, struct repute_db **db,
	    struct repute_fault *fault);

/*
 * See whether a newer generation was published and switch to it; views already
 * taken stay as they are. *changed tells. One memory load and a look at a coarse clock when nothing
 * changed; ten times a second a few system calls more. On failure the old generation stays in
 * use. Errors as repute_open.
 *
 * Somebody may be about to write into a file of the view. Then its bytes are copied to sealed
 * memory, in parts of 20 ms where calls are close together, and *changed is true though the generation
 * is the same: take the view and load profiles anew, for who wants to write waits until the
 * last view that has the file is dropped, and the kernel lets him wait 45 s.
 */
REPUTE_API enum repute_status
repute_refresh(struct repute_db *db, bool *changed, struct repute_fault *fault);

/* NULL is welcome. Views taken live on until they are dropped. */
REPUTE_API void
repute_close(struct repute_db *db);

/* --- view ------------------------------------------------------------------------ */

/* Pin the current generation. Never NULL. A few instructions; any thread. */
REPUTE_API struct repute_view *
repute_view_take(struct repute_db *db);

/* Unpin; the last pin of an old generation frees it. */
REPUTE_API void
repute_view_drop(struct repute_view *view);

/*
 * OK, or corrupt: a file was cut or overwritten while the view had it mapped. Then look-ups fail, and what was
 * read of hits before may be wrong; repute_refresh makes it good again as soon as the file is.
 */
REPUTE_API enum repute_status
repute_view_status(const struct repute_view *view);

struct repute_view_info {
	uint64_t generation;
	uint64_t published;    /* when it was published */
	uint64_t bytes;        /* of its files */
	uint32_t layers;
	uint32_t categories;   /* ids are 0 .. categories - 1 */
	uint64_t keys_at_most; /* sum over layers; keys in several layers count in each */
};

REPUTE_API void
repute_view_info(const struct repute_view *view, struct repute_view_info *info);

/* --- key --------------------------------------------------------------------------- */

#define REPUTE_KEY_BYTES 8320

/* The canonical form of one value, in the caller's memory. Opaque; may be copied. */
struct repute_key {
	union {
		uint64_t align;
		unsigned char bytes[REPUTE_KEY_BYTES];
	} opaque;
};

/*
 * Read a value as the importer does: canonical form, defanged spellings too.
 * `kind` may be REPUTE_ANY. The key may borrow `text`, which must live as long
 * as the key is used. No allocation for values that are canonical already;
 * names beyond ASCII call libidn2, which allocates. Errors: bad-kind,
 * bad-ipv4 ... bad-hash, limit.
 */
REPUTE_API enum repute_status
repute_key_text(enum repute_kind kind, const char *text, size_t length, struct repute_key *key);

/* `address` in host byte order. */
REPUTE_API void
repute_key_ipv4(uint32_t address, struct repute_key *key);

/* `address`: 16 bytes in network order. */
REPUTE_API void
repute_key_ipv6(const uint8_t address[16], struct repute_key *key);

/* REPUTE_SHA1: 20 bytes, REPUTE_SHA256: 32. Usage for other kinds. */
REPUTE_API enum repute_status
repute_key_digest(enum repute_kind kind, const uint8_t *digest, struct repute_key *key);

REPUTE_API enum repute_kind
repute_key_kind(const struct repute_key *key);

/*
 * The host of a URL key as a key of its own (ipv4, ipv6 or domain): host and
 * URL are separate stages, ask for both. Usage if `url` is no URL.
 */
REPUTE_API enum repute_status
repute_key_host(const struct repute_key *url, struct repute_key *host);

/*
 * The key as text, cut to `capacity` - 1 bytes and NUL-terminated; returns the
 * whole length.
 */
REPUTE_API size_t
repute_key_print(const struct repute_key *key, char *text, size_t capacity);

/* --- look-up -------------------------------------------------------------------------- */

/* One live claim that covers the key. Borrowed from the view. One cache line. */
struct repute_hit {
	bool found;
	bool exact;            /* the entry's key is the key asked; else it lies above */
	bool embedded;         /* an IPv4 entry, found inside the IPv6 address asked */
	uint8_t kind;          /* enum repute_kind of the entry */
	uint8_t scope;         /* enum repute_scope of the entry */
	struct {
		uint8_t layer, in_trie, kind;
	} opaque_small;
	uint64_t expires, first_seen, last_seen;
	const char *source;
	uint32_t source_length;
	struct {
		uint32_t record, set, notes;
	} opaque;
};

/*
 * The most specific live claim; among several on one key that of the source
 * with the lowest priority number, then by name. An IPv6 address without a hit
 * is asked as the IPv4 addresses inside it. A miss: hit->found is false.
 * Returns OK; usage for a key that was never filled; corrupt: see repute_view_status.
 */
REPUTE_API enum repute_status
repute_find(const struct repute_view *view, const struct repute_key *key, uint64_t now,
	    struct repute_hit *hit);

/*
 * The same without a key, which is cheaper: an address in host order, 16 bytes in network order, digests.
 * Whoever has several at hand asks for them together (below), which is several times cheaper again.
 */
REPUTE_API enum repute_status
repute_find_ipv4(const struct repute_view *view, uint32_t address, uint64_t now,
		 struct repute_hit *hit);
REPUTE_API enum repute_status
repute_find_ipv6(const struct repute_view *view, const uint8_t address[16], uint64_t now,
		 struct repute_hit *hit);
REPUTE_API enum repute_status
repute_find_sha1(const struct repute_view *view, const uint8_t digest[20], uint64_t now,
		 struct repute_hit *hit);
REPUTE_API enum repute_status
repute_find_sha256(const struct repute_view *view, const uint8_t digest[32], uint64_t now,
		   struct repute_hit *hit);

/* Instead of a number: could not tell, see repute_view_status. No hit is written then. */
#define REPUTE_UNKNOWN ((size_t)-1)

/*
 * All live claims, most specific first, in the order above; at most `capacity`
 * are written. Returns how many there are, also if more than that; or REPUTE_UNKNOWN, and
 * `found` is false in all of them.
 */
REPUTE_API size_t
repute_find_all(const struct repute_view *view, const struct repute_key *key, uint64_t now,
		struct repute_hit *hits, size_t capacity);

/* repute_find for n keys: hits[i] belongs to keys[i]. On errors `found` is false in all of them. */
REPUTE_API enum repute_status
repute_find_many(const struct repute_view *view, const struct repute_key *keys, size_t n,
		 uint64_t now, struct repute_hit *hits);

/* The same without keys: addresses in host order, network-order bytes, digests. */
REPUTE_API enum repute_status
repute_find_ipv4_many(const struct repute_view *view, const uint32_t *addresses, size_t n,
		      uint64_t now, struct repute_hit *hits);
REPUTE_API enum repute_status
repute_find_ipv6_many(const struct repute_view *view, const uint8_t (*addresses)[16], size_t n,
		      uint64_t now, struct repute_hit *hits);
REPUTE_API enum repute_status
repute_find_sha1_many(const struct repute_view *view, const uint8_t (*digests)[20], size_t n,
		      uint64_t now, struct repute_hit *hits);
REPUTE_API enum repute_status
repute_find_sha256_many(const struct repute_view *view, const uint8_t (*digests)[32], size_t n,
			uint64_t now, struct repute_hit *hits);

/* --- tags ------------------------------------------------------------------------------- */

struct repute_tag {
	enum repute_tag_type type;
	const char *category;
	size_t category_length;
	const char *value;
	size_t value_length;
};

/* The number of a tag category in this view (letter case does not matter); false if none. */
REPUTE_API bool
repute_category_id(const struct repute_view *view, const char *name, size_t length, uint32_t *id);

/* NUL-terminated; NULL if there is no such id. */
REPUTE_API const char *
repute_category_name(const struct repute_view *view, uint32_t id);

/* The `i`-th value that the hit's claim has in a category; false if there is none. */
REPUTE_API bool
repute_hit_tag(const struct repute_view *view, const struct repute_hit *hit, uint32_t category,
	       size_t i, struct repute_tag *tag);

/*
 * All tags, one row a value, by category; returns how many, also if more than `capacity`, or
 * REPUTE_UNKNOWN.
 */
REPUTE_API size_t
repute_hit_tags(const struct repute_view *view, const struct repute_hit *hit,
		struct repute_tag *tags, size_t capacity);

/* The key of the entry that was hit. Its text is borrowed from the view. Errors: usage, corrupt. */
REPUTE_API enum repute_status
repute_hit_key(const struct repute_view *view, const struct repute_hit *hit,
	       struct repute_key *key);

/*
 * One line for people: key, scope, source, tags, first and last seen, expiry.
 * Cut to `capacity` - 1 bytes and NUL-terminated; returns the whole length.
 */
REPUTE_API size_t
repute_hit_explain(const struct repute_view *view, const struct repute_hit *hit, char *text,
		   size_t capacity);

/* --- judgement ---------------------------------------------------------------------------- */

enum repute_outcome {
	REPUTE_VERDICT_NONE = 0,   /* not listed, no filter takes it, or an exception covers it */
	REPUTE_VERDICT_PERMIT,
	REPUTE_VERDICT_BLOCK,
	REPUTE_VERDICT_RATE_LIMIT,
	REPUTE_VERDICT_TRUST,
	REPUTE_VERDICT_QUARANTINE,
	REPUTE_VERDICT_ERROR       /* could not tell: never the same as none */
};

#define REPUTE_NO_ROW 0xffffffffu

/* One outcome, and why. What it names is borrowed from the profile and its view. */
struct repute_verdict {
	uint8_t outcome;       /* enum repute_outcome */
	bool notify, trace;    /* of the action set */
	uint32_t filter;       /* number of the filter that won, from 0; or REPUTE_NO_ROW */
	uint32_t exception;    /* number of the exception that covers the query; or REPUTE_NO_ROW */
	struct repute_hit hit; /* the most specific live claim that the filter takes */
};

struct repute_profile;

/* "rate-limit": static, NUL-terminated, never NULL. */
REPUTE_API const char *
repute_outcome_text(enum repute_outcome outcome);

/*
 * Read a profile file (docs/profiles.md), or take the store's profile of that name, and compile
 * it against the view, which stays pinned until repute_profile_free. A new generation needs a
 * new load: `before` (NULL, or an older load of the same profile) makes that cheap. Errors:
 * bad-profile, with line and column in the fault; missing; limit; no-memory.
 */
REPUTE_API enum repute_status
repute_profile_load(struct repute_view *view, const char *text, size_t length,
		    struct repute_profile **profile, struct repute_fault *fault);
REPUTE_API enum repute_status
repute_profile_load_named(struct repute_view *view, const char *name,
			  const struct repute_profile *before, struct repute_profile **profile,
			  struct repute_fault *fault);
/* NULL is welcome. */
REPUTE_API void
repute_profile_free(struct repute_profile *profile);

/* NUL-terminated names; NULL past the end. */
REPUTE_API const char *
repute_profile_name(const struct repute_profile *profile);
REPUTE_API const char *
repute_profile_filter(const struct repute_profile *profile, uint32_t filter);
REPUTE_API const char *
repute_profile_action(const struct repute_profile *profile, uint32_t filter);
REPUTE_API const char *
repute_profile_exception(const struct repute_profile *profile, uint32_t exception);

/*
 * The verdict on one key. Over all live claims that cover it the filter with the lowest number
 * wins; a live exception that covers the key makes the outcome none and is named. Exceptions
 * are asked where a filter would win; repute_judge_exception asks by itself. Where an exception
 * or nothing decides, filter is REPUTE_NO_ROW and hit.found false, and the rest of the hit is
 * undefined. Any number of threads; no lock, allocation or system call. Usage for a key that was
 * never filled, corrupt as repute_view_status: the outcome (of all of them, in the calls for
 * many) is error then.
 */
REPUTE_API enum repute_status
repute_judge(const struct repute_profile *profile, const struct repute_key *key, uint64_t now,
	     struct repute_verdict *verdict);
REPUTE_API enum repute_status
repute_judge_many(const struct repute_profile *profile, const struct repute_key *keys, size_t n,
		  uint64_t now, struct repute_verdict *verdicts);
/* Without keys, as repute_find_*_many. */
REPUTE_API enum repute_status
repute_judge_ipv4_many(const struct repute_profile *profile, const uint32_t *addresses, size_t n,
		       uint64_t now, struct repute_verdict *verdicts);
REPUTE_API enum repute_status
repute_judge_ipv6_many(const struct repute_profile *profile, const uint8_t (*addresses)[16],
		       size_t n, uint64_t now, struct repute_verdict *verdicts);
REPUTE_API enum repute_status
repute_judge_sha1_many(const struct repute_profile *profile, const uint8_t (*digests)[20],
		       size_t n, uint64_t now, struct repute_verdict *verdicts);
REPUTE_API enum repute_status
repute_judge_sha256_many(const struct repute_profile *profile, const uint8_t (*digests)[32],
			 size_t n, uint64_t now, struct repute_verdict *verdicts);
/* The number of the live exception that covers the key; REPUTE_NO_ROW if none does. */
REPUTE_API uint32_t
repute_judge_exception(const struct repute_profile *profile, const struct repute_key *key,
		       uint64_t now);

#ifdef __cplusplus
}
#endif

#endif
