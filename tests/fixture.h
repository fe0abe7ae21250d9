/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the naive twin to the engine and back: segments built from a model's
 * claims, and the engine's hits as the model's answers, so that both can be
 * compared field by field. Any failure of the engine here fails the test.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "engine/segment.h"
#include "engine/segment_build.h"
#include "tests/sets.h"

#define FIXTURE_FOLDER "build/tmp"

/* Abort with the fault's text unless the status is OK. */
void
fixture_need(enum status status, const struct fault *fault, const char *doing);

/* build/tmp/<name>-<process>; the folder is made. The text is the caller's: free() it. */
char *
fixture_path(const char *name);

void
fixture_key(const struct model_key *from, struct key *key);

/* Claims of one key as the engine writes them. */
void
fixture_put(struct segment_build *build, const struct model_claim *const *claims, size_t count);
/* All keys; in random order if `shuffle` is given. */
void
fixture_put_all(struct segment_build *build, const struct model *model,
		struct random_state *shuffle);
void
fixture_write(struct segment_build *build, const char *path);

/* Numbers of the sources and tags of one attached segment. */
struct fixture_words {
	uint32_t *source, *set, *notes;
};
void
fixture_words_read(struct fixture_words *words, const struct segment *segment);
void
fixture_words_free(struct fixture_words *words);

/* A built, mapped and attached segment. */
struct fixture {
	char *path;
	struct file_map map;
	struct segment segment;
	struct fixture_words words;
};
void
fixture_open(struct fixture *fixture, const struct model *model, struct hash_seed seed);
void
fixture_close(struct fixture *fixture);

/* The engine's hits, made comparable. */
struct fixture_answers {
	size_t count;
	struct model_answer answer[MODEL_ANSWERS];
	struct model_claim claim[MODEL_ANSWERS];
};
/* Live covering claims of one match, appended. */
void
fixture_take(struct fixture_answers *answers, const struct segment *segment,
	     const struct fixture_words *words, const struct segment_match *match, uint64_t now);
/* segment_collect and claims. */
void
fixture_ask(const struct fixture *fixture, const struct key *query, uint64_t now,
	    struct fixture_answers *answers);

/* Sorts `got`; true if both are the same in every field. */
bool
fixture_same(const struct model_answer *wanted, size_t count, struct fixture_answers *got);

#endif
