/* SPDX-License-Identifier: MIT */
/* verify.c - read all of it and say what does not fit: the log against itself, then
 * the index against the log: all its spaces but `past`, whose CRCs reading checks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/verify_snapshot.h"
#include "engine/walk.h"

struct verify {
	struct drift_db *db;
	void (*say)(void *arg, const char *line);
	void *arg;
	struct drift_verify_report *report;
	struct reading reading;
	drift_seq seq;
	drift_time_ns time;
	uint64_t tx;
	uint64_t applied_events; /* events that the index should hold */
	uint64_t row_values;     /* entries that `values` should hold */
	drift_seq applied;       /* how far it has come */
};

static void fault(struct verify *verify, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fault(struct verify *verify, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	verify->report->faults++;
	if (verify->say)
		verify->say(verify->arg, line);
}

static void snapshot_fault(void *arg, const char *line)
{
	fault(arg, "%s", line);
}

/* ---- Segments: headers and the digest chain ----------------------------------- */

static enum drift_err check_segment(struct verify *verify, unsigned i)
{
	struct log *log = &verify->db->log;
	struct log_segment *segment = atomic_load(&log->segments)[i];
	struct log_segment *next;
	uint8_t digest[DIGEST_BYTES];
	struct drift_error error = { 0 };
	uint64_t size;
	enum drift_err err;

	verify->report->segments++;
	err = log_segment_size(log, i, &size, &error);
	if (!err)
		verify->report->bytes += size;
	if (!err && i + 1 == atomic_load(&log->count))
		return DRIFT_OK;
	if (!err) {
		next = atomic_load(&log->segments)[i + 1];
		err = log_segment_get(log, next->first_seq, &next, &error);
	}
	if (!err)
		err = log_segment_digest(log, i, digest, &error);
	if (err == DRIFT_NOMEM)
		return err;
	if (err) {
		fault(verify, "%s", error.text);
		return DRIFT_OK;
	}
	if (memcmp(digest, next->previous_digest, DIGEST_BYTES) != 0)
		fault(verify,
		      "segment %020" PRIu64
		      ".seg is not the one that segment %020" PRIu64
		      ".seg followed: SHA-256 differs",
		      segment->first_seq, next->first_seq);
	return DRIFT_OK;
}

/* ---- Events: the log against itself and `versions` against the log ---------------- */

static enum drift_err check_indexed(struct verify *verify, const struct frame *frame,
				    const struct frame_event *event,
				    const struct place *place)
{
	char bytes[4 + KEY_BYTES_MAX + 8];
	struct slice key = { bytes, 4 + event->key.size + 8 };
	struct index_version version;
	struct slice value;
	enum drift_err err;

	be32_put(bytes, event->table_id);
	memcpy(bytes + 4, event->key.data, event->key.size);
	be64_put(bytes + 4 + event->key.size, frame->seq);
	err = index_get(verify->reading.index, INDEX_VERSIONS, key, &value);
	if (!err)
		err = index_version_decode(key, value, &version);
	if (err == DRIFT_DONE || err == DRIFT_CORRUPT) {
		fault(verify, "index: event %" PRIu64 " is %s", frame->seq,
		      err == DRIFT_DONE ? "missing" : "damaged");
		return DRIFT_OK;
	}
	if (!err &&
	    (version.place.segment != place->segment ||
	     version.place.offset != place->offset ||
	     version.place.size != place->size || version.op != frame_op(frame)))
		fault(verify, "index: event %" PRIu64 " is elsewhere in the log",
		      frame->seq);
	return err;
}

static enum drift_err check_frame(struct verify *verify, const struct frame *frame,
				  const struct place *place)
{
	struct frame_event event;

	if (frame->kind == FRAME_DDL)
		return DRIFT_OK;
	verify->report->events++;
	if (frame_read_event(frame, &event) ||
	    (frame->kind == FRAME_PUT && msg_check_document(event.row))) {
		fault(verify,
		      "segment %020" PRIu64 ".seg offset %" PRIu64
		      ": malformed event",
		      place->segment, place->offset);
		return DRIFT_OK;
	}
	if (frame->seq > verify->applied)
		return DRIFT_OK;
	verify->applied_events++;
	return check_indexed(verify, frame, &event, place);
}

static enum drift_err check_transaction(struct verify *verify, struct walk *walk,
					struct drift_error *error)
{
	struct frame frame;
	struct place place;
	enum drift_err err;

	verify->report->transactions++;
	if (walk->last_seq - walk->count != verify->seq)
		fault(verify, "transaction %" PRIu64 ": seqs do not follow %" PRIu64,
		      walk->tx, verify->seq);
	if (walk->time <= verify->time || walk->tx <= verify->tx)
		fault(verify,
		      "transaction %" PRIu64 ": time or number runs backwards",
		      walk->tx);
	verify->seq = walk->last_seq;
	verify->time = walk->time;
	verify->tx = walk->tx;
	while (!(err = walk_frame(walk, &frame, &place, error))) {
		err = check_frame(verify, &frame, &place);
		if (err)
			return err;
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err check_log(struct verify *verify)
{
	struct place start = log_start(&verify->db->log);
	struct drift_error error = { 0 };
	struct walk walk;
	enum drift_err err =
		walk_init(&walk, &verify->db->log, &start, false, &error);

	while (!err) {
		err = walk_next(&walk, &error);
		if (!err)
			err = check_transaction(verify, &walk, &error);
	}
	walk_release(&walk);
	if (err == DRIFT_CORRUPT)
		fault(verify, "%s", error.text);
	return err == DRIFT_DONE || err == DRIFT_CORRUPT ? DRIFT_OK : err;
}

/* ---- Rows: `current`, `gone` and `values` against the log -------------------------------------- */

static enum drift_err check_row(struct verify *verify, struct slice key,
				struct slice value, bool gone)
{
	struct drift_version version = { 0 };
	struct buf memory = BUF_INIT;
	struct index_version newest;
	struct index_cursor *cursor;
	struct slice found, stored;
	struct index_row row;
	struct buf bound = BUF_INIT;
	enum drift_err err = index_row_decode(value, &row);

	buf_add_slice(&bound, key);
	buf_add_be64(&bound, DRIFT_SEQ_MAX);
	if (!err)
		err = buf_status(&bound);
	if (!err)
		err = index_cursor_open(verify->reading.index, INDEX_VERSIONS,
					&cursor);
	if (err)
		goto done;
	err = index_seek_before(cursor, buf_slice(&bound), &found, &stored);
	if (!err && found.size == bound.size &&
	    memcmp(found.data, key.data, key.size) == 0)
		err = index_version_decode(found, stored, &newest);
	else if (!err)
		err = DRIFT_DONE;
	index_cursor_close(cursor);
	if (!err)
		err = version_load(verify->db, &newest, &memory, &version);
	if (!err && (version.seq != row.seq || version.time != row.time ||
		     gone != (version.op == DRIFT_OP_DELETE) ||
		     !slice_equal(version.row, row.row)))
		err = DRIFT_DONE;
	if (err == DRIFT_DONE || err == DRIFT_CORRUPT) {
		fault(verify,
		      "index: row of table %u at event %" PRIu64
		      " differs from the log",
		      be32_get(key.data), row.seq);
		err = DRIFT_OK;
	}
done:
	buf_release(&bound);
	buf_release(&memory);
	return err;
}

/* Each index must have the row under its present value. */
static enum drift_err check_values(struct verify *verify, struct slice key,
				   struct slice row)
{
	struct table *table = tables_get(&verify->db->tables, be32_get(key.data));
	struct table_version *newest = table ? atomic_load(&table->newest) : NULL;
	unsigned count = newest ? newest->def->index_count : 0;
	struct buf wanted = BUF_INIT;
	struct slice stored;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++) {
		const struct index_def *index = &newest->def->indexes[i];

		buf_clear(&wanted);
		buf_add_be32(&wanted, index->id);
		err = row_index_value(index, row, &wanted);
		buf_add(&wanted, (const char *)key.data + 4, key.size - 4);
		if (!err)
			err = buf_status(&wanted);
		if (!err)
			err = index_get(verify->reading.index, INDEX_VALUES,
					buf_slice(&wanted), &stored);
		verify->row_values++;
		if (err != DRIFT_DONE)
			continue;
		fault(verify, "index \"%s\" of \"%s\" lacks a row", index->name,
		      newest->def->name);
		err = DRIFT_OK;
	}
	buf_release(&wanted);
	return err;
}

static enum drift_err check_entry(struct verify *verify, enum index_space space,
				  struct slice key, struct slice value)
{
	struct index_row row = { 0 };
	enum drift_err err;

	if (space != INDEX_CURRENT && space != INDEX_GONE)
		return DRIFT_OK;
	err = check_row(verify, key, value, space == INDEX_GONE);
	if (err || space == INDEX_GONE)
		return err;
	err = index_row_decode(value, &row);
	return err ? err : check_values(verify, key, row.row);
}

static enum drift_err check_space(struct verify *verify, enum index_space space,
				  uint64_t *count)
{
	struct index_cursor *cursor;
	struct slice key, value;
	enum drift_err err =
		index_cursor_open(verify->reading.index, space, &cursor);

	*count = 0;
	if (err)
		return err;
	err = index_step(cursor, INDEX_FIRST, &key, &value);
	while (!err || err == DRIFT_CORRUPT) {
		++*count;
		if (err)
			fault(verify, "index: a value's CRC does not match");
		else
			err = check_entry(verify, space, key, value);
		if (err && err != DRIFT_CORRUPT)
			break;
		err = index_step(cursor, INDEX_NEXT, &key, &value);
	}
	index_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err check_index(struct verify *verify)
{
	uint64_t rows, gone, versions = 0, values = 0;
	enum drift_err err = check_space(verify, INDEX_CURRENT, &rows);

	if (!err)
		err = check_space(verify, INDEX_GONE, &gone);
	if (!err)
		err = check_space(verify, INDEX_VERSIONS, &versions);
	if (!err)
		err = check_space(verify, INDEX_VALUES, &values);
	if (!err && values != verify->row_values)
		fault(verify,
		      "index: %" PRIu64 " values of rows, the rows have %" PRIu64,
		      values, verify->row_values);
	if (!err && versions != verify->applied_events)
		fault(verify,
		      "index: %" PRIu64 " versions, the log has %" PRIu64
		      " events up to %" PRIu64,
		      versions, verify->applied_events, verify->applied);
	return err;
}

enum drift_err drift_verify(struct drift_db *db,
			    void (*say)(void *arg, const char *line), void *arg,
			    struct drift_verify_report *report)
{
	struct verify verify = {
		.db = db, .say = say, .arg = arg, .report = report
	};
	struct index_mark mark;
	enum drift_err err;

	*report = (struct drift_verify_report){ 0 };
	err = reading_begin(&verify.reading, db);
	if (!err) {
		err = index_applied(verify.reading.index, &mark);
		verify.applied = err ? 0 : mark.seq;
		err = err == DRIFT_DONE ? DRIFT_OK : err;
	}
	for (unsigned i = 0; !err && i < atomic_load(&db->log.count); i++)
		err = check_segment(&verify, i);
	if (!err)
		err = check_log(&verify);
	if (!err)
		err = check_index(&verify);
	if (!err)
		err = verify_snapshots(db, snapshot_fault, &verify);
	reading_end(&verify.reading);
	if (err)
		return err;
	return report->faults ? DRIFT_CORRUPT : DRIFT_OK;
}
