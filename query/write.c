/* SPDX-License-Identifier: MIT */
/* write.c - checks a row, finds its key, puts it into the transaction.
 *
 * A key that is there is refused here, where the words for it are known; the engine
 * checks again at commit, for writers that came between. */
#include "query/write.h"

#include "engine/json.h"
#include "query/conflict.h"
#include "query/session.h"

static void print_key(const struct table_def *def, struct slice key, struct buf *out)
{
	struct msg_value part;

	buf_add_char(out, '(');
	for (unsigned i = 0; i < def->key_count; i++)
		buf_printf(out, "%s%s", i ? ", " : "",
			   def->columns[def->key_columns[i]].name);
	buf_add_str(out, ")=(");
	for (unsigned i = 0; key.size > 0 && !key_read(&key, &part); i++) {
		buf_add_str(out, i ? ", " : "");
		if (part.type == MSG_INT)
			buf_printf(out, "%lld", (long long)part.integer);
		else if (part.type == MSG_REAL)
			json_print_real(part.real, out);
		else if (part.type == MSG_TEXT)
			buf_add_slice(out, part.bytes);
	}
	buf_add_char(out, ')');
}

enum drift_err write_key_exists(const struct table_def *def, struct slice key,
				struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	print_key(def, key, &text);
	err = drift_fail(error, DRIFT_KEY_EXISTS,
			 "duplicate key value violates PRIMARY KEY \"%s\": "
			 "Key %s already exists.",
			 def->name, buf_cstr(&text));
	buf_release(&text);
	return err;
}

/* DRIFT_KEY_EXISTS, or DRIFT_OK when there is no such row. */
static enum drift_err check_absent(struct query_session *session,
				   const struct table_def *def, struct slice key,
				   struct drift_error *error)
{
	struct drift_row row = DRIFT_ROW_INIT;
	enum drift_err err =
		drift_get(transaction_present(session), def->id, key, &row);

	drift_row_release(&row);
	if (err == DRIFT_NO_ROW)
		return DRIFT_OK;
	if (err)
		return drift_fail_code(error, err);
	return write_key_exists(def, key, error);
}

/* In a transaction of several statements, later ones must know new fields. */
static enum drift_err note_fields(struct query_session *session,
				  const struct table_def *def, struct slice row)
{
	struct relation *relation;
	enum drift_err err;

	if (!session->transaction.open || !def->document)
		return DRIFT_OK;
	err = relation_get(session, def, &relation);
	return err ? err : relation_note_members(relation, row);
}

static enum drift_err put(struct query_session *session, const struct table_def *def,
			  struct slice key, struct slice row,
			  enum drift_put_mode mode, struct drift_error *error)
{
	struct drift_txn *txn;
	enum drift_err err = transaction_write(session, &txn, error);

	if (err)
		return err;
	err = drift_txn_put(txn, def, key, row, mode, error);
	if (err == DRIFT_KEY_EXISTS)
		return write_key_exists(def, key, error);
	if (!err)
		err = note_fields(session, def, row);
	return err ? err : written_add(&session->written, key, row);
}

/* The key is there: ON CONFLICT DO UPDATE keeps the row for its UPDATE. A key that this
 * very statement wrote is not there for it. */
static enum drift_err propose(struct query_session *session,
			      const struct table_def *def, struct slice key,
			      struct slice row, struct drift_error *error)
{
	struct drift_row old = DRIFT_ROW_INIT;
	enum drift_err err = drift_get(session->view, def->id, key, &old);

	drift_row_release(&old);
	if (err == DRIFT_NO_ROW)
		return write_twice(error);
	if (!err)
		err = written_add(&session->proposed, key, row);
	return err ? drift_fail_code(error, err) : DRIFT_DONE;
}

static enum drift_err take_away(struct query_session *session,
				const struct table_def *def, struct slice key,
				struct drift_error *error)
{
	struct drift_txn *txn;
	enum drift_err err = transaction_write(session, &txn, error);

	return err ? err : drift_txn_delete(txn, def, key, false, error);
}

/* Rows that have the values of a unique index which the new row will have: reason to
 * ignore it, or to take them away. */
static enum drift_err meet_clashes(struct query_session *session,
				   const struct table_def *def, struct slice key,
				   struct slice row, enum write_mode mode,
				   struct drift_error *error)
{
	const struct index_def *index;
	struct buf other = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	while (mode != WRITE_INSERT && !err) {
		buf_clear(&other);
		err = drift_unique_clash(transaction_present(session), def, key, row,
					 &index, &other);
		if (!err && mode == WRITE_IGNORE)
			err = drift_fail(error, DRIFT_KEY_EXISTS,
					 "duplicate key value violates unique "
					 "constraint \"%s\" of \"%s\"",
					 index->name, def->name);
		else if (!err)
			err = take_away(session, def, buf_slice(&other), error);
	}
	buf_release(&other);
	return err == DRIFT_NO_ROW ? DRIFT_OK : drift_fail_code(error, err);
}

