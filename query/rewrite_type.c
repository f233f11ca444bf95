/* SPDX-License-Identifier: MIT */
/* rewrite_type.c - the type of an answer's column, where the text of its expression tells:
 * clients ask for it before there is a row.
 *
 * What is not sure stays unknown. Sums and products of integers are integers (beyond 64
 * bits SQLite makes them reals, which then do not fit), with a real in them reals; a
 * comparison is a boolean; a cast and some functions have one type. */
#include <strings.h>

#include "query/rewriter.h"
#include "query/session.h"
#include "query/spell.h"

static const struct {
	const char *name;
	enum drift_type type;
} functions[] = {
	{ "count", DRIFT_INTEGER },
	{ "row_number", DRIFT_INTEGER },
	{ "rank", DRIFT_INTEGER },
	{ "dense_rank", DRIFT_INTEGER },
	{ "ntile", DRIFT_INTEGER },
	{ "length", DRIFT_INTEGER },
	{ "char_length", DRIFT_INTEGER },
	{ "octet_length", DRIFT_INTEGER },
	{ "strpos", DRIFT_INTEGER },
	{ "nextval", DRIFT_INTEGER },
	{ "currval", DRIFT_INTEGER },
	{ "lastval", DRIFT_INTEGER },
	{ "setval", DRIFT_INTEGER },
	{ "avg", DRIFT_REAL },
	{ "random", DRIFT_REAL },
	{ "stddev", DRIFT_REAL },
	{ "lower", DRIFT_TEXT },
	{ "upper", DRIFT_TEXT },
	{ "concat", DRIFT_TEXT },
	{ "string_agg", DRIFT_TEXT },
	{ "to_char", DRIFT_TEXT },
	{ "substr", DRIFT_TEXT },
	{ "substring", DRIFT_TEXT },
	{ "replace", DRIFT_TEXT },
	{ "version", DRIFT_TEXT },
	{ "now", DRIFT_TIMESTAMP },
	{ "date_trunc", DRIFT_TIMESTAMP },
	{ "to_timestamp", DRIFT_TIMESTAMP },
	{ "transaction_timestamp", DRIFT_TIMESTAMP },
	{ "statement_timestamp", DRIFT_TIMESTAMP },
	{ "clock_timestamp", DRIFT_TIMESTAMP },
	{ "to_date", DRIFT_DATE },
	{ "make_date", DRIFT_DATE },
	{ "bool_and", DRIFT_BOOLEAN },
	{ "bool_or", DRIFT_BOOLEAN },
	{ "every", DRIFT_BOOLEAN },
	{ "starts_with", DRIFT_BOOLEAN },
	{ "json_agg", DRIFT_JSON },
	{ "jsonb_agg", DRIFT_JSON },
	{ "array_agg", DRIFT_JSON },
	{ "json_build_object", DRIFT_JSON },
	{ "jsonb_build_object", DRIFT_JSON },
	{ "json_object_agg", DRIFT_JSON },
};

/* Does the expression answer yes or no: is there a comparison outside parentheses and
 * CASE? */
static bool compares(const struct rewriter *rewriter, unsigned first, unsigned stop)
{
	static const char *const words[] = {
		"AND",    "OR",      "NOT",    "IS",      "IN",      "LIKE",
		"ILIKE",  "GLOB",    "REGEXP", "SIMILAR", "BETWEEN", "EXISTS",
		"ISNULL", "NOTNULL", "=",      "<",       ">",       "<=",
		">=",     "<>",      "!=",     "==",      "!~",      "!~*",
		"~*",     "@>",      "<@",     "?",       "?|",      "?&",
		NULL
	};
	unsigned cases = 0;

	for (unsigned i = first; i < stop; i++) {
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		else if (rewriter_is_word(rewriter, i, "CASE"))
			cases++;
		else if (rewriter_is_word(rewriter, i, "END") && cases)
			cases--;
		if (cases)
			continue;
		if (statement_is_one_of(&rewriter->statement, i, words))
			return true;
	}
	return false;
}

static enum drift_type type_of_parameter(const struct rewriter *rewriter, unsigned i)
{
	unsigned number = token_parameter(rewriter->statement.script,
					  rewriter_token(rewriter, i));
	const struct parameter *parameter =
		parameter_get(&rewriter->session->parameters, number);

	return parameter ? parameter->type : DRIFT_ANY;
}

static enum drift_type type_of_one(const struct rewriter *rewriter, unsigned i)
{
	static const char *const moments[] = { "CURRENT_TIMESTAMP", "LOCALTIMESTAMP",
					       NULL };

