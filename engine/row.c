/* SPDX-License-Identifier: MIT */
/* row.c - what a table asks of a row, the same for every door it comes in by.
 *
 * A row is the document as it was written, completed: key members that only the
 * file's name told come first, defaults of columns that were left out come last.
 * Mostly there is nothing to complete and the bytes are copied as they are. */
#include "engine/row_refusal.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic(const struct row_rules *) the_rules;

void row_rules_set(const struct row_rules *rules)
{
	atomic_store(&the_rules, rules);
}

struct shaping {
	const struct table_def *def;
	struct drift_error *error;
	unsigned next;  /* column that the next member is likely to be */
	uint32_t count; /* members in the document */
	bool converts;  /* an integer is to become a real */
	bool has_key;   /* known all the same where the document lacks it */
	bool is_new;
	/* Values of defaults that are expressions: where in `filled` each is. */
	struct buf filled;
	struct place_in_filled {
		uint32_t at, size;
	} * places; /* one a column; NULL: there is none */
	/* Last, and of as many columns as there are: */
	bool has[TABLE_COLUMNS_MAX]; /* the document names the column */
	bool is_null
		[TABLE_COLUMNS_MAX]; /* ... and says null; unset where it has none */
};

static bool is_null(struct slice value)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	struct msg_value scalar;

	return msg_read(&cursor, &scalar) == DRIFT_OK && scalar.type == MSG_NIL;
}

/* An integer in a REAL column is stored as a real. */
static bool is_to_be_real(const struct column_def *column, struct slice value)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	struct msg_value scalar;

	return column->type == DRIFT_REAL &&
	       msg_read(&cursor, &scalar) == DRIFT_OK && scalar.type == MSG_INT;
}

/* Number of name's column, column_count if there is none. Members mostly come in
 * the columns' order, so the search begins behind the last one found. */
static unsigned find_column(struct shaping *shaping, struct slice name)
{
	const struct table_def *def = shaping->def;
	unsigned at = shaping->next;
	unsigned left;

	for (left = def->column_count; left > 0; left--, at++) {
		if (at >= def->column_count)
			at = 0;
		if (slice_equal(slice_str(def->columns[at].name), name)) {
			shaping->next = at + 1;
			return at;
		}
	}
	return def->column_count;
}

static enum drift_err check_member(struct shaping *shaping, struct slice name,
				   struct slice value)
{
	static const struct column_def any = { .type = DRIFT_ANY };
	const struct table_def *def = shaping->def;
	enum drift_err err = row_check_text(name, shaping->error);
	const struct column_def *column;
	unsigned number;

	if (err)
		return err;
	number = find_column(shaping, name);
	if (number == def->column_count) {
		if (!def->document)
			return row_refuse_column(def, name, shaping->error);
		return column_def_check_value(&any, value, shaping->error);
	}
	column = &def->columns[number];
	shaping->has[number] = true;
	shaping->is_null[number] = is_null(value);
	shaping->converts |= is_to_be_real(column, value);
	return column_def_check_value(column, value, shaping->error);
}

static enum drift_err check_members(struct shaping *shaping, struct slice document)
{
	struct msg_cursor cursor = msg_cursor_of(document);
	struct slice value;
	struct slice name;
	enum drift_err err;
	uint32_t i;

	err = msg_read_map(&cursor, &shaping->count);
	for (i = 0; !err && i < shaping->count; i++) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (!err)
			err = check_member(shaping, name, value);
	}
	return err ? drift_fail_code(shaping->error, err) : DRIFT_OK;
}

static bool is_key(const struct table_def *def, unsigned column)
{
	unsigned i;

	for (i = 0; i < def->key_count; i++)
		if (def->key_columns[i] == column)
			return true;
	return false;
}

/* Will the row get the column's value from its key? */
static bool takes_key(const struct shaping *shaping, unsigned column)
{
	return shaping->has_key && !shaping->has[column] &&
	       is_key(shaping->def, column);
}

/* ... or the column's default? */
static bool takes_default(const struct shaping *shaping, unsigned column)
{
	const struct column_def *def = &shaping->def->columns[column];

	return shaping->is_new && (def->has_default || def->default_sql) &&
	       !shaping->has[column] && !takes_key(shaping, column);
}

