/* SPDX-License-Identifier: MIT */
/* cursor.c - xFilter to xColumn: rows of a view, in the way the plan says.
 *
 * A cursor reads the statement's view, or its own when the table has a moment.
 * Nothing is copied: a version's bytes stay good until the next one is asked for,
 * and a column is decoded when SQLite asks for it. */
#include "query/cursor.h"

#include <stdlib.h>

#include "query/limit.h"
#include "query/plan.h"
#include "query/session.h"
#include "query/value.h"

static const struct drift_vtab *vtab_of(const struct cursor *cursor)
{
	return (const struct drift_vtab *)cursor->base.pVtab;
}

static int fail(const struct cursor *cursor, enum drift_err err)
{
	return module_fail(vtab_of(cursor)->session, err, NULL);
}

int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	const struct drift_vtab *vtab = (const struct drift_vtab *)base;
	struct cursor *cursor = calloc(1, sizeof(*cursor));

	if (!cursor)
		return SQLITE_NOMEM;
	reader_init(&cursor->reader, vtab->relation);
	*out = &cursor->base;
	return SQLITE_OK;
}

int cursor_close(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;

	drift_cursor_close(cursor->source);
	drift_lookup_close(cursor->lookup);
	drift_row_release(&cursor->row);
	range_release(&cursor->range);
	spans_release(&cursor->spans);
	buf_release(&cursor->text);
	free(cursor);
	return SQLITE_OK;
}

int cursor_eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->at_end;
}

static int next_kept(struct cursor *cursor)
{
	cursor->at_end = cursor->kept_at >= cursor->kept->count;
	if (!cursor->at_end) {
		cursor->version = written_get(cursor->kept, cursor->kept_at++);
		reader_begin(&cursor->reader, &cursor->version);
	}
	return SQLITE_OK;
}

/* A cursor that is asked for one key will be asked for no other, or for many. */
static enum drift_err get_row(struct cursor *cursor, struct slice key)
{
	uint32_t table_id = vtab_of(cursor)->relation->def->id;
	enum drift_err err = DRIFT_OK;

	if (cursor->lookups++ == 0) {
		err = drift_get(cursor->view, table_id, key, &cursor->row);
		cursor->version = cursor->row.version;
		return err;
	}
	if (cursor->lookup && cursor->lookup_view.seq != cursor->view.seq) {
		drift_lookup_close(cursor->lookup);
		cursor->lookup = NULL;
	}
	cursor->lookup_view = cursor->view;
	if (!cursor->lookup)
		err = drift_lookup_open(cursor->view, table_id, &cursor->lookup);
	return err ? err : drift_lookup_get(cursor->lookup, key, &cursor->version);
}

static enum drift_err open_source(struct cursor *cursor, int plan,
				  const struct drift_range *range)
{
	const struct table_def *def = vtab_of(cursor)->relation->def;

	if (asof_is_range(&cursor->asof))
		return drift_history(cursor->view, def->id, range, &cursor->source);
	if (range && PLAN_ACCESS(plan) == PLAN_INDEX)
		return drift_index_scan(cursor->view, def->id,
					&def->indexes[PLAN_INDEX_NUMBER(plan)],
					range, &cursor->source);
	if (plan & PLAN_BACK)
		return drift_scan_back(cursor->view, def->id, range,
				       &cursor->source);
	return drift_scan_again(cursor->view, def->id, range, &cursor->source);
}

/* Set the view and the form; false: the table was not there at that moment. */
static bool set_view(struct cursor *cursor, int plan, sqlite3_value **argv)
{
	const struct query_session *session = vtab_of(cursor)->session;
	uint32_t id = vtab_of(cursor)->relation->def->id;

	cursor->asof = (struct asof){ ASOF_VIEW, 0, 0 };
	cursor->view = session->view;
	if (!(plan & PLAN_ASOF))
		return true;
	cursor->asof.form = sqlite3_value_int64(argv[HIDDEN_FORM]);
	cursor->asof.a = sqlite3_value_int64(argv[HIDDEN_A]);
	cursor->asof.b = sqlite3_value_int64(argv[HIDDEN_B]);
	if (asof_form(&cursor->asof) != ASOF_AT ||
	    (drift_seq)cursor->asof.a > session->view.seq)
		return true;
	cursor->view = drift_view_at(session->db, (drift_seq)cursor->asof.a);
	return drift_table_by_id(cursor->view, id) != NULL;
}

static enum range_answer make_range(struct cursor *cursor,
				    const struct range_values *values)
{
	const struct drift_vtab *vtab = vtab_of(cursor);
	const struct table_def *def = vtab->relation->def;
	const struct index_def *index = NULL;

	if (PLAN_ACCESS(cursor->plan) == PLAN_INDEX)
		index = &def->indexes[PLAN_INDEX_NUMBER(cursor->plan)];
	return range_make(&cursor->range, vtab->session, vtab->relation, index,
			  values);
}

