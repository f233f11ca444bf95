/* SPDX-License-Identifier: MIT */
/* Any text, as a script: its tokens lie inside it and in order, and each of its
 * statements is spelled and rewritten, and compiled by SQLite, to an answer or to a
 * refusal whose place is inside the text. Nothing is run. */
#include "query/session.h"
#include "query/sql.h"
#include "tests/fuzz/fuzz_db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct query_session *session;

static void check_tokens(const struct tokens *tokens, size_t size)
{
	size_t end = 0;

	for (unsigned i = 0; i < tokens->count; i++) {
		const struct token *token = &tokens->list[i];

		if (token->at < end || token->size == 0 ||
		    token->at + (size_t)token->size > size)
			abort();
		end = token->at + (size_t)token->size;
	}
}

/* One statement as far as SQLite's compiler. */
static void compile(const struct statement *statement, size_t size)
{
	struct drift_error error = { 0 };
	sqlite3_stmt *stmt = NULL;
	enum drift_err err;

	session->inner.code = DRIFT_OK;
	transaction_begin_statement(session);
	err = sql_prepare(session, statement, "", &stmt, &error);
	if (err && (error.code == DRIFT_OK || error.position < 0 ||
		    (size_t)error.position > size + 1))
		abort();
	sqlite3_finalize(stmt);
	transaction_fail_statement(session);
	relation_forget_many(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tokens tokens = TOKENS_INIT;
	struct drift_error error;
	size_t at = 0;

	if (!session)
		session = fuzz_db_session(false);
	if (size > 4096 || query_start(session, (const char *)data, size, &error))
		return 0;
	while (!tokens_read(&tokens, session->script.data, size, &at) &&
	       tokens.count) {
		struct statement statement = { session->script.data, tokens.list,
					       tokens.count, 0 };

		check_tokens(&tokens, size);
		compile(&statement, size);
	}
	tokens_release(&tokens);
	return 0;
}
