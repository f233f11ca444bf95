/* SPDX-License-Identifier: MIT */
/* rewrite_time.c - tables at their moments.
 *
 * FOR SYSTEM_TIME follows a table's name and is about that table. A trailing AS OF
 * covers the tables of its query: those of the whole statement, by the view the
 * statement reads, or those between the parentheses it stands in, each of which then
 * becomes a call. A table is looked up as of its moment, so one that is gone by now,
 * or whose name is another's by now, is found. */
#include "query/rewriter.h"
#include "query/saved.h"
#include "query/session.h"

enum comma { COMMA_UNKNOWN, COMMA_OF_FROM, COMMA_OF_OTHER };

/* What the comma is of, told by what stands before it at its depth. */
static enum comma find_comma(const struct rewriter *rewriter, unsigned i)
{
	static const char *const others[] = { "SELECT", "WHERE",     "BY",
					      "VALUES", "SET",       "HAVING",
					      "LIMIT",  "WINDOW",    "INTO",
					      "USING",  "RETURNING", NULL };
	unsigned depth = 0;

	while (i-- > 0) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && depth-- == 0)
			return i > 0 && (rewriter_is_word(rewriter, i - 1, "FROM") ||
					 rewriter_is_word(rewriter, i - 1, "JOIN"))
				       ? COMMA_OF_FROM
				       : COMMA_OF_OTHER;
		if (depth > 0)
			continue;
		/* One list's commas are all of the same. */
		if (rewriter->commas && rewriter->commas[i])
			return rewriter->commas[i];
		if (rewriter_is_word(rewriter, i, "FROM"))
			return COMMA_OF_FROM;
		if (statement_is_one_of(&rewriter->statement, i, others))
			return COMMA_OF_OTHER;
	}
	return COMMA_OF_OTHER;
}

/* Is the comma, at its own depth, in a FROM clause? */
static bool is_from_comma(const struct rewriter *rewriter, unsigned i)
{
	enum comma comma = rewriter->commas ? rewriter->commas[i] : COMMA_UNKNOWN;

	if (comma == COMMA_UNKNOWN)
		comma = find_comma(rewriter, i);
	if (rewriter->commas)
		rewriter->commas[i] = comma;
	return comma == COMMA_OF_FROM;
}

bool rewrite_is_from_place(const struct rewriter *rewriter, unsigned i)
{
	while (i > 0 && rewriter_is_punct(rewriter, i - 1, "("))
		i--;
	if (i == 0)
		return false;
	if (rewriter_is_word(rewriter, i - 1, "JOIN"))
		return true;
	if (rewriter_is_word(rewriter, i - 1, "FROM"))
		return i < 2 || !rewriter_is_word(rewriter, i - 2, "DISTINCT");
	if (rewriter_is_word(rewriter, i - 1, "LATERAL"))
		return true;
	return rewriter_is_punct(rewriter, i - 1, ",") &&
	       is_from_comma(rewriter, i - 1);
}

bool rewriter_is_table_place(const struct rewriter *rewriter, unsigned i)
{
	return token_is_name(rewriter_token(rewriter, i)) &&
	       !rewriter_is_punct(rewriter, i + 1, "(") &&
	       rewrite_is_from_place(rewriter, i);
}

/* Words that may follow a table's name and are no alias. */
bool rewrite_is_alias(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = {
		"JOIN",      "LEFT",    "RIGHT",     "FULL",   "INNER",
		"CROSS",     "NATURAL", "OUTER",     "ON",     "USING",
		"WHERE",     "GROUP",   "ORDER",     "HAVING", "LIMIT",
		"UNION",     "EXCEPT",  "INTERSECT", "WINDOW", "SET",
		"RETURNING", "NOT",     "INDEXED",   "OFFSET", NULL,
	};

	if (rewriter_is_word(rewriter, i, "AS"))
		return !temporal_is_trailing(&rewriter->statement, i);
	return token_is_name(rewriter_token(rewriter, i)) &&
	       !statement_is_one_of(&rewriter->statement, i, words);
}

/* ---- Tables at a moment ------------------------------------------------ */

/* The relation that shows the table called name at the form's moment. */
static enum drift_err find_relation(struct rewriter *rewriter, struct slice name,
				    const struct asof *asof,
				    struct relation **relation)
{
	struct query_session *session = rewriter->session;
	const struct table_def *now = relation_table(session->view, name);
	const struct table_def *then = now;
	bool past = asof_form(asof) == ASOF_AT &&
		    (drift_seq)asof->a <= session->view.seq;
	struct drift_view view;
	enum drift_err err;

