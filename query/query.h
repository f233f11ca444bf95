/* SPDX-License-Identifier: MIT */
/* query.h - DriftQL: sessions that run scripts and hand out answers row by row.
 *
 * A session belongs to one thread at a time (query_interrupt excepted). It holds
 * one SQLite connection, one transaction at most, and a moment. Nothing of an
 * answer is kept: query_next computes the next row when it is asked. */
#ifndef DRIFT_QUERY_QUERY_H
#define DRIFT_QUERY_QUERY_H

#include "engine/engine.h"

struct query_session;

struct query_options {
	const char *user; /* author of what the session commits; NULL: none */
	const char *client;
	bool pinned; /* read-only as of `as_of`: writes are DRIFT_READ_ONLY */
	drift_seq as_of;
	bool quoted_identifiers; /* "x" is always an identifier (wire protocol) */
	uint32_t timeout_ms;     /* per statement; 0: 30,000 */
};

/* options may be NULL. Strings are copied. */
enum drift_err query_session_open(struct drift_db *db,
				  const struct query_options *options,
				  struct query_session **session,
				  struct drift_error *error);
/* Rolls back what is open. NULL is fine. */
void query_session_close(struct query_session *session);
/* Stop the statement that runs, if any: it ends with DRIFT_INTERRUPTED. From any
 * thread. */
void query_interrupt(struct query_session *session);

/* A value for $1, $2 ...; text with NULL data is null. DRIFT_ANY: the statement tells
 * its type, by the column it is compared with or written to. */
struct query_parameter {
	enum drift_type type;
	struct slice text;
};

/* While a statement computes, ask gone(arg) some twenty times a second; once it says
 * true, the statement ends as if it was interrupted. */
void query_watch(struct query_session *session, bool (*gone)(void *arg), void *arg);

/* What a statement warns of (a COMMIT where no transaction is), though it is done: warn
 * gets it, inside query_next. */
void query_listen(struct query_session *session,
		  void (*warn)(void *arg, const struct drift_error *warning),
		  void *arg);

enum query_event {
	QUERY_COLUMNS, /* a statement with an answer begins: columns are known */
	QUERY_ROW,     /* one row of it */
	QUERY_DONE,    /* a statement is complete: tag and message are known */
	QUERY_END,     /* so is the script */
};

/* Take a script of statements (copied), dropping what was left of the last one. */
enum drift_err query_start(struct query_session *session, const char *script,
			   size_t size, struct drift_error *error);
/* After query_start: the values of the script's parameters, copied. */
enum drift_err query_bind(struct query_session *session,
			  const struct query_parameter *parameters, unsigned count);
/* Instead of running a script of one statement: what columns it will answer with
 * (query_column_*; none: query_column_count is 0), and what parameters it wants. types
 * tells the types of the first `count`. */
enum drift_err query_describe(struct query_session *session, const char *script,
			      size_t size, const enum drift_type *types,
			      unsigned count, struct drift_error *error);
unsigned query_parameter_count(const struct query_session *session);
enum drift_type query_parameter_type(const struct query_session *session,
				     unsigned i);
/* Is an array wanted? *element: its elements' type. */
bool query_parameter_is_array(const struct query_session *session, unsigned i,
			      enum drift_type *element);
/* Go on to the next event. On an error the rest of the script is dropped, and a
 * transaction that was open is aborted; error->position counts from the script's
 * first byte, 1. */
enum drift_err query_next(struct query_session *session, enum query_event *event,
			  struct drift_error *error);

/* The same for rows that nobody asked for yet: on an error a transaction that was open
 * stays as it is. */
enum drift_err query_next_ahead(struct query_session *session,
				enum query_event *event, struct drift_error *error);

/* A caller found a fault of its own: the rest of the script is dropped, and a
 * transaction that is open is aborted, as by an error of query_next. */
void query_abort(struct query_session *session);

/* After QUERY_COLUMNS, until QUERY_DONE. */
unsigned query_column_count(const struct query_session *session);
const char *query_column_name(const struct query_session *session, unsigned i);
/* DRIFT_ANY when it is not known. */
enum drift_type query_column_type(const struct query_session *session, unsigned i);
/* After QUERY_ROW: value i. Text and blob point into the session until its next
 * use. *is_json (may be NULL): a text that is JSON (an array or object, or what a
 * JSON function answered) and prints as it is. Booleans come as MSG_BOOL where the
 * column is known to be boolean. */
void query_value(const struct query_session *session, unsigned i,
		 struct msg_value *value, bool *is_json);
/* After QUERY_DONE: PostgreSQL's command tag ("INSERT 0 1"), and the sentence for
 * people ("Inserted 1 row(s)"), "" for a statement that answered rows. */
