/* SPDX-License-Identifier: MIT */
/* scratch_db.h - a database of its own for a test, with the table t (table_t.h) whose
 * rows are {"id": ..., "v": ...}; and what the engine reports about it. */
#ifndef DRIFT_TESTS_SCRATCH_DB_H
#define DRIFT_TESTS_SCRATCH_DB_H

#include <unistd.h>

#include "engine/engine.h"
#include "tests/unit/table_t.h"

#define NO_VALUE (-1)

struct scratch {
	char dir[64];
	struct drift_options options;
	struct drift_db *db;
	const struct table_def *t;
	char said[4096]; /* report lines since scratch_init */
	struct drift_error error;
};

static inline void scratch_say(void *arg, const char *line)
{
	struct scratch *s = arg;
	size_t used = strlen(s->said);

	snprintf(s->said + used, sizeof(s->said) - used, "%s\n", line);
}

/* Open, with s->options as they are; the table is made when it is not there. */
static inline enum drift_err scratch_open(struct scratch *s)
{
	enum drift_err err;

	s->options.report = scratch_say;
	s->options.report_arg = s;
	err = drift_open(s->dir, &s->options, &s->db, &s->error);
	s->t = err ? NULL : drift_table(drift_view_live(s->db), SLICE("t"));
	if (err || s->t || s->options.read_only)
		return err;
	err = table_t_make(s->db);
	s->t = drift_table(drift_view_live(s->db), SLICE("t"));
	return err;
}

static inline void scratch_close(struct scratch *s)
{
	drift_close(s->db);
	s->db = NULL;
}

static inline void scratch_init(struct scratch *s)
{
	*s = (struct scratch){ .db = NULL };
	/* Memory is the quickest place for it. */
	snprintf(s->dir, sizeof(s->dir), "%s/driftfs-test-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(drift_init(s->dir, NULL), DRIFT_OK);
}

static inline void scratch_shell(struct scratch *s, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", s->dir, command);
	assert_int_equal(system(line), 0);
}

static inline void scratch_remove(struct scratch *s)
{
	char line[128];

	if (s->db)
		scratch_close(s);
	snprintf(line, sizeof(line), "rm -rf %s", s->dir);
	assert_int_equal(system(line), 0);
}

static inline struct slice scratch_key(const char *id, struct buf *key)
{
	buf_clear(key);
	key_add_text(key, slice_str(id));
	return buf_slice(key);
}

/* Add id's row with value v (and so many bytes more) to the transaction. */
static inline enum drift_err scratch_write(struct scratch *s, struct drift_txn *txn,
					   const char *id, int64_t v, size_t pad)
{
	struct buf key = BUF_INIT, row = BUF_INIT, fill = BUF_INIT;
	enum drift_err err;

	scratch_key(id, &key);
	if (v == NO_VALUE) {
		err = drift_txn_delete(txn, s->t, buf_slice(&key), false, &s->error);
		buf_release(&key);
		return err;
	}
	while (fill.size < pad && !buf_status(&fill))
		buf_add_char(&fill, '.');
	msg_add_map(&row, 3);
	msg_add_text(&row, SLICE("id"));
	msg_add_text(&row, slice_str(id));
	msg_add_text(&row, SLICE("v"));
	msg_add_int(&row, v);
	msg_add_text(&row, SLICE("pad"));
	msg_add_text(&row, buf_slice(&fill));
	err = buf_status(&key) || buf_status(&row)
		      ? DRIFT_NOMEM
		      : drift_txn_put(txn, s->t, buf_slice(&key), buf_slice(&row),
				      DRIFT_PUT, &s->error);
	buf_release(&key);
	buf_release(&row);
	buf_release(&fill);
	return err;
}

/* One transaction of one row; NO_VALUE deletes it. */
static inline enum drift_err scratch_put(struct scratch *s, const char *id,
					 int64_t v, size_t pad)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	enum drift_err err = drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn);

	if (err)
		return err;
	err = scratch_write(s, txn, id, v, pad);
	if (!err) {
		err = drift_commit(txn, DRIFT_DURABLE, &receipt);
		if (err)
			s->error = receipt.error;
	}
	drift_txn_free(txn);
	return err;
}

/* The row's value as of seq, NO_VALUE when there was no row. */
static inline enum drift_err scratch_get(struct scratch *s, drift_seq seq,
					 const char *id, int64_t *v)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	struct slice value;
	struct msg_cursor cursor;
	enum drift_err err = drift_get(drift_view_at(s->db, seq), s->t->id,
				       scratch_key(id, &key), &row);

	*v = NO_VALUE;
	if (!err && !msg_member(row.version.row, SLICE("v"), &value)) {
		cursor = msg_cursor_of(value);
		assert_int_equal(msg_read_int(&cursor, v), DRIFT_OK);
	}
	drift_row_release(&row);
	buf_release(&key);
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

static inline int64_t scratch_value(struct scratch *s, const char *id)
{
	int64_t v;

	assert_int_equal(scratch_get(s, drift_head(s->db), id, &v), DRIFT_OK);
	return v;
}

#endif
