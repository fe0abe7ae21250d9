/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a container out of fuzzed bytes, so that mutations get past checksums.
 * Either the input is a container (its magic says so) and is sealed again, or
 * it is a list of sections, packed: id (4 bytes), length (2 bytes, little-endian),
 * bytes; they are put in a container of their own.
 */
#ifndef FUZZ_SEAL_H
#define FUZZ_SEAL_H

#include <stddef.h>
#include <stdint.h>

/* The caller frees; NULL if memory is short or the input too large. */
uint8_t *
seal_make(const uint8_t *bytes, size_t length, uint32_t content, size_t *made_length);

#endif
