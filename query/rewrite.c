/* SPDX-License-Identifier: MIT */
/* rewrite.c - DriftQL to SQLite's SQL.
 *
 * Text is copied as it stands, spaces and all, but for what the passes note: first
 * PostgreSQL's spellings (spell.h), then tables at their moments, written values, and
 * last the answer's columns. Marks map SQLite's error offsets back to the script. */
#include "query/rewrite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/limit.h"
#include "query/rewriter.h"
#include "query/session.h"
#include "query/spell.h"

#define NESTING_MAX 1000 /* SQLite's parser gives up before */
#define STEPS_UNTIL_CHECK 16

void rewrite_release(struct rewrite *rewrite)
{
	for (unsigned i = 0; i < REWRITE_PARTS; i++) {
		buf_release(&rewrite->parts[i].sql);
		free(rewrite->parts[i].marks.list);
	}
	*rewrite = REWRITE_INIT;
}

static const struct rewrite_mark *mark_before(const struct rewrite_text *text,
					      int offset)
{
	const struct rewrite_mark *found = NULL;

	for (unsigned i = 0; i < text->marks.count; i++)
		if ((int)text->marks.list[i].sql <= offset)
			found = &text->marks.list[i];
	return found;
}

bool rewrite_is_ours(const struct rewrite_text *text, int offset)
{
	const struct rewrite_mark *mark = mark_before(text, offset);

	return mark && offset >= (int)(mark->sql + mark->size);
}

int rewrite_position(const struct rewrite_text *text, int offset)
{
	const struct rewrite_mark *found = mark_before(text, offset);

	if (!found)
		return 0;
	offset -= (int)found->sql;
	if (offset > (int)found->size)
		offset = (int)found->size;
	return (int)found->script + offset + 1;
}

struct token rewriter_token(const struct rewriter *rewriter, unsigned i)
{
	const struct statement *statement = &rewriter->statement;

	return statement->tokens[i < statement->count ? i : statement->count];
}

bool rewriter_is_word(const struct rewriter *rewriter, unsigned i, const char *word)
{
	return token_is_word(rewriter->statement.script, rewriter_token(rewriter, i),
			     word);
}

bool rewriter_is_punct(const struct rewriter *rewriter, unsigned i,
		       const char *punct)
{
	return token_is(rewriter->statement.script, rewriter_token(rewriter, i),
			punct);
}

void rewriter_instead(struct rewriter *rewriter, unsigned first, unsigned end,
		      const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	edit_instead(&rewriter->edits, first, end, slice_str(text));
}

enum drift_err rewriter_refuse(struct rewriter *rewriter, unsigned i,
			       const char *what)
{
	return statement_unsupported(rewriter_token(rewriter, i), what,
				     rewriter->error);
}

unsigned rewriter_parameter(struct rewriter *rewriter, unsigned i, struct buf *out)
{
	struct token token = rewriter_token(rewriter, i);
	unsigned number;

	for (; token.size == 1 && rewriter->counted_to <= i;
	     rewriter->counted_to++) {
		struct token before = rewriter_token(rewriter, rewriter->counted_to);

		rewriter->parameters +=
			before.kind == TOKEN_PARAMETER && before.size == 1;
	}
	number = token.size == 1
			 ? rewriter->parameters
			 : token_parameter(rewriter->statement.script, token);
	buf_printf(out, "?%u", number);
	return number;
}

enum drift_err rewrite_expression(struct query_session *session,
				  const struct statement *statement, unsigned first,
				  unsigned end, struct rewrite_text *text,
				  struct drift_error *error)
{
	static const struct verb read = { .kind = VERB_READ };
	struct rewriter rewriter = {
		.session = session,
		.statement = *statement,
		.verb = &read,
		.error = error,
	};
	enum drift_err err = DRIFT_OK;

	spell_name_tables(&rewriter);
	rewriter.statement.at = first;
	while (!err && rewriter.statement.at < end) {
		unsigned i = rewriter.statement.at;

		err = spell_token(&rewriter, i);
		if (!err && rewriter.statement.at == i)
			rewriter.statement.at++;
	}
	if (!err) {
		spell_json_booleans(&rewriter);
		spell_midnights(&rewriter);
	}
	if (!err)
		err = edits_write(&rewriter.edits, statement, first, end, &text->sql,
				  &text->marks);
	edits_release(&rewriter.edits);
	return err;
}

enum drift_err rewriter_in_time(struct rewriter *rewriter)
{
	return limit_reached(rewriter->session)
		       ? limit_fail(rewriter->session, rewriter->error)
		       : DRIFT_OK;
}

/* One walk over the tokens for the spellings and for time. */
static enum drift_err walk(struct rewriter *rewriter)
{
	enum drift_err err = DRIFT_OK;
	unsigned steps = 0;

