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
 *	ON CONFLICT (key) DO NOTHING	INSERT OR IGNORE
 * Marks map SQLite's error offsets back to the script. */
#include "query/rewrite.h"

#include <stdlib.h>

#include "query/rewriter.h"
#include "query/session.h"

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
	if (!found)
		return 0;
	offset -= (int)found->sql;
	if (offset > (int)found->size)
		offset = (int)found->size;
	return (int)found->script + offset + 1;
}

static enum drift_err add_mark(struct rewrite *rewrite, uint32_t script,
			       uint32_t size)
{
	struct rewrite_mark mark = { (uint32_t)rewrite->sql.size, script, size };

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

/* Copy the script up to the start of token `end`. */
enum drift_err rewriter_copy_to(struct rewriter *rewriter, unsigned end)
{
	uint32_t to = rewriter_token(rewriter, end).at;
	enum drift_err err;

	if (to <= rewriter->copied)
		return DRIFT_OK;
	err = add_mark(rewriter->out, rewriter->copied, to - rewriter->copied);
	buf_add(&rewriter->out->sql, rewriter->statement.script + rewriter->copied,
		to - rewriter->copied);
	rewriter->copied = to;
	return err;
}

/* Leave out the tokens up to `end`; the space after them stays. */
void rewriter_skip_to(struct rewriter *rewriter, unsigned end)
{
	struct token last = rewriter_token(rewriter, end - 1);

	rewriter->copied = last.at + last.size;
	rewriter->statement.at = end;
}

/* ---- Written values ---------------------------------------------------- */

/* Does the assignment's value end before token i? */
static bool ends_value(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_token(rewriter, i).kind == TOKEN_END ||
	       rewriter_is_punct(rewriter, i, ",") ||
	       rewriter_is_word(rewriter, i, "FROM") ||
	       rewriter_is_word(rewriter, i, "WHERE") ||
	       rewriter_is_word(rewriter, i, "ORDER") ||
	       rewriter_is_word(rewriter, i, "LIMIT");
}

/* Token i is `c` of `SET c =` or `, c =`. */
static bool is_assigned(const struct rewriter *rewriter, unsigned i)
{
	return token_is_name(rewriter_token(rewriter, i)) &&
	       rewriter_is_punct(rewriter, i + 1, "=") &&
	       (i == rewriter->set_at + 1 ||
		rewriter_is_punct(rewriter, i - 1, ","));
}

static bool is_truth(const struct rewriter *rewriter, unsigned i)
{
	if (rewriter->verb->kind == VERB_READ || i == 0 ||
	    (!rewriter_is_word(rewriter, i, "TRUE") &&
	     !rewriter_is_word(rewriter, i, "FALSE")))
		return false;
	return (rewriter_is_punct(rewriter, i - 1, "(") ||
		rewriter_is_punct(rewriter, i - 1, ",") ||
		rewriter_is_punct(rewriter, i - 1, "=")) &&
	       (ends_value(rewriter, i + 1) ||
		rewriter_is_punct(rewriter, i + 1, ")"));
}

static enum drift_err rewrite_truth(struct rewriter *rewriter, unsigned i)
{
	enum drift_err err = rewriter_copy_to(rewriter, i);

	buf_add_str(&rewriter->out->sql, rewriter_is_word(rewriter, i, "TRUE")
						 ? "drift_true()"
						 : "drift_false()");
	rewriter_skip_to(rewriter, i + 1);
	return err;
}

static enum drift_err open_keep(struct rewriter *rewriter, unsigned value)
{
	enum drift_err err = rewriter_copy_to(rewriter, value);

	buf_add_str(&rewriter->out->sql, "drift_keep(");
	rewriter->keeping = true;
	rewriter->statement.at = value;
	return err;
}

static enum drift_err close_keep(struct rewriter *rewriter, unsigned i)
{
	struct token last = rewriter_token(rewriter, i - 1);
	uint32_t end = last.at + last.size;
	enum drift_err err = DRIFT_OK;

	if (rewriter->copied < end) {
		err = add_mark(rewriter->out, rewriter->copied,
			       end - rewriter->copied);
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

	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	def = relation_table(transaction_present(rewriter->session),
			     buf_slice(&name));
	buf_release(&name);
	return def && def->document;
}

/* INSERT INTO t SELECT * FROM u with one table u, both document tables: whole
 * documents go over, so that nothing of them is lost in columns. */
static unsigned find_documents(const struct rewriter *rewriter)
{
	static const char *const others[] = { "JOIN", "UNION", "EXCEPT",
					      "INTERSECT" };
	unsigned select = rewriter->verb->after_target;
	unsigned count = rewriter->statement.count;

	if (rewriter->verb->kind != VERB_INSERT ||
	    !rewriter_is_word(rewriter, select, "SELECT") ||
	    !rewriter_is_punct(rewriter, select + 1, "*") ||
	    !rewriter_is_word(rewriter, select + 2, "FROM") ||
	    !is_document_table(rewriter, rewriter->verb->target) ||
	    !is_document_table(rewriter, select + 3))
		return 0;
	for (unsigned k = 0; k < sizeof(others) / sizeof(*others); k++)
		if (verb_find_word(&rewriter->statement, select, others[k]) < count)
			return 0;
	for (unsigned i = select + 3;
	     i < count && !rewriter_is_word(rewriter, i, "WHERE"); i++) {
		if (rewriter_is_punct(rewriter, i, ","))
			return 0;
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
	}
	return select + 1;
}

static enum drift_err rewrite_documents(struct rewriter *rewriter, unsigned i)
{
	enum drift_err err;

	if (i + 1 == rewriter->documents) {
		err = rewriter_copy_to(rewriter, i);
		buf_add_str(&rewriter->out->sql, "(doc) ");
		rewriter->statement.at = i + 1;
		return err;
	}
	err = rewriter_copy_to(rewriter, i);
	buf_add_str(&rewriter->out->sql, "doc");
	rewriter_skip_to(rewriter, i + 1);
	return err;
}

/* ---- The walk ---------------------------------------------------------- */

/* INSERT, or the ON CONFLICT clause that it says OR IGNORE for. */
static enum drift_err rewrite_conflict(struct rewriter *rewriter, unsigned i)
{
	enum drift_err err = rewriter_copy_to(rewriter, i);

	if (i == rewriter->verb->conflict) {
		rewriter_skip_to(rewriter, rewriter->statement.count);
		return err;
	}
	buf_add_str(&rewriter->out->sql, "INSERT OR IGNORE");
	rewriter_skip_to(rewriter, i + 1);
	return err;
}

static bool is_conflict(const struct rewriter *rewriter, unsigned i)
{
	return rewriter->verb->conflict &&
	       (i == rewriter->verb->at || i == rewriter->verb->conflict);
}

static enum drift_err rewrite_token(struct rewriter *rewriter, unsigned *depth)
{
	unsigned i = rewriter->statement.at;

	if (rewriter->keeping && *depth == 0 && ends_value(rewriter, i)) {
		enum drift_err err = close_keep(rewriter, i);

		if (err)
			return err;
	}
	if (rewriter_is_punct(rewriter, i, "("))
		++*depth;
	else if (rewriter_is_punct(rewriter, i, ")") && *depth > 0)
		--*depth;
	if (is_conflict(rewriter, i))
		return rewrite_conflict(rewriter, i);
	if (rewriter->documents &&
	    (i == rewriter->documents || i + 1 == rewriter->documents))
		return rewrite_documents(rewriter, i);
	if (token_is_name(rewriter_token(rewriter, i)) &&
	    temporal_is_clause(&rewriter->statement, i + 1))
		return rewriter_clause(rewriter, i);
	if (temporal_is_trailing(&rewriter->statement, i))
		return rewriter_skip_trailing(rewriter, i);
	if (rewriter->scope_count && rewriter_needs_moment(rewriter, i))
		return rewriter_in_scope(rewriter, i);
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
	err = rewriter_find_scopes(&rewriter);
	while (!err && rewriter.statement.at < statement->count)
		err = rewrite_token(&rewriter, &depth);
	if (!err && rewriter.keeping)
		err = close_keep(&rewriter, statement->count);
	if (!err)
		err = rewriter_copy_to(&rewriter, statement->count);
	if (!err)
		err = buf_status(&rewrite->sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
