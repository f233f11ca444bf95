/* SPDX-License-Identifier: MIT */
/* update.c - xUpdate: a row of SQL values becomes a document.
 *
 * An UPDATE starts from the stored document and replaces only the members whose
 * column was assigned another value, so what was not touched keeps its exact
 * MessagePack value: 1.0 stays real, nested values and the order of members stay.
 * The old row is the one the statement saw, never one it wrote itself. */
#include "query/module.h"
#include "query/rules.h"
#include "query/session.h"
#include "query/value.h"
#include "query/write.h"

struct update {
	struct drift_vtab *vtab;
	struct query_session *session;
	struct relation *relation;
	sqlite3_value **values; /* one a column, then the hidden ones */
	struct drift_error error;
	struct buf document;
	struct buf text;
};

static struct slice blob_of(sqlite3_value *value)
{
	return slice_of(sqlite3_value_blob(value),
			(size_t)sqlite3_value_bytes(value));
}

/* What INSERT OR ... and UPDATE OR ... ask for. */
static enum write_mode mode_of(const struct update *update)
{
	switch (sqlite3_vtab_on_conflict(update->session->sqlite)) {
	case SQLITE_REPLACE:
		return WRITE_REPLACE;
	case SQLITE_IGNORE:
		return WRITE_IGNORE;
	default:
		return WRITE_INSERT;
	}
}

/* SET c = DEFAULT. */
static enum drift_err add_default(struct update *update,
				  const struct column_def *column)
{
	const struct table_def *def = update->relation->def;

	if (column && sequence_in_default(column->default_sql, NULL))
		return sequence_take(update->session, column, &update->document,
				     &update->error);
	if (column && column->default_sql)
		return rules_fill(def, (unsigned)(column - def->columns),
				  &update->document, &update->error);
	if (column && column->has_default)
		buf_add_slice(&update->document, buf_slice(&column->default_value));
	else
		msg_add_nil(&update->document);
	return DRIFT_OK;
}

static enum drift_err add_member(struct update *update, unsigned i)
{
	const struct relation_column *column = &update->relation->columns[i];

	if (keep_is_default(update->session, update->values[i])) {
		msg_add_text(&update->document,
			     slice_of(column->name, column->size));
		return add_default(update, column->def);
	}
	msg_add_text(&update->document, slice_of(column->name, column->size));
	return value_read(update->session, update->relation, (int)i,
			  update->values[i], &update->document, &update->error);
}

/* The document given as a whole: the hidden column doc. */
static enum drift_err take_document(struct update *update, sqlite3_value *value)
{
	const void *text = sqlite3_value_text(value);

	if (!text)
		return DRIFT_NOMEM;
	return json_parse_document(slice_of(text,
					    (size_t)sqlite3_value_bytes(value)),
				   &update->document, &update->error);
}

static bool is_null(sqlite3_value *value)
{
	return sqlite3_value_nochange(value) ||
	       sqlite3_value_type(value) == SQLITE_NULL;
}

/* Does the statement give column i of the new row? Without a column list a NULL in
 * a document table is an absent member. */
static bool is_given(const struct update *update, unsigned i)
{
	const struct query_session *session = update->session;

	if (keep_is_default(session, update->values[i]))
		return false;
	if (session->insert_into == update->relation && session->inserted)
		return session->inserted[i];
	return !update->relation->def->document || !is_null(update->values[i]);
}

static enum drift_err refuse_hidden(struct update *update)
{
	for (unsigned i = 0; i < HIDDEN_KEY; i++) {
		sqlite3_value *value =
			update->values[update->vtab->column_count + i];

		if (i != HIDDEN_DOC && !is_null(value))
			return drift_fail(
				&update->error, DRIFT_BAD_ARGUMENT,
				"a version's own columns cannot be written");
	}
	return DRIFT_OK;
}

static enum drift_err build_new(struct update *update)
{
	unsigned columns = update->vtab->column_count;
	sqlite3_value *doc = update->values[columns + HIDDEN_DOC];
	enum drift_err err = refuse_hidden(update);
	uint32_t count = 0;

	if (err || !is_null(doc))
		return err ? err : take_document(update, doc);
	for (unsigned i = 0; i < columns; i++)
		count += is_given(update, i);
	msg_add_map(&update->document, count);
	for (unsigned i = 0; i < columns && !err; i++)
		if (is_given(update, i))
			err = add_member(update, i);
	return err;
}

static enum drift_err insert(struct update *update)
{
	enum drift_err err = build_new(update);

	if (!err)
		err = buf_status(&update->document);
	if (err)
		return err;
	return write_insert(update->session, update->relation->def,
			    buf_slice(&update->document), mode_of(update),
			    &update->error);
}

/* True if column i gets another value than the one stored. */
static bool is_changed(struct update *update, unsigned i,
		       const struct reader_value *stored)
{
	return !sqlite3_value_nochange(update->values[i]) &&
	       !value_is_same(update->values[i], stored, &update->text);
}

