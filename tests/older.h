/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments as programs of before wrote them: format 2, in which the length of each key text stands before
 * it, in two bytes, and INFO has no `tops`. Made from a good segment of today, without names of one label, by its
 * sections alone. And one that nobody wrote.
 */
#ifndef TESTS_OLDER_H
#define TESTS_OLDER_H

#include <stddef.h>
#include <stdint.h>

/* The caller frees. All checksums are right. */
uint8_t *
older_make(const uint8_t *bytes, size_t *made_length);

/* The segment itself, but before the first text of each kind stands a byte that belongs to no key. */
uint8_t *
older_idle_byte(const uint8_t *bytes, size_t *made_length);

#endif