/* A range for each value of the list in argv's last place. */
static enum range_answer make_spans(struct cursor *cursor,
				    struct range_values *values)
{
	sqlite3_value *equal[TABLE_KEY_PARTS_MAX];
	sqlite3_value *list = values->equal[values->equalities - 1];
	sqlite3_value **item = &equal[values->equalities - 1];
	enum range_answer answer;
	int rc;

	memcpy(equal, values->equal, values->equalities * sizeof(*equal));
	values->equal = equal;
	for (rc = sqlite3_vtab_in_first(list, item); rc == SQLITE_OK && *item;
	     rc = sqlite3_vtab_in_next(list, item)) {
		answer = make_range(cursor, values);
		if (answer == RANGE_NONE)
			continue;
		if (answer)
			return answer;
		if (spans_add(&cursor->spans, &cursor->range.bounds))
			return RANGE_NOMEM;
	}
	if (rc == SQLITE_NOMEM)
		return RANGE_NOMEM;
	spans_sort(&cursor->spans);
	return RANGE_OK;
}

static bool is_whole_key(const struct cursor *cursor)
{
	return PLAN_ACCESS(cursor->plan) == PLAN_KEY &&
	       !asof_is_range(&cursor->asof) &&
	       PLAN_EQUALITIES(cursor->plan) ==
		       vtab_of(cursor)->relation->def->key_count;
}

static bool is_point(const struct cursor *cursor)
{
	return is_whole_key(cursor) && !(cursor->plan & PLAN_IN);
}

/* Take what the plan asks for from xFilter's arguments. */
static enum range_answer take_values(struct cursor *cursor, sqlite3_value **argv)
{
	int plan = cursor->plan;
	struct range_values values = {
		.equalities = PLAN_EQUALITIES(plan),
		.equal = argv,
		.low_open = plan & PLAN_LOW_OPEN,
		.high_open = plan & PLAN_HIGH_OPEN,
	};
	enum range_answer answer;

	argv += values.equalities;
	if (plan & PLAN_LOW)
		values.low = *argv++;
	if (plan & PLAN_HIGH)
		values.high = *argv;
	spans_clear(&cursor->spans);
	if (plan & PLAN_IN)
		return make_spans(cursor, &values);
	answer = make_range(cursor, &values);
	if (!answer && spans_add(&cursor->spans, &cursor->range.bounds))
		return RANGE_NOMEM;
	return answer;
}

/* ---- Walking --------------------------------------------------------------- */

/* The next row of the source; DRIFT_DONE at its end. */
static enum drift_err next_of_source(struct cursor *cursor)
{
	enum drift_err err;

	for (;;) {
		err = drift_cursor_next(cursor->source, &cursor->version);
		if (err || !asof_is_range(&cursor->asof) ||
		    asof_matches(&cursor->asof, &cursor->version))
			return err;
		if (limit_reached(vtab_of(cursor)->session))
			return DRIFT_INTERRUPTED;
	}
}

/* Begin with the next span; DRIFT_DONE when there is none. */
static enum drift_err next_span(struct cursor *cursor)
{
	struct drift_range range;
	enum drift_err err;

	drift_cursor_close(cursor->source);
	cursor->source = NULL;
	if (!spans_take(&cursor->spans, &range))
		return DRIFT_DONE;
	if (is_whole_key(cursor)) {
		err = get_row(cursor, range.low);
		return err == DRIFT_NO_ROW ? DRIFT_LIMIT : err;
	}
	err = open_source(cursor, cursor->plan, &range);
	return err ? err : DRIFT_LIMIT;
}

/* What xFilter and xNext end with. */
static int row_found(struct cursor *cursor, enum drift_err err)
{
	reader_begin(&cursor->reader, &cursor->version);
	cursor->at_end = err == DRIFT_DONE;
	if (cursor->node && !err)
		cursor->node->rows++;
	return err && err != DRIFT_DONE ? fail(cursor, err) : SQLITE_OK;
}

int cursor_next(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;
	enum drift_err err;

	if (cursor->kept)
		return next_kept(cursor);
	if (PLAN_ACCESS(cursor->plan) == PLAN_COUNT) {
		cursor->at_end = true;
		return SQLITE_OK;
	}
	do {
		err = cursor->source ? next_of_source(cursor) : DRIFT_DONE;
		if (err == DRIFT_DONE)
			err = next_span(cursor);
	} while (err == DRIFT_LIMIT);
	if (err == DRIFT_INTERRUPTED)
		return SQLITE_INTERRUPT;
	return row_found(cursor, err);
}

