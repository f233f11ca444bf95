/* SPDX-License-Identifier: MIT */
/* sequence_column.c - columns that take their values from sequences: by a DEFAULT that is
 * exactly nextval('s'), which SERIAL and IDENTITY write for themselves. Such a default is
 * not evaluated by rules.c, which knows no database, but here, before a row is shaped. */
#include <strings.h>

#include "query/session.h"

/* The name in a text, as SQL reads it: public.s, "S". */
static bool read_name(const char *text, size_t size, struct buf *name)
{
	size_t at = 0;
	struct token token = token_next(text, size, &at);

	if (token_is_word(text, token, "public")) {
		size_t next = at;

		if (token_is(text, token_next(text, size, &next), ".")) {
			at = next;
			token = token_next(text, size, &at);
		}
	}
	if (!token_is_name(token) || token_next(text, size, &at).kind != TOKEN_END)
		return false;
	token_text(text, token, name);
	return true;
}

enum drift_err sequence_find(struct drift_view view, struct slice text,
			     const struct table_def **def, struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	*def = NULL;
	if (!read_name(text.data, text.size, &name))
		err = drift_fail(error, DRIFT_SYNTAX, "invalid name syntax");
	if (!err)
		*def = relation_table(view, buf_slice(&name));
	if (!err && !*def)
		err = drift_fail(error, DRIFT_NO_SEQUENCE,
				 "relation \"%s\" does not exist", buf_cstr(&name));
	if (!err && !(*def)->sequence)
		err = drift_fail(error, DRIFT_WRONG_KIND, "\"%s\" is not a sequence",
				 buf_cstr(&name));
	buf_release(&name);
	return err;
}

bool sequence_in_default(const char *sql, struct buf *name)
{
	size_t size = sql ? strlen(sql) : 0, at = 0;
	struct buf text = BUF_INIT, read = BUF_INIT;
	struct token token;
	bool whole;

	if (!sql || strncasecmp(sql, "nextval", 7) != 0)
		return false;
	(void)token_next(sql, size, &at);
	whole = token_is(sql, token_next(sql, size, &at), "(");
	token = token_next(sql, size, &at);
	whole = whole && token.kind == TOKEN_STRING;
	if (whole)
		token_text(sql, token, &text);
	token = token_next(sql, size, &at);
	if (token_is(sql, token, "::")) {
		whole = whole &&
			token_is_word(sql, token_next(sql, size, &at), "regclass");
		token = token_next(sql, size, &at);
	}
	whole = whole && token_is(sql, token, ")") &&
		token_next(sql, size, &at).kind == TOKEN_END &&
		read_name(buf_cstr(&text), text.size, &read);
	if (whole && name)
		buf_add_slice(name, buf_slice(&read));
	buf_release(&text);
	buf_release(&read);
	return whole;
}

bool sequence_has_default(const struct table_def *def)
{
	for (unsigned i = 0; i < def->column_count; i++)
		if (def->columns[i].default_sql &&
		    sequence_in_default(def->columns[i].default_sql, NULL))
			return true;
	return false;
}

void sequence_name_for(const struct table_def *def, const struct column_def *column,
		       struct buf *name)
{
	buf_printf(name, "%s_%s", def->name, column->name);
	if (name->size > TABLE_NAME_BYTES_MAX - 8)
		name->size = TABLE_NAME_BYTES_MAX - 8;
	buf_add_str(name, "_seq");
}

enum drift_err sequence_set_default(const struct table_def *def,
				    struct column_def *column, struct slice name)
{
	struct buf own = BUF_INIT, quoted = BUF_INIT, sql = BUF_INIT;
	enum drift_err err;

	if (!name.size) {
		sequence_name_for(def, column, &own);
		name = buf_slice(&own);
	}
	token_quote_name(name, &quoted);
	buf_add_str(&sql, "nextval(");
	token_quote_string(buf_slice(&quoted), &sql);
	buf_add_char(&sql, ')');
	err = buf_status(&own) || buf_status(&quoted) ? DRIFT_NOMEM
						      : buf_status(&sql);
	if (!err)
		err = ddl_keep_text(&column->default_sql, buf_slice(&sql));
	buf_release(&own);
	buf_release(&quoted);
	buf_release(&sql);
	return err;
}

