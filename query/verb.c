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

static enum drift_err syntax(const struct statement *statement, unsigned i,
			     struct drift_error *error)
{
	i = i > statement->count ? statement->count : i;
	return statement_syntax(statement, statement->tokens[i], error);
}

/* ON CONFLICT [(key)] DO NOTHING | DO UPDATE SET ... [WHERE ...]. */
static enum drift_err take_conflict(const struct statement *statement,
				    struct verb *verb, struct drift_error *error)
{
	unsigned at = verb_find_word(statement, verb->at, "CONFLICT");

	if (verb->kind != VERB_INSERT || at >= verb->conflict_end ||
	    !is_word(statement, at - 1, "ON"))
		return DRIFT_OK;
	verb->conflict = verb->end = at - 1;
	at++;
	if (is_word(statement, at, "ON")) {
		if (!is_word(statement, at + 1, "CONSTRAINT"))
			return syntax(statement, at + 1, error);
		at += 3;
	} else if (is_punct(statement, at, "("))
		at = verb_find_close(statement, at) + 1;
	if (!is_word(statement, at, "DO"))
		return syntax(statement, at, error);
	if (is_word(statement, at + 1, "NOTHING"))
		return at + 2 == verb->conflict_end
			       ? DRIFT_OK
			       : syntax(statement, at + 2, error);
	if (!is_word(statement, at + 1, "UPDATE"))
		return syntax(statement, at + 1, error);
	if (!is_word(statement, at + 2, "SET"))
		return syntax(statement, at + 2, error);
	verb->set = at + 2;
	at = verb_find_word(statement, at + 3, "WHERE");
	verb->where = at < verb->conflict_end ? at : 0;
	return DRIFT_OK;
}

static enum drift_err take_clauses(const struct statement *statement,
				   struct verb *verb, struct drift_error *error)
{
	unsigned at = verb_find_word(statement, verb->at, "RETURNING");

	verb->end = verb->conflict_end = statement->count;
	if (at < statement->count) {
		verb->returning = verb->end = verb->conflict_end = at;
		if (at + 1 >= statement->count)
			return syntax(statement, at + 1, error);
	}
	if (verb->kind == VERB_DELETE) {
		at = verb_find_word(statement, verb->after_target, "USING");
		verb->using = at < verb->end ? at : 0;
	}
	return take_conflict(statement, verb, error);
}

/* t AS a; t a where no clause may begin with a. */
static void take_alias(const struct statement *statement, struct verb *verb)
{
	static const char *const words[] = { "SET",    "WHERE",   "USING",
					     "ORDER",  "LIMIT",   "RETURNING",
					     "VALUES", "SELECT",  "DEFAULT",
					     "ON",     "WITH",    "FROM",
					     "FOR",    "INDEXED", "NOT" };
	unsigned at = verb->after_target;

	if (is_word(statement, at, "AS") && is_word(statement, at + 1, "OF"))
		return;
	if (is_word(statement, at, "AS"))
		at++;
	else
		for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (is_word(statement, at, words[i]))
				return;
	if (at >= statement->count || !token_is_name(statement->tokens[at]))
		return;
	verb->alias = at;
	verb->after_target = at + 1;
}

/* INSERT OR REPLACE INTO t, UPDATE OR IGNORE t: *at moves past the OR. */
static enum drift_err take_or(const struct statement *statement, unsigned *at,
			      struct drift_error *error)
{
	if (!is_word(statement, *at, "OR"))
		return DRIFT_OK;
	if (is_word(statement, *at + 1, "FAIL"))
		return statement_unsupported(statement->tokens[*at + 1], "OR FAIL",
					     error);
	if (is_word(statement, *at + 1, "ROLLBACK"))
		return statement_unsupported(statement->tokens[*at + 1],
					     "OR ROLLBACK", error);
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
	verb->end = statement->count;
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
	if (is_punct(statement, at + 1, ".") && at + 2 < statement->count)
		at += 2; /* public.t */
	verb->target = at;
	verb->after_target = at + 1;
	take_alias(statement, verb);
	return take_clauses(statement, verb, error);
}