static struct slice default_value(const struct shaping *shaping, unsigned column)
{
	const struct column_def *def = &shaping->def->columns[column];

	if (!def->default_sql)
		return buf_slice(&def->default_value);
	return slice_of(shaping->filled.data + shaping->places[column].at,
			shaping->places[column].size);
}

/* Evaluate the defaults that are expressions. */
static enum drift_err fill_defaults(struct shaping *shaping)
{
	const struct table_def *def = shaping->def;
	const struct row_rules *rules = atomic_load(&the_rules);
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->column_count && !err; i++) {
		if (!def->columns[i].default_sql || !takes_default(shaping, i))
			continue;
		if (!rules)
			return drift_fail(shaping->error, DRIFT_UNSUPPORTED,
					  "nothing here evaluates DEFAULT %s",
					  def->columns[i].default_sql);
		if (!shaping->places)
			shaping->places =
				calloc(def->column_count, sizeof(*shaping->places));
		if (!shaping->places)
			return drift_fail_code(shaping->error, DRIFT_NOMEM);
		shaping->places[i].at = (uint32_t)shaping->filled.size;
		err = rules->fill(def, i, &shaping->filled, shaping->error);
		shaping->places[i].size =
			(uint32_t)shaping->filled.size - shaping->places[i].at;
		if (!err)
			err = column_def_check_value(&def->columns[i],
						     default_value(shaping, i),
						     shaping->error);
	}
	return err;
}

enum drift_err row_check(const struct table_def *def, struct slice row,
			 struct drift_error *error)
{
	const struct row_rules *rules = atomic_load(&the_rules);

	if (!def->check_count)
		return DRIFT_OK;
	if (!rules)
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "nothing here evaluates CHECK (%s)",
				  def->checks[0].sql);
	return rules->check(def, row, error);
}

/* NOT NULL, of the row as it will be; key columns are so by nature. */
static enum drift_err check_nulls(const struct shaping *shaping)
{
	const struct table_def *def = shaping->def;
	const struct column_def *column;
	unsigned i;
	bool null;

	for (i = 0; i < def->column_count; i++) {
		column = &def->columns[i];
		if (!column->not_null && !is_key(def, i))
			continue;
		if (shaping->has[i])
			null = shaping->is_null[i];
		else if (takes_default(shaping, i))
			null = is_null(default_value(shaping, i));
		else
			null = !takes_key(shaping, i);
		if (null)
			return row_refuse_null(def, column->name, shaping->error);
	}
	return DRIFT_OK;
}

/* ---- Writing the row ----------------------------------------------------- */

/* How many members the row has that the document lacks. */
static uint32_t count_missing(const struct shaping *shaping)
{
	uint32_t count = 0;
	unsigned i;

	for (i = 0; i < shaping->def->column_count; i++)
		count += takes_key(shaping, i) || takes_default(shaping, i);
	return count;
}

static enum drift_err add_missing_part(const struct table_def *def, struct slice key,
				       struct buf *row)
{
	msg_add_text(row, slice_str(def->columns[def->key_columns[0]].name));
	return row_key_value(def, key, false, row);
}

static enum drift_err add_missing_parts(const struct shaping *shaping,
					struct slice key, struct buf *row)
{
	const struct table_def *def = shaping->def;
	struct buf parts = BUF_INIT;
	struct msg_cursor cursor;
	struct slice value;
	enum drift_err err;
	uint32_t count;
	unsigned i;

	err = row_key_value(def, key, false, &parts);
	cursor = msg_cursor_of(buf_slice(&parts));
	if (!err)
		err = msg_read_array(&cursor, &count);
	for (i = 0; !err && i < def->key_count; i++) {
		err = msg_skip(&cursor, &value);
		if (err || shaping->has[def->key_columns[i]])
			continue;
		msg_add_text(row, slice_str(def->columns[def->key_columns[i]].name));
		buf_add_slice(row, value);
	}
	buf_release(&parts);
	return err;
}

static enum drift_err add_missing_key(const struct shaping *shaping,
				      struct slice key, struct buf *row)
{
	const struct table_def *def = shaping->def;

