/* SPDX-License-Identifier: MIT */
/* csv.c - see csv.h. */
#include "query/csv.h"

#include <stdlib.h>
#include <strings.h>

#include "engine/json.h"
#include "query/value.h"

/* ---- Values to fields --------------------------------------------------- */

static bool bare_value(struct slice text, struct buf *value);

/* Would the text, unquoted, be read as something else, or tear the record? */
static bool needs_quotes(struct slice text)
{
	const char *bytes = text.data;
	struct buf value = BUF_INIT;
	bool other;

	if (text.size == 0 || bytes[0] == ' ' || bytes[text.size - 1] == ' ')
		return true;
	for (size_t i = 0; i < text.size; i++)
		if (bytes[i] == ',' || bytes[i] == '"' || bytes[i] == '\n' ||
		    bytes[i] == '\r')
			return true;
	other = bare_value(text, &value);
	buf_release(&value);
	return other;
}

static void add_quoted(struct slice text, struct buf *out)
{
	const char *bytes = text.data;

	buf_add_char(out, '"');
	for (size_t i = 0; i < text.size; i++) {
		if (bytes[i] == '"')
			buf_add_char(out, '"');
		buf_add_char(out, bytes[i]);
	}
	buf_add_char(out, '"');
}

void csv_add_name(struct slice name, struct buf *out)
{
	if (needs_quotes(name))
		add_quoted(name, out);
	else
		buf_add_slice(out, name);
}

enum drift_err csv_add_value(struct slice bytes, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(bytes);
	struct buf json = BUF_INIT;
	struct msg_value value;
	enum drift_err err = msg_read(&cursor, &value);

	if (err)
		return err;
	switch (value.type) {
	case MSG_NIL:
		return DRIFT_OK;
	case MSG_TEXT:
		csv_add_name(value.bytes, out);
		return DRIFT_OK;
	case MSG_ARRAY:
	case MSG_MAP:
		err = json_print(bytes, JSON_COMPACT, &json);
		if (!err)
			err = buf_status(&json);
		if (!err)
			add_quoted(buf_slice(&json), out);
		buf_release(&json);
		return err;
	case MSG_BLOB: {
		struct slice text;

		err = json_print(bytes, JSON_COMPACT, &json);
		/* "\\x0a" as JSON; \x0a is what is meant. */
		text = slice_of(json.data + 2, json.size >= 3 ? json.size - 3 : 0);
		if (!err)
			err = buf_status(&json);
		if (!err)
			buf_add_slice(out, text);
		buf_release(&json);
		return err;
	}
	default:
		return json_print(bytes, JSON_COMPACT, out);
	}
}

/* ---- Fields to values --------------------------------------------------- */

/* A number, true, false or null as JSON spells them. */
static bool bare_value(struct slice text, struct buf *value)
{
	const char *at = text.data;

	if (text.size == 0 || text.size > 400 ||
	    !(at[0] == '-' || (at[0] >= '0' && at[0] <= '9') || at[0] == 't' ||
	      at[0] == 'f' || at[0] == 'n'))
		return false;
	return json_parse_value(text, value, NULL) == DRIFT_OK;
}

static bool is_json(struct slice text)
{
	const char *at = text.data;

	return text.size >= 2 && ((at[0] == '[' && at[text.size - 1] == ']') ||
				  (at[0] == '{' && at[text.size - 1] == '}'));
}

static bool add_boolean(struct slice text, struct buf *value)
{
	static const char *const words[] = { "false", "f", "0", "true", "t", "1" };

	for (unsigned i = 0; i < 6; i++) {
		if (text.size == strlen(words[i]) &&
		    strncasecmp(text.data, words[i], text.size) == 0) {
			msg_add_bool(value, i >= 3);
			return true;
		}
	}
	return false;
}

/* What reads as the type, else text: the table's rules say what is wrong with it. */
static void add_field(enum drift_type type, struct slice text, bool quoted,
		      struct buf *value)
{
	size_t start = value->size;

