/* SPDX-License-Identifier: MIT */
/* load.c - what the index remembers of tables (definitions, fields, counts), back into
 * memory when a database is opened. */
#include "engine/db.h"
#include "engine/index_build.h"

enum drift_err load_definition(struct slice value, struct frame_ddl *ddl,
			       drift_seq *seq, drift_time_ns *time)
{
	const char *at = value.data;
	struct frame frame = { .kind = FRAME_DDL };

	if (value.size < 16)
		return DRIFT_CORRUPT;
	*seq = be64_get(at);
	*time = (drift_time_ns)be64_get(at + 8);
	frame.body = slice_of(at + 16, value.size - 16);
	return frame_read_ddl(&frame, ddl);
}

static enum drift_err load_ddl(struct drift_db *db, struct slice value)
{
	struct frame_ddl ddl;
	drift_time_ns time;
	drift_seq seq;
	enum drift_err err = load_definition(value, &ddl, &seq, &time);

	return err ? err : apply_definition(db, &ddl, seq, time);
}

/* One field: its name, and since when it held each type. */
static enum drift_err load_field(struct table *table, struct msg_cursor *cursor)
{
	struct slice name;
	uint32_t count;
	int64_t since;
	enum drift_err err = msg_read_array(cursor, &count);

	if (!err && count != 2 + MSG_MAP)
		err = DRIFT_CORRUPT;
	if (!err)
		err = msg_read_text(cursor, &name);
	for (unsigned type = 0; type <= MSG_MAP && !err; type++) {
		err = msg_read_int(cursor, &since);
		if (!err && since)
			err = table_note_field(table, name, type, (drift_seq)since);
	}
	return err;
}

static enum drift_err load_table(struct drift_db *db, struct index_reader *reader,
				 drift_seq applied, struct slice key,
				 struct slice value)
{
	const char *at = value.data;
	struct msg_cursor cursor;
	struct table *table;
	uint32_t count;
	enum drift_err err;

	if (key.size != 4 || value.size < 9)
		return DRIFT_CORRUPT;
	table = tables_get(&db->tables, be32_get(key.data));
	if (!table)
		return DRIFT_CORRUPT;
	atomic_store(&table->row_count, (int64_t)be64_get(at));
	atomic_store(&table->counted, applied);
	atomic_store(&table->integer_keys, at[8] != 0);
	cursor = msg_cursor_of(slice_of(at + 9, value.size - 9));
	err = msg_read_array(&cursor, &count);
	for (; count > 0 && !err; count--)
		err = load_field(table, &cursor);
	atomic_store(&table->dirty, false);
	return err ? err : statistics_load(db, reader, be32_get(key.data));
}

static enum drift_err load_space(struct drift_db *db, struct index_reader *reader,
				 enum index_space space, drift_seq applied)
{
	struct index_cursor *cursor;
	struct slice key, value;
	enum drift_err err = index_cursor_open(reader, space, &cursor);

	if (err)
		return err;
	for (err = index_step(cursor, INDEX_FIRST, &key, &value); !err;
	     err = index_step(cursor, INDEX_NEXT, &key, &value)) {
		err = space == INDEX_CATALOG
			      ? load_ddl(db, value)
			      : load_table(db, reader, applied, key, value);
		if (err)
			break;
	}
	index_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err load_tables(struct drift_db *db, struct index_mark *mark)
{
	struct index_reader *reader;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return err;
	err = index_applied(reader, mark);
	if (!err)
		err = index_check_format(reader);
	db->tables.loading = true;
	if (!err)
		err = load_space(db, reader, INDEX_CATALOG, mark->seq);
	if (!err)
		err = index_build_load(&db->tables, reader);
	db->tables.loading = false;
	if (!err)
		err = load_space(db, reader, INDEX_TABLES, mark->seq);
	index_read_end(db->index, reader);
	return err;
}

enum drift_err load_check_empty(struct drift_db *db, struct drift_error *error)
{
	struct index_reader *reader;
	struct index_cursor *cursor = NULL;
	struct slice key, value;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return drift_fail_code(error, err);
	err = index_cursor_open(reader, INDEX_CATALOG, &cursor);
	if (!err)
		err = index_step(cursor, INDEX_FIRST, &key, &value);
	index_cursor_close(cursor);
	index_read_end(db->index, reader);
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	return drift_fail(error, err ? err : DRIFT_CORRUPT,
			  "it was not built to its end");
}
