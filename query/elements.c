/* SPDX-License-Identifier: MIT */
/* elements.c - functions whose rows are the elements of a JSON array or object, or of
 * what another function makes of their arguments: unnest(), json_array_elements(),
 * regexp_matches() ... Each is a query over SQLite's json_each(). */
#include "query/error.h"
#include "query/function.h"
#include "query/function_table.h"
#include "query/session.h"
#include "query/value.h"

enum shape {
	VALUES,   /* as SQLite has them: text is text */
	TEXTS,    /* arrays and objects as their JSON */
	DOCUMENTS /* as JSON: text in quotes */
};

struct elements {
	struct source_cursor base;
	sqlite3_stmt *each;
};

struct elements_source {
	struct source source; /* first */
	enum shape shape;
	/* Its columns are key, value and type. */
	const char *query;
};

#define EACH(what) "SELECT key, value, type FROM json_each(" what ")"
#define ARRAY EACH("drift_elements(?1, 'array')")
#define OBJECT EACH("drift_elements(?1, 'object')")

static enum drift_err begin(struct source_cursor *base,
			    const struct source_call *call,
			    struct drift_error *error)
{
	struct elements *elements = (struct elements *)base;
	const struct elements_source *of =
		(const struct elements_source *)base->source;
	int rc = SQLITE_OK;

	if (elements->each)
		(void)sqlite3_reset(elements->each);
	else
		rc = sqlite3_prepare_v3(base->session->sqlite, of->query, -1, 0,
					&elements->each, NULL);
	for (int i = 0; i < call->count && !rc; i++)
		rc = sqlite3_bind_value(elements->each, i + 1, call->values[i]);
	return rc ? error_of_sqlite(base->session, rc, NULL, NULL, error) : DRIFT_OK;
}

static enum drift_err next(struct source_cursor *base, struct drift_error *error)
{
	struct elements *elements = (struct elements *)base;
	int rc = sqlite3_step(elements->each);

	if (rc == SQLITE_ROW)
		return DRIFT_OK;
	return rc == SQLITE_DONE
		       ? DRIFT_DONE
		       : error_of_sqlite(base->session, rc, NULL, NULL, error);
}

static void close(struct source_cursor *base)
{
	sqlite3_finalize(((struct elements *)base)->each);
}

static enum drift_err answer_value(sqlite3_stmt *each, sqlite3_context *context,
				   enum shape shape)
{
	const char *type = (const char *)sqlite3_column_text(each, 2);
	sqlite3_value *value = sqlite3_column_value(each, 1);
	struct slice slice = function_slice(value);
	struct buf text = BUF_INIT;

	if (strcmp(type, "true") == 0 || strcmp(type, "false") == 0) {
		if (shape != VALUES) {
			sqlite3_result_text(context, type, -1, SQLITE_TRANSIENT);
		} else {
			sqlite3_result_int(context, type[0] == 't');
			sqlite3_result_subtype(context, VALUE_BOOLEAN);
		}
	} else if (shape == DOCUMENTS && strcmp(type, "text") == 0) {
		json_print_text(slice, &text);
		function_text(context, &text);
	} else if (shape == DOCUMENTS && strcmp(type, "null") == 0) {
		sqlite3_result_text(context, "null", -1, SQLITE_STATIC);
	} else if (shape == TEXTS && strcmp(type, "null") != 0) {
		buf_add_slice(&text, slice);
		function_text(context, &text);
	} else {
		sqlite3_result_value(context, value);
	}
	if (shape != TEXTS && (strcmp(type, "array") == 0 ||
			       strcmp(type, "object") == 0 || shape == DOCUMENTS))
		sqlite3_result_subtype(context, VALUE_JSON);
	return DRIFT_OK;
}

/* The value is the last visible column, a key may stand before it. */
static enum drift_err column(struct source_cursor *base, sqlite3_context *context,
			     int number)
{
	const struct elements_source *of =
		(const struct elements_source *)base->source;
	sqlite3_stmt *each = ((struct elements *)base)->each;
	bool pairs = strcmp(of->source.columns[0], "key") == 0;

	if (number > (int)pairs)
		return DRIFT_OK;
	if (pairs && number == 0) {
		sqlite3_result_value(context, sqlite3_column_value(each, 0));
		return DRIFT_OK;
	}
	return answer_value(each, context, of->shape);
}

#define KEYS "SELECT key, key, 'text' FROM json_each(drift_elements(?1, 'object'))"

#define SOURCE(function, most, least, ...)                              \
	{                                                               \
		.name = (function), .columns = { __VA_ARGS__ },         \
		.arguments = (most), .arguments_wanted = (least),       \
		.cursor_size = sizeof(struct elements), .begin = begin, \
		.next = next, .column = column, .close = close          \
	}
#define ONE(name, column, shape, query)                              \
	{                                                            \
		SOURCE(name, 1, 1, column, "a HIDDEN"), shape, query \
	}
#define PAIR(name, shape)                                                     \
	{                                                                     \
		SOURCE(name, 1, 1, "key", "value", "a HIDDEN"), shape, OBJECT \
	}
#define SPLIT(name, shape, query)                                             \
	{                                                                     \
		SOURCE(name, 3, 2, name, "a HIDDEN", "b HIDDEN", "c HIDDEN"), \
			shape, query                                          \
	}

static const struct elements_source list[] = {
	ONE("unnest", "unnest", VALUES, EACH("drift_array(?1)")),
	ONE("json_array_elements", "value", DOCUMENTS, ARRAY),
	ONE("jsonb_array_elements", "value", DOCUMENTS, ARRAY),
	ONE("json_array_elements_text", "value", TEXTS, ARRAY),
	ONE("jsonb_array_elements_text", "value", TEXTS, ARRAY),
	ONE("json_object_keys", "json_object_keys", VALUES, KEYS),
	ONE("jsonb_object_keys", "jsonb_object_keys", VALUES, KEYS),
	PAIR("jsonb_each", DOCUMENTS),
	PAIR("json_each_text", TEXTS),
	PAIR("jsonb_each_text", TEXTS),
	ONE("pg_partition_ancestors", "relid", VALUES, EACH("'[]'")),
	SPLIT("string_to_table", VALUES, EACH("string_to_array(?1, ?2, ?3)")),
	SPLIT("regexp_split_to_table", VALUES,
	      EACH("regexp_split_to_array(?1, ?2, coalesce(?3, ''))")),
	SPLIT("regexp_matches", VALUES,
	      EACH("drift_regexp_matches(?1, ?2, coalesce(?3, ''))")),
};

const struct source *elements_table(unsigned i)
{
	return i < sizeof(list) / sizeof(*list) ? &list[i].source : NULL;
}