const char *query_tag(const struct query_session *session);
const char *query_message(const struct query_session *session);
/* 'I' idle, 'T' in a transaction, 'E' in an aborted one. */
char query_status(const struct query_session *session);
/* How many transactions that BEGIN began have ended. */
uint64_t query_ended_count(const struct query_session *session);
/* A number for what is opened now, greater than all before. */
uint64_t query_opened(struct query_session *session);
/* What was opened with a greater number is gone: ROLLBACK TO a savepoint before it since
 * the last call. */
uint64_t query_undone(struct query_session *session);

/* How far scanning a script says it is complete: the number of bytes up to and
 * including the last ';' outside strings and comments, 0 if there is none. For
 * doors that get a script in pieces. */
size_t query_complete(const char *script, size_t size);
/* The script's first statement: it begins at *begin (blanks and comments stand before
 * it; size when there is nothing else) and ends before *end, its ';' included. false:
 * it has no ';' yet, and *end is size. */
bool query_statement(const char *script, size_t size, size_t *begin, size_t *end);
/* True if the script's only statement so far is one that reads (SELECT, WITH,
 * VALUES, EXPLAIN, SHOW, DESCRIBE) and nothing is left open (strings, comments,
 * parentheses): a door may run it without waiting for ';'. */
bool query_reads_only(const char *script, size_t size);
/* A statement that only reads failed so, and no `;` ended it: whether it may be the
 * beginning of a good one, as lines of it come one by one: it stops short, or a column
 * is unknown as long as no FROM says of what. */
bool query_is_beginning(const char *script, size_t size,
			const struct drift_error *error);

/* ---- Answers as text (format.c) ---------------------------------------- */

enum query_format {
	QUERY_JSON,
	QUERY_CSV,
	QUERY_TSV,
	QUERY_TABLE,
	QUERY_CELLS, /* for programs that draw answers themselves; see cells.c */
};

/* "json", "csv", "tsv", "table", "cells"; false for others. */
bool query_format_parse(const char *name, enum query_format *format);

struct query_printer;
enum drift_err query_printer_new(struct query_session *session,
				 enum query_format format,
				 struct query_printer **printer);
void query_printer_free(struct query_printer *printer); /* NULL is fine */
/* Run the session's script on and append its answers as text, until at least
 * `enough` bytes were appended or the script ended (*ended). Messages of statements
 * without rows are lines of their own in QUERY_TABLE, and in the other formats only
 * when `messages` was asked for with query_printer_messages. */
enum drift_err query_printer_run(struct query_printer *printer, size_t enough,
				 struct buf *out, bool *ended,
				 struct drift_error *error);
void query_printer_messages(struct query_printer *printer, bool messages);
/* "ERROR 23505: text" and, with a position, the script's line and a caret line. */
void query_print_error(const struct drift_error *error, const char *script,
		       size_t size, struct buf *out);
/* "WARNING 25P01: text". */
void query_print_warning(const struct drift_error *warning, struct buf *out);

/* ---- One-row writes for the mount (row.c) ------------------------------ */
/* The document rules and constraints every door shares are in engine/catalog.h;
 * the mount builds its transactions with engine.h directly. */

/* Give the engine what evaluates CHECK and DEFAULT expressions (catalog.h). Sessions
 * call it; who writes rows without one calls it before. */
void query_rules_install(void);

/* CREATE TABLE name (pk=id): the definition mkdir makes. */
struct table_def *query_document_table(const char *name, const char *key);
/* Parse one DDL statement (for load): CREATE TABLE, DROP TABLE, CREATE INDEX,
 * DROP INDEX, ALTER TABLE and put it into txn. view: what exists now. */
enum drift_err query_ddl(struct drift_view view, struct drift_txn *txn,
			 const char *sql, size_t size, struct drift_error *error);
/* Put the end of a table, and of the sequences it owns, into txn: DRIFT_NOT_EMPTY while
 * it has rows. view: what exists now. */
enum drift_err query_drop_empty(struct drift_view view, struct drift_txn *txn,
				const struct table_def *def,
				struct drift_error *error);
/* The statement that would make def again (schema.sql). view: where the tables are that
 * it refers to; NULL: it refers to none but itself. */
enum drift_err query_definition_sql(const struct drift_view *view,
				    const struct table_def *def, struct buf *out);
/* And back: the definition that a CREATE TABLE statement makes. The caller frees it. */
enum drift_err query_parse_table(const char *sql, size_t size,
				 struct table_def **def, struct drift_error *error);

/* ---- PostgreSQL wire protocol (wire.c) --------------------------------- */

struct query_server;
/* Listen on DIR/.s.PGSQL.5433 (0600; a stale socket file is replaced) and serve
 * each connection by a thread of its own, at most 100. */
enum drift_err query_server_start(struct drift_db *db, struct query_server **server,
				  struct drift_error *error);
/* Interrupt and end every session, remove the socket, join the threads. */
void query_server_stop(struct query_server *server); /* NULL is fine */

#endif
