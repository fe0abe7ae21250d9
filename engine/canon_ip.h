/* SPDX-License-Identifier: Apache-2.0 */
/* Address text, strict: private to canon*.c. */
#ifndef ENGINE_CANON_IP_H
#define ENGINE_CANON_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Four decimal numbers without leading zeros, nothing else. Host order. */
bool
canon_ipv4_parse(const char *text, size_t length, uint32_t *address);

/* RFC 4291 2.2, all three forms; no zone, no brackets. */
bool
canon_ipv6_parse(const char *text, size_t length, uint8_t address[16]);

#endif
