/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands that judge have in common: the profile that --profile names, and
 * verdicts as JSON (interface.md, `check --json`) and for people. For the programs,
 * not for librepute.
 */
#ifndef QUERY_CMD_VERDICT_H
#define QUERY_CMD_VERDICT_H

#include <stdio.h>

#include "engine/json.h"
#include "query/judge.h"

/*
 * Read a profile: `word` is a file if it has a `/` or ends in .ini and there is one,
 * else the name of one of the view's profiles, else a file of that name. *text, *length: heap, the caller's.
 * missing, io, limit.
 */
enum status
verdict_profile_text(const struct view *view, const char *word, char **text, size_t *length,
		     struct fault *fault);
/* The same, parsed and compiled; `before` as in judge_new. A fault names the file or the profile. */
enum status
verdict_judge_open(struct view *view, const char *word, const struct judge *before,
		   struct judge **judge, struct fault *fault);

/*
 * The verdict on a key. An exception that covers it is named even if nothing is
 * listed: people ask for that, packets do not.
 */
void
verdict_of(const struct judge *judge, const struct key *key, uint64_t now,
	   struct repute_verdict *verdict);

/* True if a filter or an exception decided. */
bool
verdict_decided(const struct repute_verdict *verdict);

/* profile, verdict, action, notify, trace, filter, exception, hit. */
void
verdict_json_members(struct json_writer *json, const struct judge *judge,
		     const struct repute_verdict *verdict);

/* The same members of what could not be judged, with verdict "error". */
void
verdict_json_error(struct json_writer *json, const struct judge *judge);

/* Why: "  by filter 2 "High severity" (Block + Notify): domain evil.example tree from a ..." */
void
verdict_put(FILE *out, const struct judge *judge, const struct repute_verdict *verdict);

#endif
