/* SPDX-License-Identifier: MIT */
/* spell_cast.c - CAST(x AS type), x::type and DATE 'x' as calls of the functions in
 * function_cast.c, which convert, round and refuse as PostgreSQL does. */
#include "query/session.h"
#include "query/spell.h"

static const struct {
	const char *word;
	const char *call;
	enum drift_type type; /* of the answer */
} types[] = {
	{ "INTEGER", "drift_int4", DRIFT_INTEGER },
	{ "INT", "drift_int4", DRIFT_INTEGER },
	{ "INT4", "drift_int4", DRIFT_INTEGER },
	{ "SMALLINT", "drift_int2", DRIFT_INTEGER },
	{ "INT2", "drift_int2", DRIFT_INTEGER },
	{ "BIGINT", "drift_int8", DRIFT_INTEGER },
	{ "INT8", "drift_int8", DRIFT_INTEGER },
	{ "SIGNED", "drift_int8", DRIFT_INTEGER },
	{ "REAL", "drift_float", DRIFT_REAL },
	{ "DOUBLE", "drift_float", DRIFT_REAL },
	{ "FLOAT", "drift_float", DRIFT_REAL },
	{ "FLOAT4", "drift_float", DRIFT_REAL },
	{ "FLOAT8", "drift_float", DRIFT_REAL },
	{ "NUMERIC", "drift_numeric", DRIFT_ANY },
	{ "DECIMAL", "drift_numeric", DRIFT_ANY },
	{ "TEXT", "drift_text", DRIFT_TEXT },
	{ "VARCHAR", "drift_text", DRIFT_TEXT },
	{ "CHARACTER", "drift_text", DRIFT_TEXT },
	{ "CHAR", "drift_text", DRIFT_TEXT },
	{ "NAME", "drift_text", DRIFT_TEXT },
	{ "REGCLASS", "drift_regclass", DRIFT_ANY },
	{ "REGTYPE", "drift_text", DRIFT_TEXT },
	{ "REGNAMESPACE", "drift_text", DRIFT_TEXT },
	{ "REGPROC", "drift_text", DRIFT_TEXT },
	{ "REGROLE", "drift_text", DRIFT_TEXT },
	{ "OID", "drift_int8", DRIFT_INTEGER },
	{ "UUID", "drift_text", DRIFT_TEXT },
	{ "BOOLEAN", "drift_boolean", DRIFT_BOOLEAN },
	{ "BOOL", "drift_boolean", DRIFT_BOOLEAN },
	{ "JSON", "drift_json", DRIFT_JSON },
	{ "JSONB", "drift_json", DRIFT_JSON },
	{ "DATE", "drift_date", DRIFT_DATE },
	{ "TIME", "drift_time", DRIFT_TEXT },
	{ "TIMESTAMP", "drift_timestamp", DRIFT_TIMESTAMP },
	{ "TIMESTAMPTZ", "drift_timestamp", DRIFT_TIMESTAMP },
	{ "DATETIME", "drift_timestamp", DRIFT_TIMESTAMP },
	{ "BYTEA", "drift_bytea", DRIFT_BLOB },
	{ "BLOB", "drift_bytea", DRIFT_BLOB },
};

#define TYPE_COUNT (sizeof(types) / sizeof(*types))

static unsigned find_type(const struct rewriter *rewriter, unsigned i)
{
	unsigned k = 0;

	while (k < TYPE_COUNT && !rewriter_is_word(rewriter, i, types[k].word))
		k++;
	return k;
}

/* "(10, 2)"; at token i. */
static unsigned arguments_end(const struct rewriter *rewriter, unsigned i)
{
	if (!rewriter_is_punct(rewriter, i, "("))
		return i;
	return verb_find_close(&rewriter->statement, i) + 1;
}

