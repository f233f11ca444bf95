/* SPDX-License-Identifier: MIT */
/* test_snapshot.c - scans of the past by snapshots and by changes, compared with scans
 * that use neither and with a model; and snapshots that are damaged, foreign, cut,
 * deleted or unfinished. */
#include "tests/unit/cmocka_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/scan.h"
#include "tests/unit/table_t.h"

#define KEYS 200
#define EVENTS_MAX 20000
#define NONE (-1)

static char dir[64];
static struct drift_db *db;
static const struct table_def *t, *other;
static uint64_t seed;
static unsigned reports;
static char last_report[512];

/* The model: what table t held after each event; other's events change nothing. */
static int (*states)[KEYS];
static drift_seq head;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static void report(void *arg, const char *line)
{
	(void)arg;
	reports++;
	snprintf(last_report, sizeof(last_report), "%s", line);
}

static void open_db_with(uint32_t snapshot_events_min)
{
	struct drift_options options = {
		.fold_events_max = 50,
		.segment_bytes_max = 16 << 10,
		.snapshot_events_min = snapshot_events_min,
		.report = report,
	};
	struct drift_error error;

	reports = 0;
	if (drift_open(dir, &options, &db, &error))
		fail_msg("%s", error.text);
	t = drift_table(drift_view_live(db), SLICE("t"));
	other = drift_table(drift_view_live(db), SLICE("other"));
}

static void open_db(void)
{
	open_db_with(40);
}

