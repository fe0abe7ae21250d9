/* SPDX-License-Identifier: Apache-2.0 */
/* The public library's judgement: repute.h over judge.c. No logic of its own. */
#include <string.h>

#include "query/api_cast.h"

static const char *const outcome_names[] = {
	[REPUTE_VERDICT_NONE] = "none",
	[REPUTE_VERDICT_PERMIT] = "permit",
	[REPUTE_VERDICT_BLOCK] = "block",
	[REPUTE_VERDICT_RATE_LIMIT] = "rate-limit",
	[REPUTE_VERDICT_TRUST] = "trust",
	[REPUTE_VERDICT_QUARANTINE] = "quarantine",
	[REPUTE_VERDICT_ERROR] = "error",
};

const char *
repute_outcome_text(enum repute_outcome outcome)
{
	if ((unsigned)outcome >= sizeof(outcome_names) / sizeof(outcome_names[0]))
		return "unknown";
	return outcome_names[outcome];
}

/* --- profiles -------------------------------------------------------------------------- */

static enum repute_status
load(struct repute_view *view, const char *text, size_t length,
     const struct repute_profile *before, struct repute_profile **profile,
     struct repute_fault *fault)
{
	struct profile *parsed;
	enum status status = profile_parse(text, length, &view_of(view)->catalog, &parsed,
					   fault_of(fault));
	if (status == STATUS_OK)
		status = judge_new((struct view *)view, parsed, judge_of(before),
				   (struct judge **)profile, fault_of(fault));
	return (enum repute_status)status;
}

enum repute_status
repute_profile_load(struct repute_view *view, const char *text, size_t length,
		    struct repute_profile **profile, struct repute_fault *fault)
{
	return load(view, text, length, NULL, profile, fault);
}

enum repute_status
repute_profile_load_named(struct repute_view *view, const char *name,
			  const struct repute_profile *before, struct repute_profile **profile,
			  struct repute_fault *fault)
{
	const struct profile_row *row = catalog_profile(&view_of(view)->catalog, name, strlen(name));
	if (row == NULL)
		return (enum repute_status)fault_set(fault_of(fault), STATUS_MISSING, name, 0,
						     "there is no profile '%s'", name);
	return load(view, row->text, row->text_length, before, profile, fault);
}

void
repute_profile_free(struct repute_profile *profile)
{
	judge_free((struct judge *)profile);
}

const char *
repute_profile_name(const struct repute_profile *profile)
{
	return judge_profile(judge_of(profile))->name;
}

const char *
repute_profile_filter(const struct repute_profile *handle, uint32_t filter)
{
	const struct profile *profile = judge_profile(judge_of(handle));
	return filter < profile->filter_count ? profile->filters[filter].name : NULL;
}

const char *
repute_profile_action(const struct repute_profile *handle, uint32_t filter)
{
	const struct profile *profile = judge_profile(judge_of(handle));
	return filter < profile->filter_count
		       ? profile->actions[profile->filters[filter].action].name : NULL;
}

const char *
repute_profile_exception(const struct repute_profile *handle, uint32_t exception)
{
	const struct profile *profile = judge_profile(judge_of(handle));
	return exception < profile->exception_count ? profile->exceptions[exception].name : NULL;
}

/* --- verdicts -------------------------------------------------------------------------- */

/* "Could not tell" must not look like "nothing known", whatever the caller does with the status. */
static __attribute__((noinline)) enum repute_status
refuse(struct repute_verdict *verdicts, size_t n, enum repute_status status)
{
	for (size_t i = 0; i < n; i++)
		verdicts[i] = (struct repute_verdict){.outcome = REPUTE_VERDICT_ERROR,
						      .filter = REPUTE_NO_ROW,
						      .exception = REPUTE_NO_ROW};
	return status;
}

static inline enum repute_status
told(const struct repute_profile *profile, struct repute_verdict *verdicts, size_t n)
{
	return view_sound(judge_view(judge_of(profile))) ? REPUTE_OK
							 : refuse(verdicts, n, REPUTE_CORRUPT);
}

enum repute_status
repute_judge(const struct repute_profile *profile, const struct repute_key *key, uint64_t now,
	     struct repute_verdict *verdict)
{
	if (!key_is_good(key_const(key)))
		return refuse(verdict, 1, REPUTE_USAGE);
	judge_one(judge_of(profile), key_const(key), now, verdict);
	return told(profile, verdict, 1);
}

/* Runs of names or URLs are one batch each; the rest is asked from keys one at a time. */
enum repute_status
repute_judge_many(const struct repute_profile *profile, const struct repute_key *keys, size_t n,
		  uint64_t now, struct repute_verdict *verdicts)
{
	const struct key *run[API_RUN];
	for (size_t i = 0; i < n; i++)
		if (!key_is_good(key_const(&keys[i])))
			return refuse(verdicts, n, REPUTE_USAGE);
	for (size_t from = 0, to; from < n; from = to) {
		struct lookup_batch batch = {.kind = key_const(&keys[from])->kind, .keys = run};
		bool text = kind_table[batch.kind].key_bytes == 0;
		for (to = from; to < n && to - from < (text ? (size_t)API_RUN : 1u); to++) {
			run[to - from] = key_const(&keys[to]);
			if (run[to - from]->kind != batch.kind)
				break;
		}
		if (text)
			judge_many(judge_of(profile), &batch, to - from, now, verdicts + from);
		else
			judge_one(judge_of(profile), run[0], now, &verdicts[from]);
	}
	return told(profile, verdicts, n);
}

enum repute_status
repute_judge_ipv4_many(const struct repute_profile *profile, const uint32_t *addresses, size_t n,
		       uint64_t now, struct repute_verdict *verdicts)
{
	struct lookup_batch batch = {.kind = KIND_IPV4, .ipv4 = addresses};
	judge_many(judge_of(profile), &batch, n, now, verdicts);
	return told(profile, verdicts, n);
}

static enum repute_status
judge_bytes_many(const struct repute_profile *profile, enum kind kind, const void *bytes, size_t n,
		 uint64_t now, struct repute_verdict *verdicts)
{
	struct lookup_batch batch = {.kind = kind, .bytes = bytes};
	judge_many(judge_of(profile), &batch, n, now, verdicts);
	return told(profile, verdicts, n);
}

enum repute_status
repute_judge_ipv6_many(const struct repute_profile *profile, const uint8_t (*addresses)[16],
		       size_t n, uint64_t now, struct repute_verdict *verdicts)
{
	return judge_bytes_many(profile, KIND_IPV6, addresses, n, now, verdicts);
}

enum repute_status
repute_judge_sha1_many(const struct repute_profile *profile, const uint8_t (*digests)[20],
		       size_t n, uint64_t now, struct repute_verdict *verdicts)
{
	return judge_bytes_many(profile, KIND_SHA1, digests, n, now, verdicts);
}

enum repute_status
repute_judge_sha256_many(const struct repute_profile *profile, const uint8_t (*digests)[32],
			 size_t n, uint64_t now, struct repute_verdict *verdicts)
{
	return judge_bytes_many(profile, KIND_SHA256, digests, n, now, verdicts);
}

uint32_t
repute_judge_exception(const struct repute_profile *profile, const struct repute_key *key,
		       uint64_t now)
{
	if (!key_is_good(key_const(key)))
		return REPUTE_NO_ROW;
	return judge_exception(judge_of(profile), key_const(key), now);
}
