/* SPDX-License-Identifier: MIT */
/* relation.c - a table's columns by number and by name.
 *
 * Rows are decoded member by member, so a name must lead to its column at once:
 * columns hang in chains by a hash of their lower-case names, which serves both
 * the exact look-up (documents) and the one that disregards case (SQL). */
#include "query/relation.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/module.h"
#include "query/saved.h"
#include "query/session.h"

#define RELATIONS_KEPT_MAX 100

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* FNV-1a. */
static uint32_t hash_of(struct slice name)
{
	const char *bytes = name.data;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ (unsigned char)lower(bytes[i])) * 16777619u;
	return hash;
}

static bool names_match(const struct relation_column *column, struct slice name,
			bool exact)
{
	if (column->size != name.size)
		return false;
	if (exact)
		return memcmp(column->name, name.data, name.size) == 0;
	return strncasecmp(column->name, name.data, name.size) == 0;
}

static int find(const struct relation *relation, struct slice name, bool exact)
{
	uint32_t hash = hash_of(name);
	int at = -1;

	if (relation->slot_count)
		at = relation->slots[hash & (relation->slot_count - 1)];
	for (; at >= 0; at = relation->columns[at].next) {
		const struct relation_column *column = &relation->columns[at];

		if (column->hash == hash && names_match(column, name, exact) &&
		    (exact || !column->marked))
			return at;
	}
	return -1;
}

int relation_column(const struct relation *relation, struct slice name)
{
	return find(relation, name, true);
}

int relation_column_in_sql(const struct relation *relation, struct slice name)
{
	return find(relation, name, false);
}

int relation_column_named(const struct relation *relation, struct slice name)
{
	int column = find(relation, name, true);

	return column >= 0 && declare_hidden_column(name) < 0
		       ? column
		       : find(relation, name, false);
}

void relation_mark(const struct relation *relation, unsigned column,
		   struct buf *name)
{
	int field = relation->columns[column].field;

	if (field >= 0)
		buf_printf(name, "%c%d", RELATION_MARK, field);
	else
		buf_printf(name, "%cn%u", RELATION_MARK, column);
}

static void chain(struct relation *relation, int column)
{
	struct relation_column *entry = &relation->columns[column];
	int *slot = &relation->slots[entry->hash & (relation->slot_count - 1)];

	entry->next = *slot;
	*slot = column;
}

static enum drift_err grow(struct relation *relation)
{
	unsigned capacity = relation->column_capacity * 2 + 16;
	struct relation_column *columns;
	int *slots;

	columns = realloc(relation->columns, capacity * sizeof(*columns));
	if (!columns)
		return DRIFT_NOMEM;
	relation->columns = columns;
	relation->column_capacity = capacity;
	if (relation->slot_count == 0)
		relation->slot_count = 32;
	while (relation->slot_count < capacity)
		relation->slot_count *= 2;
	slots = realloc(relation->slots, relation->slot_count * sizeof(*slots));
	if (!slots)
		return DRIFT_NOMEM;
	relation->slots = slots;
	memset(slots, 0xff, relation->slot_count * sizeof(*slots));
	for (unsigned i = 0; i < relation->column_count; i++)
		chain(relation, (int)i);
	return DRIFT_OK;
}

/* A field's name that SQL cannot use: empty, taken, or a hidden column's. */
static bool needs_mark(const struct relation *relation,
		       const struct relation_column *column)
{
	struct slice name = slice_of(column->name, column->size);

	if (column->def)
		return false;
	return name.size == 0 || declare_hidden_column(name) >= 0 ||
	       find(relation, name, false) >= 0;
}

static enum drift_err add_column(struct relation *relation,
				 struct relation_column column)
{
	if (relation->column_count >= RELATION_COLUMNS_MAX)
		return DRIFT_LIMIT;
	if (relation->column_count == relation->column_capacity && grow(relation))
		return DRIFT_NOMEM;
	column.size = (uint32_t)strlen(column.name);
	column.hash = hash_of(slice_of(column.name, column.size));
	column.step = msg_step_name_of(column.name, column.size);
	column.marked = needs_mark(relation, &column);
	relation->marked_count += column.marked;
	relation->columns[relation->column_count] = column;
	chain(relation, (int)relation->column_count++);
	relation->declared = false;
	return DRIFT_OK;
}

