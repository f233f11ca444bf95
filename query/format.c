/* SPDX-License-Identifier: MIT */
/* format.c - answers as text: JSON lines, CSV, TSV, and tables for people.
 *
 * A printer pulls one event after the other from its session and stops when enough
 * text is there, so an answer of any size passes through bounded memory. What stands
 * before each JSON value ({"name": or ,"name":) is made once a statement. */
#include "query/format.h"

#include <stdlib.h>
#include <strings.h>

#include "engine/json.h"

struct query_printer {
	struct query_session *session;
	enum query_format format;
	bool messages;
	unsigned column_count;
	struct buf leads; /* the JSON leads, one after the other */
	size_t *lead_ends;
	struct format_table table;
};

bool query_format_parse(const char *name, enum query_format *format)
{
	static const char *const names[] = {
		[QUERY_JSON] = "json",   [QUERY_CSV] = "csv",
		[QUERY_TSV] = "tsv",     [QUERY_TABLE] = "table",
		[QUERY_CELLS] = "cells",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(name, names[i]) == 0) {
			*format = (enum query_format)i;
			return true;
		}
	}
	return false;
}

enum drift_err query_printer_new(struct query_session *session,
				 enum query_format format,
				 struct query_printer **out)
{
	struct query_printer *printer = calloc(1, sizeof(*printer));

	if (!printer)
		return DRIFT_NOMEM;
	printer->session = session;
	printer->format = format;
	*out = printer;
	return DRIFT_OK;
}

void query_printer_free(struct query_printer *printer)
{
	if (!printer)
		return;
	format_table_release(&printer->table);
	buf_release(&printer->leads);
	free(printer->lead_ends);
	free(printer);
}

void query_printer_messages(struct query_printer *printer, bool messages)
{
	printer->messages = messages;
}

