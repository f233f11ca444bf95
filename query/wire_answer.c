/* SPDX-License-Identifier: MIT */
/* wire_answer.c - rows to DataRow, in one of two ways.
 *
 * PostgreSQL's way: each statement has its columns and their types. A column whose
 * type nothing tells takes that of its first value: the row description is not sent
 * before the first row is there, and is mended then.
 * driftdb's way (SET driftql.format): the script's answers as text that the printer
 * made, in chunks, as rows of one column: the command line prints the same through a
 * daemon as without one. */
#include "query/wire_answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/copy.h"
#include "query/format.h"
#include "query/setting.h"
#include "query/wire_copy.h"
#include "query/wire_error.h"
#include "query/wire_value.h"

struct wire_column {
	enum wire_oid oid;
	size_t unknown_at; /* its type in wire->out, to be mended; 0: known */
};

struct wire_rows {
	struct wire *wire;
	struct query_session *session;
	bool any;   /* a statement was run */
	bool first; /* the next row is the first */
	struct wire_column *columns;
	unsigned count;
};

void wire_ready(struct wire *wire, char status)
{
	wire_begin(wire, 'Z');
	buf_add_char(&wire->out, status);
	wire_end(wire);
}

static enum wire_oid oid_of_value(const struct query_session *session, unsigned i)
{
	struct msg_value value;
	bool is_json;

	query_value(session, i, &value, &is_json);
	switch (value.type) {
	case MSG_BOOL:
		return WIRE_BOOL;
	case MSG_INT:
		return WIRE_INT8;
	case MSG_REAL:
		return WIRE_FLOAT8;
	case MSG_BLOB:
		return WIRE_BYTEA;
	default:
		return is_json ? WIRE_JSON : WIRE_TEXT;
	}
}

static enum drift_err describe(struct wire_rows *rows)
{
	struct wire *wire = rows->wire;
	unsigned count = query_column_count(rows->session);
	struct wire_column *columns =
		realloc(rows->columns, (count + 1) * sizeof(*columns));

	if (!columns)
		return DRIFT_NOMEM;
	rows->columns = columns;
	rows->count = count;
	rows->first = true;
	wire_begin(wire, 'T');
	wire_add_be16(wire, count);
	for (unsigned i = 0; i < count; i++) {
		enum drift_type type = query_column_type(rows->session, i);
		size_t at;

		columns[i].oid = wire_oid_of_type(type);
		at = wire_add_column(wire, query_column_name(rows->session, i),
				     columns[i].oid, false);
		columns[i].unknown_at = type == DRIFT_ANY ? at : 0;
	}
	wire_end(wire);
	return buf_status(&wire->out);
}

/* Give the columns without a type that of their first value. */
static void mend_types(struct wire_rows *rows)
{
	for (unsigned i = 0; i < rows->count; i++) {
		struct wire_column *column = &rows->columns[i];
		char *at = rows->wire->out.data + column->unknown_at;

		if (!column->unknown_at)
			continue;
		column->oid = oid_of_value(rows->session, i);
		be32_put(at, column->oid);
		at[4] = (char)(wire_size_of(column->oid) >> 8);
		at[5] = (char)wire_size_of(column->oid);
	}
	rows->first = false;
}

static enum drift_err write_row(struct wire_rows *rows)
{
	struct buf *out = &rows->wire->out;

	if (rows->first)
		mend_types(rows);
	wire_begin(rows->wire, 'D');
	wire_add_be16(rows->wire, rows->count);
	for (unsigned i = 0; i < rows->count; i++) {
		struct msg_value value;
		size_t size_at = out->size;

		query_value(rows->session, i, &value, NULL);
		buf_add_be32(out, UINT32_MAX);
		if (value.type == MSG_NIL)
			continue;
		wire_add_value(&value, rows->columns[i].oid, out);
		if (!buf_status(out))
			be32_put(out->data + size_at,
				 (uint32_t)(out->size - size_at - 4));
	}
	wire_end(rows->wire);
	return wire_flush_if_full(rows->wire);
}