	if (def->key_count != 1)
		return add_missing_parts(shaping, key, row);
	return shaping->has[def->key_columns[0]] ? DRIFT_OK
						 : add_missing_part(def, key, row);
}

static void add_value(const struct column_def *column, struct slice value,
		      struct buf *row)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	int64_t integer;

	if (is_to_be_real(column, value) &&
	    msg_read_int(&cursor, &integer) == DRIFT_OK)
		msg_add_real(row, (double)integer);
	else
		buf_add_slice(row, value);
}

static void add_defaults(const struct shaping *shaping, struct buf *row)
{
	const struct table_def *def = shaping->def;
	unsigned i;

	for (i = 0; i < def->column_count; i++) {
		if (!takes_default(shaping, i))
			continue;
		msg_add_text(row, slice_str(def->columns[i].name));
		add_value(&def->columns[i], default_value(shaping, i), row);
	}
}

/* The members as they were written, integers in REAL columns made reals. */
static enum drift_err add_members(struct shaping *shaping, struct slice document,
				  struct buf *row)
{
	const struct table_def *def = shaping->def;
	struct msg_cursor cursor = msg_cursor_of(document);
	struct slice value;
	struct slice name;
	enum drift_err err;
	unsigned number;
	uint32_t left;

	err = msg_read_map(&cursor, &left);
	if (!err && !shaping->converts) {
		buf_add(row, cursor.at, (size_t)(cursor.end - cursor.at));
		return DRIFT_OK;
	}
	for (; !err && left > 0; left--) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (err)
			break;
		msg_add_text(row, name);
		number = find_column(shaping, name);
		if (number < def->column_count)
			add_value(&def->columns[number], value, row);
		else
			buf_add_slice(row, value);
	}
	return err;
}

static enum drift_err add_row(struct shaping *shaping, struct slice document,
			      struct slice key, struct buf *row)
{
	enum drift_err err = DRIFT_OK;

	(void)buf_reserve(row, document.size + key.size + 64); /* mostly enough */
	msg_add_map(row, shaping->count + count_missing(shaping));
	if (shaping->has_key)
		err = add_missing_key(shaping, key, row);
	if (!err)
		err = add_members(shaping, document, row);
	if (!err)
		add_defaults(shaping, row);
	if (!err)
		err = buf_status(row);
	return err ? drift_fail_code(shaping->error, err) : DRIFT_OK;
}

/* The finished row must have the key that it is stored under; it does if it got all
 * of it from there, as texts. */
static enum drift_err match_key(const struct shaping *shaping, struct slice row,
				struct slice key)
{
	const struct table_def *def = shaping->def;
	struct buf own = BUF_INIT;
	bool named = false;
	enum drift_err err;

	for (unsigned i = 0; i < def->key_count; i++)
		named |= shaping->has[def->key_columns[i]] ||
			 def->columns[def->key_columns[i]].type != DRIFT_ANY;
	if (!named)
		return DRIFT_OK;
	err = row_key(def, row, &own, shaping->error);
	if (!err && !slice_equal(buf_slice(&own), key))
		err = row_refuse_key(buf_slice(&own), key, shaping->error);
	buf_release(&own);
	return err;
}

enum drift_err row_shape(const struct table_def *def, struct slice document,
			 struct slice key, bool is_new, struct buf *row,
			 struct drift_error *error)
{
	struct shaping shaping;
	size_t start = row->size;
	enum drift_err err;

	memset(&shaping, 0, offsetof(struct shaping, has));
	memset(shaping.has, 0, def->column_count);
	shaping.def = def;
	shaping.error = error;
	shaping.has_key = key.size > 0;
	shaping.is_new = is_new;
	err = check_members(&shaping, document);
	if (!err)
		err = fill_defaults(&shaping);
	if (!err)
		err = check_nulls(&shaping);
	if (!err)
		err = add_row(&shaping, document, key, row);
	if (!err && shaping.has_key)
		err = match_key(&shaping,
				slice_of(row->data + start, row->size - start), key);
	if (!err)
		err = row_check(def, slice_of(row->data + start, row->size - start),
				error);
	buf_release(&shaping.filled);
	free(shaping.places);
	if (err)
		row->size = start;
	return err;
}
