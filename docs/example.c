/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about each VALUE, and what the profile in the file PROFILE does with it:
 * cc example.c $(pkg-config --cflags --libs repute)
 */
#include <repute.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A profile file, compiled against the view. NULL: said on stderr. */
static struct repute_profile *
profile_read(struct repute_view *view, const char *path)
{
	struct repute_profile *profile = NULL;
	struct repute_fault fault = {.text = "cannot read the file"};
	size_t capacity = 1 << 20;
	char *text = malloc(capacity);
	FILE *file = fopen(path, "r");
	if (text != NULL && file != NULL) {
		size_t length = fread(text, 1, capacity, file);
		repute_profile_load(view, text, length, &profile, &fault);
	}
	if (file != NULL)
		fclose(file);
	free(text);
	if (profile == NULL)
		fprintf(stderr, "%s: %s\n", path, fault.text);
	return profile;
}

/* The verdict and why. */
static void
judge(const struct repute_profile *profile, const struct repute_key *key, uint64_t now)
{
	struct repute_verdict verdict;
	repute_judge(profile, key, now, &verdict);
	printf("    %s", repute_outcome_text((enum repute_outcome)verdict.outcome));
	if (verdict.exception != REPUTE_NO_ROW)
		printf(" by exception %s", repute_profile_exception(profile, verdict.exception));
	if (verdict.filter != REPUTE_NO_ROW)
		printf(" by filter %s", repute_profile_filter(profile, verdict.filter));
	printf("%s\n", verdict.notify ? ", notify" : "");
}

int
main(int argc, char **argv)
{
	struct repute_db *db;
	struct repute_fault fault;
	struct repute_key key, host; /* large: keep them, do not copy them */
	struct repute_hit hits[16];
	char line[1024];

	if (argc < 3 || repute_open(argv[1], NULL, &db, &fault) != REPUTE_OK) {
		fprintf(stderr, "%s\n", argc < 3 ? "usage: example STORE PROFILE VALUE..." : fault.text);
		return 2;
	}
	struct repute_view *view = repute_view_take(db); /* one generation, until dropped */
	struct repute_profile *profile = profile_read(view, argv[2]); /* keeps the view as well */
	uint64_t now = (uint64_t)time(NULL);
	for (int i = 3; profile != NULL && i < argc; i++) {
		enum repute_status status = repute_key_text(REPUTE_ANY, argv[i], strlen(argv[i]), &key);
		size_t count = status == REPUTE_OK ? repute_find_all(view, &key, now, hits, 16) : 0;
		bool is_url = status == REPUTE_OK && repute_key_host(&key, &host) == REPUTE_OK;
		if (count == 0 && is_url)
			count = repute_find_all(view, &host, now, hits, 16); /* a URL's host is another stage */
		printf("%s: %s\n", argv[i], status != REPUTE_OK ? repute_status_text(status)
					    : count > 0 ? "listed" : "not listed");
		for (size_t j = 0; j < count && j < 16; j++) {
			repute_hit_explain(view, &hits[j], line, sizeof(line));
			printf("    %s\n", line);
		}
		if (status == REPUTE_OK)
			judge(profile, &key, now);
		if (is_url)
			judge(profile, &host, now);
	}
	int failed = profile == NULL;
	repute_profile_free(profile);
	repute_view_drop(view);
	repute_close(db);
	return failed ? 2 : 0;
}
