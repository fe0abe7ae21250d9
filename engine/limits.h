/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound on what comes from outside, in one place. Crossing one is
 * STATUS_LIMIT (or the kind's own STATUS_BAD_*) with a sentence, never a crash.
 */
#ifndef ENGINE_LIMITS_H
#define ENGINE_LIMITS_H

/* keys */
#define LIMIT_DOMAIN_BYTES 253          /* RFC 1035 without the trailing dot */
#define LIMIT_LABEL_BYTES 63
#define LIMIT_URL_BYTES 8192            /* canonical URL; longer: bad-url */
#define LIMIT_URL_INPUT_BYTES 65536     /* raw text handed to the canonicaliser */
#define LIMIT_URL_STEPS 128             /* path segments of an entry; queries may be deeper */
#define LIMIT_PATTERN_LITERAL_BYTES 4   /* fewest literal bytes of an entry with \* */
#define LIMIT_SUBSTRING_LENGTHS 64      /* distinct lengths of \*...\* entries in a segment */
#define LIMIT_UNESCAPE_ROUNDS 1024      /* repeated %-unescaping; each round shrinks the text */

/* tags */
#define LIMIT_TAG_TEXT_BYTES 255
#define LIMIT_CATEGORY_NAME_BYTES 255
#define LIMIT_LIST_VALUES 1024          /* values a list category may define */
#define LIMIT_TAGS_PER_CLAIM 100
#define LIMIT_VALUES_PER_TAG 64
#define LIMIT_CATEGORIES 4096
#define LIMIT_PROFILES 1000              /* in a store */
#define LIMIT_PROFILE_BYTES (4u << 20)   /* of one, as text */
#define LIMIT_TAGS_BYTES 60000          /* one serialised set of tags */

/* sources and claims */
#define LIMIT_SOURCE_NAME_BYTES 255
#define LIMIT_SOURCES 4096
#define LIMIT_CLAIMS_PER_KEY 1024

/* feeds */
#define LIMIT_LINE_BYTES (1024 * 1024)  /* longest line of a text feed */
#define LIMIT_RANGE_PREFIXES 256        /* prefixes that one a-b range may split into */
#define LIMIT_CSV_COLUMNS 256
#define LIMIT_REJECTS_SHOWN 20          /* rejects printed in full before a count */

/* the system */
#define LIMIT_INTERRUPTS 100            /* a call that signals break off is made again so often */

/* store */
#define LIMIT_LAYERS 8                  /* one base and seven overlays */
#define LIMIT_JOURNAL_BYTES (64ull << 20) /* a longer journal is begun anew */
#define LIMIT_JOURNAL_RECORDS 1024      /* so is one with more records */
#define LIMIT_RECORD_BYTES (1ull << 33) /* of one record: 1,000 profiles of 4 MiB fit */
#define LIMIT_INLINE_BYTES (1u << 20)   /* a larger segment has a file of its own */
#define LIMIT_UNREADABLE_PAGES 64       /* of a journal that are stepped over on the way to the next record */
#define LIMIT_SECTIONS 64
#define LIMIT_COVERING 640              /* covering keys looked at in a segment: all prefixes,
                                         * names and paths, and the longest \* patterns */
#define LIMIT_HITS 4096                 /* most hits one query can have */
#define LIMIT_BUCKET_HOPS 4             /* neighbouring bucket lines one probe may read */
#define LIMIT_HOSTS_HOPS 8              /* the same of lines with seven IPv4 hosts */

#endif