/* Is the word one of those that the column was declared with? */
static bool is_declared(const struct column_def *column, const char *word)
{
	const char *declared = column->declared;
	size_t size = declared ? strlen(declared) : 0, at = 0;
	struct token token;

	while ((token = token_next(declared, size, &at)).kind != TOKEN_END)
		if (token_is_word(declared, token, word))
			return true;
	return false;
}

bool sequence_is_owned(const struct column_def *column)
{
	static const char *const words[] = { "SERIAL",  "BIGSERIAL", "SMALLSERIAL",
					     "SERIAL2", "SERIAL4",   "SERIAL8",
					     "IDENTITY" };

	if (!sequence_in_default(column->default_sql, NULL))
		return false;
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_declared(column, words[i]))
			return true;
	return false;
}

bool sequence_is_always(const struct column_def *column)
{
	return column->declared && is_declared(column, "ALWAYS") &&
	       is_declared(column, "IDENTITY");
}

enum drift_err sequence_refuse_update(const struct column_def *column,
				      struct drift_error *error)
{
	return drift_fail(error, DRIFT_ALWAYS,
			  "column \"%s\" can only be updated to DEFAULT",
			  column->name);
}

enum drift_err sequence_refuse_patch(const struct table_def *def, struct slice patch,
				     struct drift_error *error)
{
	struct slice value;

	for (unsigned i = 0; i < def->column_count; i++)
		if (sequence_is_always(&def->columns[i]) &&
		    msg_member(patch, slice_str(def->columns[i].name), &value) ==
			    DRIFT_OK)
			return sequence_refuse_update(&def->columns[i], error);
	return DRIFT_OK;
}

enum drift_err sequence_take(struct query_session *session,
			     const struct column_def *column, struct buf *value,
			     struct drift_error *error)
{
	struct buf name = BUF_INIT;
	const struct table_def *def;
	int64_t number = 0;
	enum drift_err err = DRIFT_OK;

	if (!sequence_in_default(column->default_sql, &name))
		err = DRIFT_INTERNAL;
	if (!err) {
		struct buf quoted = BUF_INIT;

		token_quote_name(buf_slice(&name), &quoted);
		err = sequence_find(transaction_present(session), buf_slice(&quoted),
				    &def, error);
		buf_release(&quoted);
	}
	if (!err)
		err = sequence_next(session, def, &number, error);
	if (!err)
		msg_add_int(value, number);
	buf_release(&name);
	return err;
}

/* One column's number, if the document has none. */
static enum drift_err fill_column(struct query_session *session,
				  const struct table_def *def, unsigned i,
				  struct buf *document, struct drift_error *error)
{
	const struct column_def *column = &def->columns[i];
	struct buf value = BUF_INIT, with = BUF_INIT;
	struct slice there;
	enum drift_err err =
		msg_member(buf_slice(document), slice_str(column->name), &there);

	if (!err && sequence_is_always(column))
		return drift_fail(error, DRIFT_ALWAYS,
				  "cannot insert a non-DEFAULT value into column "
				  "\"%s\": it is an identity column defined as "
				  "GENERATED ALWAYS",
				  column->name);
	if (err != DRIFT_DONE)
		return err;
	err = sequence_take(session, column, &value, error);
	if (!err)
		err = msg_with_member(buf_slice(document), slice_str(column->name),
				      buf_slice(&value), &with);
	if (!err) {
		buf_release(document);
		*document = with;
		with = BUF_INIT;
	}
	buf_release(&with);
	buf_release(&value);
	return err;
}

enum drift_err sequence_fill(struct query_session *session,
			     const struct table_def *def, struct slice document,
			     struct buf *filled, struct drift_error *error)
{
	enum drift_err err;

	buf_add_slice(filled, document);
	err = buf_status(filled);
	for (unsigned i = 0; i < def->column_count && !err; i++)
		if (sequence_in_default(def->columns[i].default_sql, NULL))
			err = fill_column(session, def, i, filled, error);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
