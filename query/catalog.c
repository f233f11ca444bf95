/* SPDX-License-Identifier: MIT */
/* catalog.c - PostgreSQL's catalogs made known to SQLite: views over drift_objects and
 * drift_columns, each when a statement names it. */
#include "query/catalog.h"

#include <strings.h>

#include "query/catalog_walk.h"
#include "query/saved.h"
#include "query/session.h"

bool catalog_is_source(const char *name)
{
	return name && (strcasecmp(name, catalog_objects.name) == 0 ||
			strcasecmp(name, catalog_columns.name) == 0);
}

/* SQLite meets both now, while the SQL is our own. */
static enum drift_err meet_sources(struct query_session *session,
				   struct drift_error *error)
{
	enum drift_err err = source_register(session, &catalog_objects, error);

	if (!err)
		err = source_register(session, &catalog_columns, error);
	if (!err)
		err = session_exec(
			session,
			"SELECT 1 FROM drift_objects, drift_columns WHERE 0", error);
	session->catalogs = !err;
	return err;
}

enum drift_err catalog_declare(struct query_session *session,
			       const struct catalog_view *view, struct buf *name,
			       struct drift_error *error)
{
	struct buf sql = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	buf_printf(name, "%s.%s", view->schema, view->name);
	if (buf_status(name) || saved_is(session, buf_cstr(name)))
		return buf_status(name);
	if (!session->catalogs)
		err = meet_sources(session, error);
	buf_add_str(&sql, "CREATE TEMP VIEW ");
	token_quote_name(buf_slice(name), &sql);
	buf_printf(&sql, " AS %s", view->query);
	if (!err)
		err = buf_status(&sql);
	if (!err)
		err = session_exec(session, buf_cstr(&sql), error);
	if (!err)
		err = saved_note(session, buf_cstr(name), false);
	buf_release(&sql);
	return err;
}
