/* SPDX-License-Identifier: MIT */
/* wire_copy.c - COPY TO STDOUT is a SELECT whose rows are sent as lines. COPY FROM STDIN
 * is INSERTs of many lines each, in one transaction; when one fails it is done again line
 * by line, so that the message can name the line. */
#include "query/wire_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/copy.h"
#include "query/wire_value.h"

#define COPY_LINES_MAX 100
#define COPY_VALUES_MAX 160 /* SQLite looks through all of them for each */
#define COPY_LINE_BYTES_MAX (17u << 20)

static void begin_copy(struct wire *wire, char type, unsigned columns)
{
	wire_begin(wire, type);
	buf_add_char(&wire->out, 0); /* text */
	wire_add_be16(wire, columns);
	for (unsigned i = 0; i < columns; i++)
		wire_add_be16(wire, 0);
	wire_end(wire);
}

static void complete(struct wire *wire, uint64_t rows)
{
	char tag[40];

	snprintf(tag, sizeof(tag), "COPY %llu", (unsigned long long)rows);
	wire_begin(wire, 'C');
	wire_add_text(wire, tag);
	wire_end(wire);
}

/* ---- TO STDOUT ------------------------------------------------------------------ */

static void send_header(struct wire *wire, const struct query_session *session,
			const struct copy_form *form)
{
	wire_begin(wire, 'd');
	for (unsigned i = 0; i < query_column_count(session); i++)
		copy_add_field(form, slice_str(query_column_name(session, i)),
			       i == 0, &wire->out);
	buf_add_char(&wire->out, '\n');
	wire_end(wire);
}

static enum drift_err send_row(struct wire *wire,
			       const struct query_session *session,
			       const struct copy_form *form, struct buf *text)
{
	wire_begin(wire, 'd');
	for (unsigned i = 0; i < query_column_count(session); i++) {
		struct msg_value value;

		query_value(session, i, &value, NULL);
		buf_clear(text);
		if (value.type != MSG_NIL)
			wire_add_value(
				&value,
				wire_oid_of_type(query_column_type(session, i)),
				text);
		copy_add_field(form,
			       value.type == MSG_NIL
				       ? slice_of(NULL, 0)
				       : slice_of(buf_cstr(text), text->size),
			       i == 0, &wire->out);
	}
	buf_add_char(&wire->out, '\n');
	wire_end(wire);
	return buf_status(text) ? DRIFT_NOMEM : wire_flush_if_full(wire);
}

/* A statement that writes is asked what it answers before it is run. */
static enum drift_err check_answers(struct query_session *session,
				    const struct copy *copy,
				    struct drift_error *error)
{
	struct slice sql = buf_slice(&copy->sql);
	enum drift_err err;

	if (query_reads_only(sql.data, sql.size))
		return DRIFT_OK;
	err = query_describe(session, sql.data, sql.size, NULL, 0, error);
	if (!err && query_column_count(session) == 0)
		err = drift_fail(error, DRIFT_UNSUPPORTED,
				 "COPY of a statement without an answer is not "
				 "supported");
	return err;
}

static enum drift_err copy_to(struct wire *wire, struct query_session *session,
			      struct copy *copy, struct drift_error *error)
{
	enum query_event event = QUERY_DONE;
	struct buf text = BUF_INIT;
	uint64_t rows = 0;
	bool any = false;
	enum drift_err err = check_answers(session, copy, error);

	if (!err)
		err = query_start(session, copy->sql.data, copy->sql.size, error);
	while (!err && event != QUERY_END) {
		err = query_next(session, &event, error);
		if (!err && event == QUERY_COLUMNS && !any) {
			any = true;
			begin_copy(wire, 'H', query_column_count(session));
			if (copy->form.header)
				send_header(wire, session, &copy->form);
		} else if (!err && event == QUERY_ROW) {
			err = send_row(wire, session, &copy->form, &text);
			rows++;
		}
	}
	buf_release(&text);
	if (err) {
		query_abort(session);
		return err;
	}
	wire_begin(wire, 'c');
	wire_end(wire);
	complete(wire, rows);
	return DRIFT_OK;
}

/* ---- FROM STDIN ----------------------------------------------------------------- */

