/* SPDX-License-Identifier: Apache-2.0 */
/* gzip for feed_source.h; the only file that knows zlib. */
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "loader/feed_source.h"

struct gzip_state {
	z_stream stream;
	bool between; /* a member has ended; another, zero padding or the end may follow */
	bool padding; /* zero bytes were seen after the last member */
};

static void *
gzip_new(void)
{
	struct gzip_state *state = calloc(1, sizeof(*state));

	if (state && inflateInit2(&state->stream, 15 + 16) != Z_OK) {
		free(state);
		return NULL;
	}
	return state;
}

/* gzip(1) takes zero bytes after the last member for padding, and so do we. */
static bool
gzip_between(struct gzip_state *state, const uint8_t **input, size_t *input_length,
	     const char **why)
{
	while (*input_length > 0 && **input == 0) {
		state->padding = true;
		(*input)++;
		(*input_length)--;
	}
	if (*input_length == 0)
		return true;
	if (state->padding || **input != 0x1F) {
		*why = "there is something else after its end";
		return false;
	}
	state->between = false;
	return inflateReset(&state->stream) == Z_OK;
}

static bool
gzip_run(void *context, const uint8_t **input, size_t *input_length, uint8_t *bytes,
	 size_t capacity, size_t *got, bool *whole, const char **why)
{
	struct gzip_state *state = context;
	z_stream *stream = &state->stream;
	int result;

	*got = 0;
	if (state->between && !gzip_between(state, input, input_length, why))
		return false;
	*whole = state->between;
	if (*input_length == 0 && state->between)
		return true;
	stream->next_in = (Bytef *)(uintptr_t)*input;
	stream->avail_in = *input_length < UINT_MAX ? (uInt)*input_length : UINT_MAX;
	stream->next_out = bytes;
	stream->avail_out = capacity < UINT_MAX ? (uInt)capacity : UINT_MAX;
	result = inflate(stream, Z_NO_FLUSH);
	*input_length -= (size_t)(stream->next_in - *input);
	*input = stream->next_in;
	*got = (size_t)(stream->next_out - bytes);
	state->between = result == Z_STREAM_END;
	*whole = state->between;
	if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
		return true;
	*why = stream->msg ? stream->msg : "damaged";
	return false;
}

static void
gzip_free(void *context)
{
	struct gzip_state *state = context;

	inflateEnd(&state->stream);
	free(state);
}

const struct feed_filter feed_filter_gzip = {"gzip", gzip_new, gzip_run, gzip_free};
