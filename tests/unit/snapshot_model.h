/* SPDX-License-Identifier: MIT */
/* snapshot_model.h - a database whose table t is compared with a model: what it held after
 * each event. Another table's events come between. */
#ifndef DRIFT_TESTS_SNAPSHOT_MODEL_H
#define DRIFT_TESTS_SNAPSHOT_MODEL_H

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

static inline unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static inline void report(void *arg, const char *line)
{
	(void)arg;
	reports++;
	snprintf(last_report, sizeof(last_report), "%s", line);
}

static inline void open_db_with(uint32_t snapshot_events_min)
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

static inline void open_db(void)
{
	open_db_with(40);
}

static inline void make_table(const char *name)
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	char command[128];

	(void)state;
	drift_close(db);
	db = NULL;
	free(states);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static inline struct slice key_of(int k, struct buf *key)
{
	char text[16];

	snprintf(text, sizeof(text), "k%03d", k);
	buf_clear(key);
	key_add_text(key, slice_str(text));
	return buf_slice(key);
}

static inline int number_of(struct slice key)
{
	return atoi(strchr((const char *)key.data, 'k') + 1);
}

static inline void put(struct drift_txn *txn, const struct table_def *def, int k,
		       int v)
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

static inline void model_add(int k, int v)
{
	assert_true(head + 1 < EVENTS_MAX);
	memcpy(states[head + 1], states[head], sizeof(*states));
	head++;
	if (k >= 0)
		states[head][k] = v;
}

/* A few events of t and, with `noise` in ten, of the other table. */
static inline void work(unsigned transactions, unsigned keys, unsigned noise)
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

/* All rows of t at seq, within keys [low, high). */
static inline void scan_equals_model(drift_seq seq, int low, int high)
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
		assert_int_equal((int)table_t_value(version.row), states[seq][k]);
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

static inline void scans_equal_model(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		drift_seq seq = draw((unsigned)head + 1);
		int low = (int)draw(KEYS), high = low + (int)draw(KEYS - low + 1);

		scan_equals_model(seq, 0, KEYS);
		scan_equals_model(seq, low, high);
	}
}

/* All times too, against a scan that uses no snapshot. */
static inline void scan_equals_walk(drift_seq seq)
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

static inline unsigned snapshot_count(void)
{
	struct drift_snapshot_info info = { 0 };
	unsigned count = 0;

	while (drift_snapshot_next(db, &info))
		count++;
	return count;
}

static inline void wait_for_snapshots(unsigned count)
{
	for (int i = 0; i < 6000 && snapshot_count() < count; i++)
		usleep(10000);
	assert_true(snapshot_count() >= count);
}

static inline void snapshot_path(uint32_t table_id, drift_seq seq, char path[256])
{
	snprintf(path, 256, "%s/snapshots/%u/%020llu.snap", dir, table_id,
		 (unsigned long long)seq);
}

/* The open database stands here. */
static inline struct index_mark mark_now(void)
{
	struct index_reader *reader;
	struct index_mark mark;

	assert_int_equal(drift_fold(db), DRIFT_OK);
	assert_int_equal(index_read_begin(db->index, &reader), DRIFT_OK);
	assert_int_equal(index_applied(reader, &mark), DRIFT_OK);
	index_read_end(db->index, reader);
	return mark;
}
#define SNAPSHOT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
