/* SPDX-License-Identifier: MIT */
/* spell_compare.c - what is compared with a text: PostgreSQL reads 't' as a boolean beside
 * a column of them (numbers SQLite reads itself), and x ->> 'a' is a text there, where
 * SQLite makes a number of 42 and 1 of true. Next to || a boolean is the text true. */
#include "query/session.h"
#include "query/spell.h"

static bool is_comparison(const struct rewriter *rewriter, unsigned i)
{
	static const char *const signs[] = { "=",  "<>", "!=", "<",
					     "<=", ">",  ">=", NULL };

	return statement_is_one_of(&rewriter->statement, i, signs);
}

static bool is_text(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_token(rewriter, i).kind == TOKEN_STRING &&
	       !rewriter_is_punct(rewriter, i + 1, "::") &&
	       !rewriter_is_punct(rewriter, i + 1, "||");
}

/* $1, if it is a text as far as is known. */
static bool is_text_parameter(const struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	const struct parameter *parameter;

	if (token.kind != TOKEN_PARAMETER || token.size < 2 ||
	    rewriter_is_punct(rewriter, i + 1, "::"))
		return false;
	parameter =
		parameter_get(&rewriter->session->parameters,
			      token_parameter(rewriter->statement.script, token));
	return parameter &&
	       (parameter->type == DRIFT_ANY || parameter->type == DRIFT_TEXT);
}

/* Columns of PostgreSQL's catalogs that clients compare with 't' and 'f'. */
static bool is_catalog_boolean(const struct rewriter *rewriter, unsigned column)
{
	static const char *const names[] = {
		"indisprimary",  "indisunique",  "indisvalid",   "attnotnull",
		"atthasdef",     "attisdropped", "convalidated", "condeferrable",
		"condeferred",   "relhasindex",  "rolsuper",     "rolcanlogin",
		"datistemplate", "datallowconn", NULL,
	};

	return rewriter->session->catalogs &&
	       statement_is_one_of(&rewriter->statement, column, names);
}

/* What reads a text as the type of the column at token `column`; NULL: nothing need. */
static const char *reader_of(const struct rewriter *rewriter, unsigned column)
{
	switch (spell_declared_type(rewriter, column)) {
	case DRIFT_BOOLEAN:
		return "drift_boolean(";
	case DRIFT_TIMESTAMP:
		return "drift_timestamp(";
	case DRIFT_DATE:
		return "drift_date(";
	default:
		if (is_catalog_boolean(rewriter, column))
			return "drift_boolean(";
		return rewriter_is_word(rewriter, column, "row_start") ||
				       rewriter_is_word(rewriter, column, "row_end")
			       ? "drift_timestamp("
			       : NULL;
	}
}

/* Have the text at token i read as the type of the column at token `column`. */
static void read_as(struct rewriter *rewriter, unsigned i, unsigned column)
{
	const char *call = reader_of(rewriter, column);

	if (!call)
		return;
	edit_before(&rewriter->edits, i, call);
	edit_after(&rewriter->edits, i, ")");
}

/* Is token i the last of a column's name that is all of an operand? */
static bool is_column_before(const struct rewriter *rewriter, unsigned i)
{
	static const char *const signs[] = { "+",  "-",   "*", "/",  "%",
					     "||", "::",  "~", "->", "->>",
					     "#>", "#>>", NULL };
	unsigned first;

	if (!token_is_name(rewriter_token(rewriter, i)))
		return false;
	first = spell_operand(rewriter, i + 1);
	return first == 0 ||
	       !statement_is_one_of(&rewriter->statement, first - 1, signs);
}

/* c IN ('a', 'b'): token i is IN. */
static void spell_list(struct rewriter *rewriter, unsigned i, unsigned column)
{
	unsigned close = verb_find_close(&rewriter->statement, i + 1);
	const char *call = reader_of(rewriter, column);

	for (unsigned k = i + 2; call && k < close; k++)
		if (is_text(rewriter, k)) {
			edit_before(&rewriter->edits, k, call);
			edit_after(&rewriter->edits, k, ")");
		}
}

void spell_in(struct rewriter *rewriter, unsigned i)
{
	bool between = rewriter_is_word(rewriter, i, "BETWEEN");
	unsigned last = i - 1;

	if (i > 1 && rewriter_is_word(rewriter, i - 1, "NOT"))
		last--;
	if (i == 0 || !is_column_before(rewriter, last))
		return;
	if (!between && rewriter_is_punct(rewriter, i + 1, "(") &&
	    is_text(rewriter, i + 2))
		spell_list(rewriter, i, last);
	if (between && is_text(rewriter, i + 1))
		read_as(rewriter, i + 1, last);
	if (between && rewriter_is_word(rewriter, i + 2, "AND") &&
	    is_text(rewriter, i + 3))
		read_as(rewriter, i + 3, last);
}