struct copy_in {
	struct query_session *session;
	struct copy *copy;
	struct query_parameter *parameters; /* of the lines that wait */
	size_t *places;                     /* in texts, of each parameter */
	unsigned lines;                     /* that wait */
	struct buf texts;
	struct buf sql;
	uint64_t rows; /* stored */
	uint64_t line; /* read */
	bool header;   /* is still to come */
	bool ended;    /* by \. */
	struct drift_error *error;
};

static enum drift_err run(struct copy_in *in, const char *sql, size_t size,
			  unsigned first, unsigned count)
{
	enum query_event event = QUERY_DONE;
	enum drift_err err = query_start(in->session, sql, size, in->error);

	if (!err && count)
		err = query_bind(in->session, in->parameters + first, count);
	while (!err && event != QUERY_END)
		err = query_next(in->session, &event, in->error);
	return err;
}

static enum drift_err run_text(struct copy_in *in, const char *sql)
{
	return run(in, sql, strlen(sql), 0, 0);
}

/* INSERT INTO t (a, b) VALUES ($1,$2), ($3,$4): `count` of the lines that wait. */
static enum drift_err insert(struct copy_in *in, unsigned first, unsigned count)
{
	unsigned columns = in->copy->columns;

	buf_clear(&in->sql);
	buf_add_slice(&in->sql, buf_slice(&in->copy->sql));
	for (unsigned i = 0; i < count * columns; i++)
		buf_printf(&in->sql, "%s$%u%s",
			   i % columns ? ","
			   : i         ? ",("
				       : "(",
			   i + 1, i % columns == columns - 1 ? ")" : "");
	if (buf_status(&in->sql))
		return DRIFT_NOMEM;
	return run(in, in->sql.data, in->sql.size, first * columns, count * columns);
}

/* What went wrong with many lines at once, told of the one that it is about. */
static enum drift_err insert_one_by_one(struct copy_in *in)
{
	enum drift_err err = run_text(in, "ROLLBACK TO SAVEPOINT drift_copy");
	uint64_t first = in->line - in->lines + 1;
	struct drift_error why;

	for (unsigned i = 0; i < in->lines && !err; i++) {
		err = insert(in, i, 1);
		if (!err || in->error->code == DRIFT_OK)
			continue;
		why = *in->error;
		err = drift_fail(in->error, err,
				 "%.300s (COPY %.100s, line %" PRIu64 ")", why.text,
				 buf_cstr(&in->copy->target), first + i);
	}
	return err;
}

static enum drift_err store(struct copy_in *in)
{
	enum drift_err err;

	if (in->lines == 0)
		return DRIFT_OK;
	for (unsigned i = 0; i < in->lines * in->copy->columns; i++)
		if (in->parameters[i].text.data)
			in->parameters[i].text.data =
				buf_cstr(&in->texts) + in->places[i];
	err = run_text(in, "SAVEPOINT drift_copy");
	if (err)
		return err;
	err = insert(in, 0, in->lines);
	if (err && query_status(in->session) == 'E')
		err = insert_one_by_one(in);
	if (!err)
		err = run_text(in, "RELEASE SAVEPOINT drift_copy");
	in->rows += in->lines;
	in->lines = 0;
	buf_clear(&in->texts);
	return err;
}

static enum drift_err refuse_line(struct copy_in *in, const char *what)
{
	return drift_fail(in->error, DRIFT_BAD_COPY,
			  "%.300s (COPY %.100s, line %llu)", what,
			  buf_cstr(&in->copy->target), (unsigned long long)in->line);
}

static enum drift_err keep_line(struct copy_in *in, struct copy_line *line)
{
	unsigned columns = in->copy->columns;

	if (line->count != columns)
		return refuse_line(in, line->count < columns
					       ? "missing data for a column"
					       : "extra data after last expected "
						 "column");
	for (unsigned i = 0; i < columns; i++) {
		const struct copy_field *field = &line->fields[i];
		unsigned n = in->lines * columns + i;

		in->places[n] = in->texts.size;
		in->parameters[n] = (struct query_parameter){
			.text = slice_of(field->null ? NULL : "", field->size)
		};
		buf_add(&in->texts, buf_cstr(&line->text) + field->at, field->size);
	}
	in->lines++;
	if (in->lines == COPY_LINES_MAX ||
	    (in->lines + 1) * columns > COPY_VALUES_MAX ||
	    in->texts.size > (1u << 20))
		return store(in);
	return buf_status(&in->texts);
}

