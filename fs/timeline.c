/* SPDX-License-Identifier: MIT */
/* timeline.c - a few links into the past, so that a person who lists @seq or
 * @time sees where to go. Any other moment is found by its name. */
#include "fs/timeline.h"

#define SHOWN 16

static void end_name(struct buf *names)
{
	buf_add_char(names, '\0');
}

void timeline_seqs(drift_seq head, struct buf *names)
{
	buf_add_str(names, "head");
	end_name(names);
	for (unsigned back = 1; back < SHOWN && back <= head; back++) {
		buf_printf(names, "head~%u", back);
		end_name(names);
	}
	buf_add_str(names, "oldest");
	end_name(names);
}

enum drift_err timeline_times(struct drift_db *db, struct buf *names)
{
	struct drift_tx shown[SHOWN];
	unsigned count = 0;
	enum drift_err err = drift_tx_recent(db, shown, SHOWN, &count);

	for (unsigned i = 0; !err && i < count; i++) {
		moment_print_time(shown[i].time, names);
		end_name(names);
	}
	return err ? err : buf_status(names);
}
