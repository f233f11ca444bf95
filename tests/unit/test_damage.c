/* SPDX-License-Identifier: MIT */
/* test_damage.c - a small log damaged in every way that can be counted: each byte, each
 * length, each pair of frames, each file. Verify must find all of it. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/small_log.h"

static unsigned sample(void)
{
	return getenv("SLOW") ? 17 : 1;
}

/* ---- Accidents ------------------------------------------------------------------------ */

static void every_changed_byte_is_found(void **state)
{
	static const char patterns[] = { 0x01, (char)0x80, (char)0xff };
	struct fixture *f = *state;
	unsigned tried = 0;

	assert_int_equal(verify(f->dir, &f->anchor, NULL), DRIFT_OK);
	for (unsigned i = 0; i < f->count; i++) {
		struct file *file = &f->files[i];
		int fd = open(file->path, O_WRONLY);

		for (size_t at = 0; at < file->size; at += sample()) {
			for (unsigned p = 0; p < sizeof(patterns); p++) {
				char byte = (char)(file->bytes[at] ^ patterns[p]);
				enum drift_err err;

				assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
				err = verify(f->dir, NULL, NULL);
				if (err != DRIFT_CORRUPT && err != DRIFT_NEWER)
					fail_msg("%s byte %zu ^ %02x: %d",
						 file->path, at,
						 (uint8_t)patterns[p], err);
				tried++;
			}
			assert_int_equal(pwrite(fd, file->bytes + at, 1, (off_t)at),
					 1);
		}
		close(fd);
	}
	print_message("%u changes\n", tried);
	assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_OK);
}

/* Whole transactions in the first `size` bytes; *exact: they end just there. */
static drift_seq whole_seq(const struct file *file, size_t size, drift_seq before,
			   bool *exact)
{
	drift_seq seq = before;

	*exact = size == SEGMENT_HEADER_BYTES;
	for (unsigned i = 0; i < file->count && file->frames[i + 1] <= size; i++) {
		const char *at = file->bytes + file->frames[i];

		if (at[24] == FRAME_COMMIT)
			seq = le64_get(at + 8);
		*exact = at[24] == FRAME_COMMIT && file->frames[i + 1] == size;
	}
	return seq;
}

static void truncation_leaves_the_longest_prefix(void **state)
{
	struct fixture *f = *state;
	struct file *file = &f->files[f->count - 1];
	drift_seq before = le64_get(file->bytes + 32) - 1;
	struct drift_verify_report report;

	for (size_t size = file->size; size-- > 0;) {
		drift_seq wanted = before, head = 0;
		struct drift_log *log;
		bool exact;
		enum drift_err err;

		assert_int_equal(truncate(file->path, (off_t)size), 0);
		err = verify(f->dir, NULL, &report);
		if (size < SEGMENT_HEADER_BYTES) {
			assert_int_equal(err, DRIFT_CORRUPT);
			continue;
		}
		wanted = whole_seq(file, size, before, &exact);
		assert_int_equal(err, exact ? DRIFT_OK : DRIFT_CORRUPT);
		assert_int_equal(verify(f->dir, &f->anchor, NULL), DRIFT_CORRUPT);
		assert_int_equal(drift_log_open(f->dir, &log, NULL), DRIFT_OK);
		assert_int_equal(drift_log_head(log, &head, NULL), DRIFT_OK);
		drift_log_close(log);
		assert_int_equal(head, wanted);
	}
	write_file(file);
}

/* The same by opening it, which writes: fewer lengths. */
static void truncated_log_opens_with_the_longest_prefix(void **state)
{
	struct fixture *f = *state;
	struct file *file = &f->files[f->count - 1];
	drift_seq before = le64_get(file->bytes + 32) - 1;

	for (size_t size = file->size; size > SEGMENT_HEADER_BYTES;
	     size -= size > SEGMENT_HEADER_BYTES + 97 ? 97 : 1) {
		struct drift_error error;
		struct drift_db *db;
		bool exact;

		write_file(file);
		assert_int_equal(truncate(file->path, (off_t)size), 0);
		if (drift_open(f->dir, &small, &db, &error))
			fail_msg("%zu bytes: %s", size, error.text);
		assert_int_equal(drift_head(db),
				 whole_seq(file, size, before, &exact));
		drift_close(db);
		run("rm -r %s/index", f->dir);
		if (getenv("SLOW"))
			size -= size > 1000 ? 800 : 0;
	}
	write_file(file);
}

