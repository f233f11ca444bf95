/* SPDX-License-Identifier: MIT */
/* test_tampering.c - a history that somebody changed on purpose: verify finds what the chain
 * and the log tell, and an anchor kept elsewhere finds the rest. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/small_log.h"

/* Change a row's text in the frame and make its CRC right again. */
static void forge(struct file *file, unsigned frame)
{
	char *at = file->bytes + file->frames[frame];
	size_t size = file->frames[frame + 1] - file->frames[frame];
	char *digit = at + size - 1;

	assert_int_equal(at[24], FRAME_PUT);
	*digit = *digit == '0' ? '1' : '0';
	le32_put(at + 4,
		 frame_checksum(slice_of(at, size), le32_get(file->bytes + 124)));
	write_file(file);
}

static unsigned last_put(const struct file *file)
{
	unsigned i = file->count;

	while (file->bytes[file->frames[i - 1] + 24] != FRAME_PUT)
		i--;
	return i - 1;
}

/* Where the last transaction begins. */
static size_t last_transaction(const struct file *file)
{
	unsigned i = file->count - 1;

	while (file->bytes[file->frames[i - 1] + 24] != FRAME_COMMIT)
		i--;
	return file->frames[i];
}

static void forged_row_breaks_the_chain(void **state)
{
	struct fixture *f = *state;
	struct file forged;

	for (unsigned i = 0; i < f->count; i++) {
		bool newest = i + 1 == f->count;

		forged = f->files[i];
		forge(&forged, last_put(&forged));
		/* Nothing comes after the newest segment that knew its bytes. */
		assert_int_equal(verify(f->dir, NULL, NULL),
				 newest ? DRIFT_OK : DRIFT_CORRUPT);
		assert_int_equal(verify(f->dir, &f->anchor, NULL), DRIFT_CORRUPT);
		write_file(&f->files[i]);
	}
}

static void last_transaction_taken_off_is_found_by_the_anchor(void **state)
{
	struct fixture *f = *state;
	struct file *file = &f->files[f->count - 1];
	struct drift_verify_report report;

	assert_int_equal(truncate(file->path, (off_t)last_transaction(file)), 0);
	assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_OK);
	assert_int_equal(verify(f->dir, &f->anchor, &report), DRIFT_CORRUPT);
	assert_int_equal(report.faults, 1);
	assert_true(report.last_seq < f->anchor.seq);
	write_file(file);
}

static void transaction_cut_out_is_found(void **state)
{
	struct fixture *f = *state;
	const struct file *file = &f->files[f->count - 1];
	struct file cut;

	/* Each run of frames from one commit frame to the next. */
	for (unsigned i = 0, first = 0; i + 1 < file->count; i++) {
		size_t from = file->frames[first], to = file->frames[i + 1];

		if (file->bytes[file->frames[i] + 24] != FRAME_COMMIT)
			continue;
		cut = *file;
		memmove(cut.bytes + from, cut.bytes + to, file->size - to);
		cut.size -= to - from;
		write_file(&cut);
		assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_CORRUPT);
		first = i + 1;
	}
	write_file(file);
}

/* A copy of the database went on by itself; one of its segments comes back. */
static void segment_of_a_copy_is_found(void **state)
{
	struct fixture *f = *state;
	char path[160];

	run("cp -a %s %s", f->dir, f->spare);
	snprintf(path, sizeof(path), "%s%s", f->spare,
		 f->files[f->count - 1].path + strlen(f->dir));
	assert_int_equal(truncate(path, SEGMENT_HEADER_BYTES), 0);
	write_rows(f->spare, 500, 620);
	write_rows(f->dir, 170, 230);
	run("rm -r %s/index", f->dir);
	assert_int_equal(verify(f->dir, &f->anchor, NULL), DRIFT_OK);
	run("cp %s %s", path, f->files[f->count - 1].path);
	assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_CORRUPT);
	run("rm -r %s", f->spare);
}

/* All of it, written anew with the same seqs. */
static void other_history_is_found_by_the_anchor(void **state)
{
	struct fixture *f = *state;
	struct drift_db *db;

	run("cp -a %s %s; rm %s/log/*", f->dir, f->spare, f->spare);
	write_file(&f->files[0]);
	run("cp %s %s/log/", f->files[0].path, f->spare);
	run("truncate -s %d %s/log/00000000000000000001.seg", SEGMENT_HEADER_BYTES,
	    f->spare);
	db = open_db(f->spare);
	assert_int_equal(table_t_make(db), DRIFT_OK);
	drift_close(db);
	write_rows(f->spare, 1000, 1200);
	assert_int_equal(verify(f->spare, NULL, NULL), DRIFT_OK);
	assert_int_equal(verify(f->spare, &f->anchor, NULL), DRIFT_CORRUPT);
}

/* ---- Anchors --------------------------------------------------------------------------------- */

/* Each anchor that was ever taken holds, whatever came after. */
static void anchors_hold_for_ever(void **state)
{
	struct fixture *f = *state;
	struct drift_anchor anchors[40], again;
	unsigned count = 0;
	struct drift_db *db;

	for (unsigned round = 0; round < 8; round++) {
		write_rows(f->dir, 200 + 9 * round, 209 + 9 * round);
		get_anchor(f->dir, &anchors[count++]);
		db = open_db(f->dir);
		assert_int_equal(drift_digest(db, DRIFT_SEQ_MAX, &anchors[count++],
					      NULL),
				 DRIFT_OK);
		if (round % 3 == 1)
			assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
		drift_close(db);
		get_anchor(f->dir, &anchors[count++]);
	}
	for (unsigned i = 0; i < count; i++) {
		struct drift_log *log;

		assert_int_equal(verify(f->dir, &anchors[i], NULL), DRIFT_OK);
		assert_int_equal(drift_log_open(f->dir, &log, NULL), DRIFT_OK);
		assert_int_equal(drift_log_digest(log, anchors[i].seq, &again, NULL),
				 DRIFT_OK);
		assert_memory_equal(&again, &anchors[i], sizeof(again));
		drift_log_close(log);
		anchors[i].digest[i % 32] ^= 1;
		assert_int_equal(verify(f->dir, &anchors[i], NULL), DRIFT_CORRUPT);
	}
}

static void anchor_as_text_reads_back(void **state)
{
	struct fixture *f = *state;
	struct buf text = BUF_INIT;
	struct drift_anchor again;
	static const char *const bad[] = {
		"", ":", "5", "5:", "x:00", "-1:00", "5:0123456789abcdef"
	};

	drift_anchor_print(&f->anchor, &text);
	assert_int_equal(drift_anchor_parse(buf_cstr(&text), &again, NULL),
			 DRIFT_OK);
	assert_memory_equal(&again, &f->anchor, sizeof(again));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(drift_anchor_parse(bad[i], &again, NULL),
				 DRIFT_BAD_ARGUMENT);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_row_breaks_the_chain),
		cmocka_unit_test(last_transaction_taken_off_is_found_by_the_anchor),
		cmocka_unit_test(transaction_cut_out_is_found),
		cmocka_unit_test(anchor_as_text_reads_back),
		/* These write to the database. */
		cmocka_unit_test(segment_of_a_copy_is_found),
		cmocka_unit_test_setup_teardown(other_history_is_found_by_the_anchor,
						setup, teardown),
		cmocka_unit_test_setup_teardown(anchors_hold_for_ever, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
