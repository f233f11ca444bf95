/* SPDX-License-Identifier: MIT */
/* error.c - SQLite says it in one string; clients want a code, a name, a place.
 *
 * The table below is all there is: a message that begins so means this code, and
 * what follows is the name. Messages that are not in it stay as they are, 42000. */
#include "query/error.h"

#include <stdio.h>
#include <strings.h>

#include "query/limit.h"
#include "query/session.h"

enum shape {
	PLAIN,    /* the format is the text */
	REST,     /* %s is what follows the prefix */
	QUOTED,   /* %s is what stands between double quotes */
	CALL,     /* %s is what follows, before '@' or '(' */
	WORD,     /* ... before a blank */
	COMPOUND, /* ... before " do not" */
	AS_IT_IS, /* SQLite's text */
};

static const struct {
	const char *prefix;
	enum drift_err code;
	enum shape shape;
	const char *format;
} messages[] = {
	{ "near \"", DRIFT_SYNTAX, QUOTED, "syntax error at or near \"%s\"" },
	{ "unrecognized token: \"", DRIFT_SYNTAX, QUOTED,
	  "syntax error at or near \"%s\"" },
	{ "incomplete input", DRIFT_SYNTAX, PLAIN, "syntax error at end of input" },
	{ "misuse of aggregate: ", DRIFT_GROUPING, CALL,
	  "aggregate function %s() is not allowed here" },
	{ "misuse of aggregate function ", DRIFT_GROUPING, CALL,
	  "aggregate function %s() is not allowed here" },
	{ "misuse of window function ", DRIFT_GROUPING, CALL,
	  "window function %s() is not allowed here, or lacks its OVER clause" },
	{ "SELECTs to the left and right of ", DRIFT_SYNTAX, COMPOUND,
	  "each %s query must have the same number of columns" },
	{ "sub-select returns ", DRIFT_SYNTAX, PLAIN,
	  "subquery must return only one column" },
	{ "cannot join using column ", DRIFT_NO_COLUMN, WORD,
	  "column \"%s\" specified in USING clause does not exist in both "
	  "tables" },
	{ "datatype mismatch", DRIFT_BAD_TYPE, PLAIN,
	  "a LIMIT or OFFSET must be an integer" },
	{ "no such table: main.", DRIFT_NO_TABLE, REST,
	  "relation \"%s\" does not exist" },
	{ "no such table: ", DRIFT_NO_TABLE, REST,
	  "relation \"%s\" does not exist" },
	{ "no such column: ", DRIFT_NO_COLUMN, REST,
	  "column \"%s\" does not exist" },
	{ "ambiguous column name: ", DRIFT_AMBIGUOUS, REST,
	  "column reference \"%s\" is ambiguous" },
	{ "no such function: ", DRIFT_NO_FUNCTION, REST,
	  "function %s does not exist" },
	{ "wrong number of arguments to function ", DRIFT_NO_FUNCTION, REST,
	  "function %s does not take that many arguments" },
	{ "not authorized to use function: ", DRIFT_UNSAFE, REST,
	  "permission denied for function %s" },
	{ "not authorized", DRIFT_UNSAFE, PLAIN, "permission denied" },
	{ "access to ", DRIFT_UNSAFE, REST, "permission denied for %s" },
	{ "malformed JSON", DRIFT_BAD_JSON, PLAIN,
	  "invalid input syntax for type json" },
	{ "string or blob too big", DRIFT_TOO_BIG, AS_IT_IS, NULL },
	{ "Expression tree is too large", DRIFT_TOO_BIG, AS_IT_IS, NULL },
	{ "LIKE or GLOB pattern too complex", DRIFT_TOO_BIG, AS_IT_IS, NULL },
	{ "statement too long", DRIFT_TOO_BIG, AS_IT_IS, NULL },
	{ "too many arguments on ", DRIFT_NO_FUNCTION, CALL,
	  "function %s() does not take that many arguments" },
	{ "too many ", DRIFT_TOO_BIG, AS_IT_IS, NULL },
	{ "parser stack overflow", DRIFT_TOO_BIG, AS_IT_IS, NULL },
	{ "all VALUES must have", DRIFT_SYNTAX, PLAIN,
	  "VALUES lists must all be the same length" },
};

static enum drift_err format_message(unsigned i, const char *message,
				     struct drift_error *error)
{
	const char *rest = message + strlen(messages[i].prefix);
	const char *end = rest + strlen(rest);
	char text[512];

	if (messages[i].shape == AS_IT_IS)
		return drift_fail(error, messages[i].code, "%s", message);
	if (messages[i].shape == QUOTED && strrchr(rest, '"'))
		end = strrchr(rest, '"');
	if (messages[i].shape == CALL)
		end = rest + strcspn(rest, "@(");
	if (messages[i].shape == WORD)
		end = rest + strcspn(rest, " ");
	if (messages[i].shape == COMPOUND && strstr(rest, " do not"))
		end = strstr(rest, " do not");
	if (strstr(rest, " is prohibited"))
		end = strstr(rest, " is prohibited");
	snprintf(text, sizeof(text), "%.*s", (int)(end - rest), rest);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	return messages[i].shape == PLAIN ? drift_fail(error, messages[i].code, "%s",
						       messages[i].format)
					  : drift_fail(error, messages[i].code,
						       messages[i].format, text);
#pragma GCC diagnostic pop
}