	if (past) {
		view = drift_view_at(session->db, (drift_seq)asof->a);
		then = relation_table(view, name);
	}
	if (!now && !then)
		return drift_fail(rewriter->error, DRIFT_NO_TABLE,
				  "relation \"%.*s\" does not exist", (int)name.size,
				  (const char *)name.data);
	/* Its columns are those of its moment. */
	if (then)
		now = then;
	err = relation_get_timed(session, now, past ? &view : NULL, relation);
	if (err)
		return drift_fail_code(rewriter->error, err);
	return relation_declare(session, *relation, rewriter->error);
}

/* The saved query of that name at the moment, or now. */
static const struct table_def *find_saved(const struct rewriter *rewriter,
					  struct slice name, const struct asof *asof)
{
	const struct query_session *session = rewriter->session;
	const struct table_def *then = NULL;

	if (asof_form(asof) == ASOF_AT && (drift_seq)asof->a <= session->view.seq) {
		struct drift_view view =
			drift_view_at(session->db, (drift_seq)asof->a);

		then = saved_find(view, name);
		if (!then && relation_table(view, name))
			return NULL;
	}
	return then ? then : saved_find(session->view, name);
}

/* Note the name that the saved query has for that moment. */
static enum drift_err note_saved(struct rewriter *rewriter, unsigned i,
				 unsigned after, const struct asof *asof,
				 const struct table_def *saved)
{
	struct buf text = BUF_INIT, name = BUF_INIT;
	enum drift_err err;

	err = saved_declare(rewriter->session, saved, asof, &name, rewriter->error);
	token_quote_name(buf_slice(&name), &text);
	if (!rewrite_is_alias(rewriter, after)) {
		buf_add_str(&text, " AS ");
		token_quote_name(slice_str(saved->name), &text);
	}
	buf_add_char(&text, ' ');
	if (!err)
		err = buf_status(&text);
	if (!err) {
		edit_instead(&rewriter->edits, i, after, buf_slice(&text));
		rewriter->statement.at = after;
	}
	buf_release(&text);
	buf_release(&name);
	return err;
}

/* Note the call instead of the table named by token i and its clause, which ends
 * before token `after`. */
static enum drift_err note_call(struct rewriter *rewriter, unsigned i,
				unsigned after, const struct asof *asof)
{
	const struct table_def *saved;
	struct relation *relation;
	struct buf call = BUF_INIT;
	struct buf name = BUF_INIT;
	enum drift_err err;

	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	err = buf_status(&name);
	saved = err ? NULL : find_saved(rewriter, buf_slice(&name), asof);
	if (saved) {
		err = note_saved(rewriter, i, after, asof, saved);
		buf_release(&name);
		return statement_place(rewriter_token(rewriter, i), err,
				       rewriter->error);
	}
	if (!err)
		err = find_relation(rewriter, buf_slice(&name), asof, &relation);
	if (!err) {
		token_quote_name(slice_str(relation->name), &call);
		buf_printf(&call, "(%lld,%lld,%lld)", (long long)asof->form,
			   (long long)asof->a, (long long)asof->b);
		if (!rewrite_is_alias(rewriter, after)) {
			buf_add_str(&call, " AS ");
			token_quote_name(buf_slice(&name), &call);
		}
		buf_add_char(&call, ' ');
		err = buf_status(&call);
		edit_instead(&rewriter->edits, i, after, buf_slice(&call));
		rewriter->statement.at = after;
	}
	buf_release(&name);
	buf_release(&call);
	return statement_place(rewriter_token(rewriter, i), err, rewriter->error);
}

/* The name at token i with its FOR SYSTEM_TIME clause. */
static enum drift_err note_clause(struct rewriter *rewriter, unsigned i)
{
	struct asof asof;
	enum drift_err err;

	rewriter->statement.at = i + 1;
	err = temporal_clause(rewriter->session, &rewriter->statement, &asof,
			      rewriter->error);
	return err ? err : note_call(rewriter, i, rewriter->statement.at, &asof);
}

/* ---- Trailing AS OF ---------------------------------------------------- */

static const struct scope *scope_of(const struct rewriter *rewriter, unsigned i)
{
	const struct scope *best = NULL;

	for (unsigned k = 0; k < rewriter->scope_count; k++) {
		const struct scope *scope = &rewriter->scopes[k];

		if (scope->first <= i && i < scope->end &&
		    (!best || scope->first > best->first))
			best = scope;
	}
	return best;
}

/* The tokens between the parentheses around token i. */
static void find_enclosing(const struct rewriter *rewriter, unsigned i,
			   struct scope *scope)
{
	unsigned depth = 0;

