/* SPDX-License-Identifier: MIT */
/* store.c - see store.h. */
#include "tools/store.h"

#include <stdlib.h>

#include "engine/json.h"
#include "query/write.h"
#include "tools/ask.h"
#include "tools/cell.h"

struct store {
	struct door *door;
	bool replace;
	const struct table_def *def;
	struct table_def *own_def; /* def, when a daemon told it */
	struct buf row, key;       /* of one row */
	struct buf statement;      /* for a daemon */
	size_t *ends;              /* where each of its rows ends */
	size_t end_capacity;
};

/* ---- Batches ------------------------------------------------------------------- */

void batch_release(struct batch *batch)
{
	buf_release(&batch->documents);
	free(batch->rows);
	*batch = BATCH_INIT;
}

void batch_clear(struct batch *batch)
{
	buf_clear(&batch->documents);
	batch->count = 0;
}

enum drift_err batch_add(struct batch *batch, uint64_t line)
{
	const struct batch_row *last =
		batch->count ? &batch->rows[batch->count - 1] : NULL;
	size_t at = last ? last->at + last->size : 0;

	if (batch->count == batch->capacity) {
		size_t capacity = 2 * batch->capacity + 1000;
		struct batch_row *rows =
			realloc(batch->rows, capacity * sizeof(*rows));

		if (!rows)
			return DRIFT_NOMEM;
		batch->rows = rows;
		batch->capacity = capacity;
	}
	batch->rows[batch->count++] = (struct batch_row){
		.at = at,
		.size = batch->documents.size - at,
		.line = line,
	};
	return buf_status(&batch->documents);
}

/* ---- In this process --------------------------------------------------------- */

static enum drift_err check_absent(struct store *store, struct drift_view view,
				   struct drift_error *error)
{
	struct drift_row row = DRIFT_ROW_INIT;
	enum drift_err err =
		drift_get(view, store->def->id, buf_slice(&store->key), &row);

	drift_row_release(&row);
	if (err == DRIFT_NO_ROW)
		return DRIFT_OK;
	return err ? drift_fail_code(error, err)
		   : write_key_exists(store->def, buf_slice(&store->key), error);
}

static enum drift_err put_row(struct store *store, struct drift_txn *txn,
			      struct drift_view view, struct slice document,
			      struct drift_error *error)
{
	enum drift_err err;

	buf_clear(&store->row);
	buf_clear(&store->key);
	err = row_shape(store->def, document, slice_of(NULL, 0), true, &store->row,
			error);
	if (!err)
		err = row_key(store->def, buf_slice(&store->row), &store->key,
			      error);
	if (!err && !store->replace)
		err = check_absent(store, view, error);
	if (!err)
		err = drift_txn_put(txn, store->def, buf_slice(&store->key),
				    buf_slice(&store->row),
				    store->replace ? DRIFT_PUT : DRIFT_PUT_INSERT,
				    error);
	if (err == DRIFT_KEY_EXISTS)
		return write_key_exists(store->def, buf_slice(&store->key), error);
	return err;
}

static enum drift_err store_here(struct store *store, const struct batch *batch,
				 size_t from, size_t to, size_t *bad,
				 struct drift_error *error)
{
	const struct drift_author author = { door_user(), "driftdb", NULL };
	struct drift_db *db = door_db(store->door);
	struct drift_view view = drift_view_live(db);
	struct drift_receipt receipt = { 0 };
	struct drift_txn *txn;
	enum drift_err err = drift_txn_new(db, DRIFT_SEQ_MAX, &author, &txn);

	if (err)
		return drift_fail_code(error, err);
	for (size_t i = from; i < to && !err; i++) {
		err = put_row(store, txn, view, batch_document(batch, i), error);
		if (err)
			*bad = i;
	}
	if (!err) {
		err = drift_commit(txn, DRIFT_DURABLE, &receipt);
		if (err)
			*error = receipt.error;
	}
	drift_txn_free(txn);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* ---- Through a daemon ------------------------------------------------------------ */

static enum drift_err gather(void *arg, struct slice text, struct drift_error *error)
{
	buf_add_slice(arg, text);
	return drift_fail_code(error, buf_status(arg));
}

static enum drift_err drop(void *arg, struct slice text, struct drift_error *error)
{
	(void)arg;
	(void)text;
	(void)error;
	return DRIFT_OK;
}

/* What SHOW CREATE TABLE answers is the definition. */
static enum drift_err ask_definition(struct store *store, const char *table,
				     struct drift_error *error)
{
	struct buf statement = BUF_INIT, answer = BUF_INIT, sql = BUF_INIT;
	const struct door_sink sink = { .format = QUERY_TSV,
					.take = gather,
					.arg = &answer };
	const char *line;
	enum drift_err err;

