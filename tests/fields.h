/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every field of every structure that stands in a file, by name: what
 * docs/format.md is compared with, and what corruption tests break one by one.
 * test_format.c proves that the list is whole: no structure of engine/format.h
 * or engine/ptrie.h missing, no byte of one without a field.
 */
#ifndef TESTS_FIELDS_H
#define TESTS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_truth {
	FIELD_STRICT,  /* another value is damage that a check must name */
	FIELD_FREE,    /* another value may be another good file: listed in docs/testing.md */
	FIELD_SUM      /* a checksum: raw damage only, resealing puts it right */
};

struct field {
	const char *structure;  /* "header_d" */
	const char *name;       /* "magic"; arrays have no index */
	size_t offset, size;
	size_t structure_size;
	enum field_truth truth;
};

extern const struct field field_table[];
extern const size_t field_count;

#endif