static void make_table(const char *name)
{
	struct table_def *def = table_def_new(name);
	struct drift_receipt receipt;
	struct drift_txn *txn;

	def->document = true;
	assert_non_null(table_def_add_column(def, "id"));
	def->columns[0].type = DRIFT_TEXT;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(drift_txn_define(txn, def, NULL), DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	table_def_free(def);
}

static int setup(void **state)
{
	(void)state;
	seed = test_seed();
	snprintf(dir, sizeof(dir), "/tmp/driftfs-snapshot-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(drift_init(dir, NULL), DRIFT_OK);
	states = calloc(EVENTS_MAX, sizeof(*states));
	for (int k = 0; k < KEYS; k++)
		states[0][k] = NONE;
	head = 0;
	open_db();
	assert_int_equal(table_t_make(db), DRIFT_OK);
	make_table("other");
	t = drift_table(drift_view_live(db), SLICE("t"));
	other = drift_table(drift_view_live(db), SLICE("other"));
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	drift_close(db);
	db = NULL;
	free(states);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct slice key_of(int k, struct buf *key)
{
	char text[16];

	snprintf(text, sizeof(text), "k%03d", k);
	buf_clear(key);
	key_add_text(key, slice_str(text));
	return buf_slice(key);
}

static int number_of(struct slice key)
{
	return atoi(strchr((const char *)key.data, 'k') + 1);
}

static void put(struct drift_txn *txn, const struct table_def *def, int k, int v)
{
	struct buf key = BUF_INIT, row = BUF_INIT;
	char text[16];

	key_of(k, &key);
	if (v == NONE) {
		assert_int_equal(drift_txn_delete(txn, def, buf_slice(&key), true,
						  NULL),
				 DRIFT_OK);
	} else {
		snprintf(text, sizeof(text), "k%03d", k);
		msg_add_map(&row, 2);
		msg_add_text(&row, SLICE("id"));
		msg_add_text(&row, slice_str(text));
		msg_add_text(&row, SLICE("v"));
		msg_add_int(&row, v);
		assert_int_equal(drift_txn_put(txn, def, buf_slice(&key),
					       buf_slice(&row), DRIFT_PUT, NULL),
				 DRIFT_OK);
	}
	buf_release(&key);
	buf_release(&row);
}

static void model_add(int k, int v)
{
	assert_true(head + 1 < EVENTS_MAX);
	memcpy(states[head + 1], states[head], sizeof(*states));
	head++;
	if (k >= 0)
		states[head][k] = v;
}

/* A few events of t and, with `noise` in ten, of the other table. */
static void work(unsigned transactions, unsigned keys, unsigned noise)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;

	for (unsigned i = 0; i < transactions; i++) {
		unsigned ops = 1 + draw(4);

		assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		for (unsigned n = 0; n < ops; n++) {
			int k = (int)draw(keys), v = (int)head + 1;

			if (draw(10) < noise) {
				put(txn, other, k, v);
				model_add(NONE, 0);
			} else if (draw(4) || states[head][k] == NONE) {
				put(txn, t, k, v);
				model_add(k, v);
			} else {
				put(txn, t, k, NONE);
				model_add(k, NONE);
			}
		}
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE_LATER, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
	}
	assert_int_equal(drift_head(db), head);
}

static int value_of(struct slice row)
{
	struct msg_cursor cursor;
	struct slice bytes;
	int64_t v;

	assert_int_equal(msg_member(row, SLICE("v"), &bytes), DRIFT_OK);
	cursor = msg_cursor_of(bytes);
	assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	return (int)v;
}

/* All rows of t at seq, within keys [low, high). */
static void scan_equals_model(drift_seq seq, int low, int high)
{
	struct buf low_key = BUF_INIT, high_key = BUF_INIT;
	struct drift_range range = { .high_open = true };
	struct drift_version version;
	struct drift_cursor *cursor;
	int k = low;
	enum drift_err err;

	range.low = key_of(low, &low_key);
	range.high = key_of(high, &high_key);
	assert_int_equal(drift_scan(drift_view_at(db, seq), t->id,
				    low == 0 && high == KEYS ? NULL : &range,
				    &cursor),
			 DRIFT_OK);
	while (!(err = drift_cursor_next(cursor, &version))) {
		int found = number_of(version.key);

		for (; k < found; k++)
			assert_int_equal(states[seq][k], NONE);
		assert_int_equal(value_of(version.row), states[seq][k]);
		/* v is the event that stored the row. */
		assert_int_equal(version.seq, states[seq][k]);
		k++;
	}
	assert_int_equal(err, DRIFT_DONE);
	for (; k < high; k++)
		assert_int_equal(states[seq][k], NONE);
	drift_cursor_close(cursor);
	buf_release(&low_key);
	buf_release(&high_key);
}

static void scans_equal_model(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		drift_seq seq = draw((unsigned)head + 1);
		int low = (int)draw(KEYS), high = low + (int)draw(KEYS - low + 1);

		scan_equals_model(seq, 0, KEYS);
		scan_equals_model(seq, low, high);
	}
}

/* All times too, against a scan that uses no snapshot. */
static void scan_equals_walk(drift_seq seq)
{
	struct drift_version a, b;
	struct drift_cursor *scan, *walk;
	enum drift_err err, other_err;

	assert_int_equal(drift_scan(drift_view_at(db, seq), t->id, NULL, &scan),
			 DRIFT_OK);
	assert_int_equal(scan_walk(drift_view_at(db, seq), t->id, &walk), DRIFT_OK);
	for (;;) {
		err = drift_cursor_next(scan, &a);
		other_err = drift_cursor_next(walk, &b);
		assert_int_equal(err, other_err);
		if (err)
			break;
		assert_true(slice_equal(a.key, b.key));
		assert_true(slice_equal(a.row, b.row));
		assert_true(a.seq == b.seq && a.time == b.time &&
			    a.integer_key == b.integer_key);
	}
	drift_cursor_close(scan);
	drift_cursor_close(walk);
}

static unsigned snapshot_count(void)
{
	struct drift_snapshot_info info = { 0 };
	unsigned count = 0;

	while (drift_snapshot_next(db, &info))
		count++;
	return count;
}

static void wait_for_snapshots(unsigned count)
{
	for (int i = 0; i < 1000 && snapshot_count() < count; i++)
		usleep(10000);
	assert_true(snapshot_count() >= count);
}

static void snapshot_path(uint32_t table_id, drift_seq seq, char path[256])
{
	snprintf(path, 256, "%s/snapshots/%u/%020llu.snap", dir, table_id,
		 (unsigned long long)seq);
}

/* ---- Equal answers -------------------------------------------------------------- */

static void scans_equal_the_model_with_and_without_snapshots(void **state)
{
	char command[128];
	struct drift_verify_report verified;

	(void)state;
	work(1500, KEYS, 3);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	wait_for_snapshots(3);
	scans_equal_model(150);
	for (unsigned i = 0; i < 50; i++)
		scan_equals_walk(draw((unsigned)head + 1));
	assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
	scans_equal_model(100);
	work(20, KEYS, 3); /* some in memtables, too */
	scans_equal_model(50);
	assert_int_equal(drift_verify(db, NULL, NULL, test_say, NULL, &verified),
			 DRIFT_OK);
	snprintf(command, sizeof(command), "rm -rf %s/snapshots/*/*", dir);
	assert_int_equal(system(command), 0);
	scans_equal_model(100);
	drift_close(db);
	open_db(); /* which makes one, as the policy says */
	scans_equal_model(50);
	assert_int_equal(reports, 0);
}

static void few_keys_with_much_noise(void **state)
{
	(void)state;
	work(1200, 12, 9);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	scans_equal_model(200);
	assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
	scans_equal_model(100);
}

static void scans_while_folding(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		work(30, KEYS, 2);
		scans_equal_model(3);
	}
}

