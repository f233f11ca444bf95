/* SPDX-License-Identifier: MIT */
/* load.c - driftdb load: the dump format back into a database, every event with
 * the seq, time, transaction and author it had.
 *
 * Lines of one transaction stand together, so the file is read once, in order, and
 * memory holds one transaction and those on their way to the log. What could make
 * the history in the database differ from the file (a gap, a disorder, times that
 * run backwards) is refused with the line's number; transactions before that line
 * are in. All of it is on disk before load says that it is done. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/query.h"
#include "tools/command.h"
#include "tools/dump_line.h"
#include "tools/flight.h"

static struct {
	const char *dir;
	const char *file;
	bool quiet;
} given;

struct load {
	struct drift_db *db;
	const char *name; /* of the file, for messages */
	FILE *file;
	uint64_t line_number; /* of the line in hand, from 1 */
	drift_seq next_seq;   /* what the next event's seq must be */

	/* The transaction in hand; txn is NULL between two. */
	struct drift_txn *txn;
	uint64_t tx; /* of it, or of the last one */
	drift_time_ns time;
	struct buf author; /* "user\0client\0comment\0" */
	uint64_t first_line;
	size_t bytes; /* of its lines */
	bool defines; /* it has DDL */

	struct flights flights;

	/* The definition used last: a table's lines mostly stand together. */
	const struct table_def *table;
	uint32_t table_ops; /* definitions made before it was found */
	uint32_t ddl_ops;   /* definitions made in all */

	struct buf pk_document, key, row; /* memory for one event */
	uint64_t events, transactions;
};

static void load_release(struct load *load)
{
	drift_txn_free(load->txn);
	flights_release(&load->flights);
	buf_release(&load->author);
	buf_release(&load->pk_document);
	buf_release(&load->key);
	buf_release(&load->row);
	if (load->file && load->file != stdin)
		fclose(load->file);
}

/* What the transaction in hand may see: the newest moment and its own writes. */
static struct drift_view load_view(const struct load *load)
{
	struct drift_view view = drift_view_live(load->db);

	view.txn = load->txn;
	view.txn_ops = load->txn ? drift_txn_ops(load->txn) : 0;
	return view;
}

/* ---- Transactions ----------------------------------------------------- */

/* What was sent and failed is told with the line it began at. */
static enum drift_err fail_in_flight(struct load *load, enum drift_err err,
				     struct drift_error *error)
{
	if (load->flights.err) {
		load->line_number = load->flights.line;
		*error = load->flights.error;
	}
	return drift_fail_code(error, err);
}

static enum drift_err land_all(struct load *load, struct drift_error *error)
{
	enum drift_err err = flights_wait(&load->flights);

	return err ? fail_in_flight(load, err, error) : DRIFT_OK;
}

/* Send the transaction in hand off. One with definitions is waited for: the lines
 * after it look them up. */
static enum drift_err commit(struct load *load, struct drift_error *error)
{
	enum drift_err err;

	if (!load->txn)
		return DRIFT_OK;
	err = flights_send(&load->flights, load->txn, load->first_line, load->bytes);
	load->txn = NULL;
	load->transactions++;
	if (err)
		return fail_in_flight(load, err, error);
	if (!load->defines)
		return DRIFT_OK;
	load->table = NULL;
	return land_all(load, error);
}

static void author_text(const struct dump_line *line, struct buf *author)
{
	buf_clear(author);
	buf_add_slice(author, line->user);
	buf_add_char(author, 0);
	buf_add_slice(author, line->client);
	buf_add_char(author, 0);
	buf_add_slice(author, line->comment);
	buf_add_char(author, 0);
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static enum drift_err begin(struct load *load, const struct dump_line *line,
			    struct drift_error *error)
{
	struct drift_author author;
	const char *text;
	enum drift_err err;

	if (line->tx <= load->tx)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "transaction %" PRIu64 " after %" PRIu64, line->tx,
				  load->tx);
	if (line->time <= load->time)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "a time that is not after the one before");
	author_text(line, &load->author);
	err = buf_status(&load->author);
	if (err)
		return drift_fail_code(error, err);
	text = load->author.data;
	author.user = text_or_null(text);
	author.client = text_or_null(text + line->user.size + 1);
	author.comment =
		text_or_null(text + line->user.size + 1 + line->client.size + 1);
	err = drift_txn_new(load->db, DRIFT_SEQ_MAX, &author, &load->txn);
	if (err)
		return drift_fail_code(error, err);
	drift_txn_replay(load->txn, line->time, line->tx, load->next_seq);
	load->tx = line->tx;
	load->time = line->time;
	load->first_line = load->line_number;
	load->bytes = 0;
	load->defines = false;
	return DRIFT_OK;
}

