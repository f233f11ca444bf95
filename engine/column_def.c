/* SPDX-License-Identifier: MIT */
/* column_def.c - which values a column takes: of its type, no longer than it says,
 * and with text that is text. Values are checked, never bent. */
#include "engine/row_refusal.h"

static uint32_t characters(struct slice text)
{
	const uint8_t *bytes = text.data;
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < text.size; i++)
		count += (bytes[i] & 0xc0) != 0x80;
	return count;
}

static bool fits(enum drift_type type, const struct msg_value *value)
{
	drift_time_ns time;

	switch (type) {
	case DRIFT_ANY:
	case DRIFT_JSON:
		return true;
	case DRIFT_INTEGER:
		return value->type == MSG_INT;
	case DRIFT_REAL:
		return value->type == MSG_REAL || value->type == MSG_INT;
	case DRIFT_TEXT:
		return value->type == MSG_TEXT;
	case DRIFT_BOOLEAN:
		return value->type == MSG_BOOL;
	case DRIFT_TIMESTAMP:
	case DRIFT_DATE:
		return value->type == MSG_TEXT &&
		       moment_parse_timestamp(value->bytes, &time) == DRIFT_OK;
	case DRIFT_BLOB:
		return value->type == MSG_BLOB || value->type == MSG_TEXT;
	}
	return false;
}

/* Text anywhere in the value must be text, and reals finite. */
static enum drift_err check_scalars(struct slice bytes,
				    const struct msg_value *value,
				    struct drift_error *error)
{
	if (value->type == MSG_TEXT)
		return row_check_text(value->bytes, error);
	if (msg_check_value(bytes) == DRIFT_OK)
		return DRIFT_OK;
	if (value->type == MSG_REAL)
		return drift_fail(error, DRIFT_BAD_TYPE, "a real must be finite");
	return drift_fail(error, DRIFT_BAD_TEXT,
			  "invalid byte sequence for encoding \"UTF8\"");
}

enum drift_err column_def_check_value(const struct column_def *column,
				      struct slice bytes, struct drift_error *error)
{
	struct msg_cursor cursor = msg_cursor_of(bytes);
	struct msg_value value;
	enum drift_err err;

	err = msg_read(&cursor, &value);
	if (err)
		return drift_fail_code(error, err);
	err = check_scalars(bytes, &value, error);
	if (err || value.type == MSG_NIL)
		return err;
	if (!fits(column->type, &value))
		return row_refuse_type(drift_type_name(column->type), bytes, error);
	if (column->length_max > 0 && value.type == MSG_TEXT &&
	    characters(value.bytes) > column->length_max)
		return drift_fail(error, DRIFT_TOO_LONG,
				  "value too long for type character varying(%u)",
				  column->length_max);
	return DRIFT_OK;
}