/* ---- What is made ------------------------------------------------------------------ */

static void snapshot_of_a_table_and_of_all(void **state)
{
	struct drift_snapshot_info info = { 0 };
	drift_seq made;

	(void)state;
	drift_close(db);
	open_db_with(100000);
	work(100, KEYS, 5);
	assert_int_equal(drift_snapshot(db, t->id, NULL, NULL), DRIFT_OK);
	made = head;
	assert_true(drift_snapshot_next(db, &info));
	assert_int_equal(info.table_id, t->id);
	assert_int_equal(info.seq, made);
	assert_false(drift_snapshot_next(db, &info));
	assert_int_equal(drift_snapshot_for(drift_view_at(db, made), t->id), 0);
	work(100, KEYS, 5);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	assert_int_equal(drift_snapshot_for(drift_view_at(db, made), t->id), made);
	assert_int_equal(drift_snapshot(db, 0, NULL, NULL), DRIFT_OK);
	assert_int_equal(snapshot_count(), 3);
	/* Nothing changed since: nothing more. */
	assert_int_equal(drift_snapshot(db, 0, NULL, NULL), DRIFT_OK);
	assert_int_equal(snapshot_count(), 3);
	drift_close(db);
	open_db_with(100000);
	assert_int_equal(snapshot_count(), 3);
	scans_equal_model(30);
}

static void a_snapshot_is_made_after_as_many_events_as_there_are_rows(void **state)
{
	struct drift_snapshot_info info = { 0 };
	unsigned count = 0;

	(void)state;
	work(2000, KEYS, 0);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	wait_for_snapshots(10);
	while (drift_snapshot_next(db, &info))
		count++;
	/* About 150 rows; a fold takes 50 events. */
	assert_true(count <= head / 140);
}

static void a_stop_leaves_no_snapshot(void **state)
{
	_Atomic bool stop = true;

	(void)state;
	drift_close(db);
	open_db_with(100000);
	work(20, KEYS, 0);
	assert_int_equal(drift_snapshot(db, t->id, &stop, NULL), DRIFT_INTERRUPTED);
	assert_int_equal(snapshot_count(), 0);
}

/* ---- Use ------------------------------------------------------------------------------- */

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

static struct index_mark mark_now(void)
{
	struct index_reader *reader;
	struct index_mark mark;

	assert_int_equal(drift_fold(db), DRIFT_OK);
	assert_int_equal(index_read_begin(db->index, &reader), DRIFT_OK);
	assert_int_equal(index_applied(reader, &mark), DRIFT_OK);
	index_read_end(db->index, reader);
	return mark;
}