static void write_complete(struct wire *wire, const char *tag)
{
	wire_begin(wire, 'C');
	wire_add_text(wire, tag);
	wire_end(wire);
}

static enum drift_err write_event(struct wire_rows *rows, enum query_event event)
{
	bool empty = event == QUERY_END && !rows->any;

	rows->any = true;
	switch (event) {
	case QUERY_COLUMNS:
		return describe(rows);
	case QUERY_ROW:
		return write_row(rows);
	case QUERY_DONE:
		write_complete(rows->wire, query_tag(rows->session));
		return DRIFT_OK;
	case QUERY_END:
		if (empty) {
			wire_begin(rows->wire, 'I');
			wire_end(rows->wire);
		}
		return DRIFT_OK;
	}
	return DRIFT_INTERNAL;
}

static enum drift_err answer_rows(struct wire *wire, struct query_session *session,
				  struct drift_error *error)
{
	struct wire_rows rows = { .wire = wire, .session = session };
	enum query_event event = QUERY_DONE;
	enum drift_err err = DRIFT_OK;

	while (!err && event != QUERY_END) {
		err = query_next(session, &event, error);
		if (!err)
			err = write_event(&rows, event);
	}
	free(rows.columns);
	return err;
}

static enum drift_err send_chunk(struct wire *wire, const struct buf *chunk)
{
	wire_begin(wire, 'D');
	wire_add_be16(wire, 1);
	buf_add_be32(&wire->out, (uint32_t)chunk->size);
	buf_add_slice(&wire->out, buf_slice(chunk));
	wire_end(wire);
	return wire_flush(wire);
}

static enum drift_err answer_text(struct wire *wire, struct query_session *session,
				  enum query_format format,
				  struct drift_error *error)
{
	struct query_printer *printer;
	struct buf chunk = BUF_INIT;
	bool ended = false;
	enum drift_err err = query_printer_new(session, format, &printer);

	if (err)
		return drift_fail_code(error, err);
	query_printer_messages(printer,
			       strcmp(setting_get(session, "driftql.messages"),
				      "on") == 0);
	wire_begin(wire, 'T');
	wire_add_be16(wire, 1);
	(void)wire_add_column(wire, "answer", WIRE_TEXT, false);
	wire_end(wire);
	while (!err && !ended) {
		enum drift_err sent = DRIFT_OK;

		buf_clear(&chunk);
		err = query_printer_run(printer, WIRE_OUT_BYTES, &chunk, &ended,
					error);
		if (chunk.size > 0 && !buf_status(&chunk))
			sent = send_chunk(wire, &chunk);
		err = err ? err : sent;
	}
	if (!err)
		write_complete(wire, "SELECT 1");
	query_printer_free(printer);
	buf_release(&chunk);
	return err;
}

/* The script goes with the message it came in, once COPY's lines are read. */
static enum drift_err answer_copy(struct wire *wire, struct query_session *session,
				  const char *script, size_t size)
{
	struct drift_error error = { 0 };
	char *kept = strndup(script, size);
	enum drift_err err = kept ? wire_copy(wire, session, kept, size, &error)
				  : drift_fail_code(&error, DRIFT_NOMEM);

	if (err && error.code != DRIFT_OK) {
		wire_error_in_fields(wire, &error, kept);
		err = DRIFT_OK;
	}
	free(kept);
	return err;
}

enum drift_err wire_answer(struct wire *wire, struct query_session *session,
			   const char *script, size_t size)
{
	struct drift_error error = { 0 };
	enum query_format format;
	bool text =
		query_format_parse(setting_get(session, "driftql.format"), &format);
	enum drift_err err;

	if (!text && copy_is(script, size))
		return answer_copy(wire, session, script, size);
	err = query_start(session, script, size, &error);
	if (!err)
		err = text ? answer_text(wire, session, format, &error)
			   : answer_rows(wire, session, &error);
	if (err && error.code == DRIFT_OK)
		return err;
	if (err && text)
		wire_error(wire, &error, "ERROR", script);
	else if (err)
		wire_error_in_fields(wire, &error, script);
	return DRIFT_OK;
}
