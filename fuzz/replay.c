/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain main for the fuzz harnesses: every file named on the command line,
 * and every file in a folder named there, is handed to the harness once. Built
 * by any compiler; the sanitizers do the judging. Prints the number of inputs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REPLAY_PATH_BYTES 4096
#define REPLAY_INPUT_BYTES (64u << 20)

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static unsigned long replayed, failed;

static void
complain(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	failed++;
}

/* An allocation of the exact size, so that a read past the end is seen. */
static void
replay_file(const char *path, size_t length)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(length > 0 ? length : 1);
	if (file == NULL || bytes == NULL || fread(bytes, 1, length, file) != length) {
		complain(path);
	} else {
		LLVMFuzzerTestOneInput(bytes, length);
		replayed++;
	}
	free(bytes);
	if (file != NULL)
		fclose(file);
}

static void
replay(const char *path)
{
	struct stat status;
	struct dirent *entry;
	char inner[REPLAY_PATH_BYTES];
	DIR *folder;
	if (stat(path, &status) != 0) {
		complain(path);
	} else if (S_ISREG(status.st_mode) && status.st_size <= REPLAY_INPUT_BYTES) {
		replay_file(path, (size_t)status.st_size);
	} else if (S_ISDIR(status.st_mode) && (folder = opendir(path)) != NULL) {
		while ((entry = readdir(folder)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
			replay(inner);
		}
		closedir(folder);
	}
}

int
main(int argc, char **argv)
{
	/* what libFuzzer tries first: nothing at all */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%lu passed, %lu failed\n", replayed + 1, failed);
	return failed != 0;
}