static void sealed_segment_cut_short_is_found(void **state)
{
	struct fixture *f = *state;
	struct file *file = &f->files[1];

	for (size_t size = 0; size < file->size; size += sample()) {
		write_file(file);
		assert_int_equal(truncate(file->path, (off_t)size), 0);
		assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_CORRUPT);
	}
	write_file(file);
}

/* changed: file with frames i and j exchanged, or a copy of i put before j. */
static void exchange(const struct file *file, unsigned i, unsigned j, bool copy,
		     struct file *changed)
{
	size_t at = SEGMENT_HEADER_BYTES;

	strcpy(changed->path, file->path);
	memcpy(changed->bytes, file->bytes, at);
	for (unsigned k = 0; k < file->count; k++) {
		unsigned from[2] = { k, k }, n = 1;

		if (copy && k == j)
			from[0] = i, n = 2;
		else if (!copy && (k == i || k == j))
			from[0] = k == i ? j : i;
		for (unsigned m = 0; m < n; m++) {
			size_t size =
				file->frames[from[m] + 1] - file->frames[from[m]];

			assert_true(at + size <= BYTES_MAX);
			memcpy(changed->bytes + at,
			       file->bytes + file->frames[from[m]], size);
			at += size;
		}
	}
	changed->size = at;
}

static void every_pair_of_frames_exchanged_or_copied_is_found(void **state)
{
	struct fixture *f = *state;
	struct file changed;

	for (unsigned s = 0; s < f->count; s += f->count - 1) {
		const struct file *file = &f->files[s];

		for (unsigned i = 0; i < file->count; i += sample())
			for (unsigned j = 0; j < file->count; j++) {
				if (i < j) {
					exchange(file, i, j, false, &changed);
					write_file(&changed);
					assert_int_equal(verify(f->dir, NULL, NULL),
							 DRIFT_CORRUPT);
				}
				exchange(file, i, j, true, &changed);
				write_file(&changed);
				assert_int_equal(verify(f->dir, NULL, NULL),
						 DRIFT_CORRUPT);
			}
		write_file(file);
	}
}

static void segment_removed_renamed_or_copied_is_found(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < f->count; i++) {
		const struct file *file = &f->files[i];
		drift_seq seq = le64_get(file->bytes + 32) + 1;
		bool newest = i + 1 == f->count;

		unlink(file->path);
		/* Nobody can tell that there was another behind it. */
		assert_int_equal(verify(f->dir, NULL, NULL),
				 newest ? DRIFT_OK : DRIFT_CORRUPT);
		assert_int_equal(verify(f->dir, &f->anchor, NULL), DRIFT_CORRUPT);
		write_file(file);
		run("cp %s %s/log/%020" PRIu64 ".seg", file->path, f->dir, seq);
		assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_CORRUPT);
		unlink(file->path);
		assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_CORRUPT);
		run("rm %s/log/%020" PRIu64 ".seg", f->dir, seq);
		write_file(file);
		run("ln %s %s/log/other-name", file->path, f->dir);
		assert_int_equal(verify(f->dir, NULL, NULL), DRIFT_CORRUPT);
		run("rm %s/log/other-name", f->dir);
	}
	assert_int_equal(verify(f->dir, &f->anchor, NULL), DRIFT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_changed_byte_is_found),
		cmocka_unit_test(truncation_leaves_the_longest_prefix),
		cmocka_unit_test(truncated_log_opens_with_the_longest_prefix),
		cmocka_unit_test(sealed_segment_cut_short_is_found),
		cmocka_unit_test(every_pair_of_frames_exchanged_or_copied_is_found),
		cmocka_unit_test(segment_removed_renamed_or_copied_is_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
