/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts files: "0.0.0.0 name [name ...] # comment". Each name stands for itself only. */
#include "loader/feed_format.h"

static const char *const local_names[] = {
	"localhost",     "localhost.localdomain", "localhost4",   "localhost6",   "local",
	"broadcasthost", "ip6-localhost",         "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
	"ip6-allnodes",  "ip6-allrouters",        "ip6-allhosts", "0.0.0.0",
};

bool
feed_is_local_name(struct feed_text name)
{
	for (size_t i = 0; i < sizeof(local_names) / sizeof(local_names[0]); i++) {
		if (feed_is(name, local_names[i]))
			return true;
	}
	return false;
}

/* A scope id ("fe80::1%lo0") stands only in lines of the machine itself. */
static struct feed_text
without_zone(struct feed_text address)
{
	address.length = feed_find(address, '%');
	return address;
}

static bool
fits_hosts(struct feed_text line)
{
	struct feed_text address = without_zone(feed_word(&line));
	struct feed_text name = feed_word(&line);

	return feed_look(address) == LOOK_ADDRESS && feed_find(address, '/') == address.length &&
	       (feed_is_local_name(name) || feed_look(name) == LOOK_NAME);
}

static unsigned
hosts_score(const struct feed_sample *sample)
{
	unsigned percent = feed_percent(sample, fits_hosts);

	return percent >= 50 ? percent : 0;
}

static void
hosts_name(struct feed *feed, struct feed_text address, struct feed_text name)
{
	if (feed_is_local_name(name))
		return;
	if (feed_look_sinkhole(address))
		feed_emit(feed, name, KIND_DOMAIN, 0);
	else
		feed_refuse(feed, name, STATUS_BAD_FEED,
			    "a hosts line blocks with 0.0.0.0, 127.0.0.1, :: or ::1, not with a "
			    "real address");
}

static enum feed_step
hosts_line(struct feed *feed, const struct feed_line *line)
{
	struct feed_text comment;
	struct feed_text text = feed_trim((struct feed_text){line->text, line->length});
	struct feed_text address, name, rest;

	if (text.length == 0 || feed_is_comment(text))
		return FEED_STEP_DONE;
	text = rest = feed_cut_comment(text, &comment);
	address = without_zone(feed_word(&rest));
	name = feed_word(&rest);
	if (feed_look(address) != LOOK_ADDRESS && !feed_look_sinkhole(address)) {
		feed_refuse(feed, text, STATUS_BAD_FEED, "a hosts line begins with an address");
		return FEED_STEP_DONE;
	}
	if (name.length == 0)
		feed_refuse(feed, text, STATUS_BAD_FEED, "there is no name behind the address");
	for (; name.length > 0; name = feed_word(&rest))
		hosts_name(feed, address, name);
	return FEED_STEP_DONE;
}

const struct feed_format feed_format_hosts = {
	"hosts", "hosts file: 0.0.0.0 name [name ...]", hosts_score, NULL, hosts_line, 0,
};
