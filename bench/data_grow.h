/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real lists, and keys grown from them.
 *
 *   ipv4         the real entries again and again, each /24 moved as a whole inside
 *                its /16 and turned within: lengths and crowding stay
 *   ipv6         made up on networks of the BGP table: 55 % addresses in crowded
 *                /64s, 30 % /64, 12 % /48, some /56 and /32
 *   domain, url  every label left of the public suffix (the last label, or two
 *                as in co.uk) has its letters and digits replaced by others,
 *                the same label always by the same one in one round: lengths,
 *                depth and who lies below whom stay; a URL keeps its path
 *   bgp          the BGP table, never grown
 *
 * One rule at a time: the lists are kept until grow_fini.
 */
#ifndef BENCH_DATA_GROW_H
#define BENCH_DATA_GROW_H

#include "bench/data.h"

struct grow_rule {
	/* Write key `at` of `data`; false: no key this turn. */
	bool (*make)(struct data *data, size_t at, uint64_t turn);
};

/* NULL if there is no such table. */
const struct grow_rule *
grow_rule_of(struct data *data);
void
grow_fini(void);

/* A name with its labels replaced; `to` holds as much as `from`. */
void
grow_scramble(uint64_t round, const char *from, size_t length, char *to);
/* The host of a URL: where it begins, its length. */
size_t
grow_url_host(const char *url, size_t length, size_t *host_length);

/* The canonical text of a name or URL, in a place of its own until the next call. */
bool
grow_canonical(enum data_class class, const char **text, size_t *length);

#endif