	switch (type) {
	case DRIFT_TEXT:
	case DRIFT_BLOB:
		break;
	case DRIFT_TIMESTAMP:
	case DRIFT_DATE:
		if (value_add_time(type, text, value))
			return;
		break;
	case DRIFT_BOOLEAN:
		if (add_boolean(text, value))
			return;
		break;
	case DRIFT_INTEGER:
	case DRIFT_REAL:
		if (bare_value(text, value))
			return;
		break;
	case DRIFT_ANY:
	case DRIFT_JSON:
		if ((!quoted && bare_value(text, value)) ||
		    (is_json(text) && !json_parse_value(text, value, NULL)))
			return;
		break;
	}
	value->size = start;
	msg_add_text(value, text);
}

/* ---- Records ------------------------------------------------------------ */

struct column {
	size_t from, size; /* of its name, in names */
	enum drift_type type;
};

struct csv_reader {
	const struct table_def *def;
	struct buf text; /* fed and not read yet, from `at` on */
	size_t at;
	uint64_t line;     /* at `at` */
	size_t scanned;    /* no record ends before here ... */
	bool quoted;       /* ... which is inside quotes */
	uint64_t newlines; /* from `at` to there */
	struct buf names;
	struct column *columns; /* NULL until the header was read */
	unsigned count;
	struct buf field;
	struct buf members;
};

struct csv_reader *csv_reader_new(const struct table_def *def)
{
	struct csv_reader *reader = calloc(1, sizeof(*reader));

	if (reader) {
		reader->def = def;
		reader->line = 1;
	}
	return reader;
}

void csv_reader_free(struct csv_reader *reader)
{
	if (!reader)
		return;
	buf_release(&reader->text);
	buf_release(&reader->names);
	buf_release(&reader->field);
	buf_release(&reader->members);
	free(reader->columns);
	free(reader);
}

enum drift_err csv_reader_feed(struct csv_reader *reader, struct slice text)
{
	if (reader->at) {
		reader->text.size -= reader->at;
		memmove(reader->text.data, reader->text.data + reader->at,
			reader->text.size);
		reader->scanned -= reader->at;
		reader->at = 0;
	}
	buf_add_slice(&reader->text, text);
	return buf_status(&reader->text);
}

/* The bytes of the next record, its line's end left out; false: it is not whole. What
 * was looked at is not looked at again when more text comes. */
static bool find_record(struct csv_reader *reader, bool last, struct slice *record)
{
	const char *bytes = reader->text.data;
	size_t end = reader->text.size, i;

	for (i = reader->scanned; i < end; i++) {
		reader->quoted ^= bytes[i] == '"';
		reader->newlines += bytes[i] == '\n';
		if (bytes[i] == '\n' && !reader->quoted)
			break;
	}
	reader->scanned = i;
	if (i == end && !(last && end > reader->at))
		return false;
	end = i > reader->at && bytes[i - 1] == '\r' ? i - 1 : i;
	*record = slice_of(bytes + reader->at, end - reader->at);
	reader->at = reader->scanned = i < reader->text.size ? i + 1 : i;
	reader->line += reader->newlines;
	reader->newlines = 0;
	reader->quoted = false;
	return true;
}

/* Take one field off the front of *record, unquoted into reader->field. false: its
 * quotes are not in order. */
static bool take_field(struct csv_reader *reader, struct slice *record, bool *quoted,
		       bool *more)
{
	const char *at = record->data, *end = at + record->size;

	buf_clear(&reader->field);
	*quoted = at < end && *at == '"';
	if (*quoted) {
		for (at++; at < end; at++) {
			if (*at == '"' && (at + 1 == end || at[1] != '"'))
				break;
			at += *at == '"';
			buf_add_char(&reader->field, *at);
		}
		if (at == end)
			return false;
		at++;
	} else {
		const char *comma = memchr(at, ',', record->size);
		const char *stop = comma ? comma : end;

		if (memchr(at, '"', (size_t)(stop - at)))
			return false;
		buf_add(&reader->field, at, (size_t)(stop - at));
		at = stop;
	}
	*more = at < end;
	if (*more && *at != ',')
		return false;
	at += *more;
	*record = slice_of(at, (size_t)(end - at));
	return true;
}

static enum drift_err bad_quotes(struct drift_error *error, uint64_t line)
{
	return drift_fail(error, DRIFT_SYNTAX,
			  "line %llu: a quote that does not open or close a field",
			  (unsigned long long)line);
}

