/* SPDX-License-Identifier: MIT */
/* rewrite.c - DriftQL to SQLite's SQL, token by token.
 *
 * Text is copied as it stands, spaces and all (SQLite names result columns by it),
 * but for these:
 *	t FOR SYSTEM_TIME ... [alias]	"t"(form, a, b) [AS] alias
 *	... AS OF m			nothing; the view is set, or where that would
 *					reach too far each table in reach becomes
 *					"t"(form, a, 0)
 *	SET c = x			SET c = drift_keep(x)
 *	TRUE, FALSE as written values	drift_true(), drift_false()
 *	INSERT INTO t SELECT * FROM u	the documents themselves, for document tables
 * Marks map SQLite's error offsets back to the script. */
#include "query/rewrite.h"

#include <stdlib.h>

#include "query/session.h"
#include "query/temporal.h"

/* A trailing AS OF that holds for the tokens [first, end) only. */
struct scope {
	unsigned first;
	unsigned end;
	drift_seq seq;
};

#define SCOPES_MAX 16

struct rewriter {
	struct query_session *session;
	struct statement statement;	/* at: the token to copy next */
	const struct verb *verb;
	struct rewrite *out;
	struct drift_error *error;
	uint32_t copied;		/* script bytes before it are done with */
	struct scope scopes[SCOPES_MAX];
	unsigned scope_count;
	unsigned set_at;		/* UPDATE's SET; count: none */
	bool keeping;			/* inside drift_keep( */
	unsigned documents;		/* the '*' that stands for doc, 0: none */
};

void rewrite_release(struct rewrite *rewrite)
{
	buf_release(&rewrite->sql);
	free(rewrite->marks);
	*rewrite = REWRITE_INIT;
}

int rewrite_position(const struct rewrite *rewrite, int offset)
{
	const struct rewrite_mark *found = NULL;

	for (unsigned i = 0; i < rewrite->mark_count; i++)
		if ((int)rewrite->marks[i].sql <= offset)
			found = &rewrite->marks[i];
	return found ? (int)found->script + offset - (int)found->sql + 1 : 0;
}

static enum drift_err add_mark(struct rewrite *rewrite, uint32_t script)
{
	struct rewrite_mark mark = {(uint32_t)rewrite->sql.size, script};

	if (rewrite->mark_count == rewrite->mark_capacity) {
		unsigned capacity = rewrite->mark_capacity * 2 + 16;
		struct rewrite_mark *marks =
			realloc(rewrite->marks, capacity * sizeof(*marks));

		if (!marks)
			return DRIFT_NOMEM;
		rewrite->marks = marks;
		rewrite->mark_capacity = capacity;
	}
	rewrite->marks[rewrite->mark_count++] = mark;
	return DRIFT_OK;
}

static struct token token_at(const struct rewriter *rewriter, unsigned i)
{
	const struct statement *statement = &rewriter->statement;

	return statement->tokens[i < statement->count ? i : statement->count];
}

static bool is_word(const struct rewriter *rewriter, unsigned i, const char *word)
{
	return token_is_word(rewriter->statement.script, token_at(rewriter, i), word);
}

static bool is_punct(const struct rewriter *rewriter, unsigned i, const char *punct)
{
	return token_is(rewriter->statement.script, token_at(rewriter, i), punct);
}

/* Copy the script up to the start of token `end`. */
static enum drift_err copy_to(struct rewriter *rewriter, unsigned end)
{
	uint32_t to = token_at(rewriter, end).at;
	enum drift_err err;

	if (to <= rewriter->copied)
		return DRIFT_OK;
	err = add_mark(rewriter->out, rewriter->copied);
	buf_add(&rewriter->out->sql, rewriter->statement.script + rewriter->copied,
		to - rewriter->copied);
	rewriter->copied = to;
	return err;
}

/* Leave out the tokens up to `end`; the space after them stays. */
static void skip_to(struct rewriter *rewriter, unsigned end)
{
	struct token last = token_at(rewriter, end - 1);

	rewriter->copied = last.at + last.size;
	rewriter->statement.at = end;
}

/* ---- Where a table is named -------------------------------------------- */

