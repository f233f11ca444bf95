/* SPDX-License-Identifier: MIT */
/* declare.c - how SQLite is told of a table, and what types its columns have.
 *
 * Declared types matter to SQLite as affinities in comparisons only; what a column
 * answers is the row's own value. A key without a numeric type is TEXT, so that 1
 * and "1" are one key; other fields have no affinity: no value is bent. */
#include <stdio.h>
#include <strings.h>

#include "query/module.h"
#include "query/session.h"

static const struct {
	const char *name;
	enum drift_type type;
} hidden[HIDDEN_COUNT] = {
	[HIDDEN_FORM] = { "_form", DRIFT_INTEGER },
	[HIDDEN_A] = { "_a", DRIFT_INTEGER },
	[HIDDEN_B] = { "_b", DRIFT_INTEGER },
	[HIDDEN_DOC] = { "doc", DRIFT_JSON },
	[HIDDEN_ROW_START] = { "row_start", DRIFT_TIMESTAMP },
	[HIDDEN_ROW_END] = { "row_end", DRIFT_TIMESTAMP },
	[HIDDEN_SEQ] = { "_seq", DRIFT_INTEGER },
	[HIDDEN_SEQ_END] = { "_seq_end", DRIFT_INTEGER },
	[HIDDEN_OP] = { "_op", DRIFT_TEXT },
	[HIDDEN_TX] = { "_tx", DRIFT_INTEGER },
	[HIDDEN_USER] = { "_user", DRIFT_TEXT },
	[HIDDEN_COMMENT] = { "_comment", DRIFT_TEXT },
	[HIDDEN_ROWS] = { RELATION_ROWS, DRIFT_INTEGER },
	[HIDDEN_KEY] = { "_key", DRIFT_BLOB },
};

int declare_hidden_column(struct slice name)
{
	for (int i = 0; i < HIDDEN_COUNT; i++)
		if (strlen(hidden[i].name) == name.size &&
		    strncasecmp(hidden[i].name, name.data, name.size) == 0)
			return i;
	return -1;
}

static bool is_key(const struct table_def *def, unsigned column)
{
	for (unsigned i = 0; i < def->key_count; i++)
		if (def->key_columns[i] == column)
			return true;
	return false;
}

enum relation_affinity relation_affinity(const struct relation *relation,
					 unsigned column)
{
	const struct column_def *def = relation->columns[column].def;

	if (!def)
		return RELATION_NO_AFFINITY;
	if (is_key(relation->def, column) && def->type != DRIFT_INTEGER &&
	    def->type != DRIFT_REAL)
		return RELATION_TEXT;
	switch (def->type) {
	case DRIFT_INTEGER:
	case DRIFT_REAL:
	case DRIFT_BOOLEAN:
		return RELATION_NUMERIC;
	case DRIFT_TEXT:
	case DRIFT_TIMESTAMP:
	case DRIFT_DATE:
		return RELATION_TEXT;
	default:
		return RELATION_NO_AFFINITY;
	}
}

static void add_column(const struct relation *relation, unsigned i, struct buf *sql)
{
	const struct relation_column *column = &relation->columns[i];
	static const char *const affinities[] = {
		[RELATION_NO_AFFINITY] = "",
		[RELATION_TEXT] = " TEXT",
		[RELATION_NUMERIC] = " NUMERIC",
	};
	struct buf name = BUF_INIT;

	buf_add(&name, column->name, column->size);
	if (column->marked)
		relation_mark(relation, i, &name);
	token_quote_name(buf_slice(&name), sql);
	buf_add_str(sql, affinities[relation_affinity(relation, i)]);
	if (!relation_shows(relation, i))
		buf_add_str(sql, " HIDDEN");
	buf_add_str(sql, ", ");
	buf_release(&name);
}

static void add_hidden(const struct relation *relation, unsigned i, struct buf *sql)
{
	bool taken =
		relation_column_in_sql(relation, slice_str(hidden[i].name)) >= 0;
	struct buf name = BUF_INIT;

	buf_add_str(&name, hidden[i].name);
	if (taken)
		buf_add_char(&name, RELATION_MARK);
	token_quote_name(buf_slice(&name), sql);
	buf_add_str(sql, i == HIDDEN_KEY ? " BLOB HIDDEN PRIMARY KEY"
			 : hidden[i].type == DRIFT_TIMESTAMP ? " TEXT HIDDEN, "
							     : " HIDDEN, ");
	buf_release(&name);
}

