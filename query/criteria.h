/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Criteria: a condition on the tags of ONE claim.
 *
 *   criteria_parse -> criteria_match* -> criteria_free
 *
 *   condition  := all ("or" all)*
 *   all        := part ("and" part)*
 *   part       := "not" part | "(" condition ")" | comparison
 *   comparison := CATEGORY ("=" | "!=" | "<" | "<=" | ">" | ">=") VALUE
 *               | CATEGORY "in" "(" VALUE ("," VALUE)* ")"
 *               | CATEGORY "is" ("missing" | "present")
 *
 * `not` binds tightest, then `and`, then `or`. Keywords and category names are
 * read in any letter case. A name or value with blanks, one of ( ) , = ! < > "
 * in it, or that is a keyword stands in double quotes, with \" and \\ inside.
 * Blanks, tabs and line ends separate. The text is UTF-8.
 *
 * Types are checked while parsing: the category must exist, each value must
 * be one that the category can have (engine/tag.h: same spellings as for tags),
 * and < <= > >= need a number or a date. What is found true:
 *
 *                  tag absent   a value = v   no value = v
 *   C = v             false         true          false
 *   C != v            false         false         true
 *   C in (v, w)       false         true (v or w) false
 *   C < v (number, date)  false     false         by value
 *   C <= v                false     true          by value
 *   C > v                 false     false         by value
 *   C >= v                false     true          by value
 *   C is present      false         true          true
 *   C is missing      true          false         false
 *
 *   not X: the opposite of X's cell, so `not (C = v)` is true where the tag is
 *   absent, and `C != v` is not.
 *
 * A list tag may have several values: "a value = v" means any of them, "no
 * value = v" means none of them. Text is equal byte for byte, letter case
 * counts. List values, yes/no and dates are compared in canonical form, so
 * `= HIGH` finds High, `= t` finds yes, `= 2026-01-01` finds midnight UTC.
 * A tag whose type is not its category's type is no tag of that category, nor is one
 * in the wrong half (engine/tag.h: the set has list, yesno, number, the notes the rest).
 *
 * Beside categories there are pseudo-categories, for searching a store. A real
 * category of the same name wins. Asked like tags of these types:
 *
 *   kind    list: ipv4, ipv6, domain, url, sha1, sha256
 *   scope   list: exact, below, tree
 *   source  text          key  text (the canonical key, up to 255 bytes)
 *   expires, first_seen, last_seen  date (0 in the subject: missing)
 *
 * Whether a claim without tags is asked at all is the caller's rule (filters:
 * no, product.md Semantics 6; `list --where`: yes).
 *
 * Parsed criteria are immutable, independent of the catalogue they were checked
 * against, and may be used by any number of threads. Matching allocates nothing.
 */
#ifndef QUERY_CRITERIA_H
#define QUERY_CRITERIA_H

#include "engine/catalog.h"
#include "engine/kind.h"

/* All are STATUS_LIMIT when crossed. */
#define CRITERIA_TEXT_BYTES 65536    /* as written, and in canonical form */
#define CRITERIA_DEPTH 64            /* parentheses and nots inside each other */
#define CRITERIA_NODES 8192          /* comparisons, ands, ors, nots */
#define CRITERIA_VALUES 8192
#define CRITERIA_CATEGORIES 64       /* different categories in one condition */

struct criteria;

/*
 * A fault's text is "line 1, column 7: what is wrong; what was expected", lines
 * and columns from 1, columns in characters; its offset is the byte. Status:
 * criteria, limit or no-memory. The text is not kept.
 */
enum status
criteria_parse(const char *text, size_t length, const struct catalog *catalog,
	       struct criteria **out, struct fault *fault);

/* NULL is welcome. */
void
criteria_free(struct criteria *criteria);

/*
 * One claim. Tag strings are canonical bytes (engine/tag.h), both may be
 * empty; the rest is for pseudo-categories and may stay zero without them
 * (NULL source or key, zero scope: missing).
 */
struct criteria_subject {
	const uint8_t *set;
	size_t set_length;
	const uint8_t *notes;
	size_t notes_length;
	enum kind kind;      /* KIND_COUNT: missing */
	uint8_t scope;       /* enum scope */
	const char *source;
	size_t source_length;
	const char *key;
	size_t key_length;
	uint64_t expires;
	uint64_t first_seen;
	uint64_t last_seen;
};

/* Safe for any bytes; tag strings that are damaged match nothing, not even `not`. */
bool
criteria_match(const struct criteria *criteria, const struct criteria_subject *subject);

/*
 * The canonical text, NUL-terminated, on the heap (the caller frees *text):
 * defined spellings, single blanks, fewest parentheses and quotes, values of
 * `in` sorted and distinct. Parsing it again gives the same criteria.
 */
enum status
criteria_print(const struct criteria *criteria, char **text, size_t *length,
	       struct fault *fault);

/* True if a text or date category is asked: the tag set alone does not decide. */
bool
criteria_uses_notes(const struct criteria *criteria);

/* True if a pseudo-category is asked: tags alone do not decide. */
bool
criteria_uses_pseudo(const struct criteria *criteria);

/* True if this tag category is asked, its name as defined. */
bool
criteria_uses_category(const struct criteria *criteria, const char *name, size_t length);

/* True if `is missing` is asked anywhere: preview warns, it selects all that lack the tag. */
bool
criteria_uses_missing(const struct criteria *criteria);

#endif
