/* SPDX-License-Identifier: MIT */
/* plan.c - xBestIndex: which way into a table fits a query's constraints.
 *
 * Every way is a list of columns (the key's, or an index's): equalities on the
 * first of them, then bounds on the next. The cheapest by estimated rows wins.
 * Constraints with another collation than BINARY are left to SQLite. */
#include "query/plan.h"

#include <strings.h>

#include "engine/care.h"
#include "query/planning.h"
#include "query/session.h"

/* The usable constraint op1 or op2 on column, -1. One that is an IN counts only if
 * that is asked for: SQLite would offer its values one by one, and compare them
 * without the affinity they had. */
static int constraint_on(const struct planning *planning, int column, int op1,
			 int op2, bool in)
{
	for (int i = 0; i < planning->info->nConstraint; i++) {
		const struct sqlite3_index_constraint *constraint =
			&planning->info->aConstraint[i];

		if (!constraint->usable ||
		    module_column(planning->vtab, constraint->iColumn) != column ||
		    (constraint->op != op1 && constraint->op != op2) ||
		    (bool)sqlite3_vtab_in(planning->info, i, -1) != in)
			continue;
		if (strcasecmp(sqlite3_vtab_collation(planning->info, i),
			       "BINARY") == 0)
			return i;
	}
	return -1;
}

bool plan_is_range(const struct planning *planning)
{
	struct asof asof = { .form = planning->form };

	return planning->form < 0 || asof_is_range(&asof);
}

/* Rows the session keeps: few, in no order, and not found by key. */
static bool is_kept_form(const struct planning *planning)
{
	struct asof asof = { .form = planning->form };

	return planning->form >= 0 && asof_is_kept(&asof);
}

