/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonicalisation: repute_key_text beside what others do with a URL. They parse
 * only (uriparser, libcurl), or parse, normalise and print (-normalize), none of
 * it what a browser would request; the ratio says what the step costs, not that
 * the results are the same. An answer of zeros means: the URL was taken, and
 * for repute also that its canonical form is its own canonical form.
 */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <uriparser/Uri.h>

#include "bench/peers/peers.h"
#include "query/repute.h"

#define URL_MOST 4096

static struct answer
taken(bool good)
{
	return (struct answer){!good, 0};
}

static void
nothing_free(void *self)
{
	free(self);
}

/* --- repute ------------------------------------------------------------------------------- */

static void *
canon_build(const struct data *data)
{
	(void)data;
	return calloc(1, sizeof(struct repute_key));
}

static struct answer
canon_one(void *self, const struct queries *queries, size_t i)
{
	size_t length;
	const char *text = (const char *)query_key(queries, i, &length);
	return taken(repute_key_text(REPUTE_URL, text, length, self) == REPUTE_OK);
}

static struct answer
canon_settle(void *self, const struct queries *queries, size_t i)
{
	char first[URL_MOST], second[URL_MOST];
	size_t length;
	struct answer answer = canon_one(self, queries, i);
	length = repute_key_print(self, first, sizeof(first));
	if (repute_key_text(REPUTE_URL, first, length, self) != REPUTE_OK)
		return taken(false);
	repute_key_print(self, second, sizeof(second));
	return strcmp(first, second) == 0 ? answer : taken(false);
}

static uint64_t
no_bytes(void *self)
{
	(void)self;
	return 0;
}

/* --- uriparser ---------------------------------------------------------------------------- */

static void *
nothing_build(const struct data *data)
{
	(void)data;
	return malloc(1);
}

static struct answer
uri_one(void *self, const struct queries *queries, size_t i)
{
	size_t length;
	const char *text = (const char *)query_key(queries, i, &length), *stop;
	UriUriA uri;
	(void)self;
	bool good = uriParseSingleUriExA(&uri, text, text + length, &stop) == URI_SUCCESS;
	if (good)
		uriFreeUriMembersA(&uri);
	return taken(good);
}

static struct answer
uri_normalize_one(void *self, const struct queries *queries, size_t i)
{
	size_t length;
	const char *text = (const char *)query_key(queries, i, &length), *stop;
	char printed[URL_MOST];
	UriUriA uri;
	(void)self;
	if (uriParseSingleUriExA(&uri, text, text + length, &stop) != URI_SUCCESS)
		return taken(false);
	bool good = uriNormalizeSyntaxA(&uri) == URI_SUCCESS &&
		    uriToStringA(printed, &uri, sizeof(printed), NULL) == URI_SUCCESS;
	uriFreeUriMembersA(&uri);
	return taken(good);
}

/* --- libcurl ------------------------------------------------------------------------------- */

static void *
curl_build(const struct data *data)
{
	(void)data;
	return curl_url();
}

/* Its calls want a NUL: the copy is part of the time. */
static bool
curl_parse(CURLU *handle, const struct queries *queries, size_t i)
{
	char text[URL_MOST];
	size_t length;
	const uint8_t *bytes = query_key(queries, i, &length);
	memcpy(text, bytes, length);
	text[length] = '\0';
	return curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK;
}

static struct answer
curl_one(void *self, const struct queries *queries, size_t i)
{
	return taken(curl_parse(self, queries, i));
}

static struct answer
curl_normalize_one(void *self, const struct queries *queries, size_t i)
{
	char *printed = NULL;
	bool good = curl_parse(self, queries, i) &&
		    curl_url_get(self, CURLUPART_URL, &printed, 0) == CURLUE_OK;
	curl_free(printed);
	return taken(good);
}

static void
curl_drop(void *self)
{
	curl_url_cleanup(self);
}

#define CANON FOR(CLASS_CANON), 0, 0

static const struct peer peers[] = {
	{"repute", CANON, canon_build, nothing_free, canon_one, NULL, no_bytes, NULL, canon_settle},
	{"uriparser", CANON, nothing_build, nothing_free, uri_one, NULL, no_bytes},
	{"uriparser-normalize", CANON, nothing_build, nothing_free, uri_normalize_one, NULL, no_bytes},
	{"libcurl", CANON, curl_build, curl_drop, curl_one, NULL, no_bytes},
	{"libcurl-normalize", CANON, curl_build, curl_drop, curl_normalize_one, NULL, no_bytes},
};

const struct peer_family family_urls = {peers, sizeof(peers) / sizeof(*peers)};
