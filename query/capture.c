/* SPDX-License-Identifier: Apache-2.0 */
#include "query/capture.h"

#include <errno.h>
#include <pcap.h>
#include <stdlib.h>
#include <string.h>

struct capture {
	pcap_t *pcap;
	const char *name;
	enum packet_link link;
	uint64_t frames;
};

static const struct {
	int type;
	enum packet_link link;
} types[] = {
	{DLT_EN10MB, PACKET_ETHERNET}, {DLT_RAW, PACKET_RAW},   {DLT_IPV4, PACKET_RAW},
	{DLT_IPV6, PACKET_RAW},        {DLT_NULL, PACKET_NULL}, {DLT_LOOP, PACKET_LOOP},
	{DLT_LINUX_SLL, PACKET_SLL},   {DLT_LINUX_SLL2, PACKET_SLL2},
};

static enum status
link_find(struct capture *capture, struct fault *fault)
{
	int type = pcap_datalink(capture->pcap);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type == type) {
			capture->link = types[i].link;
			return STATUS_OK;
		}
	}
	const char *name = pcap_datalink_val_to_description(type);
	return fault_set(fault, STATUS_FORMAT, capture->name, 0,
			 "link type %d (%s) is not read; Ethernet, Linux cooked, raw IP and loopback are",
			 type, name != NULL ? name : "unknown");
}

enum status
capture_open_stream(FILE *stream, const char *name, struct capture **out, struct fault *fault)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	int first = getc(stream);
	if (first == EOF && !ferror(stream)) {
		fclose(stream);
		return fault_set(fault, STATUS_FORMAT, name, 0, "the file is empty");
	}
	ungetc(first, stream);
	struct capture *capture = calloc(1, sizeof(*capture));
	if (capture == NULL) {
		fclose(stream);
		return fault_set(fault, STATUS_NO_MEMORY, name, 0, "no memory for a capture");
	}
	capture->name = name;
	capture->pcap = pcap_fopen_offline(stream, text);
	if (capture->pcap == NULL) {
		fclose(stream);
		free(capture);
		return fault_set(fault, STATUS_FORMAT, name, 0, "not a capture file: %s", text);
	}
	enum status status = link_find(capture, fault);
	if (status != STATUS_OK)
		capture_close(capture);
	else
		*out = capture;
	return status;
}

enum status
capture_open(const char *path, struct capture **out, struct fault *fault)
{
	if (strcmp(path, "-") == 0)
		return capture_open_stream(stdin, "standard input", out, fault);
	FILE *stream = fopen(path, "rbe");
	if (stream == NULL)
		return fault_errno(fault, errno, path, "cannot open");
	return capture_open_stream(stream, path, out, fault);
}

void
capture_close(struct capture *capture)
{
	if (capture == NULL)
		return;
	pcap_close(capture->pcap);
	free(capture);
}

enum packet_link
capture_link(const struct capture *capture)
{
	return capture->link;
}

/* Times outside of 1970..9999 are nobody's: a damaged header's. They count as 1970. */
static uint64_t
micros_of(const struct pcap_pkthdr *header)
{
	int64_t seconds = header->ts.tv_sec, micros = header->ts.tv_usec;
	if (seconds < 0 || seconds > 253402300799ll || micros < 0 || micros > 999999)
		return 0;
	return (uint64_t)seconds * 1000000u + (uint64_t)micros;
}

enum capture_outcome
capture_next(struct capture *capture, struct capture_frame *frame, struct fault *fault)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int outcome = pcap_next_ex(capture->pcap, &header, &bytes);
	if (outcome == PCAP_ERROR_BREAK)
		return CAPTURE_END;
	if (outcome != 1) {
		fault_set(fault, STATUS_CORRUPT, capture->name, capture->frames + 1, "%s",
			  pcap_geterr(capture->pcap));
		return CAPTURE_FAIL;
	}
	capture->frames++;
	frame->bytes = bytes;
	frame->length = header->caplen < CAPTURE_FRAME_BYTES ? header->caplen : CAPTURE_FRAME_BYTES;
	frame->micros = micros_of(header);
	return CAPTURE_FRAME;
}
