/* SPDX-License-Identifier: MIT */
/* statistics.c - see statistics.h. */
#include "engine/statistics.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/db.h"

struct statistic {
	struct statistic *next; /* fixed before it is in the list */
	uint32_t table_id;
	_Atomic uint64_t distinct;
	char column[];
};

static struct statistic *find(struct drift_db *db, uint32_t table_id,
			      const char *column)
{
	struct statistic *at = atomic_load(&db->statistics.list);

	while (at && (at->table_id != table_id || strcmp(at->column, column) != 0))
		at = at->next;
	return at;
}

uint64_t drift_distinct(struct drift_db *db, uint32_t table_id, const char *column)
{
	struct statistic *statistic = find(db, table_id, column);

	return statistic ? atomic_load(&statistic->distinct) : 0;
}

/* column ends with a NUL. */
static enum drift_err note(struct drift_db *db, uint32_t table_id,
			   const char *column, uint64_t distinct)
{
	struct statistic *statistic = find(db, table_id, column);

	if (statistic) {
		atomic_store(&statistic->distinct, distinct);
		return DRIFT_OK;
	}
	statistic = malloc(sizeof(*statistic) + strlen(column) + 1);
	if (!statistic)
		return DRIFT_NOMEM;
	statistic->table_id = table_id;
	atomic_init(&statistic->distinct, distinct);
	memcpy(statistic->column, column, strlen(column) + 1);
	/* Two that note the same at once leave two; the later stands first. */
	statistic->next = atomic_load(&db->statistics.list);
	while (!atomic_compare_exchange_weak(&db->statistics.list, &statistic->next,
					     statistic))
		;
	return DRIFT_OK;
}

/* ---- In the index --------------------------------------------------------- */

#define RECORD_KEY_BYTES 12

static struct slice record_key(uint32_t table_id, char key[RECORD_KEY_BYTES])
{
	memcpy(key, "distinct", 8);
	be32_put(key + 8, table_id);
	return slice_of(key, RECORD_KEY_BYTES);
}

static enum drift_err keep(struct drift_db *db, uint32_t table_id,
			   struct slice record)
{
	struct index_writer *writer;
	char key[RECORD_KEY_BYTES];
	enum drift_err err = index_write_begin(db->index, &writer);

	if (err)
		return err;
	err = index_put(writer, INDEX_META, record_key(table_id, key), record);
	if (!err)
		return index_commit(writer);
	index_abort(writer);
	return err;
}

enum drift_err drift_note_distinct(struct drift_db *db, uint32_t table_id,
				   const struct drift_distinct *columns,
				   unsigned count)
{
	struct buf record = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	msg_add_array(&record, count);
	for (unsigned i = 0; i < count && !err; i++) {
		err = note(db, table_id, columns[i].column, columns[i].values);
		msg_add_array(&record, 2);
		msg_add_text(&record, slice_str(columns[i].column));
		msg_add_int(&record, (int64_t)columns[i].values);
	}
	if (!err)
		err = buf_status(&record);
	if (!err && !db->options.read_only)
		err = keep(db, table_id, buf_slice(&record));
	buf_release(&record);
	return err;
}

static enum drift_err load_column(struct drift_db *db, uint32_t table_id,
				  struct msg_cursor *cursor, struct buf *name)
{
	struct slice text;
	uint32_t count;
	int64_t values;
	enum drift_err err = msg_read_array(cursor, &count);

	if (!err && count != 2)
		err = DRIFT_CORRUPT;
	if (!err)
		err = msg_read_text(cursor, &text);
	if (!err)
		err = msg_read_int(cursor, &values);
	if (err)
		return err;
	buf_clear(name);
	buf_add_slice(name, text);
	return buf_status(name)
		       ? DRIFT_NOMEM
		       : note(db, table_id, buf_cstr(name), (uint64_t)values);
}

enum drift_err statistics_load(struct drift_db *db, struct index_reader *reader,
			       uint32_t table_id)
{
	char key[RECORD_KEY_BYTES];
	struct buf name = BUF_INIT;
	struct msg_cursor cursor;
	struct slice record;
	uint32_t count;
	enum drift_err err =
		index_get(reader, INDEX_META, record_key(table_id, key), &record);

	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	cursor = msg_cursor_of(record);
	err = msg_read_array(&cursor, &count);
	for (; count > 0 && !err; count--)
		err = load_column(db, table_id, &cursor, &name);
	buf_release(&name);
	return err;
}

void statistics_release(struct statistics *statistics)
{
	struct statistic *at = atomic_load(&statistics->list), *next;

	for (; at; at = next) {
		next = at->next;
		free(at);
	}
	atomic_store(&statistics->list, NULL);
}
