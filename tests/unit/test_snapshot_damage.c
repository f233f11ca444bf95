/* SPDX-License-Identifier: MIT */
/* test_snapshot_damage.c - snapshots that are damaged, deleted, links, or unfinished: said
 * once, and no answer is another one for it. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/snapshot_model.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(a_damaged_snapshot_is_reported_once_and_not_used),
		SNAPSHOT_TEST(damage_in_the_middle_of_a_scan),
		SNAPSHOT_TEST(a_snapshot_that_goes_while_open_is_not_missed),
		SNAPSHOT_TEST(links_are_not_followed),
		SNAPSHOT_TEST(unfinished_files_are_removed_at_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
