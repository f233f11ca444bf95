/* SPDX-License-Identifier: MIT */
/* explain.c - SQLite's query plan with our own words for our own tables.
 *
 * SQLite prints "SCAN t VIRTUAL TABLE INDEX 2:<text>"; the text is what plan.c wrote
 * there, "<columns>| USING INDEX type (type=?)". */
#include "query/explain.h"

#include <stdlib.h>

#include "query/session.h"
#include "query/sql.h"

#define PARENTS_MAX 128

/* The depth of each node, by its number in SQLite's plan. */
struct depths {
	int ids[PARENTS_MAX];
	unsigned depths[PARENTS_MAX];
	unsigned count;
};

static unsigned depth_below(const struct depths *depths, int parent)
{
	for (unsigned i = depths->count; i > 0; i--)
		if (depths->ids[i - 1] == parent)
			return depths->depths[i - 1] + 1;
	return 0;
}

static void note_depth(struct depths *depths, int id, unsigned depth)
{
	if (depths->count == PARENTS_MAX)
		return;
	depths->ids[depths->count] = id;
	depths->depths[depths->count++] = depth;
}

static void add_detail(const char *detail, struct buf *out)
{
	static const char mark[] = " VIRTUAL TABLE INDEX ";
	const char *plan = strstr(detail, mark);
	const char *ours = plan ? strchr(plan, '|') : NULL;

	if (!ours) {
		buf_add(out, detail,
			plan ? (size_t)(plan - detail) : strlen(detail));
		return;
	}
	if (strncmp(detail, "SCAN ", 5) == 0 &&
	    strncmp(ours + 1, " USING ", 7) == 0) {
		buf_add_str(out, "SEARCH ");
		detail += 5;
	}
	buf_add(out, detail, (size_t)(plan - detail));
	buf_add_str(out, ours + 1);
}

static enum drift_err add_line(struct answer *answer, struct depths *depths,
			       sqlite3_stmt *stmt, struct buf *line)
{
	unsigned depth = depth_below(depths, sqlite3_column_int(stmt, 1));

	note_depth(depths, sqlite3_column_int(stmt, 0), depth);
	buf_clear(line);
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(line, "  ");
	add_detail((const char *)sqlite3_column_text(stmt, 3), line);
	return buf_status(line) ? DRIFT_NOMEM
				: answer_add_slice(answer, buf_slice(line));
}

enum drift_err explain_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	struct statement inner = *statement;
	struct depths depths = { 0 };
	struct buf line = BUF_INIT;
	sqlite3_stmt *stmt = NULL;
	enum drift_err err;

	(void)(statement_accept(&inner, "EXPLAIN") &&
	       statement_accept(&inner, "QUERY") &&
	       statement_accept(&inner, "PLAN"));
	if (token_is_word(inner.script, statement_peek(&inner), "ANALYZE"))
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "EXPLAIN ANALYZE is not supported");
	inner.tokens += inner.at;
	inner.count -= inner.at;
	inner.at = 0;
	session->explaining = true;
	err = sql_prepare(session, &inner, "EXPLAIN QUERY PLAN ", &stmt, error);
	session->explaining = false;
	answer_columns(&session->answer,
		       (const char *const[]){ "QUERY PLAN", NULL });
	while (!err && sqlite3_step(stmt) == SQLITE_ROW)
		err = add_line(&session->answer, &depths, stmt, &line);
	sqlite3_finalize(stmt);
	buf_release(&line);
	if (err)
		return drift_fail_code(error, err);
	session_say(session, "EXPLAIN", "%s", "");
	session_answer(session);
	return DRIFT_OK;
}
