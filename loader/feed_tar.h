/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds that come as an archive: each regular member of a tar file (ustar,
 * pax, GNU; plain, gzip or zstd) is a feed of its own. A file that is no tar
 * is an archive of one member, so importers need one loop only:
 *
 *   feed_archive_open
 *     -> feed_archive_next -> feed_next* ... until *feed is NULL
 *   -> feed_archive_close
 *
 * Nothing is unpacked to disk, and names are only shown: a member cannot
 * leave its place because it has none. A member may itself be compressed.
 */
#ifndef LOADER_FEED_TAR_H
#define LOADER_FEED_TAR_H

#include "loader/feed.h"

#define FEED_MEMBER_NAME_BYTES 1024 /* longer: that member is bad-feed */

struct feed_archive;

/* `path` "-" is stdin. The options hold for every member and are borrowed until close. */
enum status
feed_archive_open(const char *path, const struct feed_options *options,
		  struct feed_archive **archive, struct fault *fault);
/* From memory, borrowed until close. */
enum status
feed_archive_open_bytes(const uint8_t *bytes, size_t length, const struct feed_options *options,
			struct feed_archive **archive, struct fault *fault);

/*
 * The next member. *feed belongs to the archive and ends with the next call or close;
 * NULL: there is none left. *name is the member's path, or the file's own
 * name; borrowed likewise, and set also when the member cannot be opened.
 *
 * STATUS_BAD_FEED with *member_only true: this member is no list (or has no entries), the
 * archive is fine and can be asked for the next one. Any other failure ends it: the archive
 * is damaged or cut off, and so is not to be trusted as a whole.
 */
enum status
feed_archive_next(struct feed_archive *archive, struct feed **feed, const char **name,
		  bool *member_only, struct fault *fault);

/* True if it is a tar file, false for a single feed. */
bool
feed_archive_is_tar(const struct feed_archive *archive);
/* As feed_progress, for the archive file. */
void
feed_archive_progress(const struct feed_archive *archive, uint64_t *bytes_read,
		      uint64_t *bytes_total);
void
feed_archive_close(struct feed_archive *archive);

#endif