void declare_columns(const struct relation *relation, struct buf *sql)
{
	unsigned arguments = relation->timed ? RELATION_ARGUMENTS : 0;

	buf_add_str(sql, "CREATE TABLE x(");
	for (unsigned i = 0; i < arguments; i++)
		add_hidden(relation, i, sql);
	for (unsigned i = 0; i < relation->column_count; i++)
		add_column(relation, i, sql);
	for (unsigned i = arguments; i < HIDDEN_COUNT; i++)
		add_hidden(relation, i, sql);
	buf_add_str(sql, ") WITHOUT ROWID");
}

enum drift_err relation_declare(struct query_session *session,
				struct relation *relation, struct drift_error *error)
{
	unsigned hidden = 0;
	struct buf sql = BUF_INIT;
	enum drift_err err;

	/* More fields shown hide fewer columns: as many hidden are the same ones. */
	for (unsigned i = 0; i < relation->column_count; i++)
		hidden += !relation_shows(relation, i);
	if (relation->declared && relation->fields_hidden == hidden)
		return DRIFT_OK;
	relation->fields_hidden = hidden;
	compiled_forget(session);
	buf_add_str(&sql, "DROP TABLE IF EXISTS ");
	token_quote_name(slice_str(relation->name), &sql);
	buf_add_str(&sql, "; CREATE VIRTUAL TABLE ");
	token_quote_name(slice_str(relation->name), &sql);
	buf_add_str(&sql, " USING drift(");
	token_quote_name(slice_str(relation->name), &sql);
	buf_add_str(&sql, ")");
	err = buf_status(&sql);
	if (!err)
		err = session_exec(session, buf_cstr(&sql), error);
	relation->declared = !err;
	buf_release(&sql);
	return err;
}

uint32_t relation_column_types(const struct query_session *session,
			       const struct relation *relation, int column)
{
	const struct relation_column *entry = &relation->columns[column];

	if (entry->field < 0 || session->transaction.txn)
		return UINT32_MAX;
	return drift_field(relation_fields_view(session), relation->def->id,
			   (unsigned)entry->field)
		.types;
}

/* What clients are told of a field that held these types so far. */
static enum drift_type type_of_field(uint32_t types)
{
	const uint32_t containers = 1u << MSG_ARRAY | 1u << MSG_MAP;

	types &= ~(1u << MSG_NIL);
	if (types == 1u << MSG_BOOL)
		return DRIFT_BOOLEAN;
	if (types == 1u << MSG_INT)
		return DRIFT_INTEGER;
	if (types == 1u << MSG_TEXT)
		return DRIFT_TEXT;
	if (types && !(types & ~(1u << MSG_INT | 1u << MSG_REAL)))
		return DRIFT_REAL;
	if (types && !(types & ~containers))
		return DRIFT_JSON;
	return DRIFT_ANY;
}

enum drift_type relation_column_type(const struct query_session *session,
				     const struct relation *relation, int column)
{
	const struct relation_column *entry = &relation->columns[column];

	if (entry->def && relation->def->document)
		return drift_has_integer_keys(session->db, relation->def->id) ||
				       session->transaction.txn
			       ? DRIFT_ANY
			       : DRIFT_TEXT;
	if (entry->def)
		return entry->def->type;
	return type_of_field(relation_column_types(session, relation, column));
}

int relation_origin(const struct query_session *session, const char *table,
		    const char *column, const struct relation **relation,
		    enum drift_type *type)
{
	const struct relation *at = session->relations;
	const char *mark;
	int found;

	*type = DRIFT_ANY;
	while (at && table && strcasecmp(at->name, table) != 0)
		at = at->next;
	*relation = at;
	if (!at || !table || !column)
		return -1;
	mark = strchr(column, RELATION_MARK);
	found = mark ? -1 : relation_column_in_sql(at, slice_str(column));
	if (mark && mark[1])
		found = relation_column(at,
					slice_of(column, (size_t)(mark - column)));
	if (found >= 0) {
		*type = relation_column_type(session, at, found);
		return found;
	}
	found = declare_hidden_column(
		mark ? slice_of(column, (size_t)(mark - column))
		     : slice_str(column));
	if (found >= 0)
		*type = hidden[found].type;
	return -1;
}
