/* SPDX-License-Identifier: MIT */
/* table_t.h - the table that the engine's tests work on: t (pk=id, INDEX(v)). */
#ifndef DRIFT_TESTS_TABLE_T_H
#define DRIFT_TESTS_TABLE_T_H

#include <stdlib.h>

#include "engine/engine.h"

/* The definition of one like it, by another name. */
static inline struct table_def *table_t_def(const char *name)
{
	struct table_def *def = table_def_new(name);

	def->document = true;
	assert_non_null(table_def_add_column(def, "id"));
	def->columns[0].type = DRIFT_TEXT;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	assert_int_equal(index_def_add_column(table_def_add_index(def, "v"), "v"),
			 DRIFT_OK);
	return def;
}

static inline enum drift_err table_t_define(struct drift_db *db,
					    struct table_def *def)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	enum drift_err err = drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn);

	if (err)
		return err;
	err = drift_txn_define(txn, def, NULL);
	if (!err)
		err = drift_commit(txn, DRIFT_DURABLE, &receipt);
	drift_txn_free(txn);
	return err;
}

static inline enum drift_err table_t_make_as(struct drift_db *db, const char *name)
{
	struct table_def *def = table_t_def(name);
	enum drift_err err = table_t_define(db, def);

	table_def_free(def);
	return err;
}

static inline enum drift_err table_t_make(struct drift_db *db)
{
	return table_t_make_as(db, "t");
}

/* Of v, an integer. */
static inline int64_t table_t_value(struct slice row)
{
	struct msg_cursor cursor;
	struct slice bytes;
	int64_t v;

	assert_int_equal(msg_member(row, SLICE("v"), &bytes), DRIFT_OK);
	cursor = msg_cursor_of(bytes);
	assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	return v;
}

#endif