static bool has_name(const struct csv_reader *reader, struct slice name)
{
	for (unsigned i = 0; i < reader->count; i++)
		if (slice_equal(
			    slice_of(reader->names.data + reader->columns[i].from,
				     reader->columns[i].size),
			    name))
			return true;
	return false;
}

static enum drift_err add_column(struct csv_reader *reader,
				 struct drift_error *error)
{
	struct slice name = buf_slice(&reader->field);
	const struct column_def *def = table_def_column(reader->def, name);
	struct column *columns;

	if (name.size == 0 || has_name(reader, name))
		return drift_fail(error, DRIFT_SYNTAX, "line 1: %s column \"%.*s\"",
				  name.size ? "duplicate" : "unnamed",
				  (int)name.size, (const char *)name.data);
	columns = realloc(reader->columns, (reader->count + 1) * sizeof(*columns));
	if (!columns)
		return DRIFT_NOMEM;
	reader->columns = columns;
	columns[reader->count++] = (struct column){
		.from = reader->names.size,
		.size = name.size,
		.type = !def || (reader->def->document && def->type == DRIFT_TEXT)
				? DRIFT_ANY
				: def->type,
	};
	buf_add_slice(&reader->names, name);
	return buf_status(&reader->names);
}

static enum drift_err read_header(struct csv_reader *reader, struct slice record,
				  struct drift_error *error)
{
	bool quoted, more = true;
	enum drift_err err = DRIFT_OK;

	if (record.size >= 3 && memcmp(record.data, "\xef\xbb\xbf", 3) == 0)
		record = slice_of((const char *)record.data + 3, record.size - 3);
	while (!err && more)
		err = take_field(reader, &record, &quoted, &more)
			      ? add_column(reader, error)
			      : bad_quotes(error, 1);
	return err;
}

static enum drift_err wrong_count(const struct csv_reader *reader, uint64_t line,
				  unsigned fields, const char *more,
				  struct drift_error *error)
{
	return drift_fail(error, DRIFT_SYNTAX,
			  "line %llu: %u%s field(s), but the header has %u",
			  (unsigned long long)line, fields, more, reader->count);
}

static enum drift_err read_record(struct csv_reader *reader, struct slice record,
				  uint64_t line, struct buf *document,
				  struct drift_error *error)
{
	uint32_t members = 0;
	bool quoted, more = true;
	unsigned i;

	buf_clear(&reader->members);
	for (i = 0; more && i < reader->count; i++) {
		const struct column *column = &reader->columns[i];
		struct slice name =
			slice_of(reader->names.data + column->from, column->size);

		if (!take_field(reader, &record, &quoted, &more))
			return bad_quotes(error, line);
		if (reader->field.size == 0 && !quoted)
			continue;
		if (!json_text_valid(buf_slice(&reader->field)))
			return drift_fail(error, DRIFT_BAD_TEXT,
					  "line %llu: \"%.*s\" is not UTF-8",
					  (unsigned long long)line, (int)name.size,
					  (const char *)name.data);
		msg_add_text(&reader->members, name);
		add_field(column->type, buf_slice(&reader->field), quoted,
			  &reader->members);
		members++;
	}
	if (more || i < reader->count)
		return wrong_count(reader, line, i, more ? " and more" : "", error);
	msg_add_map(document, members);
	buf_add_slice(document, buf_slice(&reader->members));
	if (buf_status(&reader->members))
		return DRIFT_NOMEM;
	return buf_status(document);
}

enum drift_err csv_reader_next(struct csv_reader *reader, bool last,
			       struct buf *document, uint64_t *line,
			       struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;
	struct slice record;

	while (!err) {
		*line = reader->line;
		if (!find_record(reader, last, &record))
			break;
		if (!reader->columns)
			err = read_header(reader, record, error);
		else if (record.size)
			return read_record(reader, record, *line, document, error);
	}
	if (!err && reader->text.size - reader->at > CSV_RECORD_BYTES_MAX)
		return drift_fail(error, DRIFT_TOO_BIG,
				  "line %llu: a record of more than %zu bytes",
				  (unsigned long long)*line, CSV_RECORD_BYTES_MAX);
	return err ? err : DRIFT_DONE;
}
