/* SPDX-License-Identifier: MIT */
/* snapshot_make.c - making snapshots: a scan into a file, in small steps, so that the
 * indexer can fold in between; and the statement that asks for one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/change_list.h"
#include "engine/snapshot.h"

#define STEP_BYTES (1u << 20) /* of a statement, between looks at *stop */

struct snapshot_job {
	struct drift_db *db;
	uint32_t table_id;
	drift_seq seq;
	int dir;
	struct drift_cursor *rows;
	struct snapshot_writer *writer;
};

enum drift_err snapshot_job_new(struct drift_db *db, uint32_t table_id,
				const struct index_mark *mark, const char *who,
				struct snapshot_job **out)
{
	struct snapshot_job *job = calloc(1, sizeof(*job));
	struct snapshot_header header = { .table_id = table_id, .mark = *mark };
	struct drift_error error;
	enum drift_err err;

	*out = NULL;
	if (!job)
		return DRIFT_NOMEM;
	memcpy(header.database_id, db->database_id, DATABASE_ID_BYTES);
	*job = (struct snapshot_job){
		.db = db, .table_id = table_id, .seq = mark->seq, .dir = -1
	};
	err = snapshots_table_dir(db, table_id, true, &job->dir);
	if (!err)
		err = snapshot_writer_new(db->io, job->dir, &header, who,
					  &job->writer, &error);
	if (!err)
		err = drift_scan(drift_view_at(db, mark->seq), table_id, NULL,
				 &job->rows);
	if (err) {
		snapshot_job_free(job);
		return err;
	}
	*out = job;
	return DRIFT_OK;
}

static enum drift_err finish(struct snapshot_job *job)
{
	struct snapshot made = { .table_id = job->table_id, .seq = job->seq };
	enum drift_err err = snapshot_writer_finish(job->writer, &made.bytes);

	if (err)
		return err;
	snapshots_add(job->db, &made);
	return DRIFT_DONE;
}

enum drift_err snapshot_job_step(struct snapshot_job *job, uint64_t bytes)
{
	uint64_t until = snapshot_writer_bytes(job->writer) + bytes;
	struct drift_version version;
	enum drift_err err = DRIFT_OK;

	while (!err && snapshot_writer_bytes(job->writer) < until) {
		struct index_row row;

		err = drift_cursor_next(job->rows, &version);
		if (err)
			break;
		row = (struct index_row){
			.seq = version.seq,
			.time = version.time,
			.integer_key = version.integer_key,
			.row = version.row,
		};
		err = snapshot_writer_add(job->writer, version.key, &row);
	}
	return err == DRIFT_DONE ? finish(job) : err;
}

void snapshot_job_free(struct snapshot_job *job)
{
	if (!job)
		return;
	drift_cursor_close(job->rows);
	snapshot_writer_free(job->writer);
	if (job->dir >= 0)
		close(job->dir);
	free(job);
}

/* ---- The policy ------------------------------------------------------------------- */

/* Events of the table since its newest snapshot. */
static enum drift_err events_since(struct drift_db *db, struct index_reader *reader,
				   uint32_t table_id, uint64_t *events)
{
	drift_seq before, after;
	uint64_t covered = 0;
	enum drift_err err = change_total(reader, table_id, events);

	if (err || *events == 0)
		return err;
	snapshots_near(db, table_id, DRIFT_SEQ_MAX - 1, &before, &after);
	if (before)
		err = change_count(reader, table_id, before, &covered);
	*events -= covered;
	return err;
}

static bool is_due(struct drift_db *db, struct index_reader *reader,
		   uint32_t table_id)
{
	uint64_t least = db->options.snapshot_events_min;
	uint64_t rows = drift_row_count(db, table_id);
	uint64_t events;

	if (rows < least)
		rows = least;
	return !events_since(db, reader, table_id, &events) && events >= rows;
}

struct snapshot_job *snapshot_job_due(struct drift_db *db)
{
	uint32_t end = atomic_load(&db->tables.id_end);
	struct snapshot_job *job = NULL;
	struct index_reader *reader;
	struct index_mark mark;
	uint32_t due = 0;

	if (index_read_begin(db->index, &reader))
		return NULL;
	if (!index_applied(reader, &mark))
		for (uint32_t id = 1; id < end && !due; id++)
			if (tables_get(&db->tables, id) && is_due(db, reader, id))
				due = id;
	index_read_end(db->index, reader);
	if (due && snapshot_job_new(db, due, &mark, "fold", &job))
		return NULL;
	return job;
}

/* ---- When it is asked for ------------------------------------------------------------ */

static enum drift_err make_one(struct drift_db *db, uint32_t table_id,
			       const struct index_mark *mark,
			       const _Atomic bool *stop)
{
	struct snapshot_job *job;
	enum drift_err err = snapshot_job_new(db, table_id, mark, "asked", &job);

	while (!err) {
		if (stop && atomic_load(stop))
			err = DRIFT_INTERRUPTED;
		else
			err = snapshot_job_step(job, STEP_BYTES);
	}
	snapshot_job_free(job);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err read_mark(struct drift_db *db, uint32_t table_id,
				struct index_mark *mark, uint64_t *events)
{
	struct index_reader *reader;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return err;
	err = index_applied(reader, mark);
	if (!err)
		err = events_since(db, reader, table_id, events);
	index_read_end(db->index, reader);
	return err;
}

static enum drift_err ask(struct drift_db *db, uint32_t table_id,
			  const _Atomic bool *stop)
{
	struct index_mark mark;
	uint64_t events = 0;
	enum drift_err err = read_mark(db, table_id, &mark, &events);

	/* Nothing applied yet, or nothing since the last one. */
	if (err || events == 0)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	return make_one(db, table_id, &mark, stop);
}

enum drift_err drift_snapshot(struct drift_db *db, uint32_t table_id,
			      const _Atomic bool *stop, struct drift_error *error)
{
	uint32_t first = table_id ? table_id : 1;
	uint32_t end = table_id ? table_id + 1 : atomic_load(&db->tables.id_end);
	enum drift_err err;

	if (drift_is_read_only(db))
		return drift_fail(error, DRIFT_READ_ONLY,
				  "the database is read-only");
	err = drift_fold(db);
	pthread_mutex_lock(&db->snapshots.asked);
	for (uint32_t id = first; id < end && !err; id++)
		if (tables_get(&db->tables, id))
			err = ask(db, id, stop);
	pthread_mutex_unlock(&db->snapshots.asked);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