	spell_name_tables(rewriter);
	rewriter->statement.at = 0;
	while (!err && rewriter->statement.at < rewriter->statement.count) {
		unsigned i = rewriter->statement.at;

		rewrite_count(rewriter, i);
		err = rewrite_time(rewriter, i);
		if (!err && rewriter->statement.at == i)
			err = rewrite_from(rewriter, i);
		if (!err && rewriter->statement.at == i)
			rewrite_field(rewriter, i);
		if (!err && rewriter->statement.at == i)
			err = spell_token(rewriter, i);
		if (!err && rewriter->statement.at == i)
			rewriter->statement.at++;
		if (!err && ++steps % STEPS_UNTIL_CHECK == 0)
			err = rewriter_in_time(rewriter);
	}
	if (!err) {
		spell_json_booleans(rewriter);
		spell_midnights(rewriter);
	}
	return err;
}

static enum drift_err write_parts(struct rewriter *rewriter, struct rewrite *rewrite)
{
	const struct verb *verb = rewriter->verb;
	struct rewrite_text *main = &rewrite->parts[REWRITE_MAIN];
	enum drift_err err;

	err = edits_write(&rewriter->edits, &rewriter->statement, 0, verb->end,
			  &main->sql, &main->marks);
	if (!err && verb->set)
		err = rewrite_write_conflict(rewriter,
					     &rewrite->parts[REWRITE_CONFLICT]);
	if (!err && verb->returning)
		err = rewrite_write_returning(rewriter,
					      &rewrite->parts[REWRITE_RETURNING]);
	return err;
}

enum drift_err rewrite_saved(struct query_session *session,
			     const struct statement *statement,
			     const struct asof *asof, struct rewrite *rewrite,
			     struct drift_error *error)
{
	struct verb read = { 0 };
	struct rewriter rewriter = {
		.session = session,
		.statement = *statement,
		.verb = &read,
		.saved = true,
		.error = error,
	};
	enum drift_err err = verb_find(&rewriter.statement, &read, error);

	rewriter.commas = calloc(statement->count + 1, 1);
	if (!err && read.kind != VERB_READ)
		err = drift_fail(error, DRIFT_SYNTAX, "a view must be a query");
	if (!err)
		err = rewrite_scopes(&rewriter);
	/* Its own AS OF goes before the moment that it is asked for at. */
	for (unsigned i = 0; i < rewriter.scope_count; i++)
		if (rewriter.scopes[i].first == 0)
			asof = NULL;
	if (asof && rewriter.scope_count < SCOPES_MAX) {
		bool range = asof_is_range(asof);

		rewriter.scopes[rewriter.scope_count++] = (struct scope){
			.end = statement->count,
			.seq = range ? session->view.seq : (drift_seq)asof->a,
			.range = range ? asof : NULL,
		};
	}
	if (!err)
		err = walk(&rewriter);
	if (!err)
		err = rewrite_group(&rewriter);
	if (!err)
		err = rewrite_distinct(&rewriter);
	if (!err) {
		rewrite_names(&rewriter);
		rewrite_result(&rewriter, rewrite);
		err = write_parts(&rewriter, rewrite);
	}
	edits_release(&rewriter.edits);
	free(rewriter.commas);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* What is rewritten is well nested, or SQLite would complain of words of ours. */
static enum drift_err check_parentheses(const struct statement *statement,
					struct drift_error *error)
{
	unsigned depth = 0;

	for (unsigned i = 0; i < statement->count; i++) {
		struct token token = statement->tokens[i];

		if (token_is(statement->script, token, "("))
			depth++;
		else if (token_is(statement->script, token, ")") && depth-- == 0)
			return statement_syntax(statement, token, error);
		if (depth > NESTING_MAX)
			return statement_place(
				token,
				drift_fail(
					error, DRIFT_TOO_BIG,
					"parentheses are nested more than %d deep",
					NESTING_MAX),
				error);
	}
	return depth == 0 ? DRIFT_OK
			  : statement_syntax(statement,
					     statement->tokens[statement->count],
					     error);
}

enum drift_err rewrite_make(struct query_session *session,
			    const struct statement *statement,
			    const struct verb *verb, struct rewrite *rewrite,
			    struct drift_error *error)
{
	struct rewriter rewriter = {
		.session = session,
		.statement = *statement,
		.verb = verb,
		.error = error,
	};
	enum drift_err err;

	if (statement->count == 0)
		return DRIFT_OK;
	err = check_parentheses(statement, error);
	rewriter.commas = calloc(statement->count + 1, 1);
	if (!err)
		err = rewrite_scopes(&rewriter);
	if (!err)
		err = walk(&rewriter);
	if (!err)
		err = rewrite_group(&rewriter);
	if (!err)
		err = rewrite_distinct(&rewriter);
	if (!err) {
		for (unsigned i = 0; i < session->compiled.lifted_count; i++)
			rewriter_instead(&rewriter, session->compiled.lifted[i],
					 session->compiled.lifted[i] + 1, "?%u",
					 i + 1);
		rewrite_target(&rewriter);
		rewrite_documents(&rewriter);
		rewrite_keep(&rewriter);
		rewrite_names(&rewriter);
		rewrite_result(&rewriter, rewrite);
		err = write_parts(&rewriter, rewrite);
	}
	edits_release(&rewriter.edits);
	free(rewriter.commas);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
