/* SPDX-License-Identifier: Apache-2.0 */
/* zstd for feed_source.h; the only file that knows libzstd. */
#include <zstd.h>

#include "loader/feed_source.h"

#define ZSTD_WINDOW_LOG 27 /* 128 MiB: what the zstd tool takes without --long */

static void *
zstd_new(void)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context)
		ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	return context;
}

static bool
zstd_run(void *context, const uint8_t **input, size_t *input_length, uint8_t *bytes,
	 size_t capacity, size_t *got, bool *whole, const char **why)
{
	ZSTD_inBuffer in = {*input, *input_length, 0};
	ZSTD_outBuffer out = {bytes, capacity, 0};
	size_t left = ZSTD_decompressStream(context, &out, &in);

	*input += in.pos;
	*input_length -= in.pos;
	*got = out.pos;
	if (ZSTD_isError(left)) {
		*why = ZSTD_getErrorName(left);
		return false;
	}
	/* Asked with nothing to do, zstd talks of the next frame: keep the answer of the last. */
	if (in.pos > 0 || out.pos > 0)
		*whole = left == 0;
	return true;
}

static void
zstd_free(void *context)
{
	ZSTD_freeDCtx(context);
}

const struct feed_filter feed_filter_zstd = {"zstd", zstd_new, zstd_run, zstd_free};