static enum drift_err refuse_generated(struct update *update, unsigned i)
{
	const struct column_def *def = update->relation->columns[i].def;

	if (!def || !sequence_is_always(def) ||
	    keep_is_default(update->session, update->values[i]))
		return DRIFT_OK;
	return sequence_refuse_update(def, &update->error);
}

/* The old document's members, changed ones with their new values; present[i] is set
 * for each column that the document has. */
static enum drift_err copy_members(struct update *update, struct slice row,
				   bool *present)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	const struct drift_version version = { .row = row };
	struct slice name, whole;
	struct reader reader;
	uint32_t count;
	enum drift_err err = msg_read_map(&cursor, &count);

	reader_init(&reader, update->relation);
	reader_begin(&reader, &version);
	while (!err && count-- > 0) {
		int i;

		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &whole);
		if (err)
			break;
		i = relation_column(update->relation, name);
		if (i >= 0 && (unsigned)i < update->vtab->column_count) {
			present[i] = true;
			if (is_changed(update, (unsigned)i,
				       reader_get(&reader, (unsigned)i, &err))) {
				if (!err)
					err = refuse_generated(update, (unsigned)i);
				err = err ? err : add_member(update, (unsigned)i);
				continue;
			}
		}
		msg_add_text(&update->document, name);
		buf_add_slice(&update->document, whole);
	}
	return err;
}

static enum drift_err build_changed(struct update *update, struct slice row)
{
	unsigned columns = update->vtab->column_count;
	struct msg_cursor cursor = msg_cursor_of(row);
	struct buf head = BUF_INIT;
	bool *present = sqlite3_malloc((int)columns + 1);
	uint32_t count;
	enum drift_err err = present ? DRIFT_OK : DRIFT_NOMEM;

	if (!err)
		err = msg_read_map(&cursor, &count);
	if (err)
		goto done;
	memset(present, 0, columns);
	err = copy_members(update, row, present);
	for (unsigned i = 0; i < columns && !err; i++) {
		if (present[i] || is_null(update->values[i]))
			continue;
		err = add_member(update, i);
		count++;
	}
	msg_add_map(&head, count);
	buf_add_slice(&head, buf_slice(&update->document));
	if (buf_status(&update->document))
		head.failed = true;
	buf_release(&update->document);
	update->document = head;
done:
	sqlite3_free(present);
	return err;
}

/* True if the statement gives the row as a whole, and it is another document. */
static bool is_document_given(struct update *update, struct slice row)
{
	sqlite3_value *doc = update->values[update->vtab->column_count + HIDDEN_DOC];

	if (is_null(doc))
		return false;
	buf_clear(&update->text);
	return json_print(row, JSON_COMPACT, &update->text) ||
	       !slice_equal(buf_slice(&update->text),
			    slice_of(sqlite3_value_text(doc),
				     (size_t)sqlite3_value_bytes(doc)));
}

static enum drift_err change(struct update *update, struct slice key)
{
	const struct table_def *def = update->relation->def;
	struct drift_row row = DRIFT_ROW_INIT;
	enum drift_err err = drift_get(update->session->view, def->id, key, &row);

	if (err)
		goto done;
	if (is_document_given(update, row.version.row))
		err = take_document(
			update,
			update->values[update->vtab->column_count + HIDDEN_DOC]);
	else
		err = build_changed(update, row.version.row);
	if (!err)
		err = buf_status(&update->document);
	if (!err)
		err = write_update(update->session, def, key,
				   buf_slice(&update->document), mode_of(update),
				   &update->error);
done:
	drift_row_release(&row);
	return err;
}

int update_row(sqlite3_vtab *base, int argc, sqlite3_value **argv,
	       sqlite3_int64 *rowid)
{
	struct drift_vtab *vtab = (struct drift_vtab *)base;
	struct query_session *session = vtab->session;
	struct update update = {
		.vtab = vtab,
		.session = session,
		.relation = vtab->relation,
		.values = argv + 2,
	};
	enum drift_err err;
	int conflict = sqlite3_vtab_on_conflict(session->sqlite);

	(void)rowid;
	if (argc == 1)
		err = write_delete(session, vtab->relation->def, blob_of(argv[0]),
				   &update.error);
	else if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		err = insert(&update);
	else
		err = change(&update, blob_of(argv[0]));
	buf_release(&update.document);
	buf_release(&update.text);
	if (err == DRIFT_DONE)
		return SQLITE_OK;
	if (err == DRIFT_KEY_EXISTS && conflict == SQLITE_IGNORE &&
	    !session->conflict.refused)
		return SQLITE_CONSTRAINT;
	if (err)
		return module_fail(session, err, &update.error);
	session->changed++;
	return SQLITE_OK;
}
