/* SPDX-License-Identifier: Apache-2.0 */
#include "query/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/store.h"
#include "query/cmd_show.h"
#include "query/cmd_verdict.h"
#include "query/inspect_pool.h"

#define MICROS_TEXT_BYTES (CLOCK_TEXT_BYTES + 7)
#define PLACE_TEXT_BYTES 48

enum {
	OPTION_PROFILE = 1,
	OPTION_THREADS,
	OPTION_REPEAT,
	OPTION_NO_PAYLOADS,
	OPTION_ERRORS
};

static const struct cli_option inspect_options[] = {
	{OPTION_PROFILE, "profile", 'p', "PROFILE", NULL,
	 "a profile of the store, by name, or a profile file"},
	{OPTION_THREADS, "threads", 't', "N", NULL, "workers; connections are shared out to them"},
	{OPTION_REPEAT, "repeat", 0, "N", NULL,
	 "go through the capture N times in memory, to measure; the events are those of one time"},
	{OPTION_NO_PAYLOADS, "addresses", 0, NULL, NULL,
	 "judge addresses only: read no names and no URLs"},
	{OPTION_ERRORS, "errors", 0, NULL, NULL,
	 "an event, too, for each name or URL that has no canonical form"},
	{0}
};

/* A run of the command. */
struct inspecting {
	struct cli *cli;
	const char *profile, *path;
	struct store *store;
	struct view *view;
	struct judge *judge;
	struct inspect_run run;
	struct json_writer json;
};

/* --- one event ----------------------------------------------------------------------------- */

/* RFC 3339 in UTC with microseconds. */
static void
member_time(struct json_writer *json, const char *name, uint64_t micros)
{
	char text[MICROS_TEXT_BYTES];
	clock_print(micros / 1000000, text);
	size_t length = strlen(text) - 1;
	snprintf(text + length, sizeof(text) - length, ".%06uZ", (unsigned)(micros % 1000000));
	json_key(json, name);
	json_text(json, text);
}

static size_t
address_print(const struct inspect_place *place, unsigned side, char text[PLACE_TEXT_BYTES])
{
	return place->version == 4 ? key_print_ipv4(place->addresses[side], text)
				   : key_print_ipv6(place->addresses[side], text);
}

/* EVE's names: src_ip, src_port, dest_ip, dest_port. */
static void
members_place(struct json_writer *json, const struct inspect_place *place)
{
	static const char *const names[2][2] = {{"src_ip", "src_port"}, {"dest_ip", "dest_port"}};
	char text[PLACE_TEXT_BYTES];
	for (unsigned side = 0; side < 2; side++) {
		json_key(json, names[side][0]);
		json_string(json, text, address_print(place, side, text));
		if (!place->has_ports)
			continue;
		json_key(json, names[side][1]);
		json_u64(json, place->ports[side]);
	}
}

static void
member_protocol(struct json_writer *json, unsigned protocol)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {{1, "ICMP"}, {6, "TCP"}, {17, "UDP"}, {58, "IPv6-ICMP"}, {132, "SCTP"},
		     {47, "GRE"}, {50, "ESP"}, {51, "AH"}, {2, "IGMP"}, {4, "IPIP"},
		     {41, "IPv6"}};
	char number[8];
	snprintf(number, sizeof(number), "%u", protocol);
	json_key(json, "proto");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == protocol) {
			json_text(json, names[i].name);
			return;
		}
	}
	json_text(json, number);
}

static void
members_query(struct json_writer *json, const struct inspect_event *event)
{
	char text[PLACE_TEXT_BYTES];
	if (event->app != EXTRACT_UNKNOWN) {
		json_key(json, "app_proto");
		json_text(json, extract_app_names[event->app]);
	}
	json_key(json, "stage");
	json_text(json, inspect_stage_names[event->stage]);
	json_key(json, "query");
	if (event->query != NULL)
		json_string(json, event->query, event->query_length);
	else
		json_string(json, text, address_print(&event->place, event->side, text));
	if (event->side == INSPECT_NO_SIDE)
		return;
	json_key(json, "match");
	json_text(json, event->side == 0 ? "source" : "destination");
}

