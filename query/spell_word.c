/* SPDX-License-Identifier: MIT */
/* spell_word.c - the table of words that PostgreSQL reads in another way than SQLite. */
#include <strings.h>

#include "query/regex.h"
#include "query/session.h"
#include "query/spell.h"

static bool is_name_part(const struct rewriter *rewriter, unsigned i)
{
	return (i > 0 && rewriter_is_punct(rewriter, i - 1, ".")) ||
	       rewriter_is_punct(rewriter, i + 1, ".");
}

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
	       rewriter_is_table_place(rewriter, i);
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

/* Is token i all that is assigned, in SET c = DEFAULT? */
static bool is_assigned(const struct rewriter *rewriter, unsigned i)
{
	const struct verb *verb = rewriter->verb;
	unsigned set = verb->set;

	if (verb->kind == VERB_UPDATE)
		set = verb_find_word(&rewriter->statement, verb->at, "SET");
	return set && i > set + 2 && rewriter_is_punct(rewriter, i - 1, "=") &&
	       i < verb_find_word(&rewriter->statement, set, "WHERE") &&
	       verb_find_word(&rewriter->statement, set, "DEFAULT") <= i &&
	       (rewriter_is_word(rewriter, i - 3, "SET") ||
		rewriter_is_punct(rewriter, i - 3, ",")) &&
	       (i + 1 == rewriter->statement.count ||
		rewriter_is_punct(rewriter, i + 1, ",") ||
		rewriter_is_word(rewriter, i + 1, "FROM") ||
		rewriter_is_word(rewriter, i + 1, "WHERE") ||
		rewriter_is_word(rewriter, i + 1, "RETURNING"));
}

/* DEFAULT as one of the VALUES, or assigned; x AS default, a name that SQLite would not
 * take. */
static enum drift_err spell_default(struct rewriter *rewriter, unsigned i)
{
	if (i > 0 && rewriter_is_word(rewriter, i - 1, "AS")) {
		rewriter_instead(rewriter, i, i + 1, "\"default\"");
		return DRIFT_OK;
	}
	if (i == 0 || rewriter_is_word(rewriter, i + 1, "VALUES"))
		return DRIFT_OK;
	if (is_assigned(rewriter, i))
		rewriter_instead(rewriter, i, i + 1, "drift_default()");
	else if (rewriter->verb->kind == VERB_INSERT &&
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

static enum drift_err spell_in_list(struct rewriter *rewriter, unsigned i)
{
	spell_in(rewriter, i);
	return DRIFT_OK;
}

static const struct {
	const char *word;
	enum drift_err (*spell)(struct rewriter *, unsigned);
} words[] = {
	{ "ALL", spell_any },
	{ "ANY", spell_any },
	{ "ARRAY", spell_array },
	{ "ARRAY_AGG", spell_aggregate },
	{ "BETWEEN", spell_in_list },
	{ "BIGINT", spell_typed_literal },
	{ "BOOLEAN", spell_typed_literal },
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
	{ "EXCEPT", spell_compound },
	{ "FETCH", spell_limit },
	{ "FLOAT8", spell_typed_literal },
	{ "ILIKE", spell_ilike },
	{ "IN", spell_in_list },
	{ "INFORMATION_SCHEMA", spell_schema },
	{ "INT", spell_typed_literal },
	{ "INTEGER", spell_typed_literal },
	{ "INTERVAL", spell_typed_literal },
	{ "INTO", spell_into },
	{ "JSON", spell_typed_literal },
	{ "JSONB", spell_typed_literal },
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
	{ "NUMERIC", spell_typed_literal },
	{ "OFFSET", spell_limit },
	{ "OPERATOR", spell_operator_name },
	{ "OVERLAY", spell_call },
	{ "PG_CATALOG", spell_schema },
	{ "POSITION", spell_call },
	{ "PUBLIC", spell_schema },
	{ "RIGHT", spell_side },
	{ "SESSION_USER", spell_niladic },
	{ "SIMILAR", spell_similar },
	{ "SMALLINT", spell_typed_literal },
	{ "SOME", spell_any },
	{ "STRING_AGG", spell_aggregate },
	{ "SUBSTRING", spell_call },
	{ "TABLE", spell_table },
	{ "TEXT", spell_typed_literal },
	{ "TIME", spell_typed_literal },
	{ "TIMESTAMP", spell_typed_literal },
	{ "TIMESTAMPTZ", spell_typed_literal },
	{ "TRIM", spell_call },
	{ "TRUE", spell_truth },
	{ "UNION", spell_compound },
	{ "UNKNOWN", spell_unknown },
	{ "UUID", spell_typed_literal },
	{ "WITHIN", spell_within },
};

/* The longest word has 18 letters; words of another first letter are passed over by
 * one comparison, for most tokens are none of these. */
enum drift_err spell_word(struct rewriter *rewriter, unsigned i)
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