/* Find the call's arguments. False: this plan would do without them. */
static bool find_arguments(struct planning *planning)
{
	sqlite3_index_info *info = planning->info;

	planning->form = ASOF_VIEW;
	for (int i = 0; i < info->nConstraint; i++) {
		int argument =
			module_column(planning->vtab, info->aConstraint[i].iColumn) -
			(int)planning->vtab->column_count;
		sqlite3_value *value = NULL;

		if (argument < HIDDEN_FORM || argument > HIDDEN_B ||
		    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return false;
		planning->arguments[argument] = i;
		(void)sqlite3_vtab_rhs_value(info, i, &value);
		if (argument == HIDDEN_FORM)
			planning->form = value ? sqlite3_value_int64(value) : -1;
		else if (argument == HIDDEN_A && value)
			planning->at = sqlite3_value_int64(value);
	}
	if (planning->arguments[HIDDEN_FORM] >= 0 &&
	    planning->arguments[HIDDEN_A] >= 0 && planning->arguments[HIDDEN_B] >= 0)
		return true;
	/* A WHERE that names some of them is no call. */
	planning->arguments[HIDDEN_FORM] = -1;
	planning->form = ASOF_VIEW;
	return !planning->vtab->relation->timed;
}

/* Take the constraints that fit the way's columns, first to last. */
static void take_constraints(const struct planning *planning, struct way *way)
{
	way->equalities = 0;
	way->low = -1;
	way->high = -1;
	way->in = false;
	for (unsigned i = 0; i < way->column_count; i++) {
		int equal = constraint_on(planning, way->columns[i],
					  SQLITE_INDEX_CONSTRAINT_EQ,
					  SQLITE_INDEX_CONSTRAINT_EQ, false);

		if (equal < 0) {
			equal = constraint_on(planning, way->columns[i],
					      SQLITE_INDEX_CONSTRAINT_EQ,
					      SQLITE_INDEX_CONSTRAINT_EQ, true);
			way->in = equal >= 0;
		}
		if (equal < 0) {
			way->low = constraint_on(planning, way->columns[i],
						 SQLITE_INDEX_CONSTRAINT_GT,
						 SQLITE_INDEX_CONSTRAINT_GE, false);
			way->high = constraint_on(planning, way->columns[i],
						  SQLITE_INDEX_CONSTRAINT_LT,
						  SQLITE_INDEX_CONSTRAINT_LE, false);
			return;
		}
		way->equal[way->equalities++] = equal;
		if (way->in)
			return;
	}
}

/* How many values a column has: what ANALYZE counted, else a guess. */
static double distinct(const struct planning *planning, const struct way *way,
		       unsigned i)
{
	const struct relation *relation = planning->vtab->relation;
	uint64_t counted =
		drift_distinct(planning->vtab->session->db, planning->def->id,
			       relation->columns[way->columns[i]].name);

	if (counted)
		return (double)counted;
	return i == 0 ? 40 : 8;
}

/* In units of a row that a scan comes to; an index finds each of its rows by a look-up
 * of their own. */
static void estimate(const struct planning *planning, struct way *way, bool unique)
{
	double rows = planning->rows;

	for (unsigned i = 0; i < way->equalities; i++)
		rows /= distinct(planning, way, i);
	if (way->low >= 0)
		rows /= 3;
	if (way->high >= 0)
		rows /= 3;
	if (unique && way->equalities == way->column_count)
		rows = plan_is_range(planning) ? 4 : 1;
	/* How long the list is, only its evaluation tells. */
	if (way->in)
		rows *= 10;
	if (rows > planning->rows)
		rows = planning->rows;
	way->rows = rows < 1 ? 1 : rows;
	way->cost = rows * (way->access == PLAN_INDEX ? 8 : 1) +
		    (way->access == PLAN_SCAN ? 20 : 8);
	if (plan_is_range(planning))
		way->cost *= 4;
}

static void consider(struct planning *planning, struct way *way, bool unique)
{
	take_constraints(planning, way);
	if (way->equalities == 0 && way->low < 0 && way->high < 0)
		return;
	estimate(planning, way, unique);
	if (way->cost < planning->best.cost)
		planning->best = *way;
}

static void consider_key(struct planning *planning)
{
	struct way way = { .access = PLAN_KEY,
			   .column_count = planning->def->key_count };

	for (unsigned i = 0; i < way.column_count; i++)
		way.columns[i] = (int)planning->def->key_columns[i];
	consider(planning, &way, true);
}

static void consider_index(struct planning *planning, unsigned index)
{
	const struct index_def *def = &planning->def->indexes[index];
	struct way way = { .access = PLAN_INDEX, .index = index };

	for (unsigned i = 0; i < def->column_count && i < TABLE_KEY_PARTS_MAX; i++) {
		int column = relation_column(planning->vtab->relation,
					     slice_str(def->columns[i]));

		if (column < 0 || (unsigned)column >= planning->vtab->column_count)
			break;
		way.columns[way.column_count++] = column;
	}
	consider(planning, &way,
		 def->unique && way.column_count == def->column_count);
}

/* What rewrite_count.c asks for. */
static bool is_count(struct planning *planning)
{
	int column = (int)planning->vtab->column_count + HIDDEN_ROWS;
	int asked = constraint_on(planning, column, SQLITE_INDEX_CONSTRAINT_GE,
				  SQLITE_INDEX_CONSTRAINT_GE, false);

	if (asked < 0)
		return false;
	planning->info->aConstraintUsage[asked].omit = true;
	planning->best.access = PLAN_COUNT;
	planning->best.rows = planning->best.cost = 1;
	return true;
}

static void consider_ways(struct planning *planning)
{
	estimate(planning, &planning->best, false);
	if (is_kept_form(planning) || is_count(planning))
		return;
	consider_key(planning);
	for (unsigned i = 0; i < planning->def->index_count; i++)
		if (!plan_is_range(planning))
			consider_index(planning, i);
}

/* Keys without a type are ordered by their text; SQLite would put integers first. */
static bool has_mixed_keys(const struct planning *planning)
{
	const struct query_session *session = planning->vtab->session;
	const struct table_def *def = planning->def;
	bool typed = true;

	for (unsigned i = 0; i < def->key_count; i++) {
		enum drift_type type = def->columns[def->key_columns[i]].type;

		typed = typed && type != DRIFT_ANY && type != DRIFT_BLOB &&
			type != DRIFT_JSON && type != DRIFT_BOOLEAN;
	}
	return !typed && (session->transaction.txn ||
			  drift_has_integer_keys(session->db, def->id));
}

/* Rows come in the order of their keys' bytes, which is SQLite's of the key columns:
 * forwards, or backwards if all are to fall. Parts of the key that are equal in all rows
 * are left out by SQLite. */
static enum order order_of(const struct planning *planning)
{
	const sqlite3_index_info *info = planning->info;
	const struct way *way = &planning->best;
	const struct table_def *def = planning->def;
	bool back = info->nOrderBy > 0 && info->aOrderBy[0].desc;
	unsigned skipped = 0;

	if (way->access == PLAN_INDEX || info->nOrderBy == 0 ||
	    is_kept_form(planning) || has_mixed_keys(planning))
		return ORDER_NONE;
	if (back && (way->in || plan_is_range(planning)))
		return ORDER_NONE;
	if (module_column(planning->vtab, info->aOrderBy[0].iColumn) !=
		    (int)def->key_columns[0] &&
	    way->access == PLAN_KEY && !way->in)
		skipped = way->equalities;
	if (info->nOrderBy + skipped > def->key_count)
		return ORDER_NONE;
	for (int i = 0; i < info->nOrderBy; i++)
		if (info->aOrderBy[i].desc != back ||
		    module_column(planning->vtab, info->aOrderBy[i].iColumn) !=
			    (int)def->key_columns[skipped + (unsigned)i])
			return ORDER_NONE;
	return back ? ORDER_BACK : ORDER_FORTH;
}

/* SQLite stops after so many rows, if none are to be sorted first. It tells LIMIT and
 * OFFSET only where nothing but this table and its constraints picks rows. */
static void take_limit(struct planning *planning)
{
	sqlite3_index_info *info = planning->info;
	double rows = 0;
	bool limited = false;

	for (int i = 0; i < info->nConstraint; i++) {
		unsigned char op = info->aConstraint[i].op;
		sqlite3_value *value = NULL;

		if (op != SQLITE_INDEX_CONSTRAINT_LIMIT &&
		    op != SQLITE_INDEX_CONSTRAINT_OFFSET)
			continue;
		(void)sqlite3_vtab_rhs_value(info, i, &value);
		if (!value || sqlite3_value_int64(value) < 0)
			return;
		rows += (double)sqlite3_value_int64(value);
		limited |= op == SQLITE_INDEX_CONSTRAINT_LIMIT;
	}
	if (limited && rows < planning->best.rows &&
	    (info->nOrderBy == 0 || planning->order != ORDER_NONE))
		planning->best.rows = rows < 1 ? 1 : rows;
}

static void use(sqlite3_index_info *info, int constraint, int *argument, bool omit)
{
	if (constraint < 0)
		return;
	info->aConstraintUsage[constraint].argvIndex = ++*argument;
	info->aConstraintUsage[constraint].omit = omit;
}

/* Does the way use integer parts of the key alone? No row has another value there, and
 * range.c never finds one unfit. One part that may be unfit takes it all away: then
 * the cursor scans, and SQLite must check every part. */
static bool is_exact(const struct way *way, const struct table_def *def)
{
	unsigned used = way->equalities + (way->low >= 0 || way->high >= 0);

	if (way->access != PLAN_KEY || way->in)
		return false;
	for (unsigned i = 0; i < used; i++)
		if (def->columns[way->columns[i]].type != DRIFT_INTEGER)
			return false;
	return true;
}

/* Flags for the bounds behind the equalities. */
static int use_bounds(struct planning *planning, bool exact, int *argument)
{
	const struct way *way = &planning->best;
	sqlite3_index_info *info = planning->info;
	int plan = 0;

	if (way->low >= 0)
		plan |= PLAN_LOW;
	if (way->high >= 0)
		plan |= PLAN_HIGH;
	if (exact && way->low >= 0 &&
	    info->aConstraint[way->low].op == SQLITE_INDEX_CONSTRAINT_GT)
		plan |= PLAN_LOW_OPEN;
	if (exact && way->high >= 0 &&
	    info->aConstraint[way->high].op == SQLITE_INDEX_CONSTRAINT_LT)
		plan |= PLAN_HIGH_OPEN;
	use(info, way->low, argument, exact);
	use(info, way->high, argument, exact);
	return plan;
}

static int make_plan(struct planning *planning)
{
	const struct way *way = &planning->best;
	sqlite3_index_info *info = planning->info;
	int plan = PLAN_MAKE(way->access, way->equalities, way->index);
	bool exact = is_exact(way, planning->def);
	int argument = 0;

	if (planning->arguments[HIDDEN_FORM] >= 0) {
		plan |= PLAN_ASOF;
		for (int i = 0; i < 3; i++)
			use(info, planning->arguments[i], &argument, true);
	}
	for (unsigned i = 0; i < way->equalities; i++)
		use(info, way->equal[i], &argument, exact);
	if (way->in) {
		plan |= PLAN_IN;
		(void)sqlite3_vtab_in(info, way->equal[way->equalities - 1], 1);
	}
	if (planning->order == ORDER_BACK)
		plan |= PLAN_BACK;
	return plan | use_bounds(planning, exact, &argument);
}

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct drift_vtab *vtab = (const struct drift_vtab *)base;
	struct planning planning = {
		.info = info,
		.vtab = vtab,
		.def = vtab->relation->def,
		.arguments = { -1, -1, -1 },
		.best = { .access = PLAN_SCAN, .low = -1, .high = -1 },
	};
	const struct way *best = &planning.best;

	if (!find_arguments(&planning))
		return SQLITE_CONSTRAINT;
	planning.rows =
		(double)drift_row_count(vtab->session->db, planning.def->id) + 1;
	if (is_kept_form(&planning))
		planning.rows = 1;
	consider_ways(&planning);
	planning.order = order_of(&planning);
	take_limit(&planning);
	info->idxNum = make_plan(&planning);
	info->estimatedCost = best->cost;
	info->estimatedRows = (sqlite3_int64)best->rows;
	info->orderByConsumed = planning.order != ORDER_NONE;
	if (best->access == PLAN_KEY && !plan_is_range(&planning) &&
	    best->equalities == best->column_count && !best->in)
		info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	return plan_text(&planning);
}