static unsigned forged_rows(drift_seq seq)
{
	struct drift_version version;
	struct drift_cursor *cursor;
	unsigned count = 0;

	assert_int_equal(drift_scan(drift_view_at(db, seq), t->id, NULL, &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version))
		count += value_of(version.row) == 4711;
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

/* ---- Damage ------------------------------------------------------------------------------ */

/* A database with one snapshot in the middle that scans there use; its path. */
static drift_seq make_one(char path[256])
{
	drift_seq seq;

	drift_close(db);
	open_db_with(100);
	db->options.snapshot_events_min = 1000000; /* none by itself */
	work(200, KEYS, 2);
	assert_int_equal(drift_snapshot(db, t->id, NULL, NULL), DRIFT_OK);
	seq = head;
	work(300, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	snapshot_path(t->id, seq, path);
	drift_close(db);
	open_db_with(100);
	assert_int_equal(drift_snapshot_for(drift_view_at(db, seq), t->id), seq);
	return seq;
}

static void flip(const char *path, off_t at, uint8_t bits)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void copy_file(const char *from, const char *to)
{
	char command[600];

	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void a_damaged_snapshot_is_reported_once_and_not_used(void **state)
{
	char path[256], good[300];
	drift_seq seq = make_one(path);
	struct stat st;

	(void)state;
	snprintf(good, sizeof(good), "%s/good", dir);
	copy_file(path, good);
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at += 1 + draw(40)) {
		/* Bytes 116..123 of the header are covered too. */
		copy_file(good, path);
		flip(path, at, (uint8_t)(1 + draw(255)));
		db->snapshots.list[0].bad = false;
		reports = 0;
		scan_equals_model(seq, 0, KEYS);
		if (reports != 1)
			fail_msg("byte %ld: %u reports", (long)at, reports);
		scan_equals_model(seq, 0, KEYS);
		assert_int_equal(reports, 1);
	}
	for (off_t size = 0; size < st.st_size; size += 1 + draw(60)) {
		copy_file(good, path);
		assert_int_equal(truncate(path, size), 0);
		db->snapshots.list[0].bad = false;
		scan_equals_model(seq, 0, KEYS);
		assert_true(db->snapshots.list[0].bad);
	}
	copy_file(good, path);
	db->snapshots.list[0].bad = false;
	scan_equals_model(seq, 0, KEYS);
	assert_false(db->snapshots.list[0].bad);
}

/* Large enough for several blocks: the scan is in the middle when it meets the bad
 * one. */
static void damage_in_the_middle_of_a_scan(void **state)
{
	struct drift_receipt receipt;
	struct drift_version version;
	struct drift_cursor *cursor;
	struct drift_txn *txn;
	struct stat st;
	char path[256];
	unsigned count = 0;
	drift_seq seq;
	struct buf key = BUF_INIT, row = BUF_INIT;
	char text[16], noise[600];
	enum drift_err err;

	(void)state;
	drift_close(db);
	open_db_with(100);
	db->options.snapshot_events_min = 1000000;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		for (int k = 0; k < 1000; k++) {
			snprintf(text, sizeof(text), "k%06d", k);
			for (size_t i = 0; i < sizeof(noise); i++)
				noise[i] = (char)('a' + draw(26));
			buf_clear(&key);
			buf_clear(&row);
			key_add_text(&key, slice_str(text));
			msg_add_map(&row, 2);
			msg_add_text(&row, SLICE("id"));
			msg_add_text(&row, slice_str(text));
			msg_add_text(&row, SLICE("v"));
			msg_add_text(&row, slice_of(noise, sizeof(noise)));
			assert_int_equal(drift_txn_put(txn, t, buf_slice(&key),
						       buf_slice(&row), DRIFT_PUT,
						       NULL),
					 DRIFT_OK);
		}
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
		if (round == 0)
			assert_int_equal(drift_snapshot(db, t->id, NULL, NULL),
					 DRIFT_OK);
	}
	seq = 1000;
	assert_int_equal(drift_fold(db), DRIFT_OK);
	drift_close(db);
	open_db_with(100);
	snapshot_path(t->id, seq, path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 4 * 65536);
	flip(path, st.st_size / 2, 0x10);
	assert_int_equal(drift_scan(drift_view_at(db, seq), t->id, NULL, &cursor),
			 DRIFT_OK);
	while (!(err = drift_cursor_next(cursor, &version))) {
		assert_int_equal(number_of(version.key), count);
		assert_int_equal(version.seq, count + 1);
		count++;
	}
	assert_int_equal(err, DRIFT_DONE);
	assert_int_equal(count, 1000);
	assert_int_equal(reports, 1);
	drift_cursor_close(cursor);
	buf_release(&key);
	buf_release(&row);
	head = 2000;
}

static void a_snapshot_that_goes_while_open_is_not_missed(void **state)
{
	struct drift_snapshot_info info = { 0 };
	char path[256];
	drift_seq seq = make_one(path);

	(void)state;
	assert_int_equal(unlink(path), 0);
	scan_equals_model(seq, 0, KEYS);
	assert_int_equal(reports, 0);
	while (drift_snapshot_next(db, &info)) /* the policy may have made one */
		assert_int_not_equal(info.seq, seq);
}

static void links_are_not_followed(void **state)
{
	char path[256], away[300];
	drift_seq seq = make_one(path);

	(void)state;
	snprintf(away, sizeof(away), "%s/away", dir);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(symlink(away, path), 0);
	scan_equals_model(seq, 0, KEYS);
	assert_int_equal(reports, 1);
	assert_non_null(strstr(last_report, "symbolic link"));
}

static void unfinished_files_are_removed_at_opening(void **state)
{
	char path[256], unfinished[300];

	(void)state;
	make_one(path);
	snprintf(unfinished, sizeof(unfinished), "%s.asked.tmp", path);
	copy_file(path, unfinished);
	drift_close(db);
	open_db();
	assert_int_not_equal(access(unfinished, F_OK), 0);
	assert_int_equal(access(path, F_OK), 0);
}

/* ---- What changed ---------------------------------------------------------------------------- */

static void changes_equal_model(drift_seq a, drift_seq b, int low, int high)
{
	struct buf low_key = BUF_INIT, high_key = BUF_INIT;
	struct drift_range range = { .high_open = true };
	struct drift_difference difference;
	struct drift_changes *changes;
	int k = low;
	enum drift_err err;

	range.low = key_of(low, &low_key);
	range.high = key_of(high, &high_key);
	assert_int_equal(drift_changes_open(drift_view_at(db, a),
					    drift_view_at(db, b), t->id, &range,
					    &changes),
			 DRIFT_OK);
	while (!(err = drift_changes_next(changes, &difference))) {
		int found = number_of(difference.key);

		for (; k < found; k++)
			assert_int_equal(states[a][k], states[b][k]);
		assert_int_not_equal(states[a][k], states[b][k]);
		assert_int_equal(difference.had, states[a][k] != NONE);
		assert_int_equal(difference.has, states[b][k] != NONE);
		if (difference.had)
			assert_int_equal(value_of(difference.before.row),
					 states[a][k]);
		if (difference.has)
			assert_int_equal(value_of(difference.after.row),
					 states[b][k]);
		k++;
	}
	assert_int_equal(err, DRIFT_DONE);
	for (; k < high; k++)
		assert_int_equal(states[a][k], states[b][k]);
	drift_changes_close(changes);
	buf_release(&low_key);
	buf_release(&high_key);
}

static void changes_between_any_two_moments_equal_the_model(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		work(100, KEYS, 4);
		if (round == 6)
			assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
		for (int i = 0; i < 40; i++) {
			drift_seq a = draw((unsigned)head + 1);
			drift_seq b = draw(2) ? draw((unsigned)head + 1)
					      : a + draw((unsigned)(head - a) + 1);
			int low = (int)draw(KEYS);

			changes_equal_model(a, b, 0, KEYS);
			changes_equal_model(a, b, low,
					    low + (int)draw(KEYS - low + 1));
		}
	}
	drift_close(db);
	open_db();
	changes_equal_model(0, head, 0, KEYS);
}