enum drift_err write_twice(struct drift_error *error)
{
	return drift_fail(error, DRIFT_TWICE,
			  "ON CONFLICT DO UPDATE command cannot affect row a "
			  "second time");
}

/* ON CONFLICT about a unique index: a row that has its values is the one that is met,
 * whatever its key; the row's own key must not be there besides. */
static enum drift_err meet_index(struct query_session *session,
				 const struct table_def *def, struct slice key,
				 struct slice row, struct drift_error *error)
{
	const struct index_def *index = session->conflict.index;
	struct buf other = BUF_INIT;
	enum drift_err err =
		conflict_meet(transaction_present(session), def, index, row, &other);

	if (err == DRIFT_NO_ROW) {
		err = check_absent(session, def, key, error);
		session->conflict.refused = err == DRIFT_KEY_EXISTS;
	} else if (!err && session->proposed.wanted) {
		err = propose(session, def, buf_slice(&other), row, error);
	} else if (!err) {
		err = DRIFT_KEY_EXISTS;
	}
	buf_release(&other);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* What is there already, and what is to be done about it. */
static enum drift_err meet_rows(struct query_session *session,
				const struct table_def *def, struct slice key,
				struct slice row, enum write_mode mode,
				struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (session->conflict.index)
		return meet_index(session, def, key, row, error);
	if (mode != WRITE_REPLACE)
		err = check_absent(session, def, key, error);
	if (err == DRIFT_KEY_EXISTS && session->proposed.wanted)
		return propose(session, def, key, row, error);
	if (err || (session->conflict.told && !session->conflict.any))
		return err;
	return meet_clashes(session, def, key, row, mode, error);
}

enum drift_err write_insert(struct query_session *session,
			    const struct table_def *def, struct slice document,
			    enum write_mode mode, struct drift_error *error)
{
	struct buf filled = BUF_INIT;
	struct buf row = BUF_INIT;
	struct buf key = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (sequence_has_default(def)) {
		err = sequence_fill(session, def, document, &filled, error);
		document = buf_slice(&filled);
	}
	if (!err)
		err = row_shape(def, document, slice_of(NULL, 0), true, &row, error);
	if (!err)
		err = row_key(def, buf_slice(&row), &key, error);
	if (!err)
		err = meet_rows(session, def, buf_slice(&key), buf_slice(&row), mode,
				error);
	if (!err)
		err = put(session, def, buf_slice(&key), buf_slice(&row),
			  mode != WRITE_REPLACE ? DRIFT_PUT_INSERT : DRIFT_PUT,
			  error);
	buf_release(&key);
	buf_release(&row);
	buf_release(&filled);
	return err;
}

/* The row goes from old_key to key. */
static enum drift_err move(struct query_session *session,
			   const struct table_def *def, struct slice old_key,
			   struct slice key, struct slice row, enum write_mode mode,
			   struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (mode != WRITE_REPLACE)
		err = check_absent(session, def, key, error);
	if (!err)
		err = take_away(session, def, old_key, error);
	if (!err)
		err = put(session, def, key, row,
			  mode != WRITE_REPLACE ? DRIFT_PUT_INSERT : DRIFT_PUT,
			  error);
	if (!err)
		drift_txn_moved(session->transaction.txn);
	return err;
}

enum drift_err write_update(struct query_session *session,
			    const struct table_def *def, struct slice old_key,
			    struct slice document, enum write_mode mode,
			    struct drift_error *error)
{
	struct buf row = BUF_INIT;
	struct buf key = BUF_INIT;
	enum drift_err err;

	err = row_shape(def, document, slice_of(NULL, 0), false, &row, error);
	if (!err)
		err = row_key(def, buf_slice(&row), &key, error);
	if (!err)
		err = meet_clashes(session, def, old_key, buf_slice(&row), mode,
				   error);
	if (!err && slice_equal(buf_slice(&key), old_key))
		err = put(session, def, old_key, buf_slice(&row), DRIFT_PUT_UPDATE,
			  error);
	else if (!err)
		err = move(session, def, old_key, buf_slice(&key), buf_slice(&row),
			   mode, error);
	buf_release(&key);
	buf_release(&row);
	return err;
}

/* RETURNING answers with the row as it was. */
static enum drift_err keep_old(struct query_session *session,
			       const struct table_def *def, struct slice key)
{
	struct drift_row row = DRIFT_ROW_INIT;
	enum drift_err err = drift_get(session->view, def->id, key, &row);

	if (!err)
		err = written_add(&session->written, key, row.version.row);
	drift_row_release(&row);
	return err;
}

enum drift_err write_delete(struct query_session *session,
			    const struct table_def *def, struct slice key,
			    struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (session->written.wanted)
		err = keep_old(session, def, key);
	return err ? drift_fail_code(error, err)
		   : take_away(session, def, key, error);
}