static void
event_write(struct inspecting *inspecting, const struct inspect_event *event)
{
	struct json_writer *json = &inspecting->json;
	json_object_begin(json);
	member_time(json, "timestamp", event->first_micros);
	json_key(json, "event_type");
	json_text(json, "reputation");
	members_place(json, &event->place);
	member_protocol(json, event->place.protocol);
	members_query(json, event);
	verdict_json_members(json, inspecting->judge, &event->verdict);
	json_key(json, "count");
	json_u64(json, event->count);
	member_time(json, "last", event->last_micros);
	json_key(json, "packet");
	json_u64(json, event->number);
	json_object_end(json);
	json_line(json);
}

static enum status
flush(struct inspecting *inspecting, struct fault *fault)
{
	if (json_flush(&inspecting->json, stdout) != STATUS_NO_MEMORY)
		return STATUS_OK;
	json_clear(&inspecting->json);
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for an event");
}

/* --- summary ------------------------------------------------------------------------------- */

static void
member_count(struct json_writer *json, const char *name, uint64_t count)
{
	json_key(json, name);
	json_u64(json, count);
}

/* {"none":1,"block":2}: outcomes that came. */
static void
member_outcomes(struct json_writer *json, const char *name,
		const uint64_t outcomes[INSPECT_OUTCOMES])
{
	json_key(json, name);
	json_object_begin(json);
	for (unsigned i = 0; i < INSPECT_OUTCOMES; i++) {
		if (outcomes[i] > 0)
			member_count(json, repute_outcome_text((enum repute_outcome)i),
				     outcomes[i]);
	}
	json_object_end(json);
}

static void
members_stages(struct json_writer *json, const struct inspect_counts *counts)
{
	json_key(json, "stages");
	json_object_begin(json);
	for (unsigned i = 0; i < INSPECT_STAGES; i++) {
		json_key(json, inspect_stage_names[i]);
		json_object_begin(json);
		member_count(json, "queries", counts->asked[i]);
		member_count(json, "excepted", counts->exceptions[i]);
		member_outcomes(json, "verdicts", counts->verdicts[i]);
		json_object_end(json);
	}
	json_object_end(json);
}

static void
summary_json(struct inspecting *inspecting, const struct inspect_counts *counts, size_t events)
{
	struct json_writer *json = &inspecting->json;
	const struct inspect_run *run = &inspecting->run;
	json_object_begin(json);
	json_key(json, "summary");
	json_object_begin(json);
	json_key(json, "profile");
	json_text(json, judge_profile(inspecting->judge)->name);
	member_count(json, "generation", inspecting->view->generation);
	member_count(json, "frames", counts->frames);
	member_count(json, "bytes", counts->bytes);
	member_count(json, "packets", counts->outcomes[PACKET_IP]);
	member_count(json, "not_ip", counts->outcomes[PACKET_NOT_IP]);
	member_count(json, "cut", counts->outcomes[PACKET_SHORT]);
	member_count(json, "malformed", counts->outcomes[PACKET_MALFORMED] + counts->odd);
	member_count(json, "fragments", counts->fragments);
	member_count(json, "connections", counts->stream.flows);
	member_count(json, "connections_pushed_out", counts->stream.pushed_out);
	member_count(json, "gaps", counts->stream.gaps);
	member_outcomes(json, "packet_verdicts", counts->packets);
	members_stages(json, counts);
	member_count(json, "events", events);
	member_count(json, "events_dropped", counts->events_dropped);
	member_count(json, "threads", run->threads);
	member_count(json, "rounds", run->rounds);
	json_key(json, "seconds");
	json_double(json, run->seconds, 6);
	json_object_end(json);
	json_object_end(json);
	json_line(json);
}

static void
row(const char *name, uint64_t count)
{
	char text[SHOW_COUNT_BYTES];
	if (count > 0)
		fprintf(stderr, "  %-24s %15s\n", name, show_count(count, text));
}

static void
stage_row(const struct inspect_counts *counts, unsigned stage)
{
	char text[SHOW_COUNT_BYTES];
	fprintf(stderr, "  %-8s %13s", inspect_stage_names[stage],
		show_count(counts->asked[stage], text));
	for (unsigned i = REPUTE_VERDICT_PERMIT; i < INSPECT_OUTCOMES; i++)
		fprintf(stderr, " %10s", show_count(counts->verdicts[stage][i], text));
	fprintf(stderr, " %10s\n", show_count(counts->exceptions[stage], text));
}

