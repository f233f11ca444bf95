/* SPDX-License-Identifier: MIT */
/* rewrite_from.c - what else than tables stands in FROM.
 *
 * A function is a virtual table of its own name for its columns, as PostgreSQL names
 * them: f(x) AS t (a, b) is "f@a,b"(x) AS t, and where a function has one column, f(x) AS
 * a has it called a. A query with names for its columns, (SELECT ...) AS t (a, b),
 * becomes (WITH drift_rows (a, b) AS (SELECT ...) SELECT * FROM drift_rows) AS t. */
#include <strings.h>

#include "query/catalog.h"
#include "query/function_table.h"
#include "query/rewriter.h"
#include "query/saved.h"
#include "query/session.h"

/* The alias after token `after`, and the list of names behind it; 0: there is none. */
struct alias {
	unsigned name;
	unsigned open, close;
};

static struct alias alias_at(const struct rewriter *rewriter, unsigned after)
{
	struct alias alias = { 0 };

	if (!rewrite_is_alias(rewriter, after))
		return alias;
	after += rewriter_is_word(rewriter, after, "AS");
	if (!token_is_name(rewriter_token(rewriter, after)))
		return alias;
	alias.name = after;
	if (!rewriter_is_punct(rewriter, after + 1, "("))
		return alias;
	alias.open = after + 1;
	alias.close = verb_find_close(&rewriter->statement, after + 1);
	return alias;
}

/* The names between the parentheses, each as "a"; ", " between. */
static enum drift_err read_names(struct rewriter *rewriter,
				 const struct alias *alias, unsigned *count,
				 struct buf *quoted)
{
	for (unsigned i = alias->open + 1; i < alias->close; i += 2) {
		struct token token = rewriter_token(rewriter, i);
		struct buf name = BUF_INIT;

		if (!token_is_name(token))
			return statement_syntax(&rewriter->statement, token,
						rewriter->error);
		if (i + 1 < alias->close && !rewriter_is_punct(rewriter, i + 1, ","))
			return rewriter_refuse(rewriter, i + 1,
					       "a type in a list of columns");
		token_text(rewriter->statement.script, token, &name);
		buf_add_str(quoted, *count ? ", " : "");
		token_quote_name(buf_slice(&name), quoted);
		buf_release(&name);
		++*count;
	}
	return buf_status(quoted);
}

static unsigned column_count(const struct source *source)
{
	unsigned count = 0;

	while (source->columns[count])
		count++;
	return count - source->arguments;
}

/* Make SQLite know the function under a name that tells its columns'. */
static enum drift_err declare(struct rewriter *rewriter, const struct source *source,
			      struct slice names, struct buf *called)
{
	struct query_session *session = rewriter->session;
	struct buf sql = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	buf_printf(called, "%s@", source->name);
	buf_add_slice(called, names);
	if (saved_is(session, buf_cstr(called)))
		return buf_status(called);
	if (!session->function_tables)
		err = function_table_register(session, rewriter->error);
	session->function_tables |= !err;
	buf_add_str(&sql, "CREATE VIRTUAL TABLE temp.");
	token_quote_name(buf_slice(called), &sql);
	buf_printf(&sql, " USING %s(", source->name);
	buf_add_slice(&sql, names);
	buf_add_char(&sql, ')');
	if (!err)
		err = buf_status(&sql) || buf_status(called) ? DRIFT_NOMEM
							     : DRIFT_OK;
	if (!err)
		err = session_exec(session, buf_cstr(&sql), rewriter->error);
	if (!err)
		err = saved_note(session, buf_cstr(called), true);
	buf_release(&sql);
	return err;
}

/* What the function's columns are called here; numbered: with their numbers' too. */
static enum drift_err name_columns(struct rewriter *rewriter,
				   const struct source *source, bool numbered,
				   const struct alias *alias, struct buf *names)
{
	struct buf one = BUF_INIT;
	unsigned count = 0, most = column_count(source) + numbered;
	enum drift_err err = DRIFT_OK;

	if (alias->open) {
		err = read_names(rewriter, alias, &count, names);
	} else if (alias->name && column_count(source) == 1) {
		token_text(rewriter->statement.script,
			   rewriter_token(rewriter, alias->name), &one);
		token_quote_name(buf_slice(&one), names);
		count = 1;
	}
	buf_release(&one);
	if (!err && count > most)
		err = statement_place(
			rewriter_token(rewriter, alias->open),
			drift_fail(rewriter->error, DRIFT_BAD_ARGUMENT,
				   "table \"%s\" has %u columns available but %u "
				   "columns specified",
				   source->name, most, count),
			rewriter->error);
	for (; !err && count < column_count(source); count++) {
		buf_add_str(names, count ? ", " : "");
		token_quote_name(slice_str(source->columns[count]), names);
	}
	if (numbered && count < most)
		buf_add_str(names, ", \"ordinality\"");
	return err;
}

