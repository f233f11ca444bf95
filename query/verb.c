/* SPDX-License-Identifier: MIT */
/* verb.c - finding INSERT, UPDATE or DELETE behind WITH, and its table. */
#include "query/verb.h"

static bool is_word(const struct statement *statement, unsigned i, const char *word)
{
	return i < statement->count &&
	       token_is_word(statement->script, statement->tokens[i], word);
}

static bool is_punct(const struct statement *statement, unsigned i,
		     const char *punct)
{
	return i < statement->count &&
	       token_is(statement->script, statement->tokens[i], punct);
}

unsigned verb_find_close(const struct statement *statement, unsigned open)
{
	unsigned depth = 0;

	for (unsigned i = open; i < statement->count; i++) {
		if (is_punct(statement, i, "("))
			depth++;
		else if (is_punct(statement, i, ")") && --depth == 0)
			return i;
	}
	return statement->count;
}

unsigned verb_find_word(const struct statement *statement, unsigned from,
			const char *word)
{
	for (unsigned i = from; i < statement->count; i++) {
		if (is_punct(statement, i, "("))
			i = verb_find_close(statement, i);
		else if (is_punct(statement, i, ")"))
			break;
		else if (is_word(statement, i, word))
			return i;
	}
	return statement->count;
}

/* The verb's token: the first of these words outside parentheses. */
static unsigned find_verb(const struct statement *statement)
{
	static const char *const verbs[] = { "SELECT",  "VALUES", "INSERT",
					     "REPLACE", "UPDATE", "DELETE" };
	unsigned first = statement->count;

	if (!is_word(statement, 0, "WITH"))
		return 0;
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		unsigned at = verb_find_word(statement, 1, verbs[i]);

		if (at < first)
			first = at;
	}
	return first;
}

static enum drift_err unsupported(const struct statement *statement, unsigned i,
				  const char *what, struct drift_error *error)
{
	enum drift_err err =
		drift_fail(error, DRIFT_UNSUPPORTED, "%s is not supported", what);

	return statement_place(statement->tokens[i], err, error);
}

/* ON CONFLICT [(key)] DO NOTHING, at the end of an INSERT. */
static enum drift_err take_conflict(const struct statement *statement,
				    struct verb *verb, struct drift_error *error)
{
	unsigned at = verb_find_word(statement, verb->at, "CONFLICT");

	if (verb->kind != VERB_INSERT || at >= statement->count ||
	    !is_word(statement, at - 1, "ON"))
		return DRIFT_OK;
	verb->conflict = at - 1;
	at++;
	if (is_punct(statement, at, "("))
		at = verb_find_close(statement, at) + 1;
	if (is_word(statement, at, "DO") && is_word(statement, at + 1, "UPDATE"))
		return unsupported(statement, at + 1, "ON CONFLICT DO UPDATE",
				   error);
	if (is_word(statement, at, "DO") && is_word(statement, at + 1, "NOTHING") &&
	    at + 2 == statement->count)
		return DRIFT_OK;
	at = at > statement->count ? statement->count : at;
	return statement_syntax(statement, statement->tokens[at], error);
}

static enum drift_err refuse_clauses(const struct statement *statement,
				     struct verb *verb, struct drift_error *error)
{
	unsigned returning = verb_find_word(statement, verb->at, "RETURNING");

	if (returning < statement->count)
		return unsupported(statement, returning, "RETURNING", error);
	return take_conflict(statement, verb, error);
}

/* INSERT OR REPLACE INTO t, UPDATE OR IGNORE t: *at moves past the OR. */
static enum drift_err take_or(const struct statement *statement, unsigned *at,
			      struct drift_error *error)
{
	if (!is_word(statement, *at, "OR"))
		return DRIFT_OK;
	if (is_word(statement, *at + 1, "FAIL"))
		return unsupported(statement, *at + 1, "OR FAIL", error);
	if (is_word(statement, *at + 1, "ROLLBACK"))
		return unsupported(statement, *at + 1, "OR ROLLBACK", error);
	*at += 2;
	return DRIFT_OK;
}

static enum verb_kind kind_at(const struct statement *statement, unsigned i)
{
	if (is_word(statement, i, "INSERT") || is_word(statement, i, "REPLACE"))
		return VERB_INSERT;
	if (is_word(statement, i, "UPDATE"))
		return VERB_UPDATE;
	if (is_word(statement, i, "DELETE"))
		return VERB_DELETE;
	return VERB_READ;
}

enum drift_err verb_find(const struct statement *statement, struct verb *verb,
			 struct drift_error *error)
{
	unsigned at = find_verb(statement);
	enum drift_err err;

	*verb = (struct verb){ .kind = kind_at(statement, at), .at = at };
	if (verb->kind == VERB_READ)
		return DRIFT_OK;
	at++;
	err = take_or(statement, &at, error);
	if (err)
		return err;
	if (is_word(statement, at, "INTO") || is_word(statement, at, "FROM"))
		at++;
	if (at > statement->count)
		at = statement->count;
	if (!token_is_name(statement->tokens[at]))
		return statement_syntax(statement, statement->tokens[at], error);
	verb->target = at;
	verb->after_target = at + 1;
	return refuse_clauses(statement, verb, error);
}
