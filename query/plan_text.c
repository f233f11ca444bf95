/* SPDX-License-Identifier: MIT */
/* plan_text.c - what EXPLAIN says of a plan: the way into the table, in which order, and
 * at which moment; see planning.h. */
#include <stdio.h>

#include "engine/care.h"
#include "query/planning.h"
#include "query/session.h"

static void describe_columns(const struct planning *planning, struct buf *text)
{
	const struct way *way = &planning->best;
	const struct relation_column *columns = planning->vtab->relation->columns;
	const char *and = "";

	buf_add_str(text, " (");
	for (unsigned i = 0; i < way->equalities; i++) {
		buf_printf(text, "%s%s=?", and, columns[way->columns[i]].name);
		and = " AND ";
	}
	if (way->low >= 0) {
		buf_printf(text, "%s%s>?", and,
			   columns[way->columns[way->equalities]].name);
		and = " AND ";
	}
	if (way->high >= 0)
		buf_printf(text, "%s%s<?", and,
			   columns[way->columns[way->equalities]].name);
	buf_add_char(text, ')');
}

/* What a scan of the past would begin with. */
static void describe_snapshot(const struct planning *planning, struct buf *text)
{
	const struct query_session *session = planning->vtab->session;
	struct drift_view view = session->view;
	drift_seq seq;

	if (planning->form == ASOF_AT && (drift_seq)planning->at < view.seq)
		view = drift_view_at(session->db, (drift_seq)planning->at);
	seq = drift_snapshot_for(view, planning->def->id);
	if (seq)
		buf_printf(text, " FROM SNAPSHOT @seq:%llu",
			   (unsigned long long)seq);
}

/* What EXPLAIN says of it: " USING INDEX type (type=?) AS OF @seq:5". */
static void describe(const struct planning *planning, struct buf *text)
{
	const struct way *way = &planning->best;

	if (way->access == PLAN_KEY)
		buf_add_str(text, " USING PRIMARY KEY");
	else if (way->access == PLAN_COUNT)
		buf_add_str(text, " BY ROW COUNT");
	else if (way->access == PLAN_INDEX)
		buf_printf(text, " USING INDEX %s",
			   planning->def->indexes[way->index].name);
	if (way->access == PLAN_KEY || way->access == PLAN_INDEX)
		describe_columns(planning, text);
	if (planning->order == ORDER_BACK)
		buf_add_str(text, " BACKWARDS");
	if (planning->form == ASOF_AT)
		buf_printf(text, " AS OF @seq:%lld", (long long)planning->at);
	if (way->access == PLAN_SCAN && !plan_is_range(planning))
		describe_snapshot(planning, text);
	if (planning->form != ASOF_AT && plan_is_range(planning))
		buf_add_str(text, " OVER ALL VERSIONS");
}

int plan_text(const struct planning *planning)
{
	struct buf text = BUF_INIT;

	if (!planning->vtab->session->explain)
		return SQLITE_OK;
	buf_printf(&text, "%u|", planning->vtab->session->explain->next++);
	describe(planning, &text);
	buf_printf(&text, " (rows=%.0f)", planning->best.rows);
	if (!buf_status(&text))
		planning->info->idxStr = sqlite3_mprintf("%s", buf_cstr(&text));
	planning->info->needToFreeIdxStr = 1;
	buf_release(&text);
	return planning->info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
