/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store must hold, kept apart from the engine: a table of keys by number and source. And steps,
 * each one transaction, that change such a table (power_world.c) and a store (power_step.c).
 *
 * Keys 0 .. 2999 are short ones of four kinds, those from 3000 on are URLs of nearly a kilobyte.
 * Shares no code with the engine; what the engine must print for a key stands in power_key_text.
 */
#ifndef TESTS_POWER_WORLD_H
#define TESTS_POWER_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"
#include "engine/view.h"

#define POWER_NOW 1767225600ull
#define POWER_DAY 86400ull
#define POWER_KEYS 4600
#define POWER_LONG_KEYS 3000   /* from here on */
#define POWER_SOURCES 3
#define POWER_AFTER 2          /* the source of the transaction after a power loss */
#define POWER_CATEGORIES 32
#define POWER_KEY_BYTES 1024
#define POWER_LINE_BYTES 1280

struct power_cell {
	bool present;
	uint8_t tag;           /* 0: none */
	uint64_t expires;
};

struct power_world {
	struct power_cell cell[POWER_KEYS][POWER_SOURCES];
	bool category[POWER_CATEGORIES];
	uint64_t now;
};

/* As people spell it; as the engine must print it, and its scope. */
void
power_key_text(uint32_t number, char spelled[POWER_KEY_BYTES], char printed[POWER_KEY_BYTES],
	       const char **scope);
const char *
power_source_name(uint32_t source);
/* NULL for 0. `text` is room for it. */
const char *
power_tag_text(uint32_t tag, char text[32]);
void
power_category_name(uint32_t number, char text[32]);

/* A sum over lines, whatever their order. */
struct power_digest {
	uint64_t sum[2];
	uint32_t lines;
};
void
power_digest_add(struct power_digest *digest, const char *line, size_t length);
bool
power_digest_same(const struct power_digest *a, const struct power_digest *b);

typedef void power_line_cb(void *context, const char *line, size_t length);
/* "key|scope|source|tag|expires", "category|name": a line each, in no promised order. */
void
power_world_lines(const struct power_world *world, power_line_cb *call, void *context);
/* The same of a store. */
void
power_view_lines(const struct view *view, power_line_cb *call, void *context);

void
power_world_digest(const struct power_world *world, struct power_digest *digest);

enum power_step_kind {
	POWER_PUT,
	POWER_REMOVE,
	POWER_MIRROR,   /* import --mirror */
	POWER_RETAG,    /* all claims of the source get the tag */
	POWER_EXPIRE,
	POWER_CATEGORY,
	POWER_COMPACT,
	POWER_FOLD,     /* the first half of a compaction: steps that follow write beside it */
	POWER_INSTALL,  /* the second half */
	POWER_NOTHING,  /* a transaction that changes nothing: also acknowledged */
};

struct power_step {
	enum power_step_kind kind;
	bool command;          /* as the command line does it; else engine and loader are called */
	uint32_t first, count; /* keys */
	uint32_t source, tag;
	uint32_t category;
	uint32_t days;         /* life of what is put; of POWER_EXPIRE: days after POWER_NOW */
};

void
power_world_apply(struct power_world *world, const struct power_step *step);
/* Also: the step as a word or two. */
void
power_step_print(const struct power_step *step, char text[96]);

/* Do it to a store; `folder` is for a feed file. *generation is untouched by commands. */
enum status
power_step_run(const struct power_step *step, const char *store, const char *folder, uint64_t now,
	       uint64_t *generation, struct fault *fault);

#endif