/* Is the comma, at its own depth, in a FROM clause? */
static bool is_from_comma(const struct rewriter *rewriter, unsigned i)
{
	static const char *const others[] = {"SELECT", "WHERE", "BY", "VALUES",
		"SET", "HAVING", "LIMIT", "WINDOW", "INTO", "USING", "RETURNING"};
	unsigned depth = 0;

	while (i-- > 0) {
		if (is_punct(rewriter, i, ")"))
			depth++;
		else if (is_punct(rewriter, i, "(") && depth-- == 0)
			return i > 0 && (is_word(rewriter, i - 1, "FROM") ||
					 is_word(rewriter, i - 1, "JOIN"));
		else if (depth == 0 && is_word(rewriter, i, "FROM"))
			return true;
		for (unsigned k = 0; depth == 0 && k < sizeof(others) / sizeof(*others); k++)
			if (is_word(rewriter, i, others[k]))
				return false;
	}
	return false;
}

/* Does token i stand where a FROM clause names a table? */
static bool is_table_place(const struct rewriter *rewriter, unsigned i)
{
	if (i == 0 || !token_is_name(token_at(rewriter, i)) ||
	    is_punct(rewriter, i + 1, "("))
		return false;
	while (i > 0 && is_punct(rewriter, i - 1, "("))
		i--;
	if (i == 0)
		return false;
	if (is_word(rewriter, i - 1, "JOIN"))
		return true;
	if (is_word(rewriter, i - 1, "FROM"))
		return i < 2 || !is_word(rewriter, i - 2, "DISTINCT");
	return is_punct(rewriter, i - 1, ",") && is_from_comma(rewriter, i - 1);
}

/* Words that may follow a table's name and are no alias. */
static bool is_alias(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = {
		"JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL",
		"OUTER", "ON", "USING", "WHERE", "GROUP", "ORDER", "HAVING",
		"LIMIT", "UNION", "EXCEPT", "INTERSECT", "WINDOW", "SET",
		"RETURNING", "NOT", "INDEXED", "OFFSET",
	};

	if (is_word(rewriter, i, "AS"))
		return !temporal_is_trailing(&rewriter->statement, i);
	if (!token_is_name(token_at(rewriter, i)))
		return false;
	for (unsigned k = 0; k < sizeof(words) / sizeof(*words); k++)
		if (is_word(rewriter, i, words[k]))
			return false;
	return true;
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
	enum drift_err err;

	if (asof_form(asof) == ASOF_AT && (drift_seq)asof->a <= session->view.seq)
		then = relation_table(drift_view_at(session->db, (drift_seq)asof->a),
				      name);
	if (!now && !then)
		return drift_fail(rewriter->error, DRIFT_NO_TABLE,
				  "relation \"%.*s\" does not exist",
				  (int)name.size, (const char *)name.data);
	if (then && (!now || then->id != now->id))
		now = then;
	err = relation_get_timed(session, now, relation);
	if (err)
		return drift_fail_code(rewriter->error, err);
	return relation_declare(session, *relation, rewriter->error);
}

/* Write the call for the table named by token i; `after` is the next token. */
static enum drift_err write_call(struct rewriter *rewriter, unsigned i,
				 unsigned after, const struct asof *asof)
{
	struct buf *sql = &rewriter->out->sql;
	struct relation *relation;
	struct buf name = BUF_INIT;
	enum drift_err err;

	token_text(rewriter->statement.script, token_at(rewriter, i), &name);
	err = buf_status(&name);
	if (!err)
		err = find_relation(rewriter, buf_slice(&name), asof, &relation);
	if (!err) {
		token_quote_name(slice_str(relation->name), sql);
		buf_printf(sql, "(%lld,%lld,%lld)", (long long)asof->form,
			   (long long)asof->a, (long long)asof->b);
		if (!is_alias(rewriter, after)) {
			buf_add_str(sql, " AS ");
			token_quote_name(buf_slice(&name), sql);
		}
		buf_add_char(sql, ' ');
	}
	buf_release(&name);
	return statement_place(token_at(rewriter, i), err, rewriter->error);
}

static enum drift_err rewrite_clause(struct rewriter *rewriter, unsigned i)
{
	struct asof asof;
	enum drift_err err = copy_to(rewriter, i);

	rewriter->statement.at = i + 1;
	if (!err)
		err = temporal_clause(rewriter->session, &rewriter->statement, &asof,
				      rewriter->error);
	if (!err)
		err = write_call(rewriter, i, rewriter->statement.at, &asof);
	if (!err)
		skip_to(rewriter, rewriter->statement.at);
	return err;
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
		if (is_punct(rewriter, i, ")")) {
			depth++;
		} else if (is_punct(rewriter, i, "(") && depth-- == 0) {
			scope->first = i + 1;
			scope->end = verb_find_close(&rewriter->statement, i);
			return;
		}
	}
}

static enum drift_err take_scope(struct rewriter *rewriter, const struct scope *scope)
{
	struct query_session *session = rewriter->session;