/* A line of the transaction in hand says the same of it as the first one did. */
static enum drift_err go_on(struct load *load, const struct dump_line *line,
			    struct drift_error *error)
{
	struct buf author = BUF_INIT;
	bool same;

	author_text(line, &author);
	same = line->time == load->time && !buf_status(&author) &&
	       slice_equal(buf_slice(&author), buf_slice(&load->author));
	buf_release(&author);
	if (!same)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "transaction %" PRIu64 " with another time or "
				  "author than in line %" PRIu64,
				  line->tx, load->first_line);
	return DRIFT_OK;
}

/* ---- One line ---------------------------------------------------------- */

static enum drift_err find_table(struct load *load, struct slice name,
				 struct drift_error *error)
{
	if (load->table && load->table_ops == load->ddl_ops &&
	    slice_equal(slice_str(load->table->name), name))
		return DRIFT_OK;
	load->table = drift_table(load_view(load), name);
	load->table_ops = load->ddl_ops;
	if (!load->table)
		return drift_fail(error, DRIFT_NO_TABLE, "no table \"%.*s\"",
				  (int)name.size, (const char *)name.data);
	return DRIFT_OK;
}

/* The key that pk tells: the key of a document that has nothing else. */
static enum drift_err find_key(struct load *load, struct slice pk,
			       struct drift_error *error)
{
	const struct table_def *def = load->table;
	struct msg_cursor cursor = msg_cursor_of(pk);
	struct slice part = pk;
	enum drift_err err = DRIFT_OK;
	uint32_t count = 1;

	if (def->key_count > 1)
		err = msg_read_array(&cursor, &count);
	if (err || count != def->key_count)
		return drift_fail(error, DRIFT_BAD_KEY, "\"pk\" must have %u parts",
				  def->key_count);
	buf_clear(&load->pk_document);
	msg_add_map(&load->pk_document, def->key_count);
	for (unsigned i = 0; !err && i < def->key_count; i++) {
		msg_add_text(&load->pk_document,
			     slice_str(def->columns[def->key_columns[i]].name));
		if (def->key_count > 1)
			err = msg_skip(&cursor, &part);
		buf_add_slice(&load->pk_document, part);
	}
	if (!err)
		err = buf_status(&load->pk_document);
	if (err)
		return drift_fail_code(error, err);
	buf_clear(&load->key);
	return row_key(def, buf_slice(&load->pk_document), &load->key, error);
}

static enum drift_err add_put(struct load *load, const struct dump_line *line,
			      struct drift_error *error)
{
	enum drift_put_mode mode =
		line->op == DRIFT_OP_INSERT ? DRIFT_PUT_INSERT : DRIFT_PUT_UPDATE;
	enum drift_err err;

	buf_clear(&load->row);
	err = row_shape(load->table, line->row, buf_slice(&load->key), false,
			&load->row, error);
	if (err)
		return err;
	return drift_txn_put(load->txn, load->table, buf_slice(&load->key),
			     buf_slice(&load->row), mode, error);
}

static enum drift_err add_event(struct load *load, const struct dump_line *line,
				struct drift_error *error)
{
	enum drift_err err;

	err = find_table(load, line->table, error);
	if (!err)
		err = find_key(load, line->pk, error);
	if (!err && line->op == DRIFT_OP_DELETE)
		err = drift_txn_delete(load->txn, load->table, buf_slice(&load->key),
				       false, error);
	else if (!err)
		err = add_put(load, line, error);
	if (err)
		return drift_fail_code(error, err);
	load->next_seq++;
	load->events++;
	return DRIFT_OK;
}

/* What it defines may hang on rows that are still on their way. */
static enum drift_err add_ddl(struct load *load, const struct dump_line *line,
			      struct drift_error *error)
{
	enum drift_err err = land_all(load, error);

	if (err)
		return err;
	load->ddl_ops++;
	load->defines = true;
	return query_ddl(load_view(load), load->txn, line->sql.data, line->sql.size,
			 error);
}

