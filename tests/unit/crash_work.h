/* SPDX-License-Identifier: MIT */
/* crash_work.h - what a database does while its disk fails, and what must be true of it
 * afterwards: it holds a prefix of what was submitted, whole transactions only, with
 * everything that was acknowledged as durable; every moment is as it was; the index
 * agrees with the log. */
#ifndef DRIFT_TESTS_CRASH_WORK_H
#define DRIFT_TESTS_CRASH_WORK_H

#include <ftw.h>

#include "engine/care.h"
#include "tests/unit/simulated_disk.h"
#include "tests/unit/table_t.h"

#define WORK_KEYS 8
#define WORK_EVENTS_MAX 2048
#define WORK_OPS_MAX 4
#define NOTHING (-1)

struct work_state {
	int value[WORK_KEYS];
};

struct work {
	char dir[64];
	const char *what; /* the test's words for a failure */
	/* States after each submitted event, and whether a transaction ends there. */
	struct work_state states[WORK_EVENTS_MAX];
	bool tx_end[WORK_EVENTS_MAX];
	drift_seq submitted, acked;
	bool hurried; /* no transaction waits until it is durable */
	int next_value;
};

static inline void work_quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static inline void work_init(struct work *work, const char *what)
{
	*work = (struct work){ .what = what };
	for (int k = 0; k < WORK_KEYS; k++)
		work->states[0].value[k] = NOTHING;
	/* The disk is simulated: memory is the quickest place for it. */
	snprintf(work->dir, sizeof(work->dir), "%s/driftfs-crash-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(work->dir));
	assert_int_equal(drift_init(work->dir, NULL), DRIFT_OK);
}

static inline void work_shell(const struct work *work, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", work->dir, command);
	assert_int_equal(system(line), 0);
}

static inline int work_remove_one(const char *path, const struct stat *st, int type,
				  struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void work_remove(const struct work *work)
{
	assert_int_equal(nftw(work->dir, work_remove_one, 16, FTW_DEPTH | FTW_PHYS),
			 0);
}

/* ---- Writing --------------------------------------------------------------------- */

static inline struct slice work_key(int k, struct buf *key)
{
	char name[16];

	snprintf(name, sizeof(name), "k%d", k);
	buf_clear(key);
	key_add_text(key, slice_str(name));
	return buf_slice(key);
}

static inline enum drift_err work_put(struct drift_txn *txn,
				      const struct table_def *t, int k, int v)
{
	static const char dots[] =
		"................................................"
		"................................................";
	struct buf key = BUF_INIT, row = BUF_INIT;
	char name[16];
	enum drift_err err;

	work_key(k, &key);
	if (v == NOTHING) {
		err = drift_txn_delete(txn, t, buf_slice(&key), true, NULL);
	} else {
		snprintf(name, sizeof(name), "k%d", k);
		msg_add_map(&row, 3);
		msg_add_text(&row, SLICE("id"));
		msg_add_text(&row, slice_str(name));
		msg_add_text(&row, SLICE("v"));
		msg_add_int(&row, v);
		msg_add_text(&row, SLICE("pad"));
		msg_add_text(&row, slice_of(dots, test_draw(96)));
		err = drift_txn_put(txn, t, buf_slice(&key), buf_slice(&row),
				    DRIFT_PUT, NULL);
	}
	buf_release(&key);
	buf_release(&row);
	return err;
}

static inline const struct table_def *work_table(struct drift_db *db)
{
	return drift_table(drift_view_live(db), SLICE("t"));
}

/* One transaction of a few rows. False when it was not acknowledged. */
static inline bool work_tx(struct work *work, struct drift_db *db)
{
	const struct table_def *t = work_table(db);
	struct drift_receipt receipt;
	struct drift_txn *txn;
	unsigned ops = 1 + test_draw(WORK_OPS_MAX);
	/* Acknowledged before it is durable. */
	bool later = work->hurried || test_draw(3) == 0;
	drift_seq at = work->submitted;
	enum drift_err err;

	assert_true(at + WORK_OPS_MAX < WORK_EVENTS_MAX);
	assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < ops; i++) {
		int k = (int)test_draw(WORK_KEYS);
		int v = work->next_value++;

		if (work->states[at].value[k] != NOTHING && test_draw(8) == 0)
			v = NOTHING;
		assert_int_equal(work_put(txn, t, k, v), DRIFT_OK);
		work->states[at + 1] = work->states[at];
		work->states[++at].value[k] = v;
		work->tx_end[at] = i + 1 == ops;
	}
	err = drift_commit(txn, later ? DRIFT_DURABLE_LATER : DRIFT_DURABLE,
			   &receipt);
	drift_txn_free(txn);
	if (!err || (err == DRIFT_IO && drift_is_read_only(db)))
		work->submitted = at; /* the latter: nobody knows */
	if (!err && !later)
		work->acked = at;
	return !err;
}

/* ---- Checking -------------------------------------------------------------------- */

static inline int work_value(struct drift_db *db, drift_seq seq, int k)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	struct slice bytes;
	struct msg_cursor cursor;
	int64_t v = NOTHING;
	enum drift_err err = drift_get(drift_view_at(db, seq), work_table(db)->id,
				       work_key(k, &key), &row);

	if (!err) {
		assert_int_equal(msg_member(row.version.row, SLICE("v"), &bytes),
				 DRIFT_OK);
		cursor = msg_cursor_of(bytes);
		assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	} else if (err != DRIFT_NO_ROW) {
		v = -100 - (int)err;
	}
	drift_row_release(&row);
	buf_release(&key);
	return (int)v;
}

/* What an opening recovered is what the work was. From now on that is all there is,
 * and it is durable. */
static inline void work_recovered(struct work *work, struct drift_db *db)
{
	drift_seq head = drift_head(db);

	if (head < work->acked || head > work->submitted ||
	    (head && !work->tx_end[head]))
		fail_msg("%s: head %lu, acknowledged %lu, submitted %lu", work->what,
			 head, work->acked, work->submitted);
	for (drift_seq seq = 1; seq <= head; seq++)
		for (int k = 0; k < WORK_KEYS; k++) {
			int v = work_value(db, seq, k);

			if (v != work->states[seq].value[k])
				fail_msg("%s: at %lu, k%d is %d, should be %d",
					 work->what, seq, k, v,
					 work->states[seq].value[k]);
		}
	work->submitted = work->acked = head;
}

static inline void work_say(void *arg, const char *line)
{
	fprintf(stderr, "%s: %s\n", (const char *)arg, line);
}

/* Open on the real system, and see that all is well. */
static inline void work_check(struct work *work)
{
	struct drift_options options = { .report = work_quiet };
	struct drift_verify_report report;
	struct drift_error error;
	struct drift_db *db;

	if (drift_open(work->dir, &options, &db, &error))
		fail_msg("%s: %s", work->what, error.text);
	work_recovered(work, db);
	assert_int_equal(drift_verify(db, NULL, NULL, work_say,
				      (void *)(uintptr_t)work->what, &report),
			 DRIFT_OK);
	drift_close(db);
}

#endif
