/* SPDX-License-Identifier: MIT */
/* session.h - what the files of query/ share: one session's state.
 *
 * A statement runs in three steps. It gets its views (transaction_begin_statement),
 * it is run by the handler of its first word, and what it wrote is committed or
 * taken back (transaction_end_statement). Rows, if it has any, are computed
 * afterwards, one at each query_next. */
#ifndef DRIFT_QUERY_SESSION_H
#define DRIFT_QUERY_SESSION_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "query/answer.h"
#include "query/compiled.h"
#include "query/explain.h"
#include "query/fetch.h"
#include "query/memory.h"
#include "query/parameter.h"
#include "query/prepared.h"
#include "query/query.h"
#include "query/relation.h"
#include "query/rewrite.h"
#include "query/rows.h"
#include "query/sequence.h"
#include "query/setting.h"
#include "query/statement.h"
#include "query/transaction.h"
#include "query/written.h"

#define SESSION_KEEP_BYTES 16

enum session_state {
	SESSION_BETWEEN,     /* statements; at the script's end too */
	SESSION_SQL_ROWS,    /* stepping `select` */
	SESSION_ANSWER_ROWS, /* handing out `answer` */
	SESSION_KEPT_ROWS,   /* handing out `rows`; `select` tells its columns */
};

/* Where a result column's values come from. */
struct session_column {
	enum drift_type type; /* DRIFT_ANY: not known */
	uint32_t held;        /* a field's types so far, bits 1 << enum msg_type */
};

struct query_session {
	struct drift_db *db;
	sqlite3 *sqlite;
	char *user;
	char *client;
	bool pinned;
	drift_seq as_of;
	bool quoted_identifiers;
	bool has_moment; /* SET system_time_asof: reads are at `moment` */
	drift_seq moment;
	struct explain *explain; /* plans are to be put in words; NULL: not */
	bool internal;           /* our own SQL runs: the authorizer lets it */
	/* Marks values that carry a JSON or boolean type through SQLite's
	 * temporary tables; see keep.c. */
	unsigned char keep[SESSION_KEEP_BYTES];

	/* limit.c */
	uint32_t timeout_ms;
	uint64_t spent_ns;   /* by the statement, waiting for readers not counted */
	uint64_t resumed_ns; /* when query_next was last entered */
	_Atomic bool interrupted;
	bool timed_out;
	struct memory_account memory;
	bool (*gone)(void *arg); /* its client; NULL: not watched */
	void *gone_arg;
	uint64_t gone_asked_ns;

	struct transaction transaction;
	struct drift_view view; /* what the statement reads */
	drift_time_ns now;      /* of the statement */
	struct relation *relations;
	struct saved *saved; /* saved queries that SQLite knows: saved.h */
	unsigned saved_depth;
	bool catalogs;        /* SQLite knows what they are made of: catalog.h */
	bool function_tables; /* SQLite knows them: function_table.h */

	struct buf script;
	size_t script_at;
	struct tokens tokens;
	struct parameters parameters; /* of the script */
	struct prepared_list prepared;
	struct compiled_list compiled;
	enum session_state state;
	bool ahead; /* in query_next_ahead */
	sqlite3_stmt *select;
	bool select_kept; /* it is compiled's */
	struct answer answer;
	struct rows rows;
	unsigned row; /* of answer or rows: the next one */
	uint64_t row_count;
	struct session_column *columns; /* of select */
	unsigned column_capacity;
	const struct session_column *given_columns; /* a cursor's; NULL: none */
	struct fetch_list fetched;
	/* What the statement's text tells of its columns' types. */
	struct rewrite_hint hints[REWRITE_HINTS_MAX];
	unsigned hint_count;
	struct buf value; /* memory of a name handed out */

	/* The first failure inside a SQLite callback: it knows more than SQLite. */
	struct drift_error inner;
	uint64_t changed;        /* rows the statement wrote */
	struct written written;  /* for RETURNING */
	struct written proposed; /* for ON CONFLICT DO UPDATE */
	/* What the statement's ON CONFLICT is about: conflict.h. */
	struct session_conflict {
		bool told; /* the statement has one */
		bool any;
		bool refused; /* what was met is not what it is about */
		const struct index_def *index; /* NULL: the key */
	} conflict;
	/* Of an INSERT with a column list: which columns it names. */
	const struct relation *insert_into;
	bool *inserted;

	struct sequence_memory sequences;

	char *settings[SETTING_COUNT_MAX]; /* NULL: the initial value */
	bool read_only;                    /* default_transaction_read_only */
	char tag[64];
	struct buf message;
	struct drift_error warning; /* of the statement; DRIFT_OK: none */
	void (*warn)(void *arg, const struct drift_error *warning);
	void *warn_arg;
};

/* Run SQL of our own that answers no rows. */
enum drift_err session_exec(struct query_session *session, const char *sql,
			    struct drift_error *error);
/* Hand out session->answer as the statement's rows. */
static inline void session_answer(struct query_session *session)
{
	session->state = SESSION_ANSWER_ROWS;
	session->row = 0;
}
/* result.c: the types of the columns of session->select. */
enum drift_err result_begin(struct query_session *session);
/* Set the tag and the sentence (printf) for people. */
void session_say(struct query_session *session, const char *tag, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));
/* Say so once the statement is through. */
void session_warn(struct query_session *session, enum drift_err code,
		  const char *text);

#endif
