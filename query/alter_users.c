/* SPDX-License-Identifier: MIT */
/* alter_users.c - views that a change of a column would break.
 *
 * A view is a text. It depends on the columns that it mentions by name, of whatever table;
 * `*` means the columns that there are, so it depends on none. */
#include "query/alter.h"
#include "query/rules.h"

static bool uses(const struct table_def *query, uint32_t table_id)
{
	for (unsigned i = 0; i < query->use_count; i++)
		if (query->uses[i] == table_id)
			return true;
	return false;
}

/* A view that reads the table and mentions the column; NULL: none. */
static const struct table_def *find_user(const struct alter *alter,
					 const char *column)
{
	struct drift_view view = ddl_view(alter->ddl);
	const struct table_def *user = NULL;

	while ((user = drift_saved_query_next(view, user ? slice_str(user->name)
							 : (struct slice){ 0 })))
		if (uses(user, alter->def->id) && rules_mention(user->query, column))
			return user;
	return NULL;
}

enum drift_err alter_users(struct alter *alter, const char *column, const char *what,
			   bool cascade)
{
	const struct table_def *user;
	enum drift_err err = DRIFT_OK;

	/* A log's own statements were checked when they were made. */
	while (!err && alter->ddl->session && (user = find_user(alter, column))) {
		if (!cascade)
			return drift_fail(alter->error, DRIFT_DEPENDED_ON,
					  "cannot %s column %s of table %s because "
					  "other objects depend on it: view %s "
					  "depends on it",
					  what, column, alter->def->name,
					  user->name);
		err = ddl_drop_cascading(alter->ddl, user);
	}
	return err;
}