struct drift_view relation_fields_view(const struct query_session *session)
{
	return session->pinned ? drift_view_at(session->db, session->as_of)
			       : drift_view_live(session->db);
}

/* Take in the fields that were seen since the last time. */
static enum drift_err take_fields(struct relation *relation, struct drift_view view)
{
	unsigned count;

	if (!relation->def->document || relation->def->id == 0)
		return DRIFT_OK;
	count = drift_field_count(view, relation->def->id);
	for (; relation->fields_taken < count; relation->fields_taken++) {
		unsigned i = relation->fields_taken;
		struct field field = drift_field(view, relation->def->id, i);
		int at = relation_column(relation, slice_str(field.name));
		enum drift_err err;

		if (at >= 0) {
			if (relation->columns[at].def)
				continue;
			if (relation->columns[at].marked &&
			    relation->columns[at].field != (int)i)
				relation->declared = false; /* it has another mark */
			relation->columns[at].field = (int)i;
			continue;
		}
		err = add_column(relation, (struct relation_column){
						   .name = field.name,
						   .field = (int)i,
					   });
		if (err == DRIFT_NOMEM)
			return err;
	}
	return DRIFT_OK;
}

enum drift_err relation_add_field(struct relation *relation, struct slice name)
{
	char *copy = strndup(name.data, name.size);
	enum drift_err err;

	if (!copy)
		return DRIFT_NOMEM;
	err = add_column(relation, (struct relation_column){
					   .name = copy,
					   .field = -1,
					   .owned = true,
				   });
	if (err)
		free(copy);
	return err;
}

enum drift_err relation_note_members(struct relation *relation,
				     struct slice document)
{
	struct msg_cursor cursor = msg_cursor_of(document);
	struct slice name;
	uint32_t count;
	enum drift_err err = msg_read_map(&cursor, &count);

	while (!err && count-- > 0) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, NULL);
		if (!err && relation_column(relation, name) < 0)
			err = relation_add_field(relation, name);
	}
	return err == DRIFT_LIMIT ? DRIFT_OK : err;
}

static void relation_free(struct relation *relation)
{
	for (unsigned i = 0; i < relation->column_count; i++)
		if (relation->columns[i].owned)
			free((char *)relation->columns[i].name);
	free(relation->columns);
	free(relation->slots);
	free(relation->name);
	free(relation);
}

static struct relation *relation_new(const char *name, const struct table_def *def)
{
	struct relation *relation = calloc(1, sizeof(*relation));

	if (!relation)
		return NULL;
	relation->def = def;
	relation->name = strdup(name);
	if (!relation->name) {
		free(relation);
		return NULL;
	}
	for (unsigned i = 0; i < def->column_count; i++) {
		struct relation_column column = {
			.name = def->columns[i].name,
			.field = -1,
			.def = &def->columns[i],
		};

		if (add_column(relation, column)) {
			relation_free(relation);
			return NULL;
		}
	}
	return relation;
}

