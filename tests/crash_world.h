/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store must hold, kept by the campaign itself: commands as data (struct crash_step), the
 * words that they are run with, and what each does to a world. None of the engine's code: keys,
 * lines and times are made here, from the same small numbers.
 *
 *   crash_world_init -> crash_world_apply* -> crash_world_lines -> crash_world_fini
 */
#ifndef TESTS_CRASH_WORLD_H
#define TESTS_CRASH_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRASH_NOW "2026-01-01T00:00:00Z"   /* --now of every command but expire */
#define CRASH_LATER "2026-02-01T00:00:00Z" /* that of expire */
#define CRASH_SOURCES 8
#define CRASH_TAGS 8
#define CRASH_PROFILES 4
#define CRASH_KEY_BYTES 80

/* The text of key number `n`: of each kind in turn, canonical, none covers another. */
size_t
crash_key(uint32_t n, char text[CRASH_KEY_BYTES]);

enum crash_verb {
	CRASH_ADD = 1, CRASH_IMPORT, CRASH_REMOVE, CRASH_RETAG, CRASH_TAG_ADD, CRASH_TAG_REMOVE,
	CRASH_SOURCE_SET, CRASH_SOURCE_REMOVE, CRASH_PROFILE, CRASH_PROFILE_REMOVE, CRASH_EXPIRE,
	CRASH_COMPACT
};

/* A command. Keys are first..first+count-1. */
struct crash_step {
	enum crash_verb verb;
	unsigned source;
	uint32_t first, count;
	unsigned family;     /* ADD, IMPORT, RETAG: the tag; 0: none */
	unsigned number;     /* RETAG: the family before; SOURCE_SET: priority; TAG, PROFILE: which */
	unsigned version;    /* PROFILE: of its text */
	bool days;           /* ADD, IMPORT: lives for seven; SOURCE_SET: so does what it says from now on */
	bool mirror;         /* IMPORT */
	bool all;            /* REMOVE: of all sources; EXPIRE: and compact */
};

struct crash_claim {
	uint32_t key;
	uint16_t family;
	uint8_t source;
	bool days;
};

struct crash_world {
	bool exists;          /* something was published */
	struct crash_claim *claims; /* by key, source */
	size_t count;
	struct crash_source {
		bool known, imported, days, described;
		unsigned priority;
		uint32_t last_count;
	} sources[CRASH_SOURCES];
	bool tags[CRASH_TAGS];
	unsigned profiles[CRASH_PROFILES]; /* version; 0: none */
};

void
crash_world_init(struct crash_world *world);
void
crash_world_fini(struct crash_world *world);
void
crash_world_copy(const struct crash_world *from, struct crash_world *to);
void
crash_world_apply(struct crash_world *world, const struct crash_step *step);
bool
crash_world_has(const struct crash_world *world, uint32_t key);

/*
 * Each line that the readers must print, in no order: of `list --json --expired`, `source list
 * --json`, `tag list --json` (those that begin with CRASH_TAG_LINE) and `profile list --json`.
 */
#define CRASH_TAG_LINE "{\"name\":\"Crash"
typedef void crash_line_cb(void *context, const char *line, size_t length);
void
crash_world_lines(const struct crash_world *world, crash_line_cb *call, void *context);

/* The words of a step, to be run in a folder beside `feeds` (which gets its files). */
#define CRASH_WORDS 96
struct crash_words {
	char *word[CRASH_WORDS]; /* NULL at the end */
	char text[CRASH_WORDS * CRASH_KEY_BYTES];
	size_t count, used;
};
void
crash_words_begin(struct crash_words *words, const char *program, const char *store,
		  const char *now);
void
crash_words_add(struct crash_words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* `feeds`: as this process finds it; `beside`: as the command does. */
void
crash_step_words(const struct crash_step *step, const char *program, const char *store,
		 const char *feeds, const char *beside, struct crash_words *words);

#endif
