/* SPDX-License-Identifier: MIT */
/* explain.c - SQLite's query plan with our own words for our own tables.
 *
 * SQLite prints "SCAN t VIRTUAL TABLE INDEX 2:<text>"; the text is what plan.c wrote
 * there, "<number>| USING INDEX type (type=?) (rows=25)". */
#include "query/explain.h"

#include <stdlib.h>
#include <time.h>

#include "query/dml.h"
#include "query/error.h"
#include "query/session.h"
#include "query/sql.h"
#include "query/verb.h"

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

struct explain_node *explain_node(const struct explain *explain, const char *text)
{
	unsigned long i;

	if (!explain || !explain->running || !text)
		return NULL;
	i = strtoul(text, NULL, 10);
	return i < explain->count ? &explain->nodes[i] : NULL;
}

/* What plan.c wrote behind "number|"; where the ways of a run were counted, how. */
static void add_way(const struct explain *explain, const char *plan, struct buf *out)
{
	const char *number = strchr(plan, ':'), *text = strchr(plan, '|');
	unsigned long i = number ? strtoul(number + 1, NULL, 10) : 0;
	const struct explain_node *node =
		i < explain->count ? &explain->nodes[i] : NULL;

	buf_add_str(out, text + 1);
	if (node)
		buf_printf(out, " (actual rows=%llu loops=%llu)",
			   (unsigned long long)node->rows,
			   (unsigned long long)node->loops);
}

static void add_detail(const struct explain *explain, const char *detail,
		       struct buf *out)
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
	add_way(explain, plan, out);
}

static enum drift_err add_line(struct query_session *session, struct depths *depths,
			       sqlite3_stmt *stmt, struct buf *line)
{
	unsigned depth = depth_below(depths, sqlite3_column_int(stmt, 1));

	note_depth(depths, sqlite3_column_int(stmt, 0), depth);
	buf_clear(line);
	for (unsigned i = 0; i < depth; i++)
		buf_add_str(line, "  ");
	add_detail(session->explain, (const char *)sqlite3_column_text(stmt, 3),
		   line);
	return buf_status(line)
		       ? DRIFT_NOMEM
		       : answer_add_slice(&session->answer, buf_slice(line));
}

/* A trailing AS OF is known once the statement is compiled. */
static enum drift_err add_view(struct query_session *session)
{
	struct buf line = BUF_INIT;
	enum drift_err err;

	buf_printf(&line, "View @seq:%llu", (unsigned long long)session->view.seq);
	err = answer_add(&session->answer, buf_cstr(&line));
	buf_release(&line);
	return err;
}

/* SQLite's plan, a line a node. */
static enum drift_err add_plan(struct query_session *session,
			       const struct statement *inner,
			       struct drift_error *error)
{
	struct depths depths = { 0 };
	struct buf line = BUF_INIT;
	sqlite3_stmt *stmt = NULL;
	enum drift_err err;

	session->explain->next = 0;
	err = sql_prepare(session, inner, "EXPLAIN QUERY PLAN ", &stmt, error);
	if (!err)
		err = add_view(session);
	while (!err && sqlite3_step(stmt) == SQLITE_ROW)
		err = add_line(session, &depths, stmt, &line);
	sqlite3_finalize(stmt);
	buf_release(&line);
	return err;
}

/* ---- ANALYZE ------------------------------------------------------------- */

struct measured {
	uint64_t rows;
	uint64_t planned_ns, run_ns;
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum drift_err run_read(struct query_session *session,
			       const struct statement *inner, sqlite3_stmt *stmt,
			       uint64_t *rows, struct drift_error *error)
{
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		++*rows;
	return rc == SQLITE_DONE ? DRIFT_OK
				 : error_of_sqlite(session, rc, inner, NULL, error);
}

/* What was compiled to see how long that takes is compiled again, with the parts that a
 * statement that writes may have. RETURNING's rows are computed, and thrown away. */
static enum drift_err run_write(struct query_session *session,
				const struct statement *inner,
				const struct verb *verb, uint64_t *rows,
				struct drift_error *error)
{
	enum drift_err err;

	session->explain->next = 0;
	err = dml_run(session, inner, verb, error);
	*rows = session->changed;
	rows_clear(&session->rows);
	sqlite3_finalize(session->select);
	session->select = NULL;
	return err;
}

/* Run the statement to its end, as it would without EXPLAIN; its rows are counted and
 * thrown away. */
static enum drift_err run(struct query_session *session,
			  const struct statement *inner, struct measured *measured,
			  struct drift_error *error)
{
	struct explain *explain = session->explain;
	sqlite3_stmt *stmt = NULL;
	struct verb verb;
	uint64_t start = clock_ns();
	enum drift_err err = verb_find(inner, &verb, error);

