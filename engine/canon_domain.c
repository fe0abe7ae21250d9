/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon_domain.h"

#include <string.h>

#include "engine/canon_defang.h"
#include "engine/canon_host.h"
#include "engine/canon_idna.h"
#include "engine/canon_percent.h"

static enum status
domain_fault(struct canon_run *run, const char *reason)
{
	return fault_set(run->fault, STATUS_BAD_DOMAIN, NULL, 0, "%s", reason);
}

enum status
canon_domain_ascii(const char *text, size_t length, char *out, size_t *out_length)
{
	if (length >= CANON_HOST_BYTES || !canon_utf8(text, length))
		return STATUS_BAD_DOMAIN;
	enum status status = STATUS_OK;
	*out_length = length;
	if (canon_ascii(text, length))
		for (size_t i = 0; i < length; i++)
			out[i] = canon_lower(text[i]);
	else
		status = canon_idna(text, length, out, CANON_HOST_BYTES, out_length);
	for (size_t i = 0; status == STATUS_OK && i < *out_length; i++)
		if (canon_is(out[i], CANON_FORBIDDEN))
			return STATUS_BAD_DOMAIN;
	return status == STATUS_OK && *out_length == 0 ? STATUS_BAD_DOMAIN : status;
}

/* What a name in the DNS can be, or else why not; NULL if it can. */
static const char *
name_reason(const char *name, size_t length)
{
	size_t label = 0;
	if (length == 0)
		return "the name is empty";
	if (length > LIMIT_DOMAIN_BYTES)
		return "the name is longer than 253 bytes";
	for (size_t i = 0; i <= length; i++) {
		if (i < length && canon_is(name[i], CANON_NAME))
			continue;
		if (i < length && name[i] != '.')
			return "a name has only letters, digits, -, _ and dots";
		if (i == label)
			return "the name has an empty label";
		if (i - label > LIMIT_LABEL_BYTES)
			return "the name has a label longer than 63 bytes";
		label = i + 1;
	}
	if (canon_host_ends_in_number(name, length))
		return "the last label is a number, so this is no name";
	return NULL;
}

/* The name itself, without marks and stars; the key's text on success. */
static enum status
name_read(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	size_t used;
	if (length > 0 && text[length - 1] == '.')
		length--;
	if (memchr(text, '/', length) != NULL)
		return domain_fault(run, "a domain has no path; this looks like a URL");
	enum status status = canon_domain_ascii(text, length, key->buffer, &used);
	if (status == STATUS_NO_MEMORY)
		return fault_set(run->fault, status, NULL, 0, "out of memory");
	bool ascii = canon_ascii(text, length);
	if (status != STATUS_OK && !ascii)
		return domain_fault(run, "not a valid international name (UTS-46)");
	if (status == STATUS_OK && !ascii && used > 0 && key->buffer[used - 1] == '.')
		used--; /* the trailing dot was an ideographic one */
	const char *reason = status == STATUS_OK ? name_reason(key->buffer, used)
						 : name_reason(text, length);
	if (reason != NULL)
		return domain_fault(run, reason);
	if (used != length || memcmp(text, key->buffer, used) != 0)
		canon_tell(run, ascii ? "lower-case" : "idna", key->buffer, used);
	key_init(key, KIND_DOMAIN);
	key->length = (uint32_t)used;
	return STATUS_OK;
}

enum status
canon_read_domain(struct canon_run *run, const char *text, size_t length, struct key *key)
{
	bool star = length > 2 && text[0] == '*' && text[1] == '.';
	if (star && run->use == CANON_QUERY)
		return domain_fault(run, "a look-up takes no wildcard, only a name");
	if (star && (length == 3 && text[2] == '.'))
		return domain_fault(run, "a wildcard needs a name after *.");
	size_t skip = star ? 2 : 0;
	enum status status = name_read(run, text + skip, length - skip, key);
	if (status == STATUS_OK && star)
		key->scope = SCOPE_BELOW;
	return status;
}