static enum drift_err add_line(struct load *load, const struct dump_line *line,
			       struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (!line->ddl && line->seq != load->next_seq)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "seq %" PRIu64 " where %" PRIu64 " should follow",
				  line->seq, load->next_seq);
	if (load->txn && line->tx != load->tx) {
		err = commit(load, error);
		if (err)
			return err;
	}
	err = load->txn ? go_on(load, line, error) : begin(load, line, error);
	if (err)
		return err;
	load->bytes += line->document.size;
	return line->ddl ? add_ddl(load, line, error) : add_event(load, line, error);
}

/* ---- The file ----------------------------------------------------------- */

static enum drift_err read_lines(struct load *load, struct drift_error *error)
{
	struct dump_line line = DUMP_LINE_INIT;
	enum drift_err err = DRIFT_OK;
	size_t capacity = 0;
	char *text = NULL;
	ssize_t size;

	while (!err && (size = getline(&text, &capacity, load->file)) >= 0) {
		load->line_number++;
		if (text[size - 1] == '\n')
			size--;
		err = dump_line_parse(slice_of(text, (size_t)size), &line, error);
		if (!err)
			err = add_line(load, &line, error);
	}
	if (!err && ferror(load->file))
		err = drift_fail(error, DRIFT_IO, "%s", strerror(errno));
	if (!err)
		err = commit(load, error);
	if (!err)
		err = land_all(load, error);
	free(text);
	dump_line_release(&line);
	return err;
}

static enum drift_err open_file(struct load *load, const char *name,
				struct drift_error *error)
{
	if (strcmp(name, "-") == 0) {
		load->name = "standard input";
		load->file = stdin;
		return DRIFT_OK;
	}
	load->name = name;
	load->file = fopen(name, "re");
	if (!load->file)
		return drift_fail(error, DRIFT_IO, "%s: %s", name, strerror(errno));
	return DRIFT_OK;
}

static int complain_of_line(const struct load *load, const struct drift_error *error)
{
	fprintf(stderr, "%s:%" PRIu64 ": %s\n", load->name, load->line_number,
		error->text);
	return drift_err_exit(error->code);
}

/* Where the database's history ends, which the file has to go on from. */
static enum drift_err find_end(struct load *load, struct drift_error *error)
{
	drift_seq head = drift_head(load->db);
	struct drift_tx newest;
	enum drift_err err;

	load->next_seq = head + 1;
	load->time = drift_head_time(load->db);
	if (load->time == 0)
		load->time = INT64_MIN;
	if (head == 0)
		return DRIFT_OK;
	err = drift_tx_of(load->db, head, &newest);
	load->tx = newest.tx;
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static int load_file(struct load *load)
{
	struct drift_error error = { 0 };
	enum drift_err err;

	if (find_end(load, &error))
		return complain(&error);
	err = read_lines(load, &error);
	if (err) {
		int status;

		/* The first failure counts, and that may be one in flight. */
		(void)land_all(load, &error);
		status = complain_of_line(load, &error);
		if (drift_sync(load->db))
			fputs("driftdb: what was loaded may not be on disk\n",
			      stderr);
		return status;
	}
	err = drift_sync(load->db);
	if (!err)
		return EXIT_FINE;
	(void)drift_fail_code(&error, err);
	return complain(&error);
}

static int run(void)
{
	struct drift_error error = { 0 };
	struct load load = { 0 };
	int status;

	if (open_file(&load, given.file, &error))
		return complain(&error);
	flights_init(&load.flights);
	query_rules_install();
	if (drift_open(given.dir, NULL, &load.db, &error)) {
		status = complain(&error);
		if (error.code == DRIFT_IN_USE)
			fputs("driftdb: load wants the database to itself: "
			      "unmount it, or end that process\n",
			      stderr);
	} else {
		status = load_file(&load);
		if (!status && !given.quiet)
			printf("Loaded %" PRIu64 " event(s) in %" PRIu64
			       " transaction(s)\n",
			       load.events, load.transactions);
		/* The transaction in hand goes before its database. */
		drift_txn_free(load.txn);
		load.txn = NULL;
		drift_close(load.db);
	}
	load_release(&load);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

static const struct command_operand operands[] = {
	{ .name = "FILE", .text = &given.file },
	{ .name = NULL },
};

const struct command command_load = {
	.name = "load",
	.help = "replay what dump --events printed, seqs and times as they were",
	.run = run,
	.options = options,
	.operands = operands,
};