void spell_comparison(struct rewriter *rewriter, unsigned i)
{
	unsigned last = i + 1;

	if (i == 0 || !is_comparison(rewriter, i))
		return;
	if (is_text(rewriter, i + 1) || is_text_parameter(rewriter, i + 1)) {
		if (is_column_before(rewriter, i - 1))
			read_as(rewriter, i + 1, i - 1);
		return;
	}
	if (rewriter_token(rewriter, i - 1).kind != TOKEN_STRING ||
	    spell_operand(rewriter, i) != i - 1)
		return;
	if (rewriter_is_punct(rewriter, i + 2, "."))
		last = i + 3;
	if (token_is_name(rewriter_token(rewriter, last)) &&
	    !rewriter_is_punct(rewriter, last + 1, "("))
		read_as(rewriter, i - 1, last);
}

/* The arrow at token i and what is before it: x -> 'a' ->> 'b'. */
static unsigned arrows_start(const struct rewriter *rewriter, unsigned i)
{
	static const char *const arrows[] = { "->", "->>", "#>", "#>>", NULL };
	unsigned first = spell_operand(rewriter, i);

	while (first > 1 &&
	       statement_is_one_of(&rewriter->statement, first - 1, arrows))
		first = spell_operand(rewriter, first - 1);
	return first;
}

static bool text_follows(const struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_punct(rewriter, i, "||"))
		return true;
	if (is_comparison(rewriter, i))
		return rewriter_token(rewriter, i + 1).kind == TOKEN_STRING ||
		       is_text_parameter(rewriter, i + 1);
	if (rewriter_is_word(rewriter, i, "NOT"))
		i++;
	if (rewriter_is_word(rewriter, i, "BETWEEN"))
		return rewriter_token(rewriter, i + 1).kind == TOKEN_STRING;
	return rewriter_is_word(rewriter, i, "IN") &&
	       rewriter_is_punct(rewriter, i + 1, "(") &&
	       (rewriter_token(rewriter, i + 2).kind == TOKEN_STRING ||
		is_text_parameter(rewriter, i + 2));
}

static bool text_precedes(const struct rewriter *rewriter, unsigned first)
{
	if (first < 2)
		return false;
	if (rewriter_is_punct(rewriter, first - 1, "||"))
		return true;
	return is_comparison(rewriter, first - 1) &&
	       (rewriter_token(rewriter, first - 2).kind == TOKEN_STRING ||
		is_text_parameter(rewriter, first - 2));
}

bool spell_arrow(struct rewriter *rewriter, unsigned i, bool answered)
{
	unsigned first = arrows_start(rewriter, i);
	unsigned begin = first, end = i + 2;
	enum token_kind key = rewriter_token(rewriter, i + 1).kind;

	if (key != TOKEN_STRING && key != TOKEN_INTEGER && key != TOKEN_PARAMETER)
		return false;
	while (begin > 0 && rewriter_is_punct(rewriter, begin - 1, "(") &&
	       rewriter_is_punct(rewriter, end, ")")) {
		begin--;
		end++;
	}
	if (!answered && !text_follows(rewriter, end) &&
	    !text_precedes(rewriter, begin))
		return false;
	edit_before(&rewriter->edits, first, "drift_json_text(");
	edit_after(&rewriter->edits, i + 1, ")");
	return true;
}

/* A column's name, TRUE, or something in parentheses. */
static unsigned simple_end(const struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_punct(rewriter, i, "("))
		return verb_find_close(&rewriter->statement, i) + 1;
	if (!token_is_name(rewriter_token(rewriter, i)) ||
	    rewriter_is_punct(rewriter, i + 1, "("))
		return i;
	return rewriter_is_punct(rewriter, i + 1, ".") ? i + 3 : i + 1;
}

static void make_text(struct rewriter *rewriter, unsigned first, unsigned end)
{
	if (rewriter_is_punct(rewriter, end, "::") ||
	    !spell_boolean(rewriter, first, end))
		return;
	edit_before(&rewriter->edits, first, "drift_text(");
	edit_after(&rewriter->edits, end - 1, ")");
}

void spell_concatenation(struct rewriter *rewriter, unsigned i)
{
	unsigned first = spell_operand(rewriter, i);

	if (spell_json_concatenation(rewriter, i))
		return;
	/* Of a || b || c, b is seen to as what follows the first sign. */
	if (first == 0 || !rewriter_is_punct(rewriter, first - 1, "||"))
		make_text(rewriter, first, i);
	make_text(rewriter, i + 1, simple_end(rewriter, i + 1));
}