/* Take the lines that are whole out of text; *at: how far. */
static enum drift_err take_lines(struct copy_in *in, struct slice text, bool last,
				 size_t *at)
{
	struct copy_line line = { .text = BUF_INIT };
	enum drift_err err = DRIFT_OK;

	while (!err && !in->ended) {
		err = copy_next_line(&in->copy->form, text, last, at, &line,
				     &in->ended, in->error);
		if (err == DRIFT_DONE || in->ended)
			break;
		in->line++;
		if (err) {
			struct drift_error why = *in->error;

			err = refuse_line(in, why.text);
		} else if (in->header) {
			in->header = false;
		} else {
			err = keep_line(in, &line);
		}
	}
	copy_line_release(&line);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* Lines are looked for when twice as much is there as was left last time, so that one
 * that is long is not read again and again. */
static enum drift_err take_data(struct copy_in *in, struct buf *pending,
				size_t *wanted, bool last)
{
	size_t at = 0;
	enum drift_err err;

	if (!last && pending->size < *wanted)
		return buf_status(pending);
	err = take_lines(in, buf_slice(pending), last, &at);
	if (at > 0)
		memmove(pending->data, pending->data + at, pending->size - at);
	pending->size -= at;
	*wanted = pending->size * 2 + WIRE_OUT_BYTES;
	if (!err && pending->size > COPY_LINE_BYTES_MAX)
		err = drift_fail(in->error, DRIFT_LIMIT,
				 "a line of COPY is longer than %u bytes",
				 COPY_LINE_BYTES_MAX);
	return err;
}

static enum drift_err receive(struct wire *wire, struct copy_in *in)
{
	struct buf pending = BUF_INIT;
	size_t wanted = WIRE_OUT_BYTES;
	bool done = false;
	char type;
	enum drift_err err = wire_flush(wire);

	while (!err && !done) {
		err = wire_read(wire, &type);
		if (err)
			break;
		switch (type) {
		case 'd':
			if (!in->ended)
				buf_add_slice(&pending, buf_slice(&wire->body));
			err = take_data(in, &pending, &wanted, false);
			break;
		case 'c':
			done = true;
			err = take_data(in, &pending, &wanted, true);
			break;
		case 'f':
			err = drift_fail(in->error, DRIFT_INTERRUPTED,
					 "COPY from stdin failed: %.200s",
					 buf_cstr(&wire->body));
			break;
		case 'H':
		case 'S':
			break;
		default:
			err = drift_fail(
				in->error, DRIFT_PROTOCOL,
				"unexpected message during COPY from stdin");
		}
	}
	buf_release(&pending);
	return err ? err : store(in);
}

static enum drift_err copy_from(struct wire *wire, struct query_session *session,
				struct copy *copy, struct drift_error *error)
{
	size_t most = (size_t)COPY_LINES_MAX * copy->columns;
	struct copy_in in = {
		.session = session,
		.copy = copy,
		.parameters = calloc(most, sizeof(*in.parameters)),
		.places = calloc(most, sizeof(*in.places)),
		.header = copy->form.header,
		.error = error,
	};
	bool own = query_status(session) == 'I';
	enum drift_err err = DRIFT_NOMEM;

	if (in.parameters && in.places)
		err = own ? run_text(&in, "BEGIN") : DRIFT_OK;
	if (!err) {
		begin_copy(wire, 'G', copy->columns);
		err = receive(wire, &in);
	}
	if (!err && own)
		err = run_text(&in, "COMMIT");
	if (!err)
		complete(wire, in.rows);
	if (err && own && query_status(session) != 'I') {
		struct drift_error unused = { 0 };

		in.error = &unused;
		(void)run_text(&in, "ROLLBACK");
	} else if (err) {
		query_abort(session);
	}
	free(in.parameters);
	free(in.places);
	buf_release(&in.texts);
	buf_release(&in.sql);
	return err;
}

enum drift_err wire_copy(struct wire *wire, struct query_session *session,
			 const char *script, size_t size, struct drift_error *error)
{
	struct copy copy = { 0 };
	enum drift_err err;

	if (query_status(session) == 'E')
		err = drift_fail(error, DRIFT_TX_ABORTED,
				 "current transaction is aborted, commands ignored "
				 "until end of transaction block");
	else
		err = copy_read(session, script, size, &copy, error);
	if (err)
		query_abort(session);
	else if (copy.from)
		err = copy_from(wire, session, &copy, error);
	else
		err = copy_to(wire, session, &copy, error);
	copy_release(&copy);
	return err;
}