/* PLAN_COUNT: where the engine does not know, by a walk that looks into no row. */
static int count_rows(struct cursor *cursor)
{
	uint32_t id = vtab_of(cursor)->relation->def->id;
	struct drift_version version;
	struct drift_cursor *source;
	enum drift_err err = drift_count(cursor->view, id, &cursor->rows);

	cursor->at_end = false;
	if (cursor->node)
		cursor->node->rows++;
	if (err != DRIFT_DONE)
		return err ? fail(cursor, err) : SQLITE_OK;
	cursor->rows = 0;
	err = drift_scan(cursor->view, id, NULL, &source);
	while (!err && !(err = drift_cursor_next(source, &version)))
		if (++cursor->rows % 256 == 0 &&
		    limit_reached(vtab_of(cursor)->session))
			err = DRIFT_INTERRUPTED;
	drift_cursor_close(source);
	if (err == DRIFT_INTERRUPTED)
		return SQLITE_INTERRUPT;
	return err == DRIFT_DONE ? SQLITE_OK : fail(cursor, err);
}

/* Find the row of one whole key: nothing is opened, and nothing comes after it. */
static enum range_answer find_point(struct cursor *cursor, sqlite3_value **argv,
				    enum drift_err *err)
{
	const struct drift_vtab *vtab = vtab_of(cursor);
	struct range_values values = { .equalities = PLAN_EQUALITIES(cursor->plan),
				       .equal = argv };
	enum range_answer answer = range_make_point(&cursor->range, vtab->session,
						    vtab->relation, &values);

	if (answer)
		return answer;
	*err = get_row(cursor, cursor->range.bounds.low);
	if (*err == DRIFT_NO_ROW) {
		*err = DRIFT_OK;
		return RANGE_NONE;
	}
	return RANGE_OK;
}

int cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
		  sqlite3_value **argv)
{
	struct cursor *cursor = (struct cursor *)base;
	enum range_answer answer = RANGE_UNFIT;
	enum drift_err err = DRIFT_OK;

	(void)argc;
	cursor->node = explain_node(vtab_of(cursor)->session->explain, text);
	if (cursor->node)
		cursor->node->loops++;
	drift_cursor_close(cursor->source);
	cursor->source = NULL;
	cursor->at_end = true;
	cursor->plan = plan;
	cursor->kept = NULL;
	if (!set_view(cursor, plan, argv)) {
		cursor->rows = 0;
		cursor->at_end = PLAN_ACCESS(plan) != PLAN_COUNT;
		return SQLITE_OK;
	}
	if (PLAN_ACCESS(plan) == PLAN_COUNT)
		return count_rows(cursor);
	if (asof_is_kept(&cursor->asof)) {
		const struct query_session *session = vtab_of(cursor)->session;

		cursor->kept = asof_form(&cursor->asof) == ASOF_WRITTEN
				       ? &session->written
				       : &session->proposed;
		cursor->kept_at = 0;
		return cursor_next(base);
	}
	argv += plan & PLAN_ASOF ? 3 : 0;
	spans_clear(&cursor->spans);
	if (is_point(cursor)) {
		answer = find_point(cursor, argv, &err);
		if (answer == RANGE_OK)
			return row_found(cursor, err);
	} else if (PLAN_ACCESS(plan) != PLAN_SCAN) {
		answer = take_values(cursor, argv);
	}
	if (answer == RANGE_NOMEM)
		return SQLITE_NOMEM;
	if (answer == RANGE_NONE)
		return SQLITE_OK;
	if (answer == RANGE_UNFIT) {
		spans_clear(&cursor->spans);
		err = open_source(cursor, plan, NULL);
	}
	return err ? fail(cursor, err) : cursor_next(base);
}

/* A delete has no row; its key columns come from the key. */
static int key_result(struct cursor *cursor, sqlite3_context *context, unsigned i)
{
	const struct table_def *def = vtab_of(cursor)->relation->def;
	struct slice rest = cursor->version.key;
	struct reader_value part = { 0 };

	for (unsigned k = 0; k < def->key_count && rest.size > 0; k++) {
		enum drift_err err = key_read(&rest, &part.value);

		if (err)
			return fail(cursor, err);
		if (def->key_columns[k] == i)
			value_result(context, &part, &cursor->text);
	}
	return SQLITE_OK;
}

int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int i)
{
	struct cursor *cursor = (struct cursor *)base;
	unsigned count = vtab_of(cursor)->column_count;
	struct reader_value value;
	const uint8_t *at;
	enum drift_err err;

	i = module_column(vtab_of(cursor), i);
	if ((unsigned)i >= count)
		return hidden_result(cursor, context,
				     (enum relation_hidden)((unsigned)i - count));
	if (sqlite3_vtab_nochange(context))
		return SQLITE_OK;
	if (cursor->version.row.size == 0)
		return key_result(cursor, context, (unsigned)i);
	err = reader_find(&cursor->reader, (unsigned)i, &at);
	if (!err)
		err = reader_read(&cursor->reader, at, &value);
	if (!err)
		value_result(context, &value, &cursor->text);
	return err && err != DRIFT_DONE ? fail(cursor, err) : SQLITE_OK;
}
