/* SPDX-License-Identifier: MIT */
/* Any text is a moment or is refused; a time that was read prints as a text that
 * reads as the same time, unless it is beyond the years that can be written. */
#include <stdlib.h>

#include "engine/moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1776970284500000000

static void check_time(drift_time_ns time)
{
	struct buf text = BUF_INIT;
	drift_time_ns back;

	moment_print_time(time, &text);
	if (strncmp(text.data, "1677", 4) != 0 &&
	    strncmp(text.data, "2262", 4) != 0 &&
	    (moment_parse_time(buf_slice(&text), &back) != DRIFT_OK || back != time))
		abort();
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum moment_context context;
	struct moment moment;

	for (context = MOMENT_OF_SEQ; context <= MOMENT_OF_SQL; context++)
		if (moment_parse(slice_of(data, size), context, NOW, &moment,
				 NULL) == DRIFT_OK &&
		    moment.kind == MOMENT_TIME)
			check_time(moment.time);
	return 0;
}
