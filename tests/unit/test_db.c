/* SPDX-License-Identifier: MIT */
/* test_db.c - a database from outside: commit, read now and as of the past, close,
 * kill, reopen. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/json.h"
#include "tests/unit/scratch_db.h"

static void open_db(struct scratch *f, uint32_t fold_events_max)
{
	f->options.fold_events_max = fold_events_max;
	if (drift_open(f->dir, &f->options, &f->db, &f->error))
		fail_msg("%s", f->error.text);
	f->t = drift_table(drift_view_live(f->db), SLICE("t"));
}

static void txn_put(struct scratch *f, struct drift_txn *txn, const char *id, int v)
{
	struct buf key = BUF_INIT, row = BUF_INIT, doc = BUF_INIT;
	char json[64];

	snprintf(json, sizeof(json), "{\"v\":%d}", v);
	assert_int_equal(json_parse_document(slice_str(json), &doc, NULL), DRIFT_OK);
	assert_int_equal(row_shape(f->t, buf_slice(&doc), scratch_key(id, &key),
				   true, &row, NULL),
			 DRIFT_OK);
	assert_int_equal(drift_txn_put(txn, f->t, buf_slice(&key), buf_slice(&row),
				       DRIFT_PUT, NULL),
			 DRIFT_OK);
	buf_release(&key);
	buf_release(&row);
	buf_release(&doc);
}

static enum drift_err put(struct scratch *f, const char *id, int v)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	enum drift_err err;

	assert_int_equal(drift_txn_new(f->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	txn_put(f, txn, id, v);
	err = drift_commit(txn, DRIFT_DURABLE, &receipt);
	drift_txn_free(txn);
	return err;
}

static enum drift_err del(struct scratch *f, const char *id)
{
	return scratch_put(f, id, NO_VALUE, 0);
}

/* The row's v at seq, -1 when there is no row. */
static int value_in(struct drift_view view, const struct table_def *t,
		    const char *id)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	struct slice value;
	struct msg_cursor cursor;
	int64_t v = -1;
	enum drift_err err = drift_get(view, t->id, scratch_key(id, &key), &row);

	if (!err) {
		assert_int_equal(msg_member(row.version.row, SLICE("v"), &value),
				 DRIFT_OK);
		cursor = msg_cursor_of(value);
		assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	} else {
		assert_int_equal(err, DRIFT_NO_ROW);
	}
	drift_row_release(&row);
	buf_release(&key);
	return (int)v;
}

/* "a=1 b=2" as a scan shows it. */
static const char *drain(struct drift_cursor *cursor)
{
	static char text[4096];
	struct drift_version version;
	struct msg_cursor c;
	struct msg_value id;
	struct slice value, key;
	int64_t v;
	size_t at = 0;
	enum drift_err err;

	text[0] = 0;
	while (!(err = drift_cursor_next(cursor, &version))) {
		key = version.key;
		assert_int_equal(key_read(&key, &id), DRIFT_OK);
		v = -1;
		if (version.row.size) {
			assert_int_equal(msg_member(version.row, SLICE("v"), &value),
					 DRIFT_OK);
			c = msg_cursor_of(value);
			assert_int_equal(msg_read_int(&c, &v), DRIFT_OK);
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s=%d",
				       at ? " " : "", (int)id.bytes.size,
				       (const char *)id.bytes.data, (int)v);
	}
	assert_int_equal(err, DRIFT_DONE);
	drift_cursor_close(cursor);
	return text;
}

static const char *scan(struct scratch *f, struct drift_view view)
{
	struct drift_cursor *cursor;

	assert_int_equal(drift_scan(view, f->t->id, NULL, &cursor), DRIFT_OK);
	return drain(cursor);
}

static const char *history(struct scratch *f, struct drift_view view)
{
	struct drift_cursor *cursor;

	assert_int_equal(drift_history(view, f->t->id, NULL, &cursor), DRIFT_OK);
	return drain(cursor);
}

static const char *index_equal(struct scratch *f, struct drift_view view, int v)
{
	struct drift_cursor *cursor;
	struct buf value = BUF_INIT;
	struct drift_range range = { .prefix = true };
	const char *text;

	key_add_int(&value, v);
	range.low = buf_slice(&value);
	assert_int_equal(drift_index_scan(view, f->t->id, &f->t->indexes[0], &range,
					  &cursor),
			 DRIFT_OK);
	text = drain(cursor);
	buf_release(&value);
	return text;
}