/* PostgreSQL's bytea output: \x and hex digits. */
static void add_hex(struct slice blob, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = blob.data;
	char *at = buf_reserve(out, 2 * blob.size + 2);

	if (!at)
		return;
	*at++ = '\\';
	*at++ = 'x';
	for (size_t i = 0; i < blob.size; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	out->size += 2 * blob.size + 2;
}

static void add_real(double value, struct buf *out)
{
	if (__builtin_isfinite(value))
		json_print_real(value, out);
	else
		buf_add_str(out, __builtin_isnan(value) ? "NaN"
				 : value > 0            ? "Infinity"
							: "-Infinity");
}

void format_plain(const struct msg_value *value, const char *no, const char *yes,
		  struct buf *out)
{
	switch (value->type) {
	case MSG_BOOL:
		buf_add_str(out, value->boolean ? yes : no);
		return;
	case MSG_INT:
		buf_add_int(out, value->integer);
		return;
	case MSG_REAL:
		add_real(value->real, out);
		return;
	case MSG_TEXT:
		buf_add_slice(out, value->bytes);
		return;
	case MSG_BLOB:
		add_hex(value->bytes, out);
		return;
	default:
		return;
	}
}

void format_json(const struct msg_value *value, bool is_json, struct buf *out)
{
	if (value->type == MSG_NIL) {
		buf_add_str(out, "null");
	} else if (value->type == MSG_TEXT && !is_json) {
		json_print_text(value->bytes, out);
	} else if (value->type == MSG_BLOB) {
		buf_add_str(out, "\"\\");
		add_hex(value->bytes, out);
		buf_add_char(out, '"');
	} else if (value->type == MSG_REAL && !__builtin_isfinite(value->real)) {
		buf_add_char(out, '"');
		add_real(value->real, out);
		buf_add_char(out, '"');
	} else {
		format_plain(value, "false", "true", out);
	}
}

static bool needs_quotes(struct slice text)
{
	const char *bytes = text.data;

	if (text.size == 0 || bytes[0] == ' ' || bytes[text.size - 1] == ' ')
		return true;
	for (size_t i = 0; i < text.size; i++)
		if (bytes[i] == ',' || bytes[i] == '"' || bytes[i] == '\n' ||
		    bytes[i] == '\r')
			return true;
	return false;
}

static void add_csv_text(struct slice text, struct buf *out)
{
	const char *bytes = text.data;

	if (!needs_quotes(text)) {
		buf_add_slice(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.size; i++) {
		if (bytes[i] == '"')
			buf_add_char(out, '"');
		buf_add_char(out, bytes[i]);
	}
	buf_add_char(out, '"');
}

void format_escaped(struct slice text, struct buf *out)
{
	static const char specials[] = "\t\n\r\\";
	static const char letters[] = "tnr\\";
	const char *bytes = text.data;

	for (size_t i = 0; i < text.size; i++) {
		const char *special = bytes[i] ? strchr(specials, bytes[i]) : NULL;

		if (special)
			buf_add_char(out, '\\');
		buf_add_char(out, special ? letters[special - specials] : bytes[i]);
	}
}

static void add_field(enum query_format format, const struct msg_value *value,
		      struct buf *out)
{
	bool csv = format == QUERY_CSV;

	if (value->type == MSG_TEXT && csv)
		add_csv_text(value->bytes, out);
	else if (value->type == MSG_TEXT)
		format_escaped(value->bytes, out);
	else if (value->type == MSG_NIL && !csv)
		buf_add_str(out, "\\N");
	else
		format_plain(value, "false", "true", out);
}

/* Is the lead that begins at `from`, of column i, a former column's, too? */
static bool is_led(const struct query_printer *printer, unsigned i, size_t from)
{
	const char *leads = printer->leads.data;
	size_t size = printer->leads.size - from, at = 0;

	for (unsigned k = 0; k < i; k++) {
		if (printer->lead_ends[k] - at == size &&
		    memcmp(leads + at + 1, leads + from + 1, size - 1) == 0)
			return true;
		at = printer->lead_ends[k];
	}
	return false;
}

/* An object has each name once, or readers lose values: another id is id_2. */
static void add_lead(struct query_printer *printer, unsigned i)
{
	struct buf *leads = &printer->leads;
	size_t from = leads->size;
	struct buf name = BUF_INIT;
	size_t size;
	unsigned number = 1;

	buf_add_str(&name, query_column_name(printer->session, i));
	size = name.size;
	for (unsigned k = 0; k < i; k++)
		number += strcmp(query_column_name(printer->session, k),
				 buf_cstr(&name)) == 0;
	for (;; number++) {
		name.size = size;
		if (number > 1)
			buf_printf(&name, "_%u", number);
		leads->size = from;
		buf_add_char(leads, i ? ',' : '{');
		json_print_text(buf_slice(&name), leads);
		buf_add_char(leads, ':');
		if (buf_status(&name) || buf_status(leads) ||
		    !is_led(printer, i, from))
			break;
	}
	leads->failed |= name.failed;
	buf_release(&name);
	printer->lead_ends[i] = leads->size;
}

static enum drift_err begin_json(struct query_printer *printer)
{
	size_t *ends = realloc(printer->lead_ends,
			       (printer->column_count + 1) * sizeof(*ends));

	if (!ends)
		return DRIFT_NOMEM;
	printer->lead_ends = ends;
	buf_clear(&printer->leads);
	for (unsigned i = 0; i < printer->column_count; i++)
		add_lead(printer, i);
	return buf_status(&printer->leads);
}

static void write_header(struct query_printer *printer, struct buf *out)
{
	for (unsigned i = 0; i < printer->column_count; i++) {
		struct msg_value name = {
			.type = MSG_TEXT,
			.bytes = slice_str(query_column_name(printer->session, i)),
		};

		if (i > 0)
			buf_add_char(out, printer->format == QUERY_CSV ? ',' : '\t');
		add_field(printer->format, &name, out);
	}
	buf_add_char(out, '\n');
}

static enum drift_err begin(struct query_printer *printer, struct buf *out)
{
	printer->column_count = query_column_count(printer->session);
	switch (printer->format) {
	case QUERY_JSON:
		return begin_json(printer);
	case QUERY_TABLE:
		return format_table_begin(&printer->table, printer->session);
	case QUERY_CELLS:
		format_cells_columns(printer->session, out);
		return DRIFT_OK;
	default:
		write_header(printer, out);
		return DRIFT_OK;
	}
}

static void write_json(struct query_printer *printer, struct buf *out)
{
	size_t from = 0;

	for (unsigned i = 0; i < printer->column_count; i++) {
		struct msg_value value;
		bool is_json;

		query_value(printer->session, i, &value, &is_json);
		buf_add(out, printer->leads.data + from,
			printer->lead_ends[i] - from);
		format_json(&value, is_json, out);
		from = printer->lead_ends[i];
	}
	buf_add_str(out, "}\n");
}

static void write_fields(struct query_printer *printer, struct buf *out)
{
	for (unsigned i = 0; i < printer->column_count; i++) {
		struct msg_value value;

		query_value(printer->session, i, &value, NULL);
		if (i > 0)
			buf_add_char(out, printer->format == QUERY_CSV ? ',' : '\t');
		add_field(printer->format, &value, out);
	}
	buf_add_char(out, '\n');
}

static enum drift_err write_row(struct query_printer *printer, struct buf *out)
{
	switch (printer->format) {
	case QUERY_JSON:
		write_json(printer, out);
		return DRIFT_OK;
	case QUERY_TABLE:
		return format_table_row(&printer->table, printer->session, out);
	case QUERY_CELLS:
		format_cells_row(printer->session, out);
		return DRIFT_OK;
	default:
		write_fields(printer, out);
		return DRIFT_OK;
	}
}

static void write_end(struct query_printer *printer, struct buf *out)
{
	const char *message = query_message(printer->session);

	if (printer->format == QUERY_CELLS) {
		format_cells_end(message, out);
		return;
	}
	if (printer->format == QUERY_TABLE && printer->table.column_count)
		format_table_end(&printer->table, out);
	if (message[0] && (printer->messages || printer->format == QUERY_TABLE)) {
		buf_add_str(out, message);
		buf_add_char(out, '\n');
	}
}

static enum drift_err print_event(struct query_printer *printer,
				  enum query_event event, struct buf *out)
{
	switch (event) {
	case QUERY_COLUMNS:
		return begin(printer, out);
	case QUERY_ROW:
		return write_row(printer, out);
	case QUERY_DONE:
		write_end(printer, out);
		return DRIFT_OK;
	case QUERY_END:
		return DRIFT_OK;
	}
	return DRIFT_INTERNAL;
}

enum drift_err query_printer_run(struct query_printer *printer, size_t enough,
				 struct buf *out, bool *ended,
				 struct drift_error *error)
{
	size_t start = out->size;
	enum query_event event = QUERY_DONE;
	enum drift_err err = DRIFT_OK;

	*ended = false;
	while (!err && event != QUERY_END && out->size - start < enough) {
		err = query_next(printer->session, &event, error);
		if (!err)
			err = print_event(printer, event, out);
		if (!err)
			err = buf_status(out);
	}
	if (err)
		format_table_release(&printer->table);
	*ended = err || event == QUERY_END;
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