static void
stages_table(const struct inspect_counts *counts)
{
	fprintf(stderr, "\n  %-8s %13s", "stage", "queries");
	for (unsigned i = REPUTE_VERDICT_PERMIT; i < INSPECT_OUTCOMES; i++)
		fprintf(stderr, " %10s", repute_outcome_text((enum repute_outcome)i));
	fprintf(stderr, " %10s\n", "excepted");
	for (unsigned i = 0; i < INSPECT_STAGES; i++)
		stage_row(counts, i);
}

static void
speed_row(const struct inspecting *inspecting, const struct inspect_counts *counts)
{
	const struct inspect_run *run = &inspecting->run;
	double all = counts->parse_seconds + counts->judge_seconds + counts->event_seconds +
		     counts->payload_seconds;
	if (run->rounds == 1 || run->seconds <= 0 || all <= 0)
		return;
	fprintf(stderr, "\n  fastest of %u rounds: %.6f s, %.3f million packets a second over %u "
		"thread%s\n  work: parse %.0f %%, addresses judged %.0f %%, events %.0f %%, "
		"payloads %.0f %%\n", run->rounds, run->seconds,
		(double)counts->frames / run->seconds / 1e6, run->threads,
		run->threads == 1 ? "" : "s", counts->parse_seconds * 100 / all,
		counts->judge_seconds * 100 / all, counts->event_seconds * 100 / all,
		counts->payload_seconds * 100 / all);
}

static void
summary_text(const struct inspecting *inspecting, const struct inspect_counts *counts,
	     size_t events)
{
	fprintf(stderr, "inspected by profile ");
	cli_put(stderr, judge_profile(inspecting->judge)->name,
		strlen(judge_profile(inspecting->judge)->name));
	fprintf(stderr, ", generation %" PRIu64 "\n", inspecting->view->generation);
	row("frames", counts->frames);
	row("IP packets", counts->outcomes[PACKET_IP]);
	row("not IP", counts->outcomes[PACKET_NOT_IP]);
	row("cut before addresses", counts->outcomes[PACKET_SHORT]);
	row("malformed", counts->outcomes[PACKET_MALFORMED] + counts->odd);
	row("fragments", counts->fragments);
	row("connections", counts->stream.flows);
	row("connections pushed out", counts->stream.pushed_out);
	row("gaps in connections", counts->stream.gaps);
	row("events", events);
	row("events not kept", counts->events_dropped);
	stages_table(counts);
	speed_row(inspecting, counts);
}

/* --- running ------------------------------------------------------------------------------- */

static enum status
report(struct inspecting *inspecting, size_t *events, struct fault *fault)
{
	struct inspect_counts counts;
	const struct inspect_event *rows = inspect_events(inspecting->run.result, events);
	enum status status = STATUS_OK;
	inspect_count(inspecting->run.result, &counts);
	for (size_t i = 0; i < *events && status == STATUS_OK && !cli_output_failed(); i++) {
		event_write(inspecting, &rows[i]);
		status = flush(inspecting, fault);
	}
	if (status == STATUS_OK && inspecting->cli->json) {
		summary_json(inspecting, &counts, *events);
		status = flush(inspecting, fault);
	} else if (!inspecting->cli->quiet) {
		fflush(stdout);
		summary_text(inspecting, &counts, *events);
	}
	return status;
}

/* What was read is shown first, then why no more was. */
static int
inspect_capture(struct inspecting *inspecting)
{
	struct fault fault = {0}, other = {0};
	size_t events = 0;
	struct inspect_run *run = &inspecting->run;
	if (capture_open(inspecting->path, &run->capture, &fault) != STATUS_OK)
		return cli_error(inspecting->cli, &fault);
	run->judge = inspecting->judge;
	enum status status = inspect_run(run, &fault);
	enum status shown = run->result != NULL ? report(inspecting, &events, &other) : STATUS_OK;
	inspect_free(run->result);
	capture_close(run->capture);
	if (shown != STATUS_OK)
		cli_error(inspecting->cli, &other);
	if (status != STATUS_OK)
		return cli_error(inspecting->cli, &fault);
	if (run->stopped) {
		fault_set(&fault, STATUS_STOPPED, inspecting->path, 0,
			  "stopped before the end of the capture");
		return cli_error(inspecting->cli, &fault);
	}
	return shown != STATUS_OK ? CLI_ERROR : events > 0 ? CLI_FOUND : CLI_NOTHING;
}