static int setup(void **state)
{
	struct scratch *f = calloc(1, sizeof(*f));

	scratch_init(f);
	assert_int_equal(scratch_open(f), DRIFT_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

/* Six events: a=1 b=2 a=3 -b c=1 b=4. */
static void write_story(struct scratch *f)
{
	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(put(f, "b", 2), DRIFT_OK);
	assert_int_equal(put(f, "a", 3), DRIFT_OK);
	assert_int_equal(del(f, "b"), DRIFT_OK);
	assert_int_equal(put(f, "c", 1), DRIFT_OK);
	assert_int_equal(put(f, "b", 4), DRIFT_OK);
}

static void check_story(struct scratch *f)
{
	struct drift_db *db = f->db;

	assert_int_equal(drift_head(db), 6);
	assert_string_equal(scan(f, drift_view_at(db, 0)), "");
	assert_string_equal(scan(f, drift_view_at(db, 1)), "a=1");
	assert_string_equal(scan(f, drift_view_at(db, 2)), "a=1 b=2");
	assert_string_equal(scan(f, drift_view_at(db, 3)), "a=3 b=2");
	assert_string_equal(scan(f, drift_view_at(db, 4)), "a=3");
	assert_string_equal(scan(f, drift_view_at(db, 5)), "a=3 c=1");
	assert_string_equal(scan(f, drift_view_live(db)), "a=3 b=4 c=1");
	assert_string_equal(history(f, drift_view_live(db)),
			    "a=1 a=3 b=2 b=-1 b=4 c=1");
	assert_string_equal(history(f, drift_view_at(db, 4)), "a=1 a=3 b=2 b=-1");
	assert_string_equal(index_equal(f, drift_view_live(db), 1), "c=1");
	assert_string_equal(index_equal(f, drift_view_live(db), 3), "a=3");
	assert_string_equal(index_equal(f, drift_view_at(db, 2), 1), "a=1");
	assert_string_equal(index_equal(f, drift_view_at(db, 3), 1), "");
	assert_string_equal(index_equal(f, drift_view_at(db, 3), 2), "b=2");
	assert_string_equal(index_equal(f, drift_view_live(db), 2), "");
	assert_int_equal(value_in(drift_view_at(db, 2), f->t, "b"), 2);
	assert_int_equal(value_in(drift_view_at(db, 4), f->t, "b"), -1);
	assert_int_equal(value_in(drift_view_live(db), f->t, "b"), 4);
	assert_int_equal(drift_row_count(db, f->t->id), 3);
}

static void verify(struct scratch *f)
{
	struct drift_verify_report report;

	assert_int_equal(drift_verify(f->db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	assert_int_equal(report.events, drift_head(f->db));
}

static void past_reads_from_memtable(void **state)
{
	struct scratch *f = *state;

	write_story(f);
	check_story(f);
	verify(f);
}

static void past_reads_from_index(void **state)
{
	struct scratch *f = *state;

	write_story(f);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	check_story(f);
	verify(f);
}

static void past_reads_from_both(void **state)
{
	struct scratch *f = *state;

	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(put(f, "b", 2), DRIFT_OK);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	assert_int_equal(put(f, "a", 3), DRIFT_OK);
	assert_int_equal(del(f, "b"), DRIFT_OK);
	assert_int_equal(put(f, "c", 1), DRIFT_OK);
	assert_int_equal(put(f, "b", 4), DRIFT_OK);
	check_story(f);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	check_story(f);
	verify(f);
}

static void reopening_keeps_all(void **state)
{
	struct scratch *f = *state;

	write_story(f);
	scratch_close(f);
	open_db(f, 0);
	check_story(f);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	scratch_close(f);
	open_db(f, 0);
	check_story(f);
	verify(f);
}

static void index_is_rebuilt(void **state)
{
	struct scratch *f = *state;

	write_story(f);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	scratch_close(f);
	scratch_shell(f, "rm -rf index");
	open_db(f, 2); /* folds on the way */
	check_story(f);
	verify(f);
}

static void torn_tail_is_cut(void **state)
{
	struct scratch *f = *state;
	char path[128];
	FILE *file;

	write_story(f);
	scratch_close(f);
	snprintf(path, sizeof(path), "%s/log/00000000000000000001.seg", f->dir);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("\x40\0\0\0 half a frame", file);
	fwrite("\x40\0\0\0garbage", 1, 11, file);
	fclose(file);
	open_db(f, 0);
	check_story(f);
	assert_int_equal(put(f, "d", 5), DRIFT_OK);
	verify(f);
}

static void last_transaction_is_whole_or_absent(void **state)
{
	struct scratch *f = *state;
	char path[128];
	FILE *file;
	long size;

	write_story(f);
	scratch_close(f);
	snprintf(path, sizeof(path), "%s/log/00000000000000000001.seg", f->dir);
	file = fopen(path, "r");
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	fclose(file);
	assert_int_equal(truncate(path, size - 1), 0);
	open_db(f, 0);
	assert_int_equal(drift_head(f->db), 5);
	assert_string_equal(scan(f, drift_view_live(f->db)), "a=3 c=1");
	assert_int_equal(put(f, "b", 4), DRIFT_OK);
	check_story(f);
}

static void damage_before_a_synced_commit_is_refused(void **state)
{
	struct scratch *f = *state;
	struct drift_error error;
	struct drift_db *db;
	char path[128];
	FILE *file;

	write_story(f);
	scratch_close(f);
	snprintf(path, sizeof(path), "%s/log/00000000000000000001.seg", f->dir);
	file = fopen(path, "r+");
	fseek(file, 400, SEEK_SET);
	fputc('!', file);
	fclose(file);
	assert_int_equal(drift_open(f->dir, NULL, &db, &error), DRIFT_CORRUPT);
	assert_non_null(strstr(error.text, "damaged"));
}

/* The index covers the sealed segments, so opening does not read them: verify must. */
static void verify_finds_a_changed_segment(void **state)
{
	struct scratch *f = *state;
	struct drift_verify_report report;
	char path[128];
	FILE *file;

	scratch_close(f);
	f->options.segment_bytes_max = 300;
	open_db(f, 0);
	write_story(f);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	assert_int_equal(drift_verify(f->db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	assert_true(report.segments > 2);
	snprintf(path, sizeof(path), "%s/log/00000000000000000001.seg", f->dir);
	file = fopen(path, "r+");
	fseek(file, 160, SEEK_SET);
	fputc('!', file);
	fclose(file);
	assert_int_equal(drift_verify(f->db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_CORRUPT);
	/* A frame's CRC, and the digest that the next segment keeps. */
	assert_true(report.faults >= 2);
}

static void fields_are_those_of_the_moment(void **state)
{
	struct scratch *f = *state;
	uint32_t types = 1u << MSG_INT;

	write_story(f);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(
			drift_field_count(drift_view_at(f->db, 0), f->t->id), 0);
		assert_int_equal(
			drift_field_count(drift_view_at(f->db, 1), f->t->id), 1);
		assert_int_equal(drift_field_count(drift_view_live(f->db), f->t->id),
				 1);
		assert_int_equal(
			drift_field(drift_view_at(f->db, 1), f->t->id, 0).types,
			types);
		assert_string_equal(
			drift_field(drift_view_at(f->db, 1), f->t->id, 0).name, "v");
		assert_int_equal(drift_fold(f->db), DRIFT_OK);
		scratch_close(f);
		open_db(f, 0);
	}
}

static void equal_row_makes_no_event(void **state)
{
	struct scratch *f = *state;

	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(drift_head(f->db), 1);
	assert_int_equal(del(f, "zz"), DRIFT_NO_ROW);
	assert_int_equal(drift_head(f->db), 1);
}

static void first_committer_wins(void **state)
{
	struct scratch *f = *state;
	struct drift_txn *one, *two;
	struct drift_receipt receipt;

	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(drift_txn_new(f->db, 1, NULL, &one), DRIFT_OK);
	assert_int_equal(drift_txn_new(f->db, 1, NULL, &two), DRIFT_OK);
	txn_put(f, one, "a", 2);
	txn_put(f, two, "a", 3);
	txn_put(f, two, "b", 3);
	assert_int_equal(drift_commit(one, DRIFT_DURABLE, &receipt), DRIFT_OK);
	assert_int_equal(drift_commit(two, DRIFT_DURABLE, &receipt), DRIFT_CONFLICT);
	drift_txn_free(one);
	drift_txn_free(two);
	assert_string_equal(scan(f, drift_view_live(f->db)), "a=2");
}

static void transaction_reads_its_own_writes(void **state)
{
	struct scratch *f = *state;
	struct drift_view view;
	struct drift_txn *txn;
	struct buf key = BUF_INIT;

	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(put(f, "b", 2), DRIFT_OK);
	assert_int_equal(drift_txn_new(f->db, 2, NULL, &txn), DRIFT_OK);
	txn_put(f, txn, "c", 1);
	assert_int_equal(drift_txn_delete(txn, f->t, scratch_key("a", &key), false,
					  NULL),
			 DRIFT_OK);
	view = drift_view_live(f->db);
	view.txn = txn;
	view.txn_ops = drift_txn_ops(txn);
	assert_string_equal(scan(f, view), "b=2 c=1");
	assert_string_equal(index_equal(f, view, 1), "c=1");
	assert_int_equal(drift_txn_rewind(txn, 1), DRIFT_OK);
	view.txn_ops = drift_txn_ops(txn);
	assert_string_equal(scan(f, view), "a=1 b=2 c=1");
	drift_txn_free(txn);
	buf_release(&key);
}

static void times_resolve_to_transaction_ends(void **state)
{
	struct scratch *f = *state;
	struct moment moment = { .kind = MOMENT_TIME };
	struct drift_tx tx[4];
	unsigned count;
	drift_seq seq;

	write_story(f);
	for (int folded = 0; folded < 2; folded++) {
		assert_int_equal(drift_tx_recent(f->db, tx, 4, &count), DRIFT_OK);
		assert_int_equal(count, 4);
		assert_int_equal(tx[0].last_seq, 6);
		assert_int_equal(tx[3].last_seq, 3);
		for (int i = 0; i < 4; i++) {
			moment.time = tx[i].time;
			assert_int_equal(drift_resolve(f->db, &moment, false, &seq,
						       NULL),
					 DRIFT_OK);
			assert_int_equal(seq, tx[i].last_seq);
			moment.time--;
			assert_int_equal(drift_resolve(f->db, &moment, false, &seq,
						       NULL),
					 DRIFT_OK);
			assert_int_equal(seq, tx[i].last_seq - 1);
		}
		assert_int_equal(drift_fold(f->db), DRIFT_OK);
	}
	moment.time = drift_now(f->db) + 1000000000000;
	assert_int_equal(drift_resolve(f->db, &moment, false, &seq, NULL),
			 DRIFT_BAD_MOMENT);
}

static void second_opener_is_refused(void **state)
{
	struct scratch *f = *state;
	struct drift_error error;
	struct drift_db *db;

	assert_int_equal(drift_open(f->dir, NULL, &db, &error), DRIFT_IN_USE);
	assert_non_null(strstr(error.text, "in use by pid"));
	assert_int_equal(drift_owner(f->dir), getpid());
}

/* The process holds the lock, and will tell by whom only in a while: what stands there
 * is the pid of one that died long ago. */
static void hold_lock_for_a_moment(const char *dir, int told)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/LOCK", dir);
	fd = open(path, O_RDWR);
	if (fd < 0 || flock(fd, LOCK_EX) != 0 ||
	    pwrite(fd, "999999999\n", 10, 0) != 10 || write(told, "", 1) != 1)
		_exit(1);
	usleep(500000);
	_exit(0);
}

static void an_opener_waits_for_a_lock_that_nobody_living_holds(void **state)
{
	struct scratch *f = *state;
	int told[2], status;
	pid_t child;
	char byte;

	scratch_close(f);
	assert_int_equal(pipe(told), 0);
	child = fork();
	if (child == 0)
		hold_lock_for_a_moment(f->dir, told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	open_db(f, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(told[0]);
	close(told[1]);
}

static void dropped_table_stands_in_the_past(void **state)
{
	struct scratch *f = *state;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	assert_int_equal(put(f, "a", 1), DRIFT_OK);
	assert_int_equal(drift_txn_new(f->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(drift_txn_drop(txn, f->t, false, "DROP TABLE t", NULL),
			 DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	for (int again = 0; again < 2; again++) {
		assert_null(drift_table(drift_view_live(f->db), SLICE("t")));
		assert_non_null(drift_table(drift_view_at(f->db, 1), SLICE("t")));
		assert_null(drift_table(drift_view_at(f->db, 0), SLICE("t")));
		scratch_close(f);
		open_db(f, 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(past_reads_from_memtable),
		TEST(past_reads_from_index),
		TEST(past_reads_from_both),
		TEST(reopening_keeps_all),
		TEST(index_is_rebuilt),
		TEST(torn_tail_is_cut),
		TEST(last_transaction_is_whole_or_absent),
		TEST(damage_before_a_synced_commit_is_refused),
		TEST(verify_finds_a_changed_segment),
		TEST(fields_are_those_of_the_moment),
		TEST(equal_row_makes_no_event),
		TEST(first_committer_wins),
		TEST(transaction_reads_its_own_writes),
		TEST(times_resolve_to_transaction_ends),
		TEST(second_opener_is_refused),
		TEST(an_opener_waits_for_a_lock_that_nobody_living_holds),
		TEST(dropped_table_stands_in_the_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