	scope->first = 0;
	scope->end = rewriter->statement.count;
	while (i-- > 0) {
		if (rewriter_is_punct(rewriter, i, ")")) {
			depth++;
		} else if (rewriter_is_punct(rewriter, i, "(") && depth-- == 0) {
			scope->first = i + 1;
			scope->end = verb_find_close(&rewriter->statement, i);
			return;
		}
	}
}

static enum drift_err take_scope(struct rewriter *rewriter,
				 const struct scope *scope)
{
	struct query_session *session = rewriter->session;

	for (unsigned i = 0; i < rewriter->scope_count; i++)
		if (rewriter->scopes[i].first == scope->first)
			return drift_fail(rewriter->error, DRIFT_SYNTAX,
					  "more than one AS OF for the same tables");
	if (scope->first == 0 && rewriter->verb->kind == VERB_READ &&
	    !rewriter->saved && scope->seq <= session->view.seq)
		session->view = drift_view_at(session->db, scope->seq);
	if (scope->first == 0 && rewriter->verb->kind != VERB_READ &&
	    rewriter->verb->kind != VERB_INSERT)
		return drift_fail(rewriter->error, DRIFT_UNSUPPORTED,
				  "UPDATE and DELETE change the present: "
				  "AS OF is not supported there");
	if (rewriter->scope_count == SCOPES_MAX)
		return drift_fail(rewriter->error, DRIFT_LIMIT,
				  "too many AS OF clauses");
	rewriter->scopes[rewriter->scope_count++] = *scope;
	return DRIFT_OK;
}

enum drift_err rewrite_scopes(struct rewriter *rewriter)
{
	struct statement statement = rewriter->statement;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < statement.count && !err; i++) {
		struct scope scope = { 0 };

		if (i > 0 && rewriter_is_word(rewriter, i - 1, "SYSTEM_TIME"))
			continue;
		if (!temporal_is_trailing(&statement, i))
			continue;
		statement.at = i;
		err = temporal_trailing(rewriter->session, &statement, &scope.seq,
					rewriter->error);
		find_enclosing(rewriter, i, &scope);
		if (!err)
			err = take_scope(rewriter, &scope);
		err = statement_place(statement.tokens[i], err, rewriter->error);
	}
	return err;
}

/* Leave the trailing AS OF at token i out. */
static enum drift_err skip_trailing(struct rewriter *rewriter, unsigned i)
{
	drift_seq seq;
	enum drift_err err;

	rewriter->statement.at = i;
	err = temporal_trailing(rewriter->session, &rewriter->statement, &seq,
				rewriter->error);
	if (!err)
		edit_instead(&rewriter->edits, i, rewriter->statement.at, SLICE(""));
	return err;
}

/* Is token i a table in reach of a trailing AS OF that is not the whole statement's
 * view? */
static bool needs_moment(const struct rewriter *rewriter, unsigned i)
{
	const struct scope *scope = scope_of(rewriter, i);
	struct buf name = BUF_INIT;
	bool found;

	if (!scope ||
	    (scope->first == 0 && rewriter->verb->kind == VERB_READ &&
	     !rewriter->saved) ||
	    !rewriter_is_table_place(rewriter, i))
		return false;
	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	found = saved_find(rewriter->session->view, buf_slice(&name)) ||
		saved_find(drift_view_at(rewriter->session->db, scope->seq),
			   buf_slice(&name)) ||
		relation_table(rewriter->session->view, buf_slice(&name)) ||
		relation_table(drift_view_at(rewriter->session->db, scope->seq),
			       buf_slice(&name));
	buf_release(&name);
	return found;
}

static enum drift_err note_in_scope(struct rewriter *rewriter, unsigned i)
{
	const struct scope *scope = scope_of(rewriter, i);
	drift_seq seq = scope->seq;
	struct asof asof = { ASOF_AT, seq > INT64_MAX ? INT64_MAX : (int64_t)seq,
			     0 };

	return note_call(rewriter, i, i + 1, scope->range ? scope->range : &asof);
}

enum drift_err rewrite_time(struct rewriter *rewriter, unsigned i)
{
	if (token_is_name(rewriter_token(rewriter, i)) &&
	    temporal_is_clause(&rewriter->statement, i + 1))
		return note_clause(rewriter, i);
	if (temporal_is_trailing(&rewriter->statement, i))
		return skip_trailing(rewriter, i);
	if (rewriter->scope_count && needs_moment(rewriter, i))
		return note_in_scope(rewriter, i);
	return DRIFT_OK;
}
