/* SPDX-License-Identifier: MIT */
/* verify_snapshot.c - a snapshot's rows, side by side with those of a scan that knows
 * of no snapshot. */
#include "engine/verify_snapshot.h"

#include <inttypes.h>
#include <stdio.h>

struct comparison {
	struct drift_db *db;
	struct drift_snapshot_info at;
	void (*fault)(void *arg, const char *line);
	void *arg;
};

static void tell(const struct comparison *comparison, const char *what)
{
	char line[256];

	snprintf(line, sizeof(line), "snapshot %" PRIu64 " of table %" PRIu32 ": %s",
		 comparison->at.seq, comparison->at.table_id, what);
	comparison->fault(comparison->arg, line);
}

static bool same(struct slice key, const struct index_row *row,
		 const struct drift_version *version)
{
	return slice_equal(key, version->key) && row->seq == version->seq &&
	       row->time == version->time &&
	       row->integer_key == version->integer_key &&
	       slice_equal(row->row, version->row);
}

static enum drift_err compare_rows(const struct comparison *comparison,
				   struct snapshot_reader *reader,
				   struct drift_cursor *rows)
{
	struct drift_version version;
	struct index_row row;
	struct slice key;
	enum drift_err err, read;

	do {
		read = snapshot_reader_next(reader, &key, &row);
		err = drift_cursor_next(rows, &version);
	} while (!read && !err && same(key, &row, &version));
	if (err && err != DRIFT_DONE)
		return err;
	if (read == DRIFT_NOMEM)
		return read;
	if (read && read != DRIFT_DONE)
		tell(comparison, drift_err_text(read));
	else if (read != err || !read)
		tell(comparison, "its rows are not those of the log");
	return DRIFT_OK;
}

static enum drift_err compare(const struct comparison *comparison)
{
	const struct drift_snapshot_info *at = &comparison->at;
	struct snapshot_reader *reader;
	struct drift_cursor *rows;
	enum drift_err err =
		snapshot_use(comparison->db, at->table_id, at->seq, &reader);

	if (err == DRIFT_NOMEM)
		return err;
	if (err == DRIFT_NO_ROW) /* deleted meanwhile */
		return DRIFT_OK;
	if (err) {
		tell(comparison, "it cannot be read, or belongs to another log");
		return DRIFT_OK;
	}
	err = scan_walk(drift_view_at(comparison->db, at->seq), at->table_id, &rows);
	if (!err)
		err = compare_rows(comparison, reader, rows);
	drift_cursor_close(rows);
	snapshot_reader_free(reader);
	return err;
}

enum drift_err verify_snapshots(struct drift_db *db,
				void (*fault)(void *arg, const char *line),
				void *arg)
{
	struct comparison comparison = { .db = db, .fault = fault, .arg = arg };
	enum drift_err err = DRIFT_OK;

	while (!err && snapshots_next(db, &comparison.at, true))
		err = compare(&comparison);
	return err;
}