	for (unsigned i = 0; i < rewriter->scope_count; i++)
		if (rewriter->scopes[i].first == scope->first)
			return drift_fail(rewriter->error, DRIFT_SYNTAX,
					  "more than one AS OF for the same tables");
	if (scope->first == 0 && rewriter->verb->kind == VERB_READ &&
	    scope->seq <= session->view.seq)
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

/* Resolve them all before anything is copied: they stand behind what they cover. */
static enum drift_err find_scopes(struct rewriter *rewriter)
{
	struct statement statement = rewriter->statement;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < statement.count && !err; i++) {
		struct scope scope;

		if (i > 0 && is_word(rewriter, i - 1, "SYSTEM_TIME"))
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

static enum drift_err skip_trailing(struct rewriter *rewriter, unsigned i)
{
	drift_seq seq;
	enum drift_err err = copy_to(rewriter, i);

	rewriter->statement.at = i;
	if (!err)
		err = temporal_trailing(rewriter->session, &rewriter->statement, &seq,
					rewriter->error);
	if (!err)
		skip_to(rewriter, rewriter->statement.at);
	return err;
}

/* A table in reach of a trailing AS OF that is not the whole statement's view. */
static bool needs_moment(const struct rewriter *rewriter, unsigned i)
{
	const struct scope *scope = scope_of(rewriter, i);
	struct buf name = BUF_INIT;
	bool found;

	if (!scope || (scope->first == 0 && rewriter->verb->kind == VERB_READ) ||
	    !is_table_place(rewriter, i))
		return false;
	token_text(rewriter->statement.script, token_at(rewriter, i), &name);
	found = relation_table(rewriter->session->view, buf_slice(&name)) ||
		relation_table(drift_view_at(rewriter->session->db, scope->seq),
			       buf_slice(&name));
	buf_release(&name);
	return found;
}

static enum drift_err rewrite_in_scope(struct rewriter *rewriter, unsigned i)
{
	drift_seq seq = scope_of(rewriter, i)->seq;
	struct asof asof = {ASOF_AT, seq > INT64_MAX ? INT64_MAX : (int64_t)seq, 0};
	enum drift_err err = copy_to(rewriter, i);

	if (!err)
		err = write_call(rewriter, i, i + 1, &asof);
	if (!err)
		skip_to(rewriter, i + 1);
	return err;
}

/* ---- Written values ---------------------------------------------------- */

/* Does the assignment's value end before token i? */
static bool ends_value(const struct rewriter *rewriter, unsigned i)
{
	return token_at(rewriter, i).kind == TOKEN_END ||
	       is_punct(rewriter, i, ",") || is_word(rewriter, i, "FROM") ||
	       is_word(rewriter, i, "WHERE") || is_word(rewriter, i, "ORDER") ||
	       is_word(rewriter, i, "LIMIT");
}

/* Token i is `c` of `SET c =` or `, c =`. */
static bool is_assigned(const struct rewriter *rewriter, unsigned i)
{
	return token_is_name(token_at(rewriter, i)) &&
	       is_punct(rewriter, i + 1, "=") &&
	       (i == rewriter->set_at + 1 || is_punct(rewriter, i - 1, ","));
}

static bool is_truth(const struct rewriter *rewriter, unsigned i)
{
	if (rewriter->verb->kind == VERB_READ || i == 0 ||
	    (!is_word(rewriter, i, "TRUE") && !is_word(rewriter, i, "FALSE")))
		return false;
	return (is_punct(rewriter, i - 1, "(") || is_punct(rewriter, i - 1, ",") ||
		is_punct(rewriter, i - 1, "=")) &&
	       (ends_value(rewriter, i + 1) || is_punct(rewriter, i + 1, ")"));
}

static enum drift_err rewrite_truth(struct rewriter *rewriter, unsigned i)
{
	enum drift_err err = copy_to(rewriter, i);

	buf_add_str(&rewriter->out->sql, is_word(rewriter, i, "TRUE") ?
						 "drift_true()" : "drift_false()");
	skip_to(rewriter, i + 1);
	return err;
}

static enum drift_err open_keep(struct rewriter *rewriter, unsigned value)
{
	enum drift_err err = copy_to(rewriter, value);

	buf_add_str(&rewriter->out->sql, "drift_keep(");
	rewriter->keeping = true;
	rewriter->statement.at = value;
	return err;
}

static enum drift_err close_keep(struct rewriter *rewriter, unsigned i)
{
	struct token last = token_at(rewriter, i - 1);
	uint32_t end = last.at + last.size;
	enum drift_err err = DRIFT_OK;

