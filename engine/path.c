/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/path.h"


#define SALT_HOST 0x686f737468302d31ull
#define SALT_PATTERN 0x706174746572u

struct hash_seed
path_seed(struct hash_seed seed, enum kind kind, uint32_t reseeds, uint64_t salt)
{
	struct hash_seed derived = {{
		hash_words(seed, (uint64_t)kind, reseeds, 1, salt),
		hash_words(seed, (uint64_t)kind, reseeds, 2, salt),
	}};
	return derived;
}

uint64_t
path_pattern(struct hash_seed seed, unsigned pattern, const char *literal, size_t length)
{
	seed.word[0] ^= SALT_PATTERN + pattern;
	return hash_text(seed, literal, length);
}

const char *
path_literal(const struct key *key, size_t *length)
{
	const char *text = key_text(key);
	size_t left = key->length;
	if (key->pattern & KEY_PATTERN_OPEN_START) {
		text += KEY_PATTERN_BYTES;
		left -= KEY_PATTERN_BYTES;
	}
	if (key->pattern & KEY_PATTERN_OPEN_END)
		left -= KEY_PATTERN_BYTES;
	*length = left;
	return text;
}

uint32_t
path_labels(const struct key *key)
{
	const char *text = key_text(key);
	uint32_t labels = 1;
	for (uint32_t i = 0; i < key->length; i++)
		labels += text[i] == '.';
	return labels;
}

static void
domain_next(struct path *path, struct path_step *step)
{
	uint32_t start = path->position;
	step->length = path->key->length - start;
	step->hash = hash_text(path->seed, path->text + start, step->length);
	step->last = start == 0;
	path->done = step->last;
	if (!path->done)
		path->position = path_label_before(path->text, start);
}

/* The first URL step: the last two labels of a name, or the whole of an address. */
static void
host_step(struct path *path, struct path_step *step)
{
	const struct key *key = path->key;
	const char *host = path->text + key->host_offset;
	uint32_t length = key->host_length, start = 0;
	char final = length == 0 ? ']' : host[length - 1];
	if (final != ']' && !(final >= '0' && final <= '9'))
		start = path_label_before(host, path_label_before(host, length + 1));
	struct hash_seed seed = path->seed;
	seed.word[0] ^= SALT_HOST;
	step->hash = hash_text(seed, host + start, length - start);
	step->length = 0; /* no entry has this node */
	step->last = false;
}

static void
url_init(struct path *path)
{
	const struct key *key = path->key;
	const char *query = memchr(path->text, '?', key->length);
	path->end = query == NULL ? key->length : (uint32_t)(query - path->text);
	path->position = (uint32_t)key->host_offset + key->host_length;
}

/* Node texts end before each `/` of the path, at its end, and at the end of the query. */
static void
url_next(struct path *path, struct path_step *step)
{
	uint32_t length = path->position, total = path->key->length;
	if (path->steps == 0) {
		host_step(path, step);
		return;
	}
	step->length = length;
	step->hash = hash_text(path->seed, path->text, length);
	bool at_end = length >= path->end || (length + 1 == path->end &&
					      path->text[length] == '/');
	step->last = at_end && (path->end == total || length == total);
	if (at_end) {
		path->done = step->last;
		path->position = total;
		path->end = total;
		return;
	}
	const char *slash = memchr(path->text + length + 1, '/', path->end - length - 1);
	path->position = slash == NULL ? path->end : (uint32_t)(slash - path->text);
	if (path->steps > LIMIT_URL_STEPS)
		path->done = true;
}

bool
path_deep(const struct key *key)
{
	const char *text = key_text(key);
	uint32_t slashes = 0;
	for (uint32_t i = (uint32_t)key->host_offset + key->host_length;
	     i < key->length && text[i] != '?'; i++)
		slashes += text[i] == '/';
	return slashes > LIMIT_URL_STEPS - 2;
}

static void
digest_next(struct path *path, struct path_step *step)
{
	step->length = kind_table[path->key->kind].key_bytes;
	step->hash = path_digest(path->seed, path->key->bytes, step->length);
	step->last = path->done = true;
}

static void
host_ipv6_next(struct path *path, struct path_step *step)
{
	step->length = path->key->prefix_bits;
	step->hash = path_host_ipv6(path->seed, path->key->bytes);
	step->last = path->done = true;
}

void
path_init(struct path *path, struct hash_seed seed, uint32_t first_step, const uint8_t *tops,
	  const struct key *key)
{
	path->key = key;
	path->seed = seed;
	path->steps = 0;
	path->done = false;
	path->position = 0;
	path->text = kind_table[key->kind].key_bytes == 0 ? key_text(key) : NULL;
	if (key->pattern != 0)
		return;
	if (key->kind == KIND_DOMAIN)
		path->done = !path_domain_begin(path->text, key->length,
						path_from_top(path->text, key->length, tops) ? 1
											     : first_step,
						&path->position);
	else if (key->kind == KIND_URL)
		url_init(path);
	else if (key->kind == KIND_IPV6)
		path->done = key->prefix_bits != 128;
}

bool
path_next(struct path *path, struct path_step *step)
{
	if (path->done)
		return false;
	if (path->key->pattern != 0) {
		size_t length;
		const char *literal = path_literal(path->key, &length);
		step->hash = path_pattern(path->seed, path->key->pattern, literal, length);
		step->length = path->key->length;
		step->last = path->done = true;
		return true;
	}
	switch (path->key->kind) {
	case KIND_DOMAIN:
		domain_next(path, step);
		break;
	case KIND_URL:
		url_next(path, step);
		break;
	case KIND_IPV6:
		host_ipv6_next(path, step);
		break;
	default:
		digest_next(path, step);
	}
	path->steps++;
	return true;
}
