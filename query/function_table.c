/* SPDX-License-Identifier: MIT */
/* function_table.c - see function_table.h. */
#include "query/function_table.h"

#include <strings.h>

static const struct source *table(unsigned i)
{
	return i == 0 ? &series_table : elements_table(i - 1);
}

const struct source *function_table_find(struct slice name)
{
	const struct source *found;

	for (unsigned i = 0; (found = table(i)) != NULL; i++)
		if (strlen(found->name) == name.size &&
		    strncasecmp(found->name, name.data, name.size) == 0)
			return found;
	return NULL;
}

enum drift_err function_table_register(struct query_session *session,
				       struct drift_error *error)
{
	const struct source *source;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; !err && (source = table(i)) != NULL; i++)
		err = source_register(session, source, error);
	return err;
}