	if (rewriter->copied < end) {
		err = add_mark(rewriter->out, rewriter->copied);
		buf_add(&rewriter->out->sql,
			rewriter->statement.script + rewriter->copied,
			end - rewriter->copied);
		rewriter->copied = end;
	}
	buf_add_char(&rewriter->out->sql, ')');
	rewriter->keeping = false;
	return err;
}

static bool is_document_table(const struct rewriter *rewriter, unsigned i)
{
	struct buf name = BUF_INIT;
	const struct table_def *def;

	token_text(rewriter->statement.script, token_at(rewriter, i), &name);
	def = relation_table(transaction_present(rewriter->session), buf_slice(&name));
	buf_release(&name);
	return def && def->document;
}

/* INSERT INTO t SELECT * FROM u with one table u, both document tables: whole
 * documents go over, so that nothing of them is lost in columns. */
static unsigned find_documents(const struct rewriter *rewriter)
{
	static const char *const others[] = {"JOIN", "UNION", "EXCEPT", "INTERSECT"};
	unsigned select = rewriter->verb->after_target;
	unsigned count = rewriter->statement.count;

	if (rewriter->verb->kind != VERB_INSERT || !is_word(rewriter, select, "SELECT") ||
	    !is_punct(rewriter, select + 1, "*") ||
	    !is_word(rewriter, select + 2, "FROM") ||
	    !is_document_table(rewriter, rewriter->verb->target) ||
	    !is_document_table(rewriter, select + 3))
		return 0;
	for (unsigned k = 0; k < sizeof(others) / sizeof(*others); k++)
		if (verb_find_word(&rewriter->statement, select, others[k]) < count)
			return 0;
	for (unsigned i = select + 3; i < count && !is_word(rewriter, i, "WHERE"); i++) {
		if (is_punct(rewriter, i, ","))
			return 0;
		if (is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
	}
	return select + 1;
}

static enum drift_err rewrite_documents(struct rewriter *rewriter, unsigned i)
{
	enum drift_err err;

	if (i + 1 == rewriter->documents) {
		err = copy_to(rewriter, i);
		buf_add_str(&rewriter->out->sql, "(doc) ");
		rewriter->statement.at = i + 1;
		return err;
	}
	err = copy_to(rewriter, i);
	buf_add_str(&rewriter->out->sql, "doc");
	skip_to(rewriter, i + 1);
	return err;
}

/* ---- The walk ---------------------------------------------------------- */

static enum drift_err rewrite_token(struct rewriter *rewriter, unsigned *depth)
{
	unsigned i = rewriter->statement.at;

	if (rewriter->keeping && *depth == 0 && ends_value(rewriter, i)) {
		enum drift_err err = close_keep(rewriter, i);

		if (err)
			return err;
	}
	if (is_punct(rewriter, i, "("))
		++*depth;
	else if (is_punct(rewriter, i, ")") && *depth > 0)
		--*depth;
	if (rewriter->documents && (i == rewriter->documents ||
				    i + 1 == rewriter->documents))
		return rewrite_documents(rewriter, i);
	if (token_is_name(token_at(rewriter, i)) &&
	    temporal_is_clause(&rewriter->statement, i + 1))
		return rewrite_clause(rewriter, i);
	if (temporal_is_trailing(&rewriter->statement, i))
		return skip_trailing(rewriter, i);
	if (rewriter->scope_count && needs_moment(rewriter, i))
		return rewrite_in_scope(rewriter, i);
	if (is_truth(rewriter, i))
		return rewrite_truth(rewriter, i);
	if (rewriter->set_at && i > rewriter->set_at && *depth == 0 &&
	    is_assigned(rewriter, i))
		return open_keep(rewriter, i + 2);
	rewriter->statement.at++;
	return DRIFT_OK;
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
		.out = rewrite,
		.error = error,
	};
	unsigned depth = 0;
	enum drift_err err;

	if (statement->count == 0)
		return DRIFT_OK;
	rewriter.statement.at = 0;
	rewriter.copied = statement->tokens[0].at;
	if (verb->kind == VERB_UPDATE)
		rewriter.set_at = verb_find_word(statement, verb->at, "SET");
	rewriter.documents = find_documents(&rewriter);
	err = find_scopes(&rewriter);
	while (!err && rewriter.statement.at < statement->count)
		err = rewrite_token(&rewriter, &depth);
	if (!err && rewriter.keeping)
		err = close_keep(&rewriter, statement->count);
	if (!err)
		err = copy_to(&rewriter, statement->count);
	if (!err)
		err = buf_status(&rewrite->sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
