/* SPDX-License-Identifier: MIT */
/* row_key.c - a row's key.
 *
 * A key column without a type (a document table's, mostly) is identified by its
 * text: 1 and "1" are one key, whose name is "1", and the row keeps the way it was
 * written. A typed one has one way only. */
#include <stdlib.h>

#include "engine/row_refusal.h"

static const struct column_def *key_column(const struct table_def *def,
					   unsigned part)
{
	return &def->columns[def->key_columns[part]];
}

static enum drift_err add_text(struct slice text, struct buf *key,
			       struct drift_error *error)
{
	enum drift_err err = row_check_text(text, error);

	if (err)
		return err;
	if (text.size == 0)
		return drift_fail(error, DRIFT_BAD_KEY, "key must not be empty");
	key_add_text(key, text);
	return DRIFT_OK;
}

static enum drift_err add_int(enum drift_type type, int64_t value, struct buf *key)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	if (type == DRIFT_INTEGER) {
		key_add_int(key, value);
		return DRIFT_OK;
	}
	if (type == DRIFT_REAL) {
		key_add_real(key, (double)value);
		return DRIFT_OK;
	}
	buf_add_int(&text, value);
	err = buf_status(&text);
	if (!err)
		key_add_text(key, buf_slice(&text));
	buf_release(&text);
	return err;
}

/* Append the key part of a row in which column has this value. */
static enum drift_err add_part(const struct table_def *def,
			       const struct column_def *column, struct slice bytes,
			       struct buf *key, struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(bytes);
	enum drift_type type = column->type;
	struct msg_value value;
	enum drift_err err;

	err = msg_read(&cursor, &value);
	if (err)
		return drift_fail_code(error, err);
	if (value.type == MSG_NIL)
		return row_refuse_null(def, column->name, error);
	if (value.type == MSG_TEXT && type != DRIFT_INTEGER && type != DRIFT_REAL)
		return add_text(value.bytes, key, error);
	if (value.type == MSG_INT && type != DRIFT_TEXT && type != DRIFT_TIMESTAMP &&
	    type != DRIFT_DATE)
		return add_int(type, value.integer, key);
	if (value.type == MSG_REAL && type == DRIFT_REAL) {
		key_add_real(key, value.real);
		return DRIFT_OK;
	}
	if (type == DRIFT_ANY)
		return drift_fail(error, DRIFT_BAD_TYPE,
				  "key \"%s\" must be a string or an integer",
				  column->name);
	return row_refuse_type(drift_type_name(type), bytes, error);
}

static enum drift_err refuse_long(struct slice key, struct drift_error *error)
{
	struct msg_value first = { 0 };

	if (key_read(&key, &first) != DRIFT_OK || first.type != MSG_TEXT)
		first.bytes = SLICE("");
	if (first.bytes.size > REFUSAL_SHOWN_BYTES_MAX)
		first.bytes.size = REFUSAL_SHOWN_BYTES_MAX;
	return drift_fail(error, DRIFT_NAME_TOO_LONG,
			  "key is too long for a file name of %d bytes: \"%.*s...\"",
			  KEY_NAME_BYTES_MAX + 5, (int)first.bytes.size,
			  (const char *)first.bytes.data);
}

/* A key must have a file name. Escapes at most triple it, so a short one needs no
 * look at all. */
static enum drift_err check_name(struct slice key, struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	if (3 * key.size <= KEY_NAME_BYTES_MAX)
		return DRIFT_OK;
	err = key_to_name(key, &name);
	buf_release(&name);
	if (err == DRIFT_NAME_TOO_LONG)
		return refuse_long(key, error);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err row_key(const struct table_def *def, struct slice document,
		       struct buf *key, struct drift_error *error)
{
	const struct column_def *column;
	size_t start = key->size;
	enum drift_err err = DRIFT_OK;
	struct slice value;
	unsigned i;

	for (i = 0; !err && i < def->key_count; i++) {
		column = key_column(def, i);
		err = msg_member(document, slice_str(column->name), &value);
		if (err == DRIFT_DONE)
			err = row_refuse_null(def, column->name, error);
		else if (err)
			err = drift_fail_code(error, err);
		else
			err = add_part(def, column, value, key, error);
	}
	if (!err && key->failed)
		err = drift_fail_code(error, DRIFT_NOMEM);
	if (!err)
		err = check_name(slice_of(key->data + start, key->size - start),
				 error);
	if (err)
		key->size = start;
	return err;
}

static void add_part_value(const struct column_def *column,
			   const struct msg_value *part, bool as_integer,
			   struct buf *out)
{
	char digits[24] = "";

	if (column->type == DRIFT_REAL && part->type == MSG_INT) {
		msg_add_real(out, (double)part->integer);
	} else if (as_integer && column->type == DRIFT_ANY &&
		   part->type == MSG_TEXT && part->bytes.size < sizeof(digits)) {
		memcpy(digits, part->bytes.data, part->bytes.size);
		msg_add_int(out, strtoll(digits, NULL, 10));
	} else {
		msg_add_value(out, part);
	}
}

enum drift_err row_key_value(const struct table_def *def, struct slice key,
			     bool as_integer, struct buf *value)
{
	struct msg_value part;
	enum drift_err err = DRIFT_OK;
	unsigned i;

	if (def->key_count > 1)
		msg_add_array(value, def->key_count);
	for (i = 0; !err && i < def->key_count; i++) {
		err = key_read(&key, &part);
		if (!err)
			add_part_value(key_column(def, i), &part, as_integer, value);
	}
	if (!err && key.size > 0)
		err = DRIFT_CORRUPT;
	return err ? err : buf_status(value);
}
