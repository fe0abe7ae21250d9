/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fields.h"

#include "engine/format.h"
#include "engine/ptrie.h"
#include "engine/wide.h"

#define FIELD(structure, name, truth) \
	{ #structure, #name, offsetof(struct structure, name), \
	  sizeof(((struct structure *)0)->name), sizeof(struct structure), truth }
#define STRICT(structure, name) FIELD(structure, name, FIELD_STRICT)
#define FREE(structure, name) FIELD(structure, name, FIELD_FREE)
#define SUM(structure, name) FIELD(structure, name, FIELD_SUM)

const struct field field_table[] = {
	STRICT(header_d, magic),
	STRICT(header_d, content),
	STRICT(header_d, version),
	FREE(header_d, compatible),     /* unknown bits are ignored by definition */
	STRICT(header_d, incompatible),
	STRICT(header_d, file_bytes),
	STRICT(header_d, table_offset),
	STRICT(header_d, section_count),
	STRICT(header_d, reserved),
	SUM(header_d, header_sum),

	STRICT(section_d, id),
	STRICT(section_d, flags),
	STRICT(section_d, offset),
	STRICT(section_d, length),
	SUM(section_d, sum),

	SUM(footer_d, table_sum),
	SUM(footer_d, sha256),

	STRICT(info_kind_d, entries),
	STRICT(info_kind_d, keys),
	STRICT(info_kind_d, buckets),
	STRICT(info_kind_d, first_step),
	STRICT(info_kind_d, reseeds),
	STRICT(info_kind_d, salt),

	STRICT(info_d, canon_version),
	STRICT(info_d, flags),
	STRICT(info_d, seed),
	STRICT(info_d, gate_bits),
	STRICT(info_d, reserved),
	STRICT(info_d, kind),
	STRICT(info_d, tops),

	STRICT(bucket_d, slot),
	STRICT(bucket_d, base),
	STRICT(bucket_d, overflow),

	FREE(hosts_line_d, address),    /* another host of this line, in the same block of the bitmap */
	STRICT(hosts_line_d, state),
	FREE(hosts_line_d, claims),     /* another key's claims are claims too */
	STRICT(hosts_line_d, covered),
	STRICT(record_ipv6_d, address),
	FREE(record_ipv6_d, claims),
	STRICT(record_sha1_d, digest),
	FREE(record_sha1_d, claims),
	STRICT(record_sha256_d, digest),
	FREE(record_sha256_d, claims),
	STRICT(record_text_d, offset),
	FREE(record_text_d, claims),

	FREE(claim_d, source),          /* what a claim says is not repeated elsewhere */
	FREE(claim_d, scope),
	STRICT(claim_d, flags),
	FREE(claim_d, set),
	FREE(claim_d, notes),
	FREE(claim_d, expires),
	FREE(claim_d, first_seen),
	FREE(claim_d, last_seen),
	STRICT(claim_d, reserved),

	STRICT(strings_d, count),
	STRICT(strings_d, reserved),

	STRICT(pattern_d, pattern),
	STRICT(pattern_d, reserved),
	STRICT(pattern_d, length),
	STRICT(pattern_d, count),

	FREE(expiry_d, swept),          /* of an overlay: says something of the layers below */
	STRICT(expiry_d, count),
	FREE(expiry_d, part),           /* of another writer: test_expiry makes such files */
	STRICT(due_d, expires),
	STRICT(due_d, low),
	STRICT(due_d, places),
	STRICT(journal_d, magic),
	STRICT(journal_d, version),
	STRICT(journal_d, reserved),
	STRICT(journal_d, id),
	STRICT(journal_d, seed),
	SUM(journal_d, sum),

	STRICT(record_d, magic),
	STRICT(record_d, layer_count),
	STRICT(record_d, journal),
	STRICT(record_d, previous),
	STRICT(record_d, generation),
	STRICT(record_d, published),
	STRICT(record_d, compacted),
	STRICT(record_d, bytes),
	STRICT(record_d, catalog),
	STRICT(record_d, catalog_bytes),
	SUM(record_d, catalog_sum),
	SUM(record_d, payload_sum),
	SUM(record_d, sum),

	STRICT(record_layer_d, number),
	STRICT(record_layer_d, offset),
	STRICT(record_layer_d, bytes),
	FREE(record_layer_d, stamp),    /* of this machine's file; another one costs a check */
	STRICT(record_layer_d, sha256),

	STRICT(manifest_d, generation),
	STRICT(manifest_d, published),
	STRICT(manifest_d, seed),
	STRICT(manifest_d, layer_count),
	STRICT(manifest_d, reserved),
	STRICT(layer_d, number),
	STRICT(layer_d, file_bytes),
	STRICT(layer_d, sha256),

	STRICT(ptrie_head_d, kind),
	STRICT(ptrie_head_d, root_bits),
	STRICT(ptrie_head_d, zero),
	STRICT(ptrie_head_d, node_count),
	STRICT(ptrie_head_d, leaf_count),
	STRICT(ptrie_head_d, record_count),
	STRICT(ptrie_head_d, zero_more),
	STRICT(ptrie_node_d, inner),
	STRICT(ptrie_node_d, runs),
	STRICT(ptrie_node_d, first_node),
	STRICT(ptrie_node_d, first_leaf),
	STRICT(ptrie_leaf_d, record),
	STRICT(ptrie_leaf_d, claims),   /* the record has the same */

	STRICT(ptrie_tail_d, bits),
	STRICT(ptrie_tail_d, zero),
	STRICT(ptrie_tail_d, parent),
	FREE(ptrie_tail_d, claims),     /* of a prefix that longer ones cover whole */

	STRICT(wide_head_d, root_bits),
	STRICT(wide_head_d, line_count),
	STRICT(wide_head_d, record_count),
	STRICT(wide_head_d, zero),
	STRICT(wide_brief_d, key),
	STRICT(wide_brief_d, value),
	STRICT(wide_brief_d, zero),
	STRICT(wide_full_d, key),
	STRICT(wide_full_d, value),
	STRICT(wide_inner_d, key),
	STRICT(wide_inner_d, first),
	STRICT(wide_inner_d, full),
	STRICT(wide_inner_d, last),
	FREE(wide_hot_d, claims),
	FREE(wide_hot_d, bits),
	STRICT(wide_hot_d, zero),
	FREE(wide_key_d, address),
	STRICT(wide_key_d, parent),
};

const size_t field_count = sizeof(field_table) / sizeof(field_table[0]);