static struct relation **find_by_name(struct query_session *session,
				      const char *name)
{
	struct relation **at = &session->relations;

	while (*at && strcasecmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

/* Unlink and free; SQLite forgets it too. */
static void forget(struct query_session *session, struct relation **at)
{
	struct relation *relation = *at;
	struct buf sql = BUF_INIT;

	compiled_forget(session);

	buf_add_str(&sql, "DROP TABLE IF EXISTS ");
	token_quote_name(slice_str(relation->name), &sql);
	(void)!session_exec(session, buf_cstr(&sql), NULL);
	buf_release(&sql);
	*at = relation->next;
	relation_free(relation);
}

void relation_forget_all(struct query_session *session)
{
	while (session->relations)
		forget(session, &session->relations);
}

void relation_forget_many(struct query_session *session)
{
	unsigned count = 0;

	for (const struct relation *at = session->relations; at; at = at->next)
		count++;
	if (count > RELATIONS_KEPT_MAX)
		relation_forget_all(session);
}

bool relation_shows(const struct relation *relation, unsigned column)
{
	const struct relation_column *entry = &relation->columns[column];

	return entry->def || relation->fields_shown == RELATION_ALL ||
	       (entry->field >= 0 &&
		(unsigned)entry->field < relation->fields_shown);
}

/* How many fields the view's `*` shows. What a transaction wrote itself is among them
 * without having a number. */
static unsigned fields_shown(const struct table_def *def, struct drift_view view)
{
	return !def->document || def->id == 0 || view.txn
		       ? RELATION_ALL
		       : drift_field_count(view, def->id);
}

static enum drift_err get(struct query_session *session, const char *name,
			  const struct table_def *def, struct relation **relation)
{
	struct relation **at = find_by_name(session, name);

	if (*at && ((*at)->def != def || strcmp((*at)->name, name) != 0))
		forget(session, at);
	at = find_by_name(session, name);
	if (!*at)
		*at = relation_new(name, def);
	*relation = *at;
	if (!*at)
		return DRIFT_NOMEM;
	return take_fields(*at, relation_fields_view(session));
}

enum drift_err relation_get(struct query_session *session,
			    const struct table_def *def, struct relation **relation)
{
	enum drift_err err = get(session, def->name, def, relation);

	if (!err)
		(*relation)->fields_shown = fields_shown(def, session->view);
	return err;
}

enum drift_err relation_get_timed(struct query_session *session,
				  const struct table_def *def,
				  const struct drift_view *view,
				  struct relation **relation)
{
	unsigned shown = view ? fields_shown(def, *view) : RELATION_ALL;
	struct buf name = BUF_INIT;
	enum drift_err err;

	if (shown != RELATION_ALL &&
	    shown >= drift_field_count(relation_fields_view(session), def->id))
		shown = RELATION_ALL;

	/* Longer than any table's own name may be. */
	buf_printf(&name, "%s@%0*u.%u", def->name, TABLE_NAME_BYTES_MAX, def->id,
		   def->version);
	if (shown != RELATION_ALL)
		buf_printf(&name, ".%u", shown);
	err = buf_status(&name);
	if (!err)
		err = get(session, buf_cstr(&name), def, relation);
	if (!err) {
		(*relation)->timed = true;
		(*relation)->fields_shown = shown;
	}
	buf_release(&name);
	return err;
}

const struct table_def *relation_table(struct drift_view view, struct slice name)
{
	const struct table_def *def = drift_table(view, name);
	char folded[TABLE_NAME_BYTES_MAX];
	const char *bytes = name.data;

	if (def || name.size > sizeof(folded))
		return def;
	for (size_t i = 0; i < name.size; i++)
		folded[i] = lower(bytes[i]);
	if (slice_equal(slice_of(folded, name.size), name))
		return NULL;
	return drift_table(view, slice_of(folded, name.size));
}

/* A saved query, as the statement's view has it. */
static enum drift_err sync_saved(struct query_session *session, struct slice name,
				 struct drift_error *error)
{
	const struct table_def *def = saved_find(session->view, name);
	struct buf declared = BUF_INIT;
	enum drift_err err;

	if (!def)
		def = saved_find(transaction_present(session), name);
	if (!def)
		return DRIFT_OK;
	err = saved_declare(session, def, NULL, &declared, error);
	buf_release(&declared);
	return err;
}

/* Declare what the name stands for, if it is a table's: in the statement's view, or by
 * now, for a table that is younger than its view has no rows there, and is no error. */
static enum drift_err sync_name(struct query_session *session, struct slice name,
				struct drift_error *error)
{
	const struct table_def *def = relation_table(session->view, name);
	struct relation *relation;
	enum drift_err err;

	if (!def)
		def = relation_table(transaction_present(session), name);
	if (!def) {
		struct relation **at = &session->relations;

		while (*at && (strlen((*at)->name) != name.size ||
			       strncasecmp((*at)->name, name.data, name.size) != 0))
			at = &(*at)->next;
		if (*at)
			forget(session, at);
		return sync_saved(session, name, error);
	}
	err = relation_get(session, def, &relation);
	if (err)
		return drift_fail_code(error, err);
	return relation_declare(session, relation, error);
}

enum drift_err relation_sync(struct query_session *session, const char *script,
			     const struct token *tokens, unsigned count,
			     struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++) {
		struct slice text = token_slice(script, tokens[i]);

		if (!token_is_name(tokens[i]))
			continue;
		if (tokens[i].kind == TOKEN_QUOTED) {
			buf_clear(&name);
			token_text(script, tokens[i], &name);
			text = buf_slice(&name);
		}
		if (text.size > 0 && text.size <= TABLE_NAME_BYTES_MAX)
			err = sync_name(session, text, error);
	}
	buf_release(&name);
	return err;
}
