/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way of canon_key() against the slow one, and each instruction set's
 * scan against the portable one: on every byte and every pair of bytes in some
 * places, and on mutations of texts of all shapes. CANON_QUICK_TEXTS says how
 * many of those, CANON_QUICK_SEED where they begin.
 *
 * Texts end where a page that cannot be read begins, or begin where one ends:
 * vector loads that leave the text are seen without a sanitizer too.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/canon_quick.h"
#include "engine/canon_scan.h"

#ifdef __SANITIZE_ADDRESS__
#define TEXTS 100000
#define SLOWER 16 /* one text of these many where all would be too many */
#else
#define TEXTS 2000000
#define SLOWER 1
#endif
#define TEXT_BYTES 9000
#define PLACE_BYTES 12288 /* three pages, and a closed one on each side */

static char *place;

static struct {
	unsigned long texts, borrowed, mended;
} count;

static void
place_make(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *all = mmap(NULL, PLACE_BYTES + 2 * (size_t)page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(all != MAP_FAILED && PLACE_BYTES % page == 0);
	mprotect(all, (size_t)page, PROT_NONE);
	mprotect(all + page + PLACE_BYTES, (size_t)page, PROT_NONE);
	place = all + page;
}

/* A passed ck_assert() is a message to the parent each time: too slow for millions. */
#define expect(holds, ...) \
	do { \
		if (!(holds)) \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static void
paths_check(const char *text, size_t length)
{
	const struct canon_scan_path *plain = NULL, *path;
	for (size_t i = 0; (path = canon_scan_path(i)) != NULL; i++)
		plain = path;
	size_t label = plain->domain(text, length);
	struct canon_scan want, got;
	bool clean = plain->url(text, length, &want);
	for (size_t i = 0; (path = canon_scan_path(i)) != plain; i++) {
		expect(path->domain(text, length) == label, "%s: domain %.*s", path->name,
			      (int)length, text);
		expect(path->url(text, length, &got) == clean && got.host == want.host &&
				      got.end == want.end && got.stop == want.stop,
			      "%s: url %.*s: %zu %zu %zu, not %zu %zu %zu", path->name,
			      (int)length, text, got.host, got.end, got.stop, want.host, want.end,
			      want.stop);
	}
}

static bool
keys_equal(const struct key *a, const struct key *b)
{
	return a->kind == b->kind && a->scope == b->scope && a->prefix_bits == b->prefix_bits &&
	       a->pattern == b->pattern && a->embedded == b->embedded &&
	       a->host_offset == b->host_offset && a->host_length == b->host_length &&
	       a->reserved == b->reserved && a->length == b->length &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 &&
	       memcmp(key_text(a), key_text(b), a->length) == 0;
}

static void
step_ignore(void *context, const struct canon_step *step)
{
	(void)context;
	(void)step;
}

static void
ways_check(enum kind kind, enum canon_use use, const char *text, size_t length)
{
	static struct key quick, slow;
	struct canon_options options = { .use = use };
	if (!canon_quick(kind, text, length, &options, &quick))
		return;
	struct fault fault = { 0 };
	enum status status = canon_slow(kind, text, length, &options, &slow, &fault);
	expect(status == STATUS_OK, "kind %d, use %d: %.*s: %s", kind, use, (int)length,
		      text, fault.text);
	expect(keys_equal(&quick, &slow) && options.notes == 0,
		      "kind %d, use %d: %.*s\nquick %.*s\nslow  %.*s", kind, use, (int)length, text,
		      (int)quick.length, key_text(&quick), (int)slow.length, key_text(&slow));
	count.borrowed += quick.borrowed;
	count.mended += !quick.borrowed;
	options.on_step = step_ignore; /* whoever wants steps gets them from the slow way */
	if (!quick.borrowed && quick.length != 0)
		expect(!canon_quick(kind, text, length, &options, &quick), "a step is not told: %.*s",
		       (int)length, text);
}

static void
text_check(const char *bytes, size_t length)
{
	static const enum kind kinds[] = { KIND_URL,  KIND_ANY,  KIND_DOMAIN,
					   KIND_IPV4, KIND_SHA1, KIND_SHA256 };
	unsigned turn = (unsigned)count.texts++;
	char *text = turn % 2 == 0 ? place + PLACE_BYTES - length : place;
	memcpy(text, bytes, length);
	paths_check(text, length);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ways_check(kinds[i], CANON_QUERY, text, length);
		ways_check(kinds[i], CANON_ENTRY, text, length);
	}
}

static const char *const seeds[] = {
	"http://a.b/",
	"https://example.com/path/to/page.html?x=1&y=2",
	"http://example.com",
	"https://www.Example.COM/Path/?Q=%41%20%2f",
	"http://example.com:8080/x#frag",
	"https://xn--bcher-kva.example:443?query#f",
	"http://192.0.2.1/a/b/",
	"http://192.0.2.1:81",
	"http://a.b.c.d.e.f.g.example/.well-known/acme/..x/./y/../z",
	"http://h/a//b///c?d//e/./f",
	"http://h/%25/%2525/%252e%2e/%%41/%25%34%31/%5c%2F%3f%23%00",
	"http://h/%25a%41/%25%41B/x%25",
	"http://user:pass@host.example/",
	"http://host.example./x",
	"http://h..i/x",
	"http://h/\\*",
	"http://h/*",
	"http://h/a*",
	"http://h/?\\*",
	"http://h/a*#b",
	"http://h/\\*#b",
	"http://h/?\\*#b",
	"http://h/?\\%2A",
	"http://h/x y\xc3\xa9z?\xff",
	"http://h/\"quoted\"<b>(.)[.]{.}",
	"http://[2001:db8::1]/x",
	"http://0x7f.1/",
	"hxxp://example[.]com/",
	"HTTP://EXAMPLE.COM/",
	"ftp://h/x",
	"example.com",
	"EXAMPLE.Com.",
	"a-b_c.d0.e1",
	"sub.domain.of.some.rather.long.name.that.goes.on.for.more.than.64.bytes.example.org",
	"*.example.com",
	"192.0.2.1",
	"255.255.255.256",
	"d41d8cd98f00b204e9800998ecf8427e",
	"da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"dead.beef.",
	"example.com/path",
	" http://example.com/ ",
	"http://label-of-sixty-three-bytes-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example/",
	("http://a.example/0123456789012345678901234567890123456789012345678901234567890123456789"
	 "01234567890123456789012345678901234567890123456789012345678?0123456789#0123456789"),
};
#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))

/* splitmix64 */
static uint64_t
number_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t
below(uint64_t *state, size_t limit)
{
	return (size_t)(number_next(state) % limit);
}

static const char *const words[] = {
	"/", "//", "/.", "/..", "./", "/.a", "?", "#", "%", "%2", "%25", "%41", "%2e", "%2F", "%5C",
	"%3F", "%23", "%20", "%2a", "*", "\\", "\\*", "/*", ".", "..", ":", ":80", ":65536", "@", "A",
	"Z", "a", "0", "-", "_", " ", "\t", "\n", "\x7f", "\x80", "\xff", "\xc3\xa9", "[.]", "(.)",
	"\"", "'", "http://", "https://", "1.2.3.4", "256", "01", "0x1", "xn--", "f", "9",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* Replace `cut` bytes at a random place by `add` ones. */
static size_t
text_splice(uint64_t *state, char *text, size_t length, size_t cut, const char *add, size_t size)
{
	size_t at = below(state, length + 1);
	cut = cut < length - at ? cut : length - at;
	if (length - cut + size > TEXT_BYTES)
		return length;
	memmove(text + at + size, text + at + cut, length - at - cut);
	memcpy(text + at, add, size);
	return length - cut + size;
}

static size_t
text_mutate(uint64_t *state, char *text, size_t length)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-_./";
	char add[320];
	size_t size = 1, what = below(state, 8);
	if (what == 0)
		return text_splice(state, text, length, 1 + below(state, 12), "", 0);
	if (what == 1)
		add[0] = (char)below(state, 256);
	if (what >= 2 && what <= 5) {
		const char *word = words[below(state, WORDS)];
		size = strlen(word);
		memcpy(add, word, size);
	}
	if (what >= 6) {
		size_t kinds = below(state, 2) == 0 ? 36 : sizeof(plain) - 1;
		size = 1 + below(state, below(state, 16) == 0 ? sizeof(add) : 40);
		for (size_t i = 0; i < size; i++)
			add[i] = plain[below(state, kinds)];
	}
	return text_splice(state, text, length, below(state, 2), add, size);
}

START_TEST(mutations)
{
	static char text[TEXT_BYTES];
	const char *texts = getenv("CANON_QUICK_TEXTS"), *seed = getenv("CANON_QUICK_SEED");
	unsigned long wanted = texts == NULL ? TEXTS : strtoul(texts, NULL, 10);
	uint64_t state = seed == NULL ? 1 : strtoull(seed, NULL, 10);
	count.texts = count.borrowed = count.mended = 0;
	while (count.texts < wanted) {
		const char *from = seeds[below(&state, SEEDS)];
		size_t length = strlen(from);
		memcpy(text, from, length);
		text_check(text, length);
		for (size_t turns = 1 + below(&state, 6); turns > 0; turns--) {
			length = text_mutate(&state, text, length);
			text_check(text, length);
		}
	}
	printf("quick: %lu texts, %lu keys borrowed, %lu mended\n", count.texts, count.borrowed,
	       count.mended);
	/* the generator must reach both of them */
	ck_assert(count.borrowed > wanted / 20 && count.mended > wanted / 20);
}
END_TEST

/* Clean texts of each length, each byte value at each place of them. */
START_TEST(each_byte)
{
	static const char url[] = "https://abc.de-f.gh/ij/k.l?m=n/o&p/abcdefghijkl/mnopqr.stuvw?xyz";
	char text[200];
	for (size_t length = 1; length <= sizeof(text); length += length < 70 ? 1 : 13) {
		for (size_t i = 0; i < length; i++)
			text[i] = i < sizeof(url) - 1 ? url[i] : "abcde/fghi.jk"[i % 13];
		for (size_t at = 0; at < length; at++) {
			char was = text[at];
			for (int byte = 0; byte < 256; byte += at % 8 == 0 ? SLOWER / 4 + 1 : 5 + SLOWER) {
				text[at] = (char)byte;
				text_check(text, length);
			}
			text[at] = was;
		}
	}
}
END_TEST

START_TEST(each_byte_of_names)
{
	static const char name[] = "a.bc.def.ghij.klmno.pqrstu.vwxyz-0.123_456.a";
	char text[300];
	for (size_t length = 1; length <= sizeof(text); length += length < 70 ? 1 : 23) {
		for (size_t i = 0; i < length; i++)
			text[i] = name[(i + sizeof(name) - length % 31) % (sizeof(name) - 1)];
		for (size_t at = 0; at < length; at++) {
			char was = text[at];
			for (int byte = 0; byte < 256; byte += at % 8 == 0 ? SLOWER / 4 + 1 : 3 + SLOWER) {
				text[at] = (char)byte;
				text_check(text, length);
			}
			text[at] = was;
		}
	}
	memset(text, 'a', sizeof(text));
	for (size_t length = 1; length <= sizeof(text); length++)
		text_check(text, length);
}
END_TEST

/* Every pair of bytes, between and after plain ones, in host, path and query. */
START_TEST(each_pair)
{
	static const char *const around[][2] = {
		{ "http://a.b/c", "d" }, { "http://a.b/", "" },	  { "http://a.b/c?d", "e" },
		{ "http://a.b", "" },	 { "http://a", "b.c/d" }, { "http://a.b/%25", "1" },
		{ "", "bc.de" },
	};
	char text[64];
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		size_t before = strlen(around[i][0]), after = strlen(around[i][1]);
		memcpy(text, around[i][0], before);
		memcpy(text + before + 2, around[i][1], after);
		for (unsigned pair = 0; pair < 65536; pair += 2 * SLOWER - 1) {
			text[before] = (char)(pair >> 8);
			text[before + 1] = (char)pair;
			text_check(text, before + 2 + after);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("canon_quick");
	TCase *tcase = tcase_create("quick");
	tcase_set_timeout(tcase, 600);
	tcase_add_unchecked_fixture(tcase, place_make, NULL);
	tcase_add_test(tcase, each_byte);
	tcase_add_test(tcase, each_byte_of_names);
	tcase_add_test(tcase, each_pair);
	tcase_add_test(tcase, mutations);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