unsigned spell_type_end(const struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_word(rewriter, i, "pg_catalog") &&
	    rewriter_is_punct(rewriter, i + 1, "."))
		i += 2;
	if (rewriter_token(rewriter, i).kind != TOKEN_WORD)
		return i;
	i++;
	if (rewriter_is_word(rewriter, i, "PRECISION") ||
	    rewriter_is_word(rewriter, i, "VARYING"))
		i++;
	i = arguments_end(rewriter, i);
	if ((rewriter_is_word(rewriter, i, "WITH") ||
	     rewriter_is_word(rewriter, i, "WITHOUT")) &&
	    rewriter_is_word(rewriter, i + 1, "TIME") &&
	    rewriter_is_word(rewriter, i + 2, "ZONE"))
		i += 3;
	return i;
}

/* ", 10, 2" of the type's tokens [first, end), for the call's end. */
static void add_arguments(const struct rewriter *rewriter, unsigned first,
			  unsigned end, struct buf *out)
{
	unsigned i = first;

	while (i < end && !rewriter_is_punct(rewriter, i, "("))
		i++;
	for (; i < end && !rewriter_is_punct(rewriter, i, ")"); i++)
		if (rewriter_token(rewriter, i).kind == TOKEN_INTEGER) {
			buf_add_str(out, ", ");
			buf_add_slice(out, token_slice(rewriter->statement.script,
						       rewriter_token(rewriter, i)));
		}
}

static enum drift_err refuse_type(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);

	if (token.kind != TOKEN_WORD)
		return statement_syntax(&rewriter->statement, token,
					rewriter->error);
	return statement_place(token,
			       drift_fail(rewriter->error, DRIFT_NO_TYPE,
					  "type \"%.*s\" does not exist",
					  (int)token.size,
					  rewriter->statement.script + token.at),
			       rewriter->error);
}

/* Does "[]" stand at token i, after a type? */
static bool is_array(const struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);

	return token.kind == TOKEN_QUOTED &&
	       rewriter->statement.script[token.at] == '[';
}

/* nextval('s'::regclass): functions of sequences take the name. */
static bool names_sequence(const struct rewriter *rewriter, unsigned i)
{
	static const char *const functions[] = { "nextval", "currval", "setval" };

	for (unsigned k = 0; i > 1 && k < 3; k++)
		if (rewriter_is_punct(rewriter, i - 1, "(") &&
		    rewriter_is_word(rewriter, i - 2, functions[k]))
			return true;
	return false;
}

/* The operand is [first, before); `cut` and what follows to the type's end goes. */
static enum drift_err convert(struct rewriter *rewriter, unsigned first,
			      unsigned cut, unsigned type)
{
	unsigned end = spell_type_end(rewriter, type);
	unsigned name = type;
	unsigned found;
	bool array;
	struct buf text = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (rewriter_is_punct(rewriter, type + 1, "."))
		name += 2;
	found = find_type(rewriter, name);
	if (found == TYPE_COUNT)
		return refuse_type(rewriter, name);
	array = is_array(rewriter, end);
	if (!array && types[found].type == DRIFT_TEXT)
		(void)spell_boolean(rewriter, first, cut); /* inside the other */
	buf_printf(&text, "%s(",
		   array                             ? "drift_array"
		   : names_sequence(rewriter, first) ? "drift_text"
						     : types[found].call);
	edit_before(&rewriter->edits, first, buf_cstr(&text));
	buf_clear(&text);
	if (!array)
		add_arguments(rewriter, name, end, &text);
	buf_add_char(&text, ')');
	end += array;
	edit_instead(&rewriter->edits, cut, end, buf_slice(&text));
	err = buf_status(&text);
	buf_release(&text);
	return err;
}

bool spell_boolean(struct rewriter *rewriter, unsigned first, unsigned stop)
{
	if (stop <= first ||
	    rewrite_value_type(rewriter, first, stop) != DRIFT_BOOLEAN)
		return false;
	edit_before(&rewriter->edits, first, "drift_boolean(");
	edit_after(&rewriter->edits, stop - 1, ")");
	return true;
}

enum drift_err spell_colons(struct rewriter *rewriter, unsigned i)
{
	unsigned end, text;