/* "table t has no column named c", "table t has 3 columns but 2 values were
 * supplied", "2 values for 3 columns". */
static enum drift_err table_message(const char *message, struct drift_error *error)
{
	const char *column = strstr(message, " has no column named ");
	int columns, values;

	if (column && strncmp(message, "table ", 6) == 0)
		return drift_fail(
			error, DRIFT_NO_COLUMN,
			"column \"%s\" of relation \"%.*s\" does not exist",
			column + 21, (int)(column - message - 6), message + 6);
	if (strstr(message, " may not be modified") ||
	    strstr(message, "it is a view"))
		return drift_fail(error, DRIFT_UNSAFE, "%s", message);
	column = strstr(message, " has ");
	if (sscanf(message, "%d values for %d columns", &values, &columns) == 2 ||
	    (column && sscanf(column, " has %d columns but %d values", &columns,
			      &values) == 2))
		return drift_fail(
			error, DRIFT_SYNTAX,
			values > columns
				? "INSERT has more expressions than target columns"
				: "INSERT has more target columns than expressions");
	return drift_fail(error, DRIFT_SQL, "%s", message);
}

/* "1st ORDER BY term out of range - should be between 1 and 3". */
static enum drift_err place_message(const char *message, struct drift_error *error)
{
	const char *clause = strchr(message, ' ');
	const char *end = clause ? strstr(clause, " term out of range") : NULL;

	if (!end)
		return table_message(message, error);
	return drift_fail(error, DRIFT_BAD_REFERENCE,
			  "%.*s position is not in select list",
			  (int)(end - clause - 1), clause + 1);
}

static enum drift_err translate(const char *message, struct drift_error *error)
{
	for (unsigned i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		if (strncmp(message, messages[i].prefix,
			    strlen(messages[i].prefix)) == 0)
			return format_message(i, message, error);
	return place_message(message, error);
}

/* The first token that is the name in the message. */
static int find_name(const struct statement *statement,
		     const struct drift_error *error)
{
	const char *open = strchr(error->text, '"');
	const char *close = open ? strchr(open + 1, '"') : NULL;

	if (!close ||
	    (error->code != DRIFT_NO_TABLE && error->code != DRIFT_NO_COLUMN &&
	     error->code != DRIFT_NO_INDEX))
		return 0;
	for (unsigned i = 0; i < statement->count; i++) {
		struct token token = statement->tokens[i];
		unsigned quote = token.kind == TOKEN_QUOTED;

		if (token_is_name(token) &&
		    token.size - 2 * quote == (size_t)(close - open - 1) &&
		    strncasecmp(statement->script + token.at + quote, open + 1,
				(size_t)(close - open - 1)) == 0)
			return (int)token.at + 1;
	}
	return 0;
}

void error_place(const struct statement *statement, struct drift_error *error)
{
	if (error->position == 0)
		error->position = find_name(statement, error);
}

/* SQLite stumbled over what we wrote (a column's name): it is the token behind. */
static enum drift_err place_ours(const struct statement *statement,
				 const struct rewrite_text *text, int offset,
				 struct drift_error *error)
{
	int position = rewrite_position(text, offset);
	unsigned i = 0;

	while (i < statement->count && (int)statement->tokens[i].at + 1 < position)
		i++;
	return statement_syntax(statement, statement->tokens[i], error);
}

enum drift_err error_of_sqlite(struct query_session *session, int rc,
			       const struct statement *statement,
			       const struct rewrite_text *text,
			       struct drift_error *error)
{
	int offset = sqlite3_error_offset(session->sqlite);
	struct drift_error own = { 0 };
	enum drift_err err;

	if (rc == SQLITE_INTERRUPT || limit_reached(session))
		return limit_fail(session, error);
	if (session->inner.code != DRIFT_OK) {
		if (error)
			*error = session->inner;
		return session->inner.code;
	}
	if (rc == SQLITE_NOMEM)
		return limit_fail_memory(session, error);
	err = translate(sqlite3_errmsg(session->sqlite), &own);
	if (statement &&
	    strcmp(sqlite3_errmsg(session->sqlite), "incomplete input") == 0)
		own.position = (int)statement->tokens[statement->count].at + 1;
	else if (err == DRIFT_SYNTAX && statement && text &&
		 rewrite_is_ours(text, offset))
		err = place_ours(statement, text, offset, &own);
	else if (offset >= 0 && text)
		own.position = rewrite_position(text, offset);
	else if (statement)
		own.position = find_name(statement, &own);
	if (error)
		*error = own;
	return err;
}