/* More keys than are kept at a time: they come in parts. */
static void changed_keys_come_in_parts(void **state)
{
	struct changed changed;
	struct reading reading;
	const struct changed_key *key;
	int expected[KEYS] = { 0 };

	(void)state;
	work(400, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	for (drift_seq seq = 100; seq < 500; seq++)
		for (int k = 0; k < KEYS; k++)
			if (states[seq][k] != states[seq + 1][k])
				expected[k] = (int)seq + 1;
	assert_int_equal(reading_begin(&reading, db), DRIFT_OK);
	changed_init(&changed, t->id, 100, 500, NULL, false);
	changed.count_max = 7;
	assert_int_equal(changed_seek(&changed, &reading, SLICE(""), false),
			 DRIFT_OK);
	for (int k = 0; k < KEYS; k++) {
		if (!expected[k])
			continue;
		assert_int_equal(changed_peek(&changed, &reading, &key), DRIFT_OK);
		assert_non_null(key);
		assert_int_equal(number_of(key->key), k);
		assert_int_equal(key->seq, expected[k]);
		changed_step(&changed);
	}
	assert_int_equal(changed_peek(&changed, &reading, &key), DRIFT_OK);
	assert_null(key);
	changed_release(&changed);
	reading_end(&reading);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(scans_equal_the_model_with_and_without_snapshots),
		TEST(few_keys_with_much_noise),
		TEST(scans_while_folding),
		TEST(snapshot_of_a_table_and_of_all),
		TEST(a_snapshot_is_made_after_as_many_events_as_there_are_rows),
		TEST(a_stop_leaves_no_snapshot),
		TEST(scans_read_snapshots_and_verify_compares_them),
		TEST(verify_finds_one_wrong_row_of_a_snapshot),
		TEST(a_snapshot_of_another_log_is_not_used),
		TEST(a_snapshot_of_another_database_is_not_used),
		TEST(a_snapshot_newer_than_the_log_is_removed),
		TEST(a_damaged_snapshot_is_reported_once_and_not_used),
		TEST(damage_in_the_middle_of_a_scan),
		TEST(a_snapshot_that_goes_while_open_is_not_missed),
		TEST(links_are_not_followed),
		TEST(unfinished_files_are_removed_at_opening),
		TEST(changes_between_any_two_moments_equal_the_model),
		TEST(changed_keys_come_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