static enum drift_err note_function(struct rewriter *rewriter, unsigned i,
				    const struct source *source)
{
	unsigned close = verb_find_close(&rewriter->statement, i + 1);
	bool numbered = rewriter_is_word(rewriter, close + 1, "WITH") &&
			rewriter_is_word(rewriter, close + 2, "ORDINALITY");
	struct alias alias = alias_at(rewriter, close + 1 + 2 * numbered);
	struct buf names = BUF_INIT, called = BUF_INIT, quoted = BUF_INIT;
	enum drift_err err =
		name_columns(rewriter, source, numbered, &alias, &names);

	if (!err)
		err = declare(rewriter, source, buf_slice(&names), &called);
	if (!err) {
		token_quote_name(buf_slice(&called), &quoted);
		edit_instead(&rewriter->edits, i, i + 1, buf_slice(&quoted));
		if (numbered)
			edit_instead(&rewriter->edits, close + 1, close + 3,
				     SLICE(" "));
		if (alias.open)
			edit_instead(&rewriter->edits, alias.open, alias.close + 1,
				     SLICE(""));
		else if (!alias.name)
			rewriter_instead(rewriter, close, close + 1, ") AS \"%s\"",
					 source->name);
	}
	buf_release(&names);
	buf_release(&called);
	buf_release(&quoted);
	return err;
}

/* upper('x') AS u: any other function is a table of one row and one column. */
static enum drift_err note_scalar(struct rewriter *rewriter, unsigned i,
				  unsigned first)
{
	unsigned close = verb_find_close(&rewriter->statement, i + 1), count = 0;
	struct alias alias = alias_at(rewriter, close + 1);
	struct buf names = BUF_INIT, text = BUF_INIT, name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	token_text(rewriter->statement.script,
		   rewriter_token(rewriter, alias.name ? alias.name : i), &name);
	if (alias.open)
		err = read_names(rewriter, &alias, &count, &names);
	else
		token_quote_name(buf_slice(&name), &names);
	if (!err && count > 1)
		err = rewriter_refuse(rewriter, alias.open,
				      "a list of columns for a function of one");
	buf_add_str(&text, " AS ");
	buf_add_slice(&text, buf_slice(&names));
	buf_add_char(&text, ')');
	if (!alias.name) {
		buf_add_str(&text, " AS ");
		token_quote_name(buf_slice(&name), &text);
	}
	if (!err)
		err = buf_status(&text);
	if (!err) {
		edit_before(&rewriter->edits, first, "(SELECT ");
		edit_after(&rewriter->edits, close, buf_cstr(&text));
		if (alias.open)
			edit_instead(&rewriter->edits, alias.open, alias.close + 1,
				     SLICE(""));
	}
	buf_release(&names);
	buf_release(&text);
	buf_release(&name);
	return err;
}

/* Is token i in a query's clauses, and not among the words of EXTRACT(year FROM x)? */
static bool is_in_query(const struct rewriter *rewriter, unsigned i)
{
	unsigned depth = 0;

	while (i-- > 0) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && depth-- == 0)
			return rewriter_is_word(rewriter, i - 1, "FROM") ||
			       rewriter_is_word(rewriter, i - 1, "JOIN");
		else if (depth == 0 && (rewriter_is_word(rewriter, i, "SELECT") ||
					rewriter_is_word(rewriter, i, "UPDATE") ||
					rewriter_is_word(rewriter, i, "DELETE")))
			return true;
	}
	return false;
}