	if (i == 0)
		return DRIFT_OK;
	if (rewriter_is_word(rewriter, i + 1, "INTERVAL") && i > 1 &&
	    spell_is_interval(rewriter, i - 1, &end, &text))
		return spell_interval(rewriter, i - 1);
	rewriter->statement.at = spell_type_end(rewriter, i + 1);
	rewriter->statement.at += is_array(rewriter, rewriter->statement.at);
	return convert(rewriter, spell_operand(rewriter, i), i, i + 1);
}

/* CAST(x AS type): the call's name goes, its parentheses stay around x. */
enum drift_err spell_cast(struct rewriter *rewriter, unsigned i)
{
	unsigned close, as, found;
	struct buf text = BUF_INIT;

	if (!rewriter_is_punct(rewriter, i + 1, "("))
		return DRIFT_OK;
	close = verb_find_close(&rewriter->statement, i + 1);
	as = verb_find_word(&rewriter->statement, i + 2, "AS");
	if (as >= close)
		return statement_syntax(&rewriter->statement,
					rewriter_token(rewriter, close),
					rewriter->error);
	found = find_type(rewriter, as + 1);
	if (found == TYPE_COUNT)
		return refuse_type(rewriter, as + 1);
	if (is_array(rewriter, close - 1) &&
	    spell_type_end(rewriter, as + 1) == close - 1) {
		rewriter_instead(rewriter, i, i + 1, "drift_array");
		edit_instead(&rewriter->edits, as, close, SLICE(""));
		return DRIFT_OK;
	}
	rewriter_instead(rewriter, i, i + 1, "%s", types[found].call);
	if (types[found].type == DRIFT_TEXT)
		(void)spell_boolean(rewriter, i + 2, as);
	add_arguments(rewriter, as + 1, spell_type_end(rewriter, as + 1), &text);
	if (spell_type_end(rewriter, as + 1) != close)
		return statement_syntax(
			&rewriter->statement,
			rewriter_token(rewriter, spell_type_end(rewriter, as + 1)),
			rewriter->error);
	edit_instead(&rewriter->edits, as, close, buf_slice(&text));
	buf_release(&text);
	return DRIFT_OK;
}

bool spell_is_typed_literal(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_token(rewriter, i).kind == TOKEN_WORD &&
	       rewriter_token(rewriter, spell_type_end(rewriter, i)).kind ==
		       TOKEN_STRING &&
	       find_type(rewriter, i) < TYPE_COUNT;
}

/* DATE '2025-01-01'; an INTERVAL that is no one's operand is refused. */
enum drift_err spell_typed_literal(struct rewriter *rewriter, unsigned i)
{
	unsigned found = find_type(rewriter, i);
	unsigned end = spell_type_end(rewriter, i);

	if (rewriter_token(rewriter, end).kind != TOKEN_STRING || end > i + 5)
		return DRIFT_OK;
	if (found == TYPE_COUNT)
		return spell_interval(rewriter, i);
	rewriter_instead(rewriter, i, end, "%s(", types[found].call);
	edit_after(&rewriter->edits, end, ")");
	return DRIFT_OK;
}

/* The number of the type that token i, CAST or ::, is about; *end: the token behind. */
static unsigned cast_type(const struct rewriter *rewriter, unsigned i, unsigned *end)
{
	if (rewriter_is_word(rewriter, i, "CAST"))
		i = verb_find_word(&rewriter->statement, i + 2, "AS");
	*end = spell_type_end(rewriter, i + 1);
	return find_type(rewriter, i + 1);
}

enum drift_type spell_cast_type(const struct rewriter *rewriter, unsigned i)
{
	unsigned end;
	unsigned found = cast_type(rewriter, i, &end);

	if (is_array(rewriter, end))
		return DRIFT_JSON;
	return found < TYPE_COUNT ? types[found].type : DRIFT_ANY;
}

bool spell_cast_is_array(const struct rewriter *rewriter, unsigned i,
			 enum drift_type *element)
{
	unsigned end;
	unsigned found = cast_type(rewriter, i, &end);

	*element = found < TYPE_COUNT ? types[found].type : DRIFT_ANY;
	return is_array(rewriter, end);
}
