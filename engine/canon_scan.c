/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/canon_scan.h"

#include "engine/canon_percent.h"
#include "engine/canon_scan_paths.h"

#define ROW(path) { #path, canon_scan_domain_##path, canon_scan_url_##path }
#ifdef __x86_64__
#define HAS_AVX512 (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw"))
#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))

static const struct canon_scan_path paths[] = {
	ROW(avx512), ROW(avx2), ROW(sse2), ROW(portable),
};

static bool
machine_has(size_t i)
{
	return i > 1 || (i == 0 ? HAS_AVX512 : HAS_AVX2);
}

size_t
canon_scan_domain(const char *text, size_t length)
{
	/* names are mostly shorter than 32 bytes: AVX2 was no faster */
	return HAS_AVX512 ? canon_scan_domain_avx512(text, length)
			  : canon_scan_domain_sse2(text, length);
}

bool
canon_scan_url(const char *text, size_t length, struct canon_scan *scan)
{
	if (HAS_AVX512)
		return canon_scan_url_avx512(text, length, scan);
	return HAS_AVX2 ? canon_scan_url_avx2(text, length, scan)
			: canon_scan_url_sse2(text, length, scan);
}
#else
static const struct canon_scan_path paths[] = { ROW(portable) };

static bool
machine_has(size_t i)
{
	return i == 0;
}

size_t
canon_scan_domain(const char *text, size_t length)
{
	return canon_scan_domain_portable(text, length);
}

bool
canon_scan_url(const char *text, size_t length, struct canon_scan *scan)
{
	return canon_scan_url_portable(text, length, scan);
}
#endif

const struct canon_scan_path *
canon_scan_path(size_t i)
{
	for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++)
		if (machine_has(k) && i-- == 0)
			return &paths[k];
	return NULL;
}

/*
 * An escape that the form itself writes: upper case, of a byte that must be
 * escaped, and %25 only where no longer escape would appear.
 */
static bool
clean_escape(const char *text, size_t length, size_t i)
{
	if (!canon_escape_at(text, length, i) || text[i + 1] > 'F' || text[i + 2] > 'F')
		return false;
	char byte = (char)(canon_hex(text[i + 1]) << 4 | canon_hex(text[i + 2]));
	if (!canon_must_escape(byte))
		return false;
	bool longer = length - i > 4 && canon_is(text[i + 3], CANON_HEX) &&
		      canon_is(text[i + 4], CANON_HEX);
	return byte != '%' || !longer;
}

/* No second slash, and a dot only where it is no dot segment: /.well-known, but not /..x. */
static bool
clean_slash(const char *text, size_t length, size_t i)
{
	if (i + 1 == length || (text[i + 1] != '/' && text[i + 1] != '.'))
		return true;
	return text[i + 1] == '.' && length - i > 2 && text[i + 2] != '.' &&
	       canon_is(text[i + 2], CANON_CLEAN);
}

bool
canon_scan_byte(const char *text, size_t length, size_t i, bool query)
{
	if (text[i] == '%')
		return clean_escape(text, length, i);
	if (text[i] == '/')
		return query || clean_slash(text, length, i);
	return text[i] == '\\' && query;
}

size_t
canon_scan_look(const char *text, size_t length, size_t base, uint64_t look, size_t question)
{
	for (; look != 0; look &= look - 1) {
		size_t i = base + (size_t)__builtin_ctzll(look);
		if (!canon_scan_byte(text, length, i, i > question))
			return i;
	}
	return CANON_SCAN_NONE;
}