	if (!err)
		err = sql_prepare(session, inner, "", &stmt, error);
	if (err)
		return err;
	explain->nodes = calloc(explain->next + 1, sizeof(*explain->nodes));
	explain->count = explain->nodes ? explain->next : 0;
	explain->running = true;
	measured->planned_ns = clock_ns() - start;
	err = verb.kind == VERB_READ
		      ? run_read(session, inner, stmt, &measured->rows, error)
		      : run_write(session, inner, &verb, &measured->rows, error);
	measured->run_ns = clock_ns() - start - measured->planned_ns;
	explain->running = false;
	sqlite3_finalize(stmt);
	return err;
}

static enum drift_err add_measured(struct query_session *session,
				   const struct measured *measured)
{
	struct buf line = BUF_INIT;
	enum drift_err err;

	buf_printf(&line, "Rows: %llu", (unsigned long long)measured->rows);
	err = answer_add(&session->answer, buf_cstr(&line));
	buf_clear(&line);
	buf_printf(&line, "Planning time: %.3f ms",
		   (double)measured->planned_ns / 1e6);
	if (!err)
		err = answer_add(&session->answer, buf_cstr(&line));
	buf_clear(&line);
	buf_printf(&line, "Execution time: %.3f ms", (double)measured->run_ns / 1e6);
	if (!err)
		err = answer_add(&session->answer, buf_cstr(&line));
	buf_release(&line);
	return err;
}

/* ---- The statement --------------------------------------------------------- */

static enum drift_err explain(struct query_session *session,
			      const struct statement *inner, bool analyze,
			      struct drift_error *error)
{
	struct measured measured = { 0 };
	struct explain explain = { 0 };
	enum drift_err err = DRIFT_OK;

	/* Until this function ends. */
	/* cppcheck-suppress autoVariables */
	session->explain = &explain;
	if (analyze)
		err = run(session, inner, &measured, error);
	answer_columns(&session->answer,
		       (const char *const[]){ "QUERY PLAN", NULL });
	if (!err)
		err = add_plan(session, inner, error);
	if (!err && analyze)
		err = add_measured(session, &measured);
	session->explain = NULL;
	free(explain.nodes);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err refuse_option(const struct statement *statement,
				    struct drift_error *error)
{
	struct token token = statement_peek(statement);

	if (token.kind != TOKEN_WORD)
		return statement_syntax(statement, token, error);
	return statement_place(token,
			       drift_fail(error, DRIFT_UNSUPPORTED,
					  "EXPLAIN's option %.*s is not supported",
					  (int)token.size,
					  statement->script + token.at),
			       error);
}

/* "ANALYZE [TRUE | FALSE], FORMAT TEXT)", behind the parenthesis. */
static enum drift_err read_options(struct statement *statement, bool *analyze,
				   struct drift_error *error)
{
	do {
		if (statement_accept(statement, "ANALYZE")) {
			*analyze = !(statement_accept(statement, "FALSE") ||
				     statement_accept(statement, "OFF"));
			(void)(statement_accept(statement, "TRUE") ||
			       statement_accept(statement, "ON"));
		} else if (token_is_word(statement->script,
					 statement_look(statement, 1), "TEXT") &&
			   statement_accept(statement, "FORMAT")) {
			statement->at++;
		} else {
			return refuse_option(statement, error);
		}
	} while (statement_accept_punct(statement, ","));
	return statement_expect_punct(statement, ")", error);
}

static bool begins_with(const struct statement *statement, unsigned n,
			const char *const *words)
{
	struct token token = statement_look(statement, n);

	while (*words && !token_is_word(statement->script, token, *words))
		words++;
	return *words || token_is(statement->script, token, "(");
}

enum drift_err explain_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	static const char *const reads[] = { "SELECT", "VALUES", "WITH", "TABLE",
					     NULL };
	static const char *const all[] = { "SELECT",  "VALUES", "WITH",
					   "INSERT",  "UPDATE", "DELETE",
					   "REPLACE", "TABLE",  NULL };
	struct statement inner = *statement;
	enum drift_err err = DRIFT_OK;
	bool analyze;

	(void)(statement_accept(&inner, "EXPLAIN") &&
	       statement_accept(&inner, "QUERY") &&
	       statement_accept(&inner, "PLAN"));
	analyze = statement_accept(&inner, "ANALYZE");
	if (!begins_with(&inner, 1, reads) && statement_accept_punct(&inner, "("))
		err = read_options(&inner, &analyze, error);
	else if (token_is_word(inner.script, statement_peek(&inner), "VERBOSE"))
		err = refuse_option(&inner, error);
	if (!err && !begins_with(&inner, 0, all))
		err = statement_syntax(&inner, statement_peek(&inner), error);
	if (err)
		return err;
	inner.tokens += inner.at;
	inner.count -= inner.at;
	inner.at = 0;
	err = explain(session, &inner, analyze, error);
	if (err)
		return err;
	session_say(session, "EXPLAIN", "%s", "");
	session_answer(session);
	return DRIFT_OK;
}
