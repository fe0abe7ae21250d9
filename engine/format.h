/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every structure that stands in a file. docs/format.md has the same rows;
 * tests/test_format.c compares the two. All integers are little-endian byte
 * arrays; no structure has padding.
 *
 *   container = header page | sections, page-aligned | table | footer
 *   segment   = container "SEGM": entries, claims, tags, sources
 *   journal   = page of journal_d | records, each on pages of its own (engine/journal.h)
 *   manifest  = container "MANI": what was there before the journal
 */
#ifndef ENGINE_FORMAT_H
#define ENGINE_FORMAT_H

#include "engine/bytes.h"

#define FORMAT_MAGIC "\x89REPUTE\n"
#define FORMAT_VERSION 3
#define FORMAT_VERSION_LEAST 2 /* is read too: a le16 before each key text, its length; no info_d.tops */
#define FORMAT_PAGE_BYTES 4096
#define FORMAT_LINE_BYTES 64

#define FORMAT_ID(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define FORMAT_CONTENT_SEGMENT FORMAT_ID('S', 'E', 'G', 'M')
#define FORMAT_CONTENT_MANIFEST FORMAT_ID('M', 'A', 'N', 'I')

/* Unknown bits in `incompatible` refuse the file; none is defined yet. */
#define FORMAT_INCOMPATIBLE_KNOWN 0u
/* Of a segment: it has EXPO. */
#define FORMAT_COMPATIBLE_EXPIRY 1u

struct header_d {
	uint8_t magic[8];
	struct le32 content;      /* FORMAT_CONTENT_* */
	struct le32 version;      /* FORMAT_VERSION; read from FORMAT_VERSION_LEAST on */
	struct le32 compatible;   /* unknown bits are ignored */
	struct le32 incompatible; /* unknown bits refuse the file */
	struct le64 file_bytes;
	struct le64 table_offset;
	struct le32 section_count;
	struct le32 reserved;     /* 0 */
	struct le64 header_sum;   /* XXH3-64 of the bytes before it */
};

#define FORMAT_SECTION_OPTIONAL 1u /* a reader that does not know the id skips it */

struct section_d {
	struct le32 id;
	struct le32 flags;        /* FORMAT_SECTION_* */
	struct le64 offset;       /* multiple of FORMAT_PAGE_BYTES */
	struct le64 length;       /* the rest of its last page is zero */
	struct le64 sum;          /* XXH3-64 of its bytes */
};

struct footer_d {
	struct le64 table_sum;    /* XXH3-64 of the table */
	uint8_t sha256[32];       /* of all bytes before this field */
};

/* --- segment ---------------------------------------------------------------- */

#define FORMAT_INFO FORMAT_ID('I', 'N', 'F', 'O')
#define FORMAT_SOURCES FORMAT_ID('S', 'R', 'C', 'N') /* strings: source names, sorted */
#define FORMAT_TAGS FORMAT_ID('T', 'A', 'G', 'S')    /* strings: canonical tag strings, sorted */
#define FORMAT_CLAIMS FORMAT_ID('C', 'L', 'M', 'S')  /* claim_d[] */
#define FORMAT_PATTERNS FORMAT_ID('P', 'A', 'T', 'L')/* pattern_d[], longest first */
#define FORMAT_GRAMS FORMAT_ID('P', 'A', 'T', 'B')   /* 8 KiB bitmap: first two bytes of \*x\* literals */
#define FORMAT_GATE_IPV4 FORMAT_ID('G', 'A', 'T', '4')/* bitmap by the top gate_bits of an address */
/* Hashed tables: 'H' lines, 'R' records, 'K' key text; last letter the kind. HOT0: hosts_line_d. */
#define FORMAT_HOT(kind) FORMAT_ID('H', 'O', 'T', '0' + (kind))
#define FORMAT_RECORDS(kind) FORMAT_ID('R', 'E', 'C', '0' + (kind))
#define FORMAT_KEYS(kind) FORMAT_ID('K', 'E', 'Y', '0' + (kind))
#define FORMAT_TRIE_IPV4 FORMAT_ID('T', 'R', 'I', '0') /* engine/ptrie.h */
#define FORMAT_WIDE_IPV6 FORMAT_ID('W', 'I', 'D', '6') /* engine/wide.h */
#define FORMAT_EXPIRY FORMAT_ID('E', 'X', 'P', 'O') /* optional: expiry_d, due_d[], places */

#define FORMAT_SEGMENT_OVERLAY 1u /* info_d.flags: lies over lower layers; may hold removals */

struct info_kind_d {
	struct le64 entries;      /* (key, scope) pairs, removals not counted */
	struct le64 keys;         /* records of table and trie together, removals counted */
	struct le64 buckets;      /* home lines of the table; 0 = no table */
	struct le32 first_step;   /* domain: fewest labels of a key that is not in `tops` */
	struct le32 reseeds;      /* times the table was re-seeded to bound its probes */
	struct le64 salt;         /* of its keys, in the seed (engine/segment_salt.h); 0 = not re-seeded */
};

struct info_d {
	struct le32 canon_version;
	struct le32 flags;        /* FORMAT_SEGMENT_* */
	struct le64 seed[2];      /* table seeds derive from it, engine/path.h */
	struct le32 gate_bits;    /* GAT4: 2^gate_bits bits; 0 = no gate */
	struct le32 reserved;
	struct info_kind_d kind[6];
	uint8_t tops[64];         /* bitmap of the keys of one label, engine/name.h */
};

/*
 * One line of a hashed table: a bucket of up to 28 nodes. A slot is the low 13
 * bits of the node's hash and three flags; 0 = empty. The record of a slot
 * with HERE or COVER is number `base` + such slots before it.
 */
