/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash_world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRIORITY 100 /* of a source that nobody set */
#define LINE_BYTES 512

/* --- keys -------------------------------------------------------------------------------- */

static const char *const kinds[] = {"ipv4", "ipv6", "domain", "url", "sha1", "sha256"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint32_t
stir(uint32_t word)
{
	word = (word ^ (word >> 16)) * 0x7feb352du;
	word = (word ^ (word >> 15)) * 0x846ca68bu;
	return word ^ (word >> 16);
}

static size_t
digest(uint32_t n, unsigned words, char *text)
{
	size_t length = 0;
	for (unsigned i = 0; i < words; i++)
		length += (size_t)snprintf(text + length, CRASH_KEY_BYTES - length, "%08" PRIx32,
					   stir(n * 16 + i + 1));
	return length;
}

size_t
crash_key(uint32_t n, char text[CRASH_KEY_BYTES])
{
	uint32_t i = n / KINDS;
	switch (n % KINDS) {
	case 0:
		return (size_t)snprintf(text, CRASH_KEY_BYTES, "10.%u.%u.%u", i >> 16 & 255,
					i >> 8 & 255, i & 255);
	case 1: /* no group is zero: there is one spelling */
		return (size_t)snprintf(text, CRASH_KEY_BYTES, "2001:db8:1:2:3:4:%x:%x",
					i / 65535 + 1, i % 65535 + 1);
	case 2:
		return (size_t)snprintf(text, CRASH_KEY_BYTES, "h%u.crash.example", i);
	case 3:
		return (size_t)snprintf(text, CRASH_KEY_BYTES, "http://u%u.crash.example/p", i);
	default:
		return digest(n, n % KINDS == 4 ? 5 : 8, text);
	}
}

/* --- worlds ------------------------------------------------------------------------------ */

static void *
need(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

void
crash_world_init(struct crash_world *world)
{
	memset(world, 0, sizeof(*world));
}

void
crash_world_fini(struct crash_world *world)
{
	free(world->claims);
	memset(world, 0, sizeof(*world));
}

void
crash_world_copy(const struct crash_world *from, struct crash_world *to)
{
	*to = *from;
	to->claims = need(malloc((from->count + 1) * sizeof(*to->claims)));
	if (from->count > 0)
		memcpy(to->claims, from->claims, from->count * sizeof(*to->claims));
}

static bool
in_range(const struct crash_step *step, uint32_t key)
{
	return key >= step->first && key - step->first < step->count;
}

/* Does the step take this claim away (or put another in its place)? */
static bool
takes(const struct crash_step *step, const struct crash_claim *claim)
{
	bool own = claim->source == step->source;
	switch (step->verb) {
	case CRASH_ADD:
		return own && in_range(step, claim->key);
	case CRASH_IMPORT:
		return own && (step->mirror || in_range(step, claim->key));
	case CRASH_REMOVE:
		return (own || step->all) && in_range(step, claim->key);
	case CRASH_SOURCE_REMOVE:
		return own;
	case CRASH_EXPIRE:
		return claim->days;
	default:
		return false;
	}
}

static int
by_key(const void *a, const void *b)
{
	const struct crash_claim *one = a, *other = b;
	if (one->key != other->key)
		return one->key < other->key ? -1 : 1;
	return (int)one->source - (int)other->source;
}

static void
apply_claims(struct crash_world *world, const struct crash_step *step)
{
	bool puts = step->verb == CRASH_ADD || step->verb == CRASH_IMPORT;
	size_t room = world->count + (puts ? step->count : 0) + 1, kept = 0;
	world->claims = need(realloc(world->claims, room * sizeof(*world->claims)));
	for (size_t i = 0; i < world->count; i++)
		if (!takes(step, &world->claims[i]))
			world->claims[kept++] = world->claims[i];
	bool days = step->days || world->sources[step->source].days;
	for (uint32_t i = 0; puts && i < step->count; i++)
		world->claims[kept++] = (struct crash_claim){step->first + i, (uint16_t)step->family,
							     (uint8_t)step->source, days};
	world->count = kept;
	if (puts)
		qsort(world->claims, kept, sizeof(*world->claims), by_key);
	for (size_t i = 0; step->verb == CRASH_RETAG && i < kept; i++)
		if (world->claims[i].source == step->source && world->claims[i].family == step->number)
			world->claims[i].family = (uint16_t)step->family;
}

static void
apply_source(struct crash_world *world, const struct crash_step *step)
{
	struct crash_source *source = &world->sources[step->source];
	if (step->verb == CRASH_SOURCE_REMOVE) {
		memset(source, 0, sizeof(*source));
		return;
	}
	if (step->verb != CRASH_ADD && step->verb != CRASH_IMPORT && step->verb != CRASH_SOURCE_SET)
		return;
	if (!source->known)
		source->priority = PRIORITY;
	source->known = true;
	if (step->verb == CRASH_IMPORT) {
		source->imported = true;
		source->last_count = step->count;
	}
	if (step->verb == CRASH_SOURCE_SET) {
		source->priority = step->number;
		source->described = true;
		source->days |= step->days;
	}
}

void
crash_world_apply(struct crash_world *world, const struct crash_step *step)
{
	apply_claims(world, step);
	apply_source(world, step);
	if (step->verb == CRASH_TAG_ADD || step->verb == CRASH_TAG_REMOVE)
		world->tags[step->number] = step->verb == CRASH_TAG_ADD;
	if (step->verb == CRASH_PROFILE || step->verb == CRASH_PROFILE_REMOVE)
		world->profiles[step->number] = step->verb == CRASH_PROFILE ? step->version : 0;
	world->exists = true;
}

bool
crash_world_has(const struct crash_world *world, uint32_t key)
{
	size_t from = 0, to = world->count;
	while (from < to) {
		size_t middle = (from + to) / 2;
		if (world->claims[middle].key < key)
			from = middle + 1;
		else
			to = middle;
	}
	return from < world->count && world->claims[from].key == key;
}

/* --- profiles ---------------------------------------------------------------------------- */

/* In canonical form: what the store keeps is these bytes. */
static size_t
profile_text(unsigned number, unsigned version, char *text, size_t size)
{
	return (size_t)snprintf(text, size,
				"[profile]\nname = crash-%u\n\n[action \"Block\"]\nflow = block\n\n"
				"[filter \"Confident\"]\naction = Block\nkinds = ipv4 ipv6 domain url\n"
				"where = Confidence > %u\n", number, version);
}

/* --- lines ------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
say(crash_line_cb *call, void *context, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= LINE_BYTES)
		abort();
	call(context, line, (size_t)length);
}

static void
claim_line(const struct crash_claim *claim, crash_line_cb *call, void *context)
{
	char key[CRASH_KEY_BYTES], tags[64] = "";
	crash_key(claim->key, key);
	if (claim->family != 0)
		snprintf(tags, sizeof(tags), "\"Malware Family\":[\"Family%u\"]", claim->family);
	say(call, context,
	    "{\"kind\":\"%s\",\"key\":\"%s\",\"scope\":\"exact\",\"source\":\"feed-%u\",\"tags\":{%s},"
	    "\"first_seen\":\"" CRASH_NOW "\",\"last_seen\":\"" CRASH_NOW "\",\"expires\":\"%s\","
	    "\"embedded\":false}", kinds[claim->key % KINDS], key, claim->source, tags,
	    claim->days ? "2026-01-08T00:00:00Z" : "2036-01-01T00:00:00Z");
}

static void
source_line(const struct crash_source *source, unsigned number, crash_line_cb *call, void *context)
{
	say(call, context,
	    "{\"name\":\"feed-%u\",\"priority\":%u,\"ttl\":%u,\"description\":\"%s\",\"last_import\":%s,"
	    "\"last_count\":%" PRIu32 "}", number, source->priority, source->days ? 7 * 86400 : 0,
	    source->described ? "set by crash" : "", source->imported ? "\"" CRASH_NOW "\"" : "null",
	    source->last_count);
}

void
crash_world_lines(const struct crash_world *world, crash_line_cb *call, void *context)
{
	char text[LINE_BYTES];
	for (size_t i = 0; i < world->count; i++)
		claim_line(&world->claims[i], call, context);
	for (unsigned i = 0; i < CRASH_SOURCES; i++)
		if (world->sources[i].known)
			source_line(&world->sources[i], i, call, context);
	for (unsigned i = 0; i < CRASH_TAGS; i++)
		if (world->tags[i])
			say(call, context, CRASH_TAG_LINE "%u\",\"type\":\"list\",\"service\":false,"
			    "\"description\":\"\",\"values\":[\"one\",\"two\"]}", i);
	for (unsigned i = 0; i < CRASH_PROFILES; i++)
		if (world->profiles[i] != 0)
			say(call, context, "{\"name\":\"crash-%u\",\"changed\":\"" CRASH_NOW "\","
			    "\"bytes\":%zu,\"filters\":1,\"enabled\":1,\"locked\":0,\"actions\":1,"
			    "\"exceptions\":0}", i, profile_text(i, world->profiles[i], text, sizeof(text)));
}

/* --- words ------------------------------------------------------------------------------- */

void
crash_words_add(struct crash_words *words, const char *format, ...)
{
	va_list arguments;
	size_t left = sizeof(words->text) - words->used;
	va_start(arguments, format);
	int length = vsnprintf(words->text + words->used, left, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= left || words->count == CRASH_WORDS - 1)
		abort();
	words->word[words->count++] = words->text + words->used;
	words->word[words->count] = NULL;
	words->used += (size_t)length + 1;
}

void
crash_words_begin(struct crash_words *words, const char *program, const char *store, const char *now)
{
	words->count = words->used = 0;
	crash_words_add(words, "%s", program);
	crash_words_add(words, "--store");
	crash_words_add(words, "%s", store);
	crash_words_add(words, "--now");
	crash_words_add(words, "%s", now);
}

/* A file of a step, if it is not there yet. */
static FILE *
feed_begin(const char *path)
{
	if (access(path, F_OK) == 0)
		return NULL;
	return need(fopen(path, "we"));
}

static void
words_import(const struct crash_step *step, const char *feeds, const char *beside,
	     struct crash_words *words)
{
	char path[1024], key[CRASH_KEY_BYTES];
	snprintf(path, sizeof(path), "%s/%" PRIu32 "-%" PRIu32, feeds, step->first, step->count);
	FILE *file = feed_begin(path);
	for (uint32_t i = 0; file != NULL && i < step->count; i++) {
		crash_key(step->first + i, key);
		fprintf(file, "%s\n", key);
	}
	if (file != NULL)
		fclose(file);
	crash_words_add(words, "import");
	crash_words_add(words, "--format");
	crash_words_add(words, "plain");
	if (step->mirror)
		crash_words_add(words, "--mirror");
	crash_words_add(words, "%s/%" PRIu32 "-%" PRIu32, beside, step->first, step->count);
}

static void
words_profile(const struct crash_step *step, const char *feeds, const char *beside,
	      struct crash_words *words)
{
	char path[1024], text[LINE_BYTES];
	snprintf(path, sizeof(path), "%s/profile-%u-%u", feeds, step->number, step->version);
	FILE *file = feed_begin(path);
	if (file != NULL) {
		fwrite(text, 1, profile_text(step->number, step->version, text, sizeof(text)), file);
		fclose(file);
	}
	crash_words_add(words, "profile");
	crash_words_add(words, "import");
	crash_words_add(words, "%s/profile-%u-%u", beside, step->number, step->version);
}

static void
words_values(const struct crash_step *step, struct crash_words *words)
{
	char key[CRASH_KEY_BYTES];
	crash_words_add(words, step->verb == CRASH_ADD ? "add" : "remove");
	if (step->all)
		crash_words_add(words, "--all-sources");
	for (uint32_t i = 0; i < step->count; i++) {
		crash_key(step->first + i, key);
		crash_words_add(words, "%s", key);
	}
}

static void
words_catalog(const struct crash_step *step, struct crash_words *words)
{
	switch (step->verb) {
	case CRASH_TAG_ADD:
	case CRASH_TAG_REMOVE:
		crash_words_add(words, "tag");
		crash_words_add(words, step->verb == CRASH_TAG_ADD ? "add" : "remove");
		crash_words_add(words, "Crash%u", step->number);
		if (step->verb == CRASH_TAG_ADD) {
			crash_words_add(words, "--type=list");
			crash_words_add(words, "--values=one,two");
		}
		break;
	case CRASH_SOURCE_SET:
		crash_words_add(words, "source");
		crash_words_add(words, "set");
		crash_words_add(words, "feed-%u", step->source);
		crash_words_add(words, "--priority=%u", step->number);
		crash_words_add(words, "--description=set by crash");
		if (step->days)
			crash_words_add(words, "--ttl=7d");
		break;
	case CRASH_SOURCE_REMOVE:
		crash_words_add(words, "source");
		crash_words_add(words, "remove");
		crash_words_add(words, "feed-%u", step->source);
		break;
	default:
		crash_words_add(words, "profile");
		crash_words_add(words, "remove");
		crash_words_add(words, "crash-%u", step->number);
	}
}

static void
words_claims(const struct crash_step *step, const char *feeds, const char *beside,
	     struct crash_words *words)
{
	if (step->verb == CRASH_IMPORT)
		words_import(step, feeds, beside, words);
	else if (step->verb == CRASH_RETAG)
		crash_words_add(words, "retag");
	else
		words_values(step, words);
	crash_words_add(words, "--source=feed-%u", step->source);
	if (step->verb == CRASH_RETAG)
		crash_words_add(words, "--where=\"Malware Family\" = Family%u", step->number);
	if (step->family != 0)
		crash_words_add(words, "--tag=Malware Family=Family%u", step->family);
	if (step->days)
		crash_words_add(words, "--ttl=7d");
}

void
crash_step_words(const struct crash_step *step, const char *program, const char *store,
		 const char *feeds, const char *beside, struct crash_words *words)
{
	crash_words_begin(words, program, store, step->verb == CRASH_EXPIRE ? CRASH_LATER : CRASH_NOW);
	switch (step->verb) {
	case CRASH_ADD:
	case CRASH_IMPORT:
	case CRASH_REMOVE:
	case CRASH_RETAG:
		words_claims(step, feeds, beside, words);
		break;
	case CRASH_PROFILE:
		words_profile(step, feeds, beside, words);
		break;
	case CRASH_EXPIRE:
		crash_words_add(words, "expire");
		if (step->all)
			crash_words_add(words, "--compact");
		break;
	case CRASH_COMPACT:
		crash_words_add(words, "compact");
		break;
	default:
		words_catalog(step, words);
	}
}
