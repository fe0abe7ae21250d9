/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/store_watch.h"

#define FAR_MS 1000u   /* looks that are so far apart leave no time for copies in parts */
#define SHARE 5u       /* a part in five of the time goes into them */

void
store_watch_begin(struct store_watch *watch)
{
	watch->looked = clock_coarse();
	watch->next = watch->looked + STORE_WATCH_MS;
	watch->marks = guard_count();
}

void
store_watch_note(struct store_watch *watch, const char *journal)
{
	file_stamp_of(journal, &watch->journal);
}

bool
store_watch_moved(const struct store_watch *watch, const char *journal)
{
	struct file_stamp now;
	file_stamp_of(journal, &now);
	return !file_stamp_same(&now, &watch->journal);
}

bool
store_watch_older(struct store_watch *watch)
{
	uint64_t now = clock_coarse();
	if (!file_stamp_same(&watch->older, &watch->journal)) {
		watch->older = watch->journal;
		watch->older_since = now;
	}
	return now - watch->older_since >= STORE_WATCH_OLDER_MS;
}

bool
store_watch_settled(struct store_watch *watch, const char *journal)
{
	struct file_stamp now;
	file_stamp_of(journal, &now);
	bool settled = !file_stamp_same(&now, &watch->journal) && file_stamp_same(&now, &watch->before);
	watch->before = now;
	return settled;
}

enum image_state
store_watch_look(struct store_watch *watch, const struct view *view)
{
	uint64_t now = clock_coarse(), apart = now - watch->looked;
	uint64_t budget = (apart < STORE_WATCH_MS ? STORE_WATCH_MS : apart) * 1000000 / SHARE;
	enum image_state worst = IMAGE_SOUND;
	for (uint32_t i = 0; i < view->layer_count; i++) {
		enum image_state state = image_watch(view->layer[i].image,
						     apart >= FAR_MS ? UINT64_MAX : budget);
		if (state > worst && state != IMAGE_COPYING)
			worst = state;
	}
	watch->looked = now;
	watch->next = now + STORE_WATCH_MS;
	watch->marks = guard_count();
	return worst;
}
