/* SPDX-License-Identifier: MIT */
/* spell.c - the table of words that PostgreSQL reads in another way than SQLite. */
#include "query/spell.h"

#include <strings.h>

#include "query/regex.h"
#include "query/session.h"

static bool is_name_part(const struct rewriter *rewriter, unsigned i)
{
	return (i > 0 && rewriter_is_punct(rewriter, i - 1, ".")) ||
	       rewriter_is_punct(rewriter, i + 1, ".");
}

/* ---- Operands ----------------------------------------------------------- */

static unsigned find_open(const struct rewriter *rewriter, unsigned close)
{
	unsigned depth = 0;

	for (unsigned i = close + 1; i-- > 0;) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && --depth == 0)
			return i;
	}
	return close;
}

static unsigned find_case(const struct rewriter *rewriter, unsigned end)
{
	unsigned depth = 0;

	for (unsigned i = end + 1; i-- > 0;) {
		if (rewriter_is_word(rewriter, i, "END"))
			depth++;
		else if (rewriter_is_word(rewriter, i, "CASE") && --depth == 0)
			return i;
	}
	return end;
}

/* Words before a parenthesis that call nothing. */
static bool is_called(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = {
		"IN",     "AND",   "OR",     "NOT",       "ON",      "USING",
		"SELECT", "WHEN",  "THEN",   "ELSE",      "WHERE",   "BY",
		"VALUES", "AS",    "HAVING", "RETURNING", "BETWEEN", "LIKE",
		"CASE",   "FROM",  "JOIN",   "UNION",     "EXCEPT",  "INTERSECT",
		"ALL",    "LIMIT", "OFFSET", "SET",       "IS",      "ILIKE",
	};

	if (!token_is_name(rewriter_token(rewriter, i)))
		return false;
	for (unsigned k = 0; k < sizeof(words) / sizeof(*words); k++)
		if (rewriter_is_word(rewriter, i, words[k]))
			return false;
	return true;
}

/* The first of "a.b.c" that ends with token i. */
static unsigned name_start(const struct rewriter *rewriter, unsigned i)
{
	while (i >= 2 && rewriter_is_punct(rewriter, i - 1, ".") &&
	       token_is_name(rewriter_token(rewriter, i - 2)))
		i -= 2;
	return i;
}

static unsigned primary_start(const struct rewriter *rewriter, unsigned end)
{
	unsigned last = end - 1;
	unsigned text, after;

	if (rewriter_is_punct(rewriter, last, ")")) {
		unsigned open = find_open(rewriter, last);

		if (open > 0 && is_called(rewriter, open - 1))
			return name_start(rewriter, open - 1);
		return open;
	}
	if (rewriter_is_word(rewriter, last, "END"))
		return find_case(rewriter, last);
	if (last > 0 && rewriter_token(rewriter, last).kind == TOKEN_STRING &&
	    (spell_is_interval(rewriter, last - 1, &after, &text) ||
	     rewriter_is_word(rewriter, last - 1, "DATE") ||
	     rewriter_is_word(rewriter, last - 1, "TIME") ||
	     rewriter_is_word(rewriter, last - 1, "TIMESTAMP") ||
	     rewriter_is_word(rewriter, last - 1, "TIMESTAMPTZ")))
		return last - 1;
	return name_start(rewriter, last);
}

/* The operator before token i, if i begins the type of x::type or an interval that is
 * added to something; 0: neither. */
static unsigned suffix_operator(const struct rewriter *rewriter, unsigned first,
				unsigned end)
{
	unsigned after, text;

	if (first < 2)
		return 0;
	if (rewriter_is_punct(rewriter, first - 1, "::"))
		return first - 1;
	if ((rewriter_is_punct(rewriter, first - 1, "+") ||
	     rewriter_is_punct(rewriter, first - 1, "-")) &&
	    spell_is_interval(rewriter, first, &after, &text) && after == end)
		return first - 1;
	return 0;
}