	if (statement_is_one_of(&rewriter->statement, i, moments))
		return DRIFT_TIMESTAMP;
	if (rewriter_is_word(rewriter, i, "CURRENT_DATE"))
		return DRIFT_DATE;
	switch (rewriter_token(rewriter, i).kind) {
	case TOKEN_INTEGER:
		return DRIFT_INTEGER;
	case TOKEN_NUMBER:
		return DRIFT_REAL;
	case TOKEN_STRING:
		return DRIFT_TEXT;
	case TOKEN_PARAMETER:
		return type_of_parameter(rewriter, i);
	default:
		return rewriter_is_word(rewriter, i, "TRUE") ||
				       rewriter_is_word(rewriter, i, "FALSE")
			       ? DRIFT_BOOLEAN
			       : DRIFT_ANY;
	}
}

/* The type of the expressions from `first` on, parted by commas: the first one's, or,
 * for `all` of them, what they have in common. NULLs have any. */
static enum drift_type type_of_list(const struct rewriter *rewriter, unsigned first,
				    unsigned stop, bool all)
{
	enum drift_type common = DRIFT_ANY, type;
	unsigned from = first;

	for (unsigned i = first; i <= stop; i++) {
		if (i < stop && rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		if (i < stop && !rewriter_is_punct(rewriter, i, ","))
			continue;
		type = i > from ? rewrite_value_type(rewriter, from, i) : DRIFT_ANY;
		if (!all)
			return type;
		if (i != from + 1 || !rewriter_is_word(rewriter, from, "NULL")) {
			if (type == DRIFT_ANY || (common && common != type))
				return DRIFT_ANY;
			common = type;
		}
		from = i + 1;
	}
	return common;
}

/* Functions that answer with one of their arguments. */
static enum drift_type type_of_choice(const struct rewriter *rewriter,
				      unsigned first, unsigned close)
{
	static const char *const of_first[] = {
		"min", "max",  "first_value", "last_value", "nth_value",
		"lag", "lead", "any_value",   "nullif",     NULL
	};
	static const char *const of_all[] = { "coalesce", "greatest", "least",
					      NULL };
	bool all = statement_is_one_of(&rewriter->statement, first, of_all);

	if (!all && !statement_is_one_of(&rewriter->statement, first, of_first))
		return DRIFT_ANY;
	return type_of_list(rewriter, first + 2, close, all);
}

/* percentile_disc(f) WITHIN GROUP (ORDER BY x DESC), mode() the same: x's. */
static enum drift_type type_within(const struct rewriter *rewriter, unsigned first,
				   unsigned stop)
{
	unsigned open = verb_find_close(&rewriter->statement, first + 1) + 3;
	unsigned end = stop - 1;

	if (open >= stop || verb_find_close(&rewriter->statement, open) != end ||
	    rewriter_is_word(rewriter, first, "percentile_cont"))
		return DRIFT_ANY;
	if (rewriter_is_word(rewriter, end - 1, "DESC") ||
	    rewriter_is_word(rewriter, end - 1, "ASC"))
		end--;
	return end > open + 3 ? rewrite_value_type(rewriter, open + 3, end)
			      : DRIFT_ANY;
}

/* CASE ... THEN x ... ELSE y END: what x and y have in common. */
static enum drift_type type_of_case(const struct rewriter *rewriter, unsigned first,
				    unsigned stop)
{
	static const char *const ends[] = { "WHEN", "ELSE", "END", NULL };
	enum drift_type common = DRIFT_ANY, type;
	unsigned from = 0;

	for (unsigned i = first + 1; i < stop; i++) {
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		if (rewriter_is_word(rewriter, i, "CASE"))
			return DRIFT_ANY;
		if (from && statement_is_one_of(&rewriter->statement, i, ends) &&
		    !(i == from + 1 && rewriter_is_word(rewriter, from, "NULL"))) {
			type = i > from ? rewrite_value_type(rewriter, from, i)
					: DRIFT_ANY;
			if (type == DRIFT_ANY || (common && common != type))
				return DRIFT_ANY;
			common = type;
		}
		if (rewriter_is_word(rewriter, i, "THEN") ||
		    rewriter_is_word(rewriter, i, "ELSE"))
			from = i + 1;
		else if (rewriter_is_word(rewriter, i, "WHEN"))
			from = 0;
	}
	return common;
}

/* A call of a function that is known, its FILTER and OVER behind it. */
static enum drift_type type_of_call(const struct rewriter *rewriter, unsigned first,
				    unsigned stop)
{
	unsigned close = verb_find_close(&rewriter->statement, first + 1);
	unsigned end = close + 1;

	if (rewriter_is_word(rewriter, end, "WITHIN"))
		return type_within(rewriter, first, stop);
	while (end < stop && (rewriter_is_word(rewriter, end, "FILTER") ||
			      rewriter_is_word(rewriter, end, "OVER")))
		end = rewriter_is_punct(rewriter, end + 1, "(")
			      ? verb_find_close(&rewriter->statement, end + 1) + 1
			      : end + 2;
	if (end != stop)
		return DRIFT_ANY;
	if (rewriter_is_word(rewriter, first, "CAST"))
		return spell_cast_type(rewriter, first);
	for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (rewriter_is_word(rewriter, first, functions[i].name))
			return functions[i].type;
	return type_of_choice(rewriter, first, close);
}

/* A column's, in a statement of one SELECT only: elsewhere the name may be another's. */
static enum drift_type type_of_column(const struct rewriter *rewriter, unsigned i)
{
	unsigned selects = 0;

	for (unsigned k = 0; k < rewriter->statement.count; k++)
		selects += rewriter_is_word(rewriter, k, "SELECT") ||
			   rewriter_is_word(rewriter, k, "VALUES");
	return selects > 1 ? DRIFT_ANY : spell_name_only_type(rewriter, i);
}

/* One operand: no operator stands outside its parentheses, but a cast. */
static enum drift_type type_of_operand(const struct rewriter *rewriter,
				       unsigned first, unsigned stop)
{
	unsigned last = stop - 1;

	while (first < stop && (rewriter_is_punct(rewriter, first, "-") ||
				rewriter_is_punct(rewriter, first, "+")))
		first++;
	if (first >= stop)
		return DRIFT_ANY;
	if (last == first + 1 &&
	    rewriter_token(rewriter, last).kind == TOKEN_STRING && first > 0)
		return spell_cast_type(rewriter, first - 1);
	for (unsigned i = last; i > first; i--)
		if (rewriter_is_punct(rewriter, i, "::") &&
		    spell_type_end(rewriter, i + 1) == stop)
			return spell_operand(rewriter, stop) == first
				       ? spell_cast_type(rewriter, i)
				       : DRIFT_ANY;
	if (first == last && token_is_name(rewriter_token(rewriter, first)) &&
	    type_of_one(rewriter, first) == DRIFT_ANY)
		return type_of_column(rewriter, first);
	if (first == last)
		return type_of_one(rewriter, first);
	if (first + 2 == last && rewriter_is_punct(rewriter, first + 1, "."))
		return type_of_column(rewriter, last);
	if (rewriter_is_punct(rewriter, first, "(") &&
	    verb_find_close(&rewriter->statement, first) == last)
		return rewriter_is_word(rewriter, first + 1, "SELECT")
			       ? DRIFT_ANY
			       : rewrite_type(rewriter, first + 1, last);
	if (rewriter_is_word(rewriter, first, "CASE"))
		return rewriter_is_word(rewriter, last, "END")
			       ? type_of_case(rewriter, first, stop)
			       : DRIFT_ANY;
	if (rewriter_is_punct(rewriter, first + 1, "("))
		return type_of_call(rewriter, first, stop);
	return DRIFT_ANY;
}

static bool is_arithmetic(const struct rewriter *rewriter, unsigned first,
			  unsigned i)
{
	static const char *const signs[] = { "+", "-", "*", "/", "%", NULL };

	return statement_is_one_of(&rewriter->statement, i, signs) && i > first &&
	       !is_arithmetic(rewriter, first, i - 1);
}

/* Of both operands of an arithmetic operator. */
static enum drift_type sum_of(enum drift_type left, enum drift_type right)
{
	if (left == DRIFT_INTEGER && right == DRIFT_INTEGER)
		return DRIFT_INTEGER;
	if ((left == DRIFT_INTEGER || left == DRIFT_REAL) &&
	    (right == DRIFT_INTEGER || right == DRIFT_REAL))
		return DRIFT_REAL;
	/* Days more or less are a date, the days between two dates a number. */
	if (left == DRIFT_DATE)
		return right == DRIFT_DATE ? DRIFT_INTEGER : DRIFT_DATE;
	return DRIFT_ANY;
}

enum drift_type rewrite_type(const struct rewriter *rewriter, unsigned first,
			     unsigned stop)
{
	enum drift_type type = DRIFT_ANY;
	unsigned from = first;
	bool sum = false;

	if (compares(rewriter, first, stop))
		return DRIFT_BOOLEAN;
	if (stop == first + 1) /* a column's own type SQLite knows */
		return type_of_one(rewriter, first);
	for (unsigned i = first; i <= stop; i++) {
		enum drift_type operand;

		if (i < stop && rewriter_is_punct(rewriter, i, "||"))
			return spell_is_json_concatenation(rewriter, i) ? DRIFT_JSON
									: DRIFT_TEXT;
		if (i < stop && rewriter_is_punct(rewriter, i, "(")) {
			i = verb_find_close(&rewriter->statement, i);
			continue;
		}
		if (i < stop && !is_arithmetic(rewriter, first, i))
			continue;
		operand = type_of_operand(rewriter, from, i);
		type = sum ? sum_of(type, operand) : operand;
		sum = true;
		from = i + 1;
	}
	return type;
}

enum drift_type rewrite_value_type(const struct rewriter *rewriter, unsigned first,
				   unsigned stop)
{
	return stop == first + 1 ? type_of_operand(rewriter, first, stop)
				 : rewrite_type(rewriter, first, stop);
}
