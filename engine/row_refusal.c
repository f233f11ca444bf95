/* SPDX-License-Identifier: MIT */
/* row_refusal.c - the wording of refused rows. Values are shown cut to a length
 * that leaves room for the rest of the line, at a character's edge. */
#include "engine/row_refusal.h"

#include "engine/json.h"

/* A value as a message shows it: text as it is, the rest as JSON. */
static const char *shown(struct slice value, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	struct slice text;

	if (msg_read_text(&cursor, &text) == DRIFT_OK)
		buf_add_slice(out, text);
	else if (json_print(value, JSON_COMPACT, out) != DRIFT_OK)
		return "?";
	if (out->size > REFUSAL_SHOWN_BYTES_MAX) {
		out->size = REFUSAL_SHOWN_BYTES_MAX;
		while (out->size > 0 && (out->data[out->size] & 0xc0) == 0x80)
			out->size--;
		buf_add_str(out, "...");
	}
	return buf_cstr(out);
}

enum drift_err refusal_add_value(struct slice value, struct buf *out)
{
	struct buf text = BUF_INIT;

	buf_add_str(out, shown(value, &text));
	buf_release(&text);
	return buf_status(out);
}

enum drift_err row_refuse_type(const char *type, struct slice value,
			       struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	err = drift_fail(error, DRIFT_BAD_TYPE,
			 "invalid input syntax for type %s: \"%s\"", type,
			 shown(value, &text));
	buf_release(&text);
	return err;
}

enum drift_err row_refuse_null(const struct table_def *def, const char *column,
			       struct drift_error *error)
{
	if (def->document)
		return drift_fail(error, DRIFT_BAD_KEY,
				  "key \"%s\" of a row of \"%s\" is missing or null",
				  column, def->name);
	return drift_fail(error, DRIFT_NOT_NULL,
			  "null value in column \"%s\" of relation \"%s\" violates "
			  "not-null constraint",
			  column, def->name);
}

enum drift_err row_refuse_column(const struct table_def *def, struct slice name,
				 struct drift_error *error)
{
	size_t size = name.size < REFUSAL_SHOWN_BYTES_MAX ? name.size
							  : REFUSAL_SHOWN_BYTES_MAX;

	return drift_fail(error, DRIFT_NO_COLUMN,
			  "column \"%.*s\" of relation \"%s\" does not exist",
			  (int)size, (const char *)name.data, def->name);
}

enum drift_err row_refuse_key(struct slice own, struct slice wanted,
			      struct drift_error *error)
{
	struct buf own_name = BUF_INIT;
	struct buf wanted_name = BUF_INIT;
	enum drift_err err;

	err = key_to_name(own, &own_name);
	if (!err)
		err = key_to_name(wanted, &wanted_name);
	if (err)
		err = drift_fail_code(error, err);
	else
		err = drift_fail(
			error, DRIFT_BAD_KEY,
			"key \"%s\" in the document does not match the name \"%s\"",
			buf_cstr(&own_name), buf_cstr(&wanted_name));
	buf_release(&own_name);
	buf_release(&wanted_name);
	return err;
}

enum drift_err row_check_text(struct slice text, struct drift_error *error)
{
	if (text.size > 0 && memchr(text.data, 0, text.size))
		return drift_fail(
			error, DRIFT_BAD_TEXT,
			"invalid byte sequence for encoding \"UTF8\": 0x00");
	if (!json_text_valid(text))
		return drift_fail(error, DRIFT_BAD_TEXT,
				  "invalid byte sequence for encoding \"UTF8\"");
	return DRIFT_OK;
}