static int
inspect_store(struct inspecting *inspecting)
{
	struct fault fault = {0};
	int status = CLI_ERROR;
	if (store_open(inspecting->cli->store, &inspecting->store, &fault) != STATUS_OK)
		return cli_error(inspecting->cli, &fault);
	cli_recovered(inspecting->cli, &fault);
	inspecting->view = store_view_take(inspecting->store);
	if (verdict_judge_open(inspecting->view, inspecting->profile, NULL, &inspecting->judge,
			       &fault) != STATUS_OK)
		cli_error(inspecting->cli, &fault);
	else
		status = inspect_capture(inspecting);
	if (view_unchanged(inspecting->view, &fault) != STATUS_OK)
		status = cli_error(inspecting->cli, &fault);
	judge_free(inspecting->judge);
	view_drop(inspecting->view);
	store_close(inspecting->store);
	json_fini(&inspecting->json);
	return status;
}

/* A whole number from 1 to `most`; 0 if it is none. */
static unsigned
number_read(const char *text, unsigned most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	return *end != '\0' || text[0] < '0' || text[0] > '9' || number > most ? 0
									       : (unsigned)number;
}

/* False: the usage error was told, its exit status is in *status. */
static bool
option_take(struct inspecting *inspecting, int option, int *status)
{
	struct cli *cli = inspecting->cli;
	struct inspect_run *run = &inspecting->run;
	if (option == OPTION_PROFILE)
		inspecting->profile = cli->value;
	else if (option == OPTION_THREADS)
		run->threads = number_read(cli->value, INSPECT_THREADS);
	else if (option == OPTION_REPEAT)
		run->rounds = number_read(cli->value, INSPECT_ROUNDS);
	else if (option == OPTION_NO_PAYLOADS)
		run->options.payloads = false;
	else
		run->options.errors = true;
	if (run->threads > 0 && run->rounds > 0)
		return true;
	*status = cli_usage(cli, "'%s' is not a number from 1 to %d", cli->value,
			    run->threads == 0 ? INSPECT_THREADS : INSPECT_ROUNDS);
	return false;
}

static int
inspect_command(struct cli *cli, int argc, char **argv)
{
	struct inspecting inspecting = {.cli = cli};
	int option, status;
	inspecting.run.threads = inspecting.run.rounds = 1;
	inspecting.run.options.payloads = true;
	inspecting.run.stop = cli_interrupted;
	while ((option = cli_option(cli, argc, argv)) > 0) {
		if (!option_take(&inspecting, option, &status))
			return status;
	}
	if (option < 0)
		return cli->status;
	if (inspecting.profile == NULL)
		return cli_usage(cli, "which profile? --profile NAME or FILE");
	if (cli->operand_count != 1)
		return cli_usage(cli, "one capture FILE, please; - is standard input");
	inspecting.path = cli->operands[0];
	inspecting.run.options.now = cli->now;
	return inspect_store(&inspecting);
}

const struct cli_command cmd_inspect = {
	.name = "inspect",
	.usage = "--profile PROFILE [--threads N] [--repeat N] FILE",
	.summary = "read a capture and show what a profile does with it",
	.about = "Reads a capture file (pcap or pcapng; - is standard input) and judges the "
		 "addresses of every packet as the profile's match-address says, the names of DNS "
		 "queries, HTTP hosts and TLS server names, and the URLs of HTTP requests, each by "
		 "itself. Standard output gets a JSON object a line for each verdict of a filter or an "
		 "exception, with the names that Suricata's eve.json has; equal ones are one line "
		 "with a count. A summary goes to standard error or, with --json, to the last line.\n\n"
		 "TCP is put in order before it is read; VLAN, MPLS, PPPoE, GRE and IP in IP are looked "
		 "into. Responses, QUIC, HTTP/2 and what is encrypted are not read. Claims are live "
		 "or not as of now or --now, not as of the capture's own times.\n\n"
		 "A packet that cannot be read is counted. A capture that ends too early, or is "
		 "damaged, is judged as far as it goes, then the error is told. PROFILE is as for check.\n\n"
		 "Exit status 0 if there is an event, 1 if there is none, 2 on an error.",
	.options = inspect_options,
	.examples = "  repute inspect --profile perimeter traffic.pcap >events.json\n"
		    "  tcpdump -w - -c 10000 | repute inspect -p perimeter --json -\n"
		    "  repute inspect -p perimeter --repeat 20 --threads 2 traffic.pcap >/dev/null\n",
	.run = inspect_command,
};
