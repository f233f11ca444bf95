/* SPDX-License-Identifier: MIT */
/* catalog_walk.c - see catalog_walk.h. */
#include "query/catalog_walk.h"

#include "query/session.h"

const struct table_def *catalog_walk_find(struct drift_view view, int64_t oid)
{
	int64_t id = (oid - CATALOG_OID_FIRST) / CATALOG_OID_STEP;
	const struct table_def *def;
	struct slice after = SLICE("");

	if (oid < CATALOG_OID_FIRST || id > UINT32_MAX)
		return NULL;
	def = drift_table_by_id(view, (uint32_t)id);
	while (!def || def->id != (uint32_t)id) {
		def = drift_saved_query_next(view, after);
		if (!def)
			return NULL;
		after = slice_str(def->name);
	}
	return def;
}

/* The first column that holds an oid of the definition, compared with a value: it is
 * looked up by that. */
int catalog_walk_best(sqlite3_index_info *info, const int *oids, unsigned count)
{
	info->estimatedCost = 1000;
	for (int i = 0; i < info->nConstraint; i++)
		for (unsigned k = 0; k < count; k++) {
			if (info->aConstraint[i].iColumn != oids[k] ||
			    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
			    !info->aConstraint[i].usable || info->idxNum)
				continue;
			info->aConstraintUsage[i].argvIndex = 1;
			info->idxNum = 1;
			info->estimatedCost = 10;
			info->estimatedRows = 10;
		}
	return SQLITE_OK;
}

enum drift_err catalog_walk_begin(struct source_cursor *base,
				  const struct source_call *call,
				  struct drift_error *error)
{
	struct catalog_walk *walk = (struct catalog_walk *)base;
	struct drift_view view = base->session->view;

	(void)error;
	walk->part = UINT32_MAX;
	walk->alone = call->plan == 1;
	if (walk->alone) {
		walk->def = catalog_walk_find(view,
					      sqlite3_value_int64(call->values[0]));
		return DRIFT_OK;
	}
	walk->def = drift_table_next(view, SLICE(""));
	if (!walk->def)
		walk->def = drift_saved_query_next(view, SLICE(""));
	return DRIFT_OK;
}

static void next_definition(struct catalog_walk *walk)
{
	struct drift_view view = walk->base.session->view;
	struct slice after = slice_str(walk->def->name);

	if (walk->alone) {
		walk->def = NULL;
		return;
	}
	if (walk->def->query) {
		walk->def = drift_saved_query_next(view, after);
		return;
	}
	walk->def = drift_table_next(view, after);
	if (!walk->def)
		walk->def = drift_saved_query_next(view, SLICE(""));
}

/* On to the next part of a definition that has count(walk) of them. */
enum drift_err catalog_walk_next(struct catalog_walk *walk,
				 unsigned (*count)(const struct catalog_walk *))
{
	if (!walk->def)
		return DRIFT_DONE;
	walk->part++;
	while (walk->def && walk->part >= count(walk)) {
		next_definition(walk);
		walk->part = 0;
	}
	return walk->def ? DRIFT_OK : DRIFT_DONE;
}

void catalog_walk_close(struct source_cursor *base)
{
	buf_release(&((struct catalog_walk *)base)->text);
}

sqlite3_int64 catalog_walk_oid(const struct table_def *def)
{
	return CATALOG_OID_FIRST + (sqlite3_int64)def->id * CATALOG_OID_STEP;
}
