/* SPDX-License-Identifier: MIT */
/* test_damage.c - a small log damaged in every way that can be counted: each byte,
 * each length, each pair of frames, each file; and a history that somebody changed on
 * purpose. Verify must find all of it, and say what only an anchor can find. */
#include "tests/unit/cmocka_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/json.h"
#include "engine/segment.h"
#include "tests/unit/table_t.h"

#define SEGMENTS_MAX 8
#define BYTES_MAX 8192
#define FRAMES_MAX 128

struct file {
	char path[128];
	char bytes[BYTES_MAX];
	size_t size;
	size_t frames[FRAMES_MAX +
		      1]; /* where each begins; the end after the last */
	unsigned count;
};

struct fixture {
	char dir[64];
	char spare[80]; /* for another database */
	struct file files[SEGMENTS_MAX];
	unsigned count;
	struct drift_anchor anchor;
};

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static const struct drift_options small = { .segment_bytes_max = 3800,
					    .report = quiet };

/* ---- A database of about 20 KiB ---------------------------------------------------- */

static void txn_put(struct drift_db *db, struct drift_txn *txn, unsigned key,
		    unsigned v)
{
	const struct table_def *t = drift_table(drift_view_live(db), SLICE("t"));
	struct buf id = BUF_INIT, row = BUF_INIT, document = BUF_INIT;
	char text[64];

	snprintf(text, sizeof(text), "key-%u", key);
	key_add_text(&id, slice_str(text));
	snprintf(text, sizeof(text), "{\"v\":%u,\"text\":\"value number %u\"}",
		 v % 7, v);
	assert_int_equal(json_parse_document(slice_str(text), &document, NULL),
			 DRIFT_OK);
	assert_int_equal(row_shape(t, buf_slice(&document), buf_slice(&id), true,
				   &row, NULL),
			 DRIFT_OK);
	assert_int_equal(drift_txn_put(txn, t, buf_slice(&id), buf_slice(&row),
				       DRIFT_PUT, NULL),
			 DRIFT_OK);
	buf_release(&id);
	buf_release(&row);
	buf_release(&document);
}

static struct drift_db *open_db(const char *dir)
{
	struct drift_error error;
	struct drift_db *db;

	if (drift_open(dir, &small, &db, &error))
		fail_msg("%s", error.text);
	return db;
}

/* Transactions of one event and of three. */
static void write_rows(const char *dir, unsigned from, unsigned to)
{
	struct drift_db *db = open_db(dir);
	struct drift_receipt receipt;
	struct drift_txn *txn;

	while (from < to) {
		assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		for (unsigned n = from % 4 ? 1 : 3; n > 0 && from < to; n--, from++)
			txn_put(db, txn, from % 13, from);
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
	}
	drift_close(db);
}

static void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static void find_frames(struct file *file)
{
	size_t at = SEGMENT_HEADER_BYTES;

	file->count = 0;
	while (at < file->size && file->count < FRAMES_MAX) {
		file->frames[file->count++] = at;
		at += FRAME_HEADER_BYTES + le32_get(file->bytes + at);
	}
	assert_int_equal(at, file->size);
	file->frames[file->count] = at;
}

static void read_file(struct file *file)
{
	int fd = open(file->path, O_RDONLY);
	ssize_t n = read(fd, file->bytes, sizeof(file->bytes));

	close(fd);
	assert_true(n > 0 && n < BYTES_MAX);
	file->size = (size_t)n;
	find_frames(file);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_segment(const struct dirent *entry)
{
	return strstr(entry->d_name, ".seg") != NULL;
}

static void read_files(struct fixture *f)
{
	struct dirent **names;
	char log[80];
	int n;

	snprintf(log, sizeof(log), "%s/log", f->dir);
	n = scandir(log, &names, is_segment, by_name);
	assert_true(n > 3 && n <= SEGMENTS_MAX);
	f->count = (unsigned)n;
	for (unsigned i = 0; i < f->count; i++) {
		snprintf(f->files[i].path, sizeof(f->files[i].path), "%s/%.40s", log,
			 names[i]->d_name);
		read_file(&f->files[i]);
		free(names[i]);
	}
	free(names);
}

static void write_file(const struct file *file)
{
	int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->bytes, file->size), file->size);
	close(fd);
}

static void get_anchor(const char *dir, struct drift_anchor *anchor)
{
	struct drift_log *log;

	assert_int_equal(drift_log_open(dir, &log, NULL), DRIFT_OK);
	assert_int_equal(drift_log_digest(log, DRIFT_SEQ_MAX, anchor, NULL),
			 DRIFT_OK);
	drift_log_close(log);
}

/* The log alone is what is damaged here: no index. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct drift_db *db;

	strcpy(f->dir, "/dev/shm/driftfs-test-XXXXXX");
	if (!mkdtemp(f->dir) || drift_init(f->dir, NULL))
		return -1;
	snprintf(f->spare, sizeof(f->spare), "%s.spare", f->dir);
	db = open_db(f->dir);
	assert_int_equal(table_t_make(db), DRIFT_OK);
	drift_close(db);
	write_rows(f->dir, 0, 170);
	run("rm -r %s/index", f->dir);
	read_files(f);
	get_anchor(f->dir, &f->anchor);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	run("rm -rf %s %s", f->dir, f->spare);
	free(f);
	return 0;
}

/* ---- Verifying ----------------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Verify dir; what a damaged log takes must stay below a second, which is plenty: it is a
 * few milliseconds, but the clock counts what the machine takes for others. */
static enum drift_err verify(const char *dir, const struct drift_anchor *anchor,
			     struct drift_verify_report *report)
{
	double begin = cpu_seconds();
	struct drift_verify_report own;
	struct drift_log *log;
	enum drift_err err = drift_log_open(dir, &log, NULL);

	if (err)
		return err;
	err = drift_log_verify(log, anchor, quiet, NULL, report ? report : &own);
	drift_log_close(log);
	assert_true(cpu_seconds() - begin < (getenv("SLOW") ? 8 : 1));
	return err;
}

/* One in this many, where a sanitizer makes all of them take too long. */
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

/* ---- Purpose ------------------------------------------------------------------------------ */

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
		cmocka_unit_test(every_changed_byte_is_found),
		cmocka_unit_test(truncation_leaves_the_longest_prefix),
		cmocka_unit_test(truncated_log_opens_with_the_longest_prefix),
		cmocka_unit_test(sealed_segment_cut_short_is_found),
		cmocka_unit_test(every_pair_of_frames_exchanged_or_copied_is_found),
		cmocka_unit_test(segment_removed_renamed_or_copied_is_found),
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
