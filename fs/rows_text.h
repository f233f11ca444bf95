/* SPDX-License-Identifier: MIT */
/* rows_text.h - a whole table as text: JSON lines, or CSV with a header.
 *
 * The text is rendered as it is read and never held whole: there is a window of it,
 * and milestones to begin elsewhere. Nothing of the database is held between calls. */
#ifndef DRIFT_FS_ROWS_TEXT_H
#define DRIFT_FS_ROWS_TEXT_H

#include "fs/milestone.h"
#include "fs/tree.h"

struct rows_text {
	struct drift_view view;
	uint32_t table_id;
	bool csv;
	struct buf names;      /* csv: the columns', each with a NUL */
	unsigned column_count; /* ... and how many */
	struct slice *cells;   /* csv: one row's values, by column */
	struct buf window;     /* the text from `from` on, as far as it was made */
	uint64_t from;
	struct buf last_key; /* of the last row in it */
	bool ended;          /* no row follows */
	struct milestones milestones;
};

/* The text of a table in a view; text is zeroed. DRIFT_NO_TABLE. */
[[nodiscard]] enum drift_err rows_text_begin(struct rows_text *text,
					     struct drift_view view,
					     uint32_t table_id, bool csv);
void rows_text_release(struct rows_text *text);

/* Append at most size bytes from offset on; none at the end. Stops with
 * DRIFT_INTERRUPTED when stop(arg) says so. */
[[nodiscard]] enum drift_err rows_text_read(struct rows_text *text, uint64_t offset,
					    size_t size, bool (*stop)(void *arg),
					    void *arg, struct buf *out);
/* How long it is: renders all of it. */
[[nodiscard]] enum drift_err rows_text_measure(struct rows_text *text,
					       bool (*stop)(void *arg), void *arg,
					       uint64_t *size);

#endif