unsigned spell_operand(const struct rewriter *rewriter, unsigned end)
{
	for (;;) {
		unsigned first, colons = 0;

		/* A type may be several tokens: look for the "::" before it. */
		for (unsigned i = end; i-- > 1 && end - i <= 10 && !colons;)
			if (rewriter_is_punct(rewriter, i, "::") &&
			    spell_type_end(rewriter, i + 1) == end)
				colons = i;
		first = colons ? colons : primary_start(rewriter, end);
		if (!colons)
			colons = suffix_operator(rewriter, first, end);
		if (!colons)
			return first;
		end = colons;
	}
}

/* ---- Words -------------------------------------------------------------- */

static enum drift_err spell_truth(struct rewriter *rewriter, unsigned i)
{
	bool yes = rewriter_is_word(rewriter, i, "TRUE");

	if (i > 0 && (rewriter_is_word(rewriter, i - 1, "IS") ||
		      rewriter_is_word(rewriter, i - 1, "NOT")))
		return DRIFT_OK;
	rewriter_instead(rewriter, i, i + 1, "%s",
			 yes ? "drift_true()" : "drift_false()");
	return DRIFT_OK;
}

/* MATCH calls our function match(), which is PostgreSQL's ILIKE. */
static enum drift_err spell_ilike(struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_word(rewriter, i + 2, "ESCAPE"))
		return rewriter_refuse(rewriter, i + 2, "ILIKE with ESCAPE");
	rewriter_instead(rewriter, i, i + 1, "MATCH");
	return DRIFT_OK;
}

static enum drift_err spell_unknown(struct rewriter *rewriter, unsigned i)
{
	if (i > 0 && (rewriter_is_word(rewriter, i - 1, "IS") ||
		      (rewriter_is_word(rewriter, i - 1, "NOT") && i > 1 &&
		       rewriter_is_word(rewriter, i - 2, "IS"))))
		rewriter_instead(rewriter, i, i + 1, "NULL");
	return DRIFT_OK;
}

/* LEFT and RIGHT are words of joins; before a parenthesis they are functions. */
static enum drift_err spell_side(struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_punct(rewriter, i + 1, "("))
		rewriter_instead(rewriter, i, i + 1, "drift_%s",
				 rewriter_is_word(rewriter, i, "LEFT") ? "left"
								       : "right");
	return DRIFT_OK;
}

static enum drift_err spell_into(struct rewriter *rewriter, unsigned i)
{
	return rewriter->verb->kind == VERB_READ
		       ? rewriter_refuse(rewriter, i, "SELECT INTO")
		       : DRIFT_OK;
}

/* Functions that SQLite has by another name. */
static enum drift_err spell_json(struct rewriter *rewriter, unsigned i)
{
	static const char *const names[][2] = {
		{ "ARRAY_LENGTH", "json_array_length" },
		{ "BUILD_ARRAY", "json_array" },
		{ "BUILD_OBJECT", "json_object" },
		{ "OBJECT_AGG", "json_group_object" },
	};
	struct token token = rewriter_token(rewriter, i);
	const char *text = rewriter->statement.script + token.at;

	for (unsigned k = 0; k < 4 && rewriter_is_punct(rewriter, i + 1, "("); k++) {
		size_t size = strlen(names[k][0]);

		if (strncasecmp(text + token.size - size, names[k][0], size) == 0)
			rewriter_instead(rewriter, i, i + 1, "%s", names[k][1]);
	}
	return DRIFT_OK;
}

/* Words that are calls without parentheses. */
static enum drift_err spell_niladic(struct rewriter *rewriter, unsigned i)
{
	static const char *const calls[][2] = {
		{ "CURRENT_TIMESTAMP", "now()" },
		{ "LOCALTIMESTAMP", "now()" },
		{ "CURRENT_DATE", "drift_date(now())" },
		{ "CURRENT_TIME", "drift_time(now())" },
		{ "LOCALTIME", "drift_time(now())" },
		{ "CURRENT_USER", "current_user()" },
		{ "SESSION_USER", "current_user()" },
		{ "CURRENT_ROLE", "current_user()" },
		{ "CURRENT_CATALOG", "current_database()" },
		{ "CURRENT_SCHEMA", "current_schema()" },
	};

