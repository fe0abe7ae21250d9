/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a store: one record a transaction, each with a whole state: which layers there
 * are, the catalogue, and the layers that are small enough to stand in it (docs/store.md).
 *
 *   reading   journal_open -> journal_walk -> journal_state, journal_catalog, journal_segment -> journal_close
 *   writing   journal_append: one record behind the last; or journal_create: a new journal
 *
 * A record counts if its header has its sum and the random id of this journal, so that neither a torn
 * tail nor bytes of an older journal pass, and, for the last one, if its payload has its sum:
 * those before it were durable before it was written. Damage in an older one is stepped over: what matters of it
 * has sums of its own. The file is read by parts and never mapped.
 *
 * Any number of readers; one writer, which holds the store's lock.
 */
#ifndef ENGINE_JOURNAL_H
#define ENGINE_JOURNAL_H

#include "engine/file.h"
#include "engine/format.h"
#include "engine/hash.h"
#include "engine/limits.h"

/* Where a record stands, and what the next one must follow. All zero: nowhere. */
struct journal_place {
	uint64_t id;     /* of the journal */
	uint64_t count;  /* records up to this one */
	uint64_t offset; /* of the record */
	uint64_t end;    /* of the record */
	uint64_t sum;    /* of its header: tells one state from any other */
};

/* A row of a state: a layer in the journal, or with offset 0 in a file of its own. */
struct journal_layer {
	uint64_t number, offset, bytes;
	uint64_t stamp; /* of the file (file_stamp_sum): as long as it has it, nobody touched it */
	uint8_t sha256[32];
};

struct journal_state {
	uint64_t generation, published, compacted;
	struct hash_seed seed;
	uint64_t catalog, catalog_bytes, catalog_sum;
	uint32_t layer_count;
	struct journal_layer layer[LIMIT_LAYERS];
};

struct journal {
	struct file_in in;
	uint64_t id;
	uint64_t first_sum;
	struct hash_seed seed;
};

/* missing, io, format, version, corrupt (its head). */
enum status
journal_open(const char *path, struct journal *journal, struct fault *fault);
void
journal_close(struct journal *journal);

/*
 * The last good record that begins before `limit`. `known` (may be NULL or of another journal): where to
 * begin. corrupt if there is none, or if what is known is no more there.
 */
enum status
journal_walk(const struct journal *journal, const struct journal_place *known, uint64_t limit,
	     struct journal_place *place, struct fault *fault);

/*
 * The record behind `place` (all zero: the first), whether or not later ones follow; *whole tells if its
 * payload has its sum, and *unread (may be NULL) why bytes in front of it could not be read (an empty text: they
 * could). missing at the end of the chain. For those who look at all of them.
 */
enum status
journal_next(const struct journal *journal, struct journal_place *place, bool *whole,
	     struct fault *unread, struct fault *fault);

/* What the record at a place says. */
enum status
journal_state(const struct journal *journal, const struct journal_place *place,
	      struct journal_state *state, struct fault *fault);
/* The bytes of its catalogue, compared with their sum; free() them. */
enum status
journal_catalog(const struct journal *journal, const struct journal_state *state,
		uint8_t **bytes, size_t *length, struct fault *fault);
/* The bytes of a layer that stands in the journal; free() them. Not compared: attach and check do. */
enum status
journal_segment(const struct journal *journal, const struct journal_layer *layer, uint8_t **bytes,
		struct fault *fault);

/* What goes into a record beside the rows. */
struct journal_parts {
	const uint8_t *catalog; /* NULL: state->catalog* stay as they are */
	size_t catalog_length;
	const uint8_t *segment[LIMIT_LAYERS]; /* NULL: the layer is where its row says */
};

/*
 * Append a record with *state (whose offsets are filled in) behind `place`, where `tail` begins, durably; *place
 * becomes its place. On failure the record may be there, whole or not, until file_tail_cut.
 */
enum status
journal_append(const struct file_tail *tail, struct journal_place *place,
	       struct journal_state *state, const struct journal_parts *parts, struct fault *fault);

/* Begin a new journal with one record, durably, in place of the one that is there. */
enum status
journal_create(const char *path, struct journal_state *state, const struct journal_parts *parts,
	       struct journal_place *place, struct fault *fault);

/* Bytes that a record with these parts will have. */
uint64_t
journal_record_bytes(const struct journal_state *state, const struct journal_parts *parts);

#endif
