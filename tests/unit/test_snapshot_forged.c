/* SPDX-License-Identifier: MIT */
/* test_snapshot_forged.c - snapshots that are whole and not what their table was: of
 * another log, another database, a moment that the log has not, or with one row wrong.
 * Scans do not use those that cannot be theirs, and verify finds the others. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/snapshot_model.h"

/* Write a snapshot that says something else, in due form. */
static void forge(const struct index_mark *mark, uint32_t table_id)
{
	struct snapshot_header header = { .table_id = table_id, .mark = *mark };
	struct snapshot snapshot = { .table_id = table_id, .seq = mark->seq };
	struct index_row row = { .seq = 1, .time = 1 };
	struct snapshot_writer *writer;
	struct buf key = BUF_INIT, document = BUF_INIT;
	int at;

	memcpy(header.database_id, db->database_id, DATABASE_ID_BYTES);
	msg_add_map(&document, 1);
	msg_add_text(&document, SLICE("v"));
	msg_add_int(&document, 4711);
	row.row = buf_slice(&document);
	assert_int_equal(snapshots_table_dir(db, table_id, true, &at), DRIFT_OK);
	assert_int_equal(snapshot_writer_new(db->io, at, &header, "test", &writer,
					     NULL),
			 DRIFT_OK);
	for (int k = 0; k < KEYS; k++)
		assert_int_equal(snapshot_writer_add(writer, key_of(k, &key), &row),
				 DRIFT_OK);
	assert_int_equal(snapshot_writer_finish(writer, &snapshot.bytes), DRIFT_OK);
	snapshot_writer_free(writer);
	close(at);
	snapshots_add(db, &snapshot);
	buf_release(&key);
	buf_release(&document);
}

static unsigned forged_rows(drift_seq seq)
{
	struct drift_version version;
	struct drift_cursor *cursor;
	unsigned count = 0;

	assert_int_equal(drift_scan(drift_view_at(db, seq), t->id, NULL, &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version))
		count += (int)table_t_value(version.row) == 4711;
	drift_cursor_close(cursor);
	return count;
}

static unsigned faults;

static void count_fault(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	faults++;
}

/* The snapshot's rows at `mark` as they were, but for one thing about row `at`. */
enum planted { ALL_AS_IT_WAS, ANOTHER_ROW, ANOTHER_SEQ, ONE_LESS, ONE_MORE, NO_END };

static void copy_rows(struct snapshot_writer *writer, drift_seq seq, int at,
		      enum planted planted)
{
	struct drift_version version;
	struct drift_cursor *cursor;
	struct buf row_bytes = BUF_INIT, more = BUF_INIT;
	int i = 0;

	assert_int_equal(scan_walk(drift_view_at(db, seq), t->id, &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version)) {
		bool here = i++ == at;
		struct index_row row = { .seq = version.seq,
					 .time = version.time,
					 .integer_key = version.integer_key,
					 .row = version.row };

		if (here && planted == ONE_LESS)
			continue;
		if (i > at && planted == NO_END)
			break;
		if (here && planted == ANOTHER_SEQ)
			row.seq--;
		if (here && planted == ANOTHER_ROW) {
			buf_add_slice(&row_bytes, row.row);
			row_bytes.data[row_bytes.size - 1] ^= 1;
			row.row = buf_slice(&row_bytes);
		}
		assert_int_equal(snapshot_writer_add(writer, version.key, &row),
				 DRIFT_OK);
		if (!here || planted != ONE_MORE)
			continue;
		buf_add_slice(&more, version.key);
		buf_add_char(&more, 1);
		assert_int_equal(snapshot_writer_add(writer, buf_slice(&more), &row),
				 DRIFT_OK);
	}
	drift_cursor_close(cursor);
	buf_release(&row_bytes);
	buf_release(&more);
}

static void plant(const struct index_mark *mark, int at, enum planted planted)
{
	struct snapshot_header header = { .table_id = t->id, .mark = *mark };
	struct snapshot_writer *writer;
	uint64_t bytes;
	int to;

	memcpy(header.database_id, db->database_id, DATABASE_ID_BYTES);
	assert_int_equal(snapshots_table_dir(db, t->id, true, &to), DRIFT_OK);
	assert_int_equal(snapshot_writer_new(db->io, to, &header, "test", &writer,
					     NULL),
			 DRIFT_OK);
	copy_rows(writer, mark->seq, at, planted);
	assert_int_equal(snapshot_writer_finish(writer, &bytes), DRIFT_OK);
	snapshot_writer_free(writer);
	close(to);
}