	if (rewriter_is_punct(rewriter, i + 1, "("))
		return DRIFT_OK;
	for (unsigned k = 0; k < sizeof(calls) / sizeof(*calls); k++)
		if (rewriter_is_word(rewriter, i, calls[k][0]))
			rewriter_instead(rewriter, i, i + 1, "%s", calls[k][1]);
	return DRIFT_OK;
}

/* What stands in FROM; another schema's function or type is ours. */
static bool is_catalog(const struct rewriter *rewriter, unsigned i)
{
	return !rewriter_is_word(rewriter, i, "public") &&
	       !rewriter_is_punct(rewriter, i + 3, "(") &&
	       rewrite_is_table_place(&rewriter->statement, i);
}

/* public.t is t, and pg_catalog.f() is f(). A catalog comes here if it is not one that
 * is there (rewrite_from.c). */
static enum drift_err spell_schema(struct rewriter *rewriter, unsigned i)
{
	struct token name = rewriter_token(rewriter, i + 2);

	if ((i > 0 && rewriter_is_punct(rewriter, i - 1, ".")) ||
	    !rewriter_is_punct(rewriter, i + 1, ".") || !token_is_name(name))
		return DRIFT_OK;
	if (is_catalog(rewriter, i)) {
		struct token schema = rewriter_token(rewriter, i);

		return statement_place(
			schema,
			drift_fail(rewriter->error, DRIFT_UNSUPPORTED,
				   "%.*s.%.*s is not supported", (int)schema.size,
				   rewriter->statement.script + schema.at,
				   (int)name.size,
				   rewriter->statement.script + name.at),
			rewriter->error);
	}
	edit_instead(&rewriter->edits, i, i + 2, SLICE(""));
	rewriter->statement.at = i + 2;
	return DRIFT_OK;
}

/* DEFAULT as one of the VALUES; x AS default, a name that SQLite would not take. */
static enum drift_err spell_default(struct rewriter *rewriter, unsigned i)
{
	if (i > 0 && rewriter_is_word(rewriter, i - 1, "AS")) {
		rewriter_instead(rewriter, i, i + 1, "\"default\"");
		return DRIFT_OK;
	}
	if (i == 0 || rewriter_is_word(rewriter, i + 1, "VALUES"))
		return DRIFT_OK;
	if (rewriter_is_punct(rewriter, i - 1, "="))
		return rewriter_refuse(rewriter, i, "DEFAULT in an UPDATE");
	if (rewriter->verb->kind == VERB_INSERT &&
	    (rewriter_is_punct(rewriter, i - 1, "(") ||
	     rewriter_is_punct(rewriter, i - 1, ",")) &&
	    (rewriter_is_punct(rewriter, i + 1, ")") ||
	     rewriter_is_punct(rewriter, i + 1, ",")))
		rewriter_instead(rewriter, i, i + 1, "drift_default()");
	return DRIFT_OK;
}

static enum drift_err spell_similar(struct rewriter *rewriter, unsigned i)
{
	if (!rewriter_is_word(rewriter, i + 1, "TO"))
		return DRIFT_OK;
	for (unsigned k = i + 2; k < i + 6; k++)
		if (rewriter_is_word(rewriter, k, "ESCAPE"))
			return rewriter_refuse(rewriter, k,
					       "SIMILAR TO with ESCAPE");
	rewriter_instead(rewriter, i, i + 2, "REGEXP '" REGEX_SIMILAR "' ||");
	return DRIFT_OK;
}

static enum drift_err spell_operator_name(struct rewriter *rewriter, unsigned i);
static enum drift_err spell_collate(struct rewriter *rewriter, unsigned i);