#define FORMAT_SLOTS 28
#define FORMAT_SLOT_TAG 0x1fffu
#define FORMAT_SLOT_HERE 0x2000u   /* an entry: its scope includes the key itself */
#define FORMAT_SLOT_COVER 0x4000u  /* an entry: its scope includes what lies below */
#define FORMAT_SLOT_DEEPER 0x8000u /* entries lie below this node */

struct bucket_d {
	struct le16 slot[FORMAT_SLOTS];
	struct le32 base;
	struct le32 overflow;     /* bit (hash >> 13 & 31) set: such a node went to the next line */
};

/* One line of IPv4 hosts (engine/hosts.h): their addresses and claims ids, the first `count`. */
#define FORMAT_HOSTS 7
struct hosts_line_d {
	struct le32 address[FORMAT_HOSTS];
	struct le32 state;        /* count in the low byte, then 24 bits of who passed on */
	struct le32 claims[FORMAT_HOSTS];
	struct le32 covered;      /* bit i: a prefix covers host i too */
};
struct record_ipv6_d {
	uint8_t address[16];
	struct le32 claims;
};
struct record_sha1_d {
	uint8_t digest[20];
	struct le32 claims;
};
struct record_sha256_d {
	uint8_t digest[32];
	struct le32 claims;
};
struct record_text_d {
	struct le40 offset;       /* of its text in the K section; it ends where the next one begins */
	struct le32 claims;
};

/* Claims of one key stand together, by source then scope; the last is marked. */
#define FORMAT_CLAIM_LAST 1u
struct claim_d {
	struct le16 source;       /* index into SRCN */
	uint8_t scope;            /* enum scope; 0 only in claim 0, the removal */
	uint8_t flags;
	struct le32 set;          /* index into TAGS of the bounded tags */
	struct le32 notes;        /* index into TAGS of text and date tags */
	struct le40 expires;
	struct le40 first_seen;
	struct le40 last_seen;
	uint8_t reserved[5];
};

/* SRCN and TAGS: a table of strings. String i = bytes[offset[i] .. offset[i + 1]). */
struct strings_d {
	struct le32 count;
	struct le32 reserved;
	/* le64 offset[count + 1]; bytes */
};

struct pattern_d {
	uint8_t pattern;          /* KEY_PATTERN_* of these entries */
	uint8_t reserved;
	struct le16 length;       /* literal bytes */
	struct le32 count;        /* entries that have both */
};

/*
 * The order of expiry (engine/segment_expiry.h): each instant at which keys begin to lose
 * claims, ascending, and where these keys stand.
 */
struct expiry_d {
	struct le64 swept;        /* overlays: what was due by then in lower layers is hidden; else 0 */
	struct le32 count;        /* due_d that follow */
	struct le32 part;         /* one key in so many: its due has no places; 0 = 64 */
};

struct due_d {
	struct le40 expires;      /* the earliest expiry of a list of claims */
	uint8_t low;              /* of each gap of its places, so many low bits stand as they are */
	struct le40 places;       /* where they begin; where those of the next do: look at all keys */
};

/* --- journal ---------------------------------------------------------------- */

#define FORMAT_JOURNAL_MAGIC "\x89REPJRN\n"
#define FORMAT_JOURNAL_VERSION 1
#define FORMAT_RECORD FORMAT_ID('R', 'E', 'C', 'D')

struct journal_d {
	uint8_t magic[8];
	struct le32 version;      /* FORMAT_JOURNAL_VERSION */
	struct le32 reserved;     /* 0 */
	struct le64 id;           /* random: records of another journal are none of this one */
	struct le64 seed[2];      /* of the store; new segments are built with it */
	struct le64 sum;          /* XXH3-64 of the bytes before it */
};

/* A record: this, rows of layers, perhaps the catalogue, small segments; zeros to the page. */
struct record_d {
	struct le32 magic;        /* FORMAT_RECORD */
	struct le32 layer_count;
	struct le64 journal;      /* its id */
	struct le64 previous;     /* sum of the record before; of journal_d for the first */
	struct le64 generation;
	struct le64 published;    /* seconds since 1970 */
	struct le64 compacted;    /* when the base was last folded; 0 = never */
	struct le64 bytes;        /* of the whole record, a multiple of FORMAT_PAGE_BYTES */
	struct le64 catalog;      /* where in the journal the catalogue stands: here or further up */
	struct le64 catalog_bytes;
	struct le64 catalog_sum;  /* XXH3-64 of it */
	struct le64 payload_sum;  /* XXH3-64 of all bytes of the record behind this header */
	struct le64 sum;          /* XXH3-64 of the bytes before it */
};

struct record_layer_d {
	struct le64 number;       /* of the segment */
	struct le64 offset;       /* where in the journal it stands; 0 = in segment-<number>.rps */
	struct le64 bytes;
	struct le64 stamp;        /* of the file when it was published; 0 = not known, or no file */
	uint8_t sha256[32];       /* the segment's footer */
};

/* --- manifest --------------------------------------------------------------- */

#define FORMAT_LAYERS FORMAT_ID('L', 'A', 'Y', 'R')  /* manifest_d, then layer_d[], base first */
#define FORMAT_CATALOG FORMAT_ID('C', 'A', 'T', 'A') /* engine/catalog.h */

struct manifest_d {
	struct le64 generation;
	struct le64 published;    /* seconds since 1970 */
	struct le64 seed[2];      /* of the store; new segments are built with it */
	struct le32 layer_count;
	struct le32 reserved;
};

struct layer_d {
	struct le64 number;       /* of the segment: file segment-<number>.rps */
	struct le64 file_bytes;
	uint8_t sha256[32];       /* the segment's footer */
};

#endif
