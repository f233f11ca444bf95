/* SPDX-License-Identifier: MIT */
/* module.c - the module itself: how SQLite comes to a table.
 *
 * SQLite opens no transaction with us (xBegin and its kin are not there): what
 * xUpdate puts into the session's engine transaction, the session commits or takes
 * back when the statement is over (transaction.h). */
#include "query/module.h"

#include <stdlib.h>
#include <strings.h>

#include "query/session.h"

int module_fail(struct query_session *session, enum drift_err err,
		const struct drift_error *error)
{
	if (session->inner.code == DRIFT_OK) {
		if (error && error->code == err)
			session->inner = *error;
		else
			(void)!drift_fail_code(&session->inner, err);
	}
	return err == DRIFT_NOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

/* argv[3] is the relation's name, quoted as in the statement. */
static struct relation *relation_of(struct query_session *session,
				    const char *argument)
{
	struct token token = { TOKEN_QUOTED, 0, (uint32_t)strlen(argument) };
	struct relation *at = session->relations;
	struct buf name = BUF_INIT;

	token_text(argument, token, &name);
	while (at && strcmp(at->name, buf_cstr(&name)) != 0)
		at = at->next;
	buf_release(&name);
	return at;
}

static int declare(sqlite3 *db, const struct relation *relation)
{
	struct buf sql = BUF_INIT;
	int rc = SQLITE_NOMEM;

	declare_columns(relation, &sql);
	if (!buf_status(&sql))
		rc = sqlite3_declare_vtab(db, buf_cstr(&sql));
	buf_release(&sql);
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	return rc;
}

static int connect_table(sqlite3 *db, void *session, int argc,
			 const char *const *argv, sqlite3_vtab **out, char **text)
{
	struct relation *relation = NULL;
	struct drift_vtab *vtab;
	int rc;

	(void)text;
	if (argc > 3)
		relation = relation_of(session, argv[3]);
	if (!relation)
		return SQLITE_ERROR;
	rc = declare(db, relation);
	if (rc)
		return rc;
	vtab = calloc(1, sizeof(*vtab));
	if (!vtab)
		return SQLITE_NOMEM;
	vtab->session = session;
	vtab->relation = relation;
	vtab->column_count = relation->column_count;
	*out = &vtab->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *vtab)
{
	free(vtab);
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 2,
	.xCreate = connect_table,
	.xConnect = connect_table,
	.xBestIndex = plan_best_index,
	.xDisconnect = disconnect_table,
	.xDestroy = disconnect_table,
	.xOpen = cursor_open,
	.xClose = cursor_close,
	.xFilter = cursor_filter,
	.xNext = cursor_next,
	.xEof = cursor_eof,
	.xColumn = cursor_column,
	.xUpdate = update_row,
};

enum drift_err module_register(struct query_session *session,
			       struct drift_error *error)
{
	if (sqlite3_create_module(session->sqlite, "drift", &module, session))
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	return DRIFT_OK;
}