static const struct {
	const char *word;
	enum drift_err (*spell)(struct rewriter *, unsigned);
} words[] = {
	{ "ALL", spell_any },
	{ "ANY", spell_any },
	{ "ARRAY", spell_array },
	{ "ARRAY_AGG", spell_aggregate },
	{ "CAST", spell_cast },
	{ "COLLATE", spell_collate },
	{ "CURRENT_CATALOG", spell_niladic },
	{ "CURRENT_DATE", spell_niladic },
	{ "CURRENT_ROLE", spell_niladic },
	{ "CURRENT_SCHEMA", spell_niladic },
	{ "CURRENT_TIME", spell_niladic },
	{ "CURRENT_TIMESTAMP", spell_niladic },
	{ "CURRENT_USER", spell_niladic },
	{ "DATE", spell_typed_literal },
	{ "DEFAULT", spell_default },
	{ "EXTRACT", spell_call },
	{ "FALSE", spell_truth },
	{ "FETCH", spell_limit },
	{ "ILIKE", spell_ilike },
	{ "INFORMATION_SCHEMA", spell_schema },
	{ "INTERVAL", spell_typed_literal },
	{ "INTO", spell_into },
	{ "JSONB_AGG", spell_aggregate },
	{ "JSONB_ARRAY_LENGTH", spell_json },
	{ "JSONB_BUILD_ARRAY", spell_json },
	{ "JSONB_BUILD_OBJECT", spell_json },
	{ "JSONB_OBJECT_AGG", spell_json },
	{ "JSON_AGG", spell_aggregate },
	{ "JSON_BUILD_ARRAY", spell_json },
	{ "JSON_BUILD_OBJECT", spell_json },
	{ "JSON_OBJECT_AGG", spell_json },
	{ "LEFT", spell_side },
	{ "LIMIT", spell_limit },
	{ "LOCALTIME", spell_niladic },
	{ "LOCALTIMESTAMP", spell_niladic },
	{ "OFFSET", spell_limit },
	{ "OPERATOR", spell_operator_name },
	{ "OVERLAY", spell_call },
	{ "PG_CATALOG", spell_schema },
	{ "POSITION", spell_call },
	{ "PUBLIC", spell_schema },
	{ "RIGHT", spell_side },
	{ "SESSION_USER", spell_niladic },
	{ "SIMILAR", spell_similar },
	{ "SOME", spell_any },
	{ "STRING_AGG", spell_aggregate },
	{ "SUBSTRING", spell_call },
	{ "TABLE", spell_table },
	{ "TIME", spell_typed_literal },
	{ "TIMESTAMP", spell_typed_literal },
	{ "TIMESTAMPTZ", spell_typed_literal },
	{ "TRIM", spell_call },
	{ "TRUE", spell_truth },
	{ "UNKNOWN", spell_unknown },
	{ "WITHIN", spell_within },
};

/* The longest word has 18 letters; words of another first letter are passed over by
 * one comparison, for most tokens are none of these. */
static enum drift_err spell_word(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	const char *script = rewriter->statement.script;
	char first = (char)(script[token.at] & ~0x20);
	enum drift_err err;

	if (token.size < 2 || token.size > 18)
		return DRIFT_OK;
	err = spell_refuse(rewriter, i);
	for (unsigned k = 0; k < sizeof(words) / sizeof(*words) && !err; k++) {
		if (words[k].word[0] != first ||
		    !token_is_word(script, token, words[k].word))
			continue;
		if (is_name_part(rewriter, i) && words[k].spell != spell_schema)
			return DRIFT_OK;
		return words[k].spell(rewriter, i);
	}
	return err;
}

/* ---- Other tokens ------------------------------------------------------- */

/* E'..' and $$..$$ as '..'. */
static enum drift_err spell_string(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	struct buf text = BUF_INIT;
	struct buf quoted = BUF_INIT;
	enum drift_err err;

	if (rewriter->statement.script[token.at] == '\'')
		return DRIFT_OK;
	token_text(rewriter->statement.script, token, &text);
	token_quote_string(buf_slice(&text), &quoted);
	err = buf_status(&text) || buf_status(&quoted) ? DRIFT_NOMEM : DRIFT_OK;
	if (!err)
		edit_instead(&rewriter->edits, i, i + 1, buf_slice(&quoted));
	buf_release(&text);
	buf_release(&quoted);
	return err;
}