/* Is a function of rows called so in SQLite itself, or one of our virtual tables? */
static bool is_of_rows(struct slice name)
{
	static const char *const prefixes[] = { "drift_", "pragma_", "json_each",
						"json_tree" };

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (name.size >= strlen(prefixes[i]) &&
		    strncasecmp(name.data, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Is token i a function's name behind FROM, its schema's at *first? */
static bool is_scalar(const struct rewriter *rewriter, unsigned i, unsigned *first)
{
	struct slice name =
		token_slice(rewriter->statement.script, rewriter_token(rewriter, i));

	*first = i > 1 && rewriter_is_punct(rewriter, i - 1, ".") ? i - 2 : i;
	return rewriter_token(rewriter, i).kind == TOKEN_WORD &&
	       rewriter_is_punct(rewriter, i + 1, "(") &&
	       !rewriter_is_word(rewriter, i, "VALUES") &&
	       !rewriter_is_word(rewriter, i, "SELECT") &&
	       !rewriter_is_word(rewriter, i, "LATERAL") &&
	       !rewriter_is_word(rewriter, i, "ROWS") && !is_of_rows(name) &&
	       rewrite_is_from_place(rewriter, *first) &&
	       is_in_query(rewriter, *first);
}

/* Token i opens a query. */
static enum drift_err note_query(struct rewriter *rewriter, unsigned i)
{
	unsigned close = verb_find_close(&rewriter->statement, i), count = 0;
	struct alias alias = alias_at(rewriter, close + 1);
	struct buf names = BUF_INIT, text = BUF_INIT;
	enum drift_err err;

	if (!alias.open)
		return DRIFT_OK;
	err = read_names(rewriter, &alias, &count, &names);
	if (!err) {
		buf_add_str(&text, "WITH drift_rows(");
		buf_add_slice(&text, buf_slice(&names));
		buf_add_str(&text, ") AS (");
		err = buf_status(&text);
	}
	if (!err) {
		edit_after(&rewriter->edits, i, buf_cstr(&text));
		edit_before(&rewriter->edits, close, ") SELECT * FROM drift_rows");
		edit_instead(&rewriter->edits, alias.open, alias.close + 1,
			     SLICE(""));
	}
	buf_release(&names);
	buf_release(&text);
	return err;
}

static const struct source *function_at(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_token(rewriter, i).kind == TOKEN_WORD &&
			       rewriter_is_punct(rewriter, i + 1, "(")
		       ? function_table_find(
				 token_slice(rewriter->statement.script,
					     rewriter_token(rewriter, i)))
		       : NULL;
}

/* The catalog that the tokens from i on name, in *after tokens: pg_catalog.pg_class,
 * information_schema.tables, or pg_class, if no table of ours is called so. */
static const struct catalog_view *catalog_at(const struct rewriter *rewriter,
					     unsigned i, unsigned *after)
{
	const char *script = rewriter->statement.script;
	struct slice first = token_slice(script, rewriter_token(rewriter, i));
	struct slice second = token_slice(script, rewriter_token(rewriter, i + 2));
	const struct query_session *session = rewriter->session;

	if (rewriter_token(rewriter, i).kind != TOKEN_WORD || i == 0 ||
	    rewriter_is_punct(rewriter, i - 1, "."))
		return NULL;
	if (rewriter_is_punct(rewriter, i + 1, ".")) {
		*after = i + 3;
		return rewriter_is_punct(rewriter, i + 3, "(")
			       ? NULL
			       : catalog_find(first, second);
	}
	*after = i + 1;
	if (first.size < 4 || strncasecmp(first.data, "pg_", 3) != 0 ||
	    rewriter_is_punct(rewriter, i + 1, "(") ||
	    relation_table(session->view, first))
		return NULL;
	return catalog_find(slice_of(NULL, 0), first);
}

static enum drift_err note_catalog(struct rewriter *rewriter, unsigned i,
				   unsigned after, const struct catalog_view *view)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	enum drift_err err =
		catalog_declare(rewriter->session, view, &name, rewriter->error);

	token_quote_name(buf_slice(&name), &text);
	if (!rewrite_is_alias(rewriter, after))
		buf_printf(&text, " AS %s", view->name);
	if (!err)
		err = buf_status(&text);
	if (!err) {
		edit_instead(&rewriter->edits, i, after, buf_slice(&text));
		rewriter->statement.at = after;
	}
	buf_release(&name);
	buf_release(&text);
	return err;
}

enum drift_err rewrite_from(struct rewriter *rewriter, unsigned i)
{
	const struct catalog_view *catalog;
	const struct source *source;
	unsigned after;

	if (rewriter_is_word(rewriter, i, "LATERAL")) {
		if (!function_at(rewriter, i + 1))
			return rewriter_refuse(rewriter, i, "LATERAL");
		edit_instead(&rewriter->edits, i, i + 1, SLICE(" "));
		return DRIFT_OK;
	}
	catalog = catalog_at(rewriter, i, &after);
	if (catalog && rewrite_is_from_place(rewriter, i))
		return note_catalog(rewriter, i, after, catalog);
	source = function_at(rewriter, i);
	if (source) {
		unsigned first =
			i > 1 && rewriter_is_punct(rewriter, i - 1, ".") ? i - 2 : i;

		if (rewrite_is_from_place(rewriter, first))
			return note_function(rewriter, i, source);
		/* psql has this one in a list of columns. */
		return rewriter_is_word(rewriter, i, "pg_partition_ancestors")
			       ? DRIFT_OK
			       : rewriter_refuse(rewriter, i,
						 "a function of rows outside FROM");
	}
	if (i > 0 && rewriter_is_punct(rewriter, i, "(") &&
	    (rewriter_is_word(rewriter, i + 1, "SELECT") ||
	     rewriter_is_word(rewriter, i + 1, "VALUES") ||
	     rewriter_is_word(rewriter, i + 1, "WITH")) &&
	    rewrite_is_from_place(rewriter, i))
		return note_query(rewriter, i);
	return is_scalar(rewriter, i, &after) ? note_scalar(rewriter, i, after)
					      : DRIFT_OK;
}
