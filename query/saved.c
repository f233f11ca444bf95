/* SPDX-License-Identifier: MIT */
/* saved.c - see saved.h. */
#include "query/saved.h"

#include <stdlib.h>
#include <strings.h>

#include "query/error.h"
#include "query/rewrite.h"
#include "query/session.h"

#define DEPTH_MAX 16

struct saved {
	struct saved *next;
	bool table; /* a function's in FROM, else a view */
	char *name; /* in SQLite */
};

const struct table_def *saved_find(struct drift_view view, struct slice name)
{
	const struct table_def *def = drift_saved_query(view, name);
	char folded[TABLE_NAME_BYTES_MAX];
	const char *bytes = name.data;

	if (def || name.size > sizeof(folded))
		return def;
	for (size_t i = 0; i < name.size; i++)
		folded[i] = bytes[i] >= 'A' && bytes[i] <= 'Z'
				    ? (char)(bytes[i] + ('a' - 'A'))
				    : bytes[i];
	return drift_saved_query(view, slice_of(folded, name.size));
}

bool saved_is(const struct query_session *session, const char *name)
{
	const struct saved *at = session->saved;

	while (at && name && strcasecmp(at->name, name) != 0)
		at = at->next;
	return at && name;
}

void saved_forget(struct query_session *session)
{
	struct saved *next;

	for (struct saved *at = session->saved; at; at = next) {
		struct buf sql = BUF_INIT;

		next = at->next;
		buf_printf(&sql, "DROP %s IF EXISTS temp.",
			   at->table ? "TABLE" : "VIEW");
		token_quote_name(slice_str(at->name), &sql);
		(void)!session_exec(session, buf_cstr(&sql), NULL);
		buf_release(&sql);
		free(at->name);
		free(at);
	}
	session->saved = NULL;
}

/* The query's own text as SQLite shall read it, and the tables it names declared. */
static enum drift_err rewrite_query(struct query_session *session,
				    const struct table_def *def,
				    const struct asof *asof, struct rewrite *rewrite,
				    struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	struct statement statement;
	size_t at = 0;
	enum drift_err err =
		tokens_read(&tokens, def->query, strlen(def->query), &at);

	statement = (struct statement){ def->query, tokens.list, tokens.count, 0 };
	if (!err)
		err = rewrite_saved(session, &statement, asof, rewrite, error);
	if (!err && !asof)
		err = relation_sync(session, def->query, tokens.list, tokens.count,
				    error);
	/* Places are in a text that nobody sees. */
	if (err && error)
		error->position = 0;
	tokens_release(&tokens);
	return err;
}

static void add_view(const struct table_def *def, const char *name,
		     struct slice query, struct buf *sql)
{
	buf_add_str(sql, "CREATE TEMP VIEW ");
	token_quote_name(slice_str(name), sql);
	for (unsigned i = 0; i < def->column_count; i++) {
		buf_add_str(sql, i ? ", " : "(");
		token_quote_name(slice_str(def->columns[i].name), sql);
	}
	buf_add_str(sql, def->column_count ? ") AS " : " AS ");
	buf_add_slice(sql, query);
}

enum drift_err saved_note(struct query_session *session, const char *name,
			  bool table)
{
	struct saved *saved = malloc(sizeof(*saved));

	if (!saved)
		return DRIFT_NOMEM;
	saved->name = strdup(name);
	if (!saved->name) {
		free(saved);
		return DRIFT_NOMEM;
	}
	saved->table = table;
	saved->next = session->saved;
	session->saved = saved;
	return DRIFT_OK;
}

enum drift_err saved_declare(struct query_session *session,
			     const struct table_def *def, const struct asof *asof,
			     struct buf *name, struct drift_error *error)
{
	struct rewrite rewrite = REWRITE_INIT;
	struct buf sql = BUF_INIT;
	enum drift_err err;

	buf_clear(name);
	buf_add_str(name, def->name);
	if (asof)
		buf_printf(name, "@%0*u.%u@%lld,%lld,%lld", TABLE_NAME_BYTES_MAX,
			   def->id, def->version, (long long)asof->form,
			   (long long)asof->a, (long long)asof->b);
	err = buf_status(name);
	if (err || saved_is(session, buf_cstr(name)))
		return err;
	if (session->saved_depth == DEPTH_MAX)
		return drift_fail(
			error, DRIFT_LIMIT,
			"view \"%s\" is nested more than %d deep, or reads "
			"itself",
			def->name, DEPTH_MAX);
	session->saved_depth++;
	err = rewrite_query(session, def, asof, &rewrite, error);
	session->saved_depth--;
	if (!err) {
		add_view(def, buf_cstr(name),
			 buf_slice(&rewrite.parts[REWRITE_MAIN].sql), &sql);
		err = buf_status(&sql);
	}
	if (!err)
		err = session_exec(session, buf_cstr(&sql), error);
	if (!err)
		err = saved_note(session, buf_cstr(name), false);
	rewrite_release(&rewrite);
	buf_release(&sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err saved_try(struct query_session *session, const struct table_def *def,
			 struct drift_error *error)
{
	struct rewrite rewrite = REWRITE_INIT;
	sqlite3_stmt *stmt = NULL;
	enum drift_err err;
	struct slice sql;
	int rc, columns;

	saved_forget(session);
	err = rewrite_query(session, def, NULL, &rewrite, error);
	sql = buf_slice(&rewrite.parts[REWRITE_MAIN].sql);
	if (!err) {
		rc = sqlite3_prepare_v3(session->sqlite, sql.data, (int)sql.size, 0,
					&stmt, NULL);
		if (rc)
			err = error_of_sqlite(session, rc, NULL, NULL, error);
	}
	columns = stmt ? sqlite3_column_count(stmt) : 0;
	if (!err && def->column_count && (int)def->column_count != columns)
		err = drift_fail(error, DRIFT_SYNTAX,
				 "view \"%s\" has %u column names, its query has %d "
				 "columns",
				 def->name, def->column_count, columns);
	if (!err && sqlite3_bind_parameter_count(stmt) > 0)
		err = drift_fail(error, DRIFT_UNSUPPORTED,
				 "a view cannot have parameters");
	sqlite3_finalize(stmt);
	rewrite_release(&rewrite);
	return err;
}