/* x ~ p and its kin, as REGEXP: token i, instead of the tokens [first, end). */
static bool note_matching(struct rewriter *rewriter, unsigned i, unsigned first,
			  unsigned end)
{
	static const char *const matching[][2] = {
		{ "~", "REGEXP" },
		{ "~*", "REGEXP '" REGEX_NOCASE "' ||" },
		{ "!~", "NOT REGEXP" },
		{ "!~*", "NOT REGEXP '" REGEX_NOCASE "' ||" },
	};

	for (unsigned k = 0; k < 4; k++)
		if (rewriter_is_punct(rewriter, i, matching[k][0])) {
			rewriter_instead(rewriter, first, end, " %s ",
					 matching[k][1]);
			return true;
		}
	return false;
}

/* A sign before its operand only is SQLite's. */
static void spell_matching(struct rewriter *rewriter, unsigned i)
{
	if (i > 0 && (rewriter_token(rewriter, i - 1).kind != TOKEN_PUNCT ||
		      rewriter_is_punct(rewriter, i - 1, ")")))
		(void)note_matching(rewriter, i, i, i + 1);
}

/* OPERATOR(pg_catalog.~) is ~. */
static enum drift_err spell_operator_name(struct rewriter *rewriter, unsigned i)
{
	unsigned close, op;
	struct token token;

	if (!rewriter_is_punct(rewriter, i + 1, "("))
		return DRIFT_OK;
	close = verb_find_close(&rewriter->statement, i + 1);
	op = rewriter_is_punct(rewriter, i + 3, ".") ? i + 4 : i + 2;
	token = rewriter_token(rewriter, op);
	if (op + 1 != close || token.kind != TOKEN_PUNCT)
		return statement_syntax(&rewriter->statement, token,
					rewriter->error);
	if (!note_matching(rewriter, op, i, close + 1))
		rewriter_instead(rewriter, i, close + 1, " %.*s ", (int)token.size,
				 rewriter->statement.script + token.at);
	rewriter->statement.at = close + 1;
	return DRIFT_OK;
}

/* Texts are ordered by their bytes, as the collation C does; there is no other. */
static enum drift_err spell_collate(struct rewriter *rewriter, unsigned i)
{
	unsigned name = rewriter_is_punct(rewriter, i + 2, ".") ? i + 3 : i + 1;
	struct token token = rewriter_token(rewriter, name);
	struct buf text = BUF_INIT;
	bool ours;

	token_text(rewriter->statement.script, token, &text);
	ours = strcmp(buf_cstr(&text), "C") == 0 ||
	       strcmp(buf_cstr(&text), "POSIX") == 0 ||
	       strcasecmp(buf_cstr(&text), "default") == 0 ||
	       strcasecmp(buf_cstr(&text), "ucs_basic") == 0;
	buf_release(&text);
	if (!ours)
		return DRIFT_OK;
	edit_instead(&rewriter->edits, i, name + 1, SLICE(" "));
	rewriter->statement.at = name + 1;
	return DRIFT_OK;
}

static enum drift_err spell_punct(struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_punct(rewriter, i, "::"))
		return spell_colons(rewriter, i);
	if (rewriter_is_punct(rewriter, i, "+") ||
	    rewriter_is_punct(rewriter, i, "-"))
		return spell_sign(rewriter, i);
	spell_query(rewriter, i);
	spell_matching(rewriter, i);
	spell_bracket(rewriter, i);
	return spell_operator(rewriter, i);
}

enum drift_err spell_token(struct rewriter *rewriter, unsigned i)
{
	switch (rewriter_token(rewriter, i).kind) {
	case TOKEN_WORD:
		return spell_word(rewriter, i);
	case TOKEN_PUNCT:
		return spell_punct(rewriter, i);
	case TOKEN_PARAMETER:
		return spell_parameter(rewriter, i);
	case TOKEN_STRING:
		return spell_string(rewriter, i);
	case TOKEN_QUOTED:
		return spell_subscript(rewriter, i);
	default:
		return DRIFT_OK;
	}
}