/* Of the open database, and of its files alone. */
static unsigned count_faults(void)
{
	struct drift_verify_report verified;
	struct drift_error error;
	struct drift_log *log;
	unsigned online;
	enum drift_err err;

	faults = 0;
	err = drift_verify(db, NULL, NULL, count_fault, NULL, &verified);
	assert_int_equal(err, faults ? DRIFT_CORRUPT : DRIFT_OK);
	online = faults;
	faults = 0;
	drift_close(db);
	assert_int_equal(drift_log_open(dir, &log, &error), DRIFT_OK);
	err = drift_log_verify(log, NULL, count_fault, NULL, &verified);
	drift_log_close(log);
	open_db_with(1000000);
	assert_int_equal(err, faults ? DRIFT_CORRUPT : DRIFT_OK);
	assert_int_equal(faults, online);
	return faults;
}

static void verify_finds_one_wrong_row_of_a_snapshot(void **state)
{
	struct index_mark marks[3];

	(void)state;
	drift_close(db);
	open_db_with(1000000); /* no snapshot by itself */
	for (unsigned i = 0; i < 3; i++) {
		work(200, KEYS, 2);
		marks[i] = mark_now();
	}
	work(200, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	for (unsigned i = 0; i < 3; i++)
		plant(&marks[i], 0, ALL_AS_IT_WAS);
	assert_int_equal(count_faults(), 0);
	for (enum planted planted = ANOTHER_ROW; planted <= NO_END; planted++)
		for (unsigned i = 0; i < 3; i++) {
			plant(&marks[i], 7 * (int)i, planted);
			assert_int_equal(count_faults(), 1);
			plant(&marks[i], 0, ALL_AS_IT_WAS);
		}
	assert_int_equal(count_faults(), 0);
}

static void scans_read_snapshots_and_verify_compares_them(void **state)
{
	struct drift_verify_report verified;
	struct index_mark mark;

	(void)state;
	drift_close(db);
	open_db_with(2000);
	work(200, KEYS, 2);
	mark = mark_now();
	work(200, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	assert_int_equal(drift_verify(db, NULL, NULL, test_say, NULL, &verified),
			 DRIFT_OK);
	forge(&mark, t->id);
	assert_true(forged_rows(mark.seq) > 50);
	faults = 0;
	assert_int_equal(drift_verify(db, NULL, NULL, count_fault, NULL, &verified),
			 DRIFT_CORRUPT);
	assert_int_equal(faults, 1);
}

/* As a log would have it that lost its end and went on otherwise. */
static void a_snapshot_of_another_log_is_not_used(void **state)
{
	struct index_mark mark;

	(void)state;
	drift_close(db);
	open_db_with(2000);
	work(200, KEYS, 2);
	mark = mark_now();
	work(200, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	mark.commit_crc ^= 1;
	forge(&mark, t->id);
	assert_int_equal(forged_rows(mark.seq), 0);
	assert_int_equal(reports, 1);
	assert_non_null(strstr(last_report, "does not belong to this log"));
	assert_int_equal(forged_rows(mark.seq), 0);
	assert_int_equal(reports, 1);
	assert_int_equal(drift_snapshot_for(drift_view_at(db, mark.seq), t->id), 0);
}

static void a_snapshot_of_another_database_is_not_used(void **state)
{
	struct index_mark mark;
	uint8_t id;

	(void)state;
	drift_close(db);
	open_db_with(2000);
	work(200, KEYS, 2);
	mark = mark_now();
	work(200, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	id = db->database_id[0];
	db->database_id[0] ^= 1;
	forge(&mark, t->id);
	db->database_id[0] = id;
	assert_int_equal(forged_rows(mark.seq), 0);
	assert_int_equal(reports, 1);
}

static void a_snapshot_newer_than_the_log_is_removed(void **state)
{
	struct index_mark mark;
	char path[256];

	(void)state;
	work(50, KEYS, 2);
	mark = mark_now();
	mark.seq += 5;
	forge(&mark, t->id);
	snapshot_path(t->id, mark.seq, path);
	assert_int_equal(access(path, F_OK), 0);
	drift_close(db);
	open_db();
	assert_int_equal(reports, 1);
	assert_int_not_equal(access(path, F_OK), 0);
	work(50, KEYS, 2);
	scans_equal_model(30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(verify_finds_one_wrong_row_of_a_snapshot),
		SNAPSHOT_TEST(scans_read_snapshots_and_verify_compares_them),
		SNAPSHOT_TEST(a_snapshot_of_another_log_is_not_used),
		SNAPSHOT_TEST(a_snapshot_of_another_database_is_not_used),
		SNAPSHOT_TEST(a_snapshot_newer_than_the_log_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