	buf_add_str(&statement, "SHOW CREATE TABLE ");
	ask_add_name(&statement, table);
	err = door_run(store->door, buf_cstr(&statement), &sink, error);
	if (!err) {
		line = strchr(buf_cstr(&answer), '\n');
		line = line ? line + 1 : "";
		cell_value(slice_of(line, strcspn(line, "\n")), &sql);
		err = query_parse_table(buf_cstr(&sql), sql.size, &store->own_def,
					error);
		store->def = store->own_def;
	}
	buf_release(&statement);
	buf_release(&answer);
	buf_release(&sql);
	return err;
}

static enum drift_err add_rows(struct store *store, const struct batch *batch,
			       size_t from, size_t to)
{
	struct buf *out = &store->statement;
	struct buf json = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (size_t i = from; i < to && !err; i++) {
		buf_add_str(out, i > from ? ",\n" : "");
		if (!store->replace) {
			err = json_print(batch_document(batch, i), JSON_COMPACT,
					 out);
		} else {
			buf_clear(&json);
			err = json_print(batch_document(batch, i), JSON_COMPACT,
					 &json);
			buf_add_char(out, '(');
			if (!err)
				ask_add_string(out, buf_cstr(&json));
			buf_add_char(out, ')');
		}
		store->ends[i - from] = out->size;
	}
	buf_release(&json);
	return err ? err : buf_status(out);
}

static enum drift_err write_statement(struct store *store, const struct batch *batch,
				      size_t from, size_t to)
{
	if (to - from > store->end_capacity) {
		size_t *ends = realloc(store->ends, (to - from) * sizeof(*ends));

		if (!ends)
			return DRIFT_NOMEM;
		store->ends = ends;
		store->end_capacity = to - from;
	}
	buf_clear(&store->statement);
	buf_add_str(&store->statement,
		    store->replace ? "INSERT OR REPLACE INTO " : "INSERT INTO ");
	ask_add_name(&store->statement, store->def->name);
	buf_add_str(&store->statement, store->replace ? " (doc) VALUES " : " ");
	return add_rows(store, batch, from, to);
}

/* The row at fault is the one the error's place is in. */
static size_t row_at(const struct store *store, size_t count, int position)
{
	for (size_t i = 0; position > 0 && i < count; i++)
		if ((size_t)position <= store->ends[i])
			return i;
	return SIZE_MAX;
}

static enum drift_err store_there(struct store *store, const struct batch *batch,
				  size_t from, size_t to, size_t *bad,
				  struct drift_error *error)
{
	const struct door_sink sink = { .format = QUERY_TSV, .take = drop };
	enum drift_err err = write_statement(store, batch, from, to);
	size_t row;

	if (err)
		return drift_fail_code(error, err);
	err = door_run(store->door, buf_cstr(&store->statement), &sink, error);
	if (err) {
		row = row_at(store, to - from, error->position);
		*bad = row == SIZE_MAX ? row : from + row;
	}
	return err;
}

/* ---- Either way ------------------------------------------------------------------ */

enum drift_err store_open(struct door *door, const char *table, bool replace,
			  struct store **out, struct drift_error *error)
{
	struct store *store = calloc(1, sizeof(*store));
	enum drift_err err = DRIFT_OK;

	if (!store)
		return drift_fail_code(error, DRIFT_NOMEM);
	store->door = door;
	store->replace = replace;
	if (!door_db(door)) {
		err = ask_definition(store, table, error);
	} else {
		store->def = drift_table(drift_view_live(door_db(door)),
					 slice_str(table));
		if (!store->def)
			err = drift_fail(error, DRIFT_NO_TABLE,
					 "relation \"%s\" does not exist", table);
	}
	if (err) {
		store_close(store);
		return err;
	}
	*out = store;
	return DRIFT_OK;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	table_def_free(store->own_def);
	buf_release(&store->row);
	buf_release(&store->key);
	buf_release(&store->statement);
	free(store->ends);
	free(store);
}

const struct table_def *store_table(const struct store *store)
{
	return store->def;
}

enum drift_err store_rows(struct store *store, const struct batch *batch,
			  size_t from, size_t to, size_t *bad,
			  struct drift_error *error)
{
	*bad = SIZE_MAX;
	return door_db(store->door)
		       ? store_here(store, batch, from, to, bad, error)
		       : store_there(store, batch, from, to, bad, error);
}
