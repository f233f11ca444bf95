/* SPDX-License-Identifier: MIT */
/* at.c - see at.h. */
#include "tools/at.h"

#include <time.h>

enum drift_err at_resolve(struct drift_log *log, const char *text, drift_seq *seq,
			  struct drift_error *error)
{
	struct timespec now;
	struct moment moment;
	enum drift_err err;

	clock_gettime(CLOCK_REALTIME, &now);
	err = moment_parse(slice_str(text), MOMENT_OF_SQL,
			   (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec,
			   &moment, error);
	return err ? err : drift_log_resolve(log, &moment, seq, error);
}
