/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and URLs out of what applications say: DNS queries, HTTP/1 requests,
 * TLS ClientHellos. The protocol is told from the bytes, not from the port,
 * except DNS (port 53, 5353 and 5355).
 *
 *   extract_datagram                     a UDP payload from or to a DNS port
 *   extract_bytes* -> extract_end        one direction of a TCP connection, in order
 *
 * What is found goes to the sink at once; texts live during that call. A
 * direction that is neither, such as an answer, costs a look at its first bytes.
 * When bytes were lost the reader looks for the next request at the beginning
 * of a segment.
 *
 * Any bytes are safe. One thread per sink and per direction.
 */
#ifndef QUERY_EXTRACT_H
#define QUERY_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/limits.h"

#define EXTRACT_HEAD_BYTES 65536     /* of a request's head or a ClientHello; a longer one is
                                      * read as far as that */
#define EXTRACT_TRIES 64             /* segments without anything known, or DNS messages that are no
                                      * queries, in a row: then the direction is left */
#define EXTRACT_HOSTS 4              /* Host fields of a request */
#define EXTRACT_FIELDS 1024          /* header fields of a request */
#define EXTRACT_QUESTIONS 32         /* of a DNS message */
#define EXTRACT_JUMPS 32             /* compression pointers in a DNS name */
#define EXTRACT_CHUNK_LINE 1024      /* bytes of the line before a chunk */
#define EXTRACT_TEXT_BYTES (LIMIT_URL_INPUT_BYTES + 8) /* of what is found */

enum extract_app { EXTRACT_UNKNOWN, EXTRACT_DNS, EXTRACT_HTTP, EXTRACT_TLS, EXTRACT_APPS };
/* "dns", "http", "tls"; "" */
extern const char *const extract_app_names[EXTRACT_APPS];

struct extract_item {
	enum extract_app app;
	bool url;            /* a URL; else a name or an address */
	bool cut;            /* longer than EXTRACT_TEXT_BYTES: this is its beginning */
	const char *text;
	size_t length;
	const char *host;    /* url: its host with port, as sent */
	size_t host_length;
};

struct extract_sink {
	void (*item)(void *context, const struct extract_item *item);
	/* Text of the address that a request without a Host goes to; returns its length, at most 64. */
	size_t (*authority)(void *context, char *text);
	void *context;
	size_t *memory;      /* bytes that directions hold, over all */
	char text[EXTRACT_TEXT_BYTES];
	uint8_t hello[EXTRACT_HEAD_BYTES];
};

/* One direction. All zero, but for `dns`, is a new one. */
struct extract {
	uint8_t *buffer;     /* what is not taken yet */
	uint32_t used, capacity;
	uint32_t need;       /* fewer bytes than that are not worth a look */
	uint32_t scanned;    /* of the buffer: no end of a head in there */
	uint64_t skip;       /* bytes of a body to come */
	uint8_t app;         /* enum extract_app */
	uint8_t phase;       /* of HTTP: private to extract_http.c; of DNS: messages that were no query */
	uint8_t tries;
	bool dns;            /* a DNS port */
	bool done;           /* nothing more to find */
};

void
extract_datagram(const uint8_t *bytes, size_t length, struct extract_sink *sink);

#define EXTRACT_GAP_UNKNOWN 0xffffffffu

/* `gap`: bytes that are missing before these; 0 none. */
void
extract_bytes(struct extract *extract, const uint8_t *bytes, size_t length, uint32_t gap,
	      struct extract_sink *sink);
/* No more will come: read what is there, and free. */
void
extract_end(struct extract *extract, struct extract_sink *sink);

/* --- private to extract*.c -------------------------------------------------------------- */

/*
 * Take one message from the beginning of `bytes`: how many bytes it had, 0: more
 * are needed (extract->need says how many, if that is known). EXTRACT_NONE: it is none.
 * `last`: no more will come.
 */
#define EXTRACT_NONE SIZE_MAX
size_t
extract_http_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		  struct extract_sink *sink);
size_t
extract_tls_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		 struct extract_sink *sink);
size_t
extract_dns_take(struct extract *extract, const uint8_t *bytes, size_t length, bool last,
		 struct extract_sink *sink);

/* Could these be the first bytes of a request? True for too few to tell. */
bool
extract_http_begins(const uint8_t *bytes, size_t length);

#endif
