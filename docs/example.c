/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about each VALUE:  cc example.c $(pkg-config --cflags --libs repute) */
#include <repute.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int
main(int argc, char **argv)
{
	struct repute_db *db;
	struct repute_fault fault;
	struct repute_key key, host; /* large: keep them, do not copy them */
	struct repute_hit hits[16];
	char line[1024];

	if (argc < 2 || repute_open(argv[1], NULL, &db, &fault) != REPUTE_OK) {
		fprintf(stderr, "%s\n", argc < 2 ? "usage: example STORE VALUE..." : fault.text);
		return 2;
	}
	struct repute_view *view = repute_view_take(db); /* one generation, until dropped */
	uint64_t now = (uint64_t)time(NULL);
	for (int i = 2; i < argc; i++) {
		enum repute_status status = repute_key_text(REPUTE_ANY, argv[i], strlen(argv[i]), &key);
		size_t count = status == REPUTE_OK ? repute_find_all(view, &key, now, hits, 16) : 0;
		if (count == 0 && status == REPUTE_OK && repute_key_host(&key, &host) == REPUTE_OK)
			count = repute_find_all(view, &host, now, hits, 16); /* a URL's host is another stage */
		printf("%s: %s\n", argv[i], status != REPUTE_OK ? repute_status_text(status)
					    : count > 0 ? "listed" : "not listed");
		for (size_t j = 0; j < count && j < 16; j++) {
			repute_hit_explain(view, &hits[j], line, sizeof(line));
			printf("    %s\n", line);
		}
	}
	repute_view_drop(view);
	repute_close(db);
	return 0;
}
