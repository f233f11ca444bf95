/* SPDX-License-Identifier: MIT */
/* documents.c - writing rows as JSON: INSERT INTO t {...} and PATCH. */
#include <stdio.h>

#include "engine/json.h"
#include "query/session.h"
#include "query/write.h"

/* The table a statement writes to, by its name's token. */
static enum drift_err get_table(struct query_session *session,
				struct statement *statement,
				const struct table_def **def,
				struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf name = BUF_INIT;
	enum drift_err err = statement_name(statement, &name, error);

	if (!err) {
		*def = relation_table(transaction_present(session),
				      buf_slice(&name));
		if (!*def)
			err = drift_fail(error, DRIFT_NO_TABLE,
					 "relation \"%s\" does not exist",
					 buf_cstr(&name));
	}
	if (!err && (*def)->sequence)
		err = drift_fail(error, DRIFT_WRONG_KIND,
				 "cannot change sequence \"%s\"", (*def)->name);
	buf_release(&name);
	return statement_place(token, err, error);
}

/* Take a JSON object; a fault's place becomes one in the script. */
static enum drift_err take_document(struct statement *statement,
				    struct buf *document, struct drift_error *error)
{
	struct token token = statement_peek(statement);
	enum drift_err err;

	if (token.kind != TOKEN_JSON)
		return statement_syntax(statement, token, error);
	buf_clear(document);
	statement->at++;
	err = json_parse_document(token_slice(statement->script, token), document,
				  error);
	if (err && error && error->position)
		error->position += (int)token.at;
	return statement_place(token, err, error);
}

enum drift_err write_run_documents(struct query_session *session,
				   struct statement *statement,
				   struct drift_error *error)
{
	const struct table_def *def = NULL;
	struct buf document = BUF_INIT;
	enum drift_err err;
	char tag[64];

	statement->at += 2;
	session->transaction.blind = true;
	err = get_table(session, statement, &def, error);
	while (!err) {
		struct token token = statement_peek(statement);

		err = take_document(statement, &document, error);
		if (!err)
			err = statement_place(token,
					      write_insert(session, def,
							   buf_slice(&document),
							   WRITE_INSERT, error),
					      error);
		if (err)
			break;
		session->changed++;
		if (!statement_accept_punct(statement, ","))
			break;
	}
	if (!err)
		err = statement_expect_end(statement, error);
	snprintf(tag, sizeof(tag), "INSERT 0 %llu",
		 (unsigned long long)session->changed);
	if (!err)
		session_say(session, tag, "Inserted %llu row(s)",
			    (unsigned long long)session->changed);
	buf_release(&document);
	return err;
}

/* One part of a key that a token says. */
static enum drift_err take_part(struct statement *statement, enum key_kind kind,
				struct buf *key, struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf text = BUF_INIT;
	struct buf name = BUF_INIT;
	enum drift_err err = statement_value(statement, &text, error);

	if (!err && kind == KEY_TEXT) {
		key_add_text(key, buf_slice(&text));
	} else if (!err) {
		err = key_component_encode(buf_slice(&text), &name);
		if (!err)
			err = key_from_name(buf_slice(&name), &kind, 1, key);
		if (err)
			err = drift_fail(error, DRIFT_BAD_TYPE,
					 "invalid key: \"%s\"", buf_cstr(&text));
	}
	buf_release(&text);
	buf_release(&name);
	return statement_place(token, err, error);
}

/* KEY "evt1", KEY ('a', 2). */
static enum drift_err take_key(struct statement *statement,
			       const struct table_def *def, struct buf *key,
			       struct drift_error *error)
{
	enum key_kind kinds[TABLE_KEY_PARTS_MAX];
	enum drift_err err = statement_expect(statement, "KEY", error);
	bool parens;

	if (err)
		return err;
	parens = statement_accept_punct(statement, "(");
	table_def_key_kinds(def, kinds);
	for (unsigned i = 0; i < def->key_count && !err; i++) {
		if (i > 0)
			err = statement_expect_punct(statement, ",", error);
		if (!err)
			err = take_part(statement, kinds[i], key, error);
	}
	return err || !parens ? err : statement_expect_punct(statement, ")", error);
}

/* Merge patch into the row; no such row: nothing. */
static enum drift_err patch_row(struct query_session *session,
				const struct table_def *def, struct slice key,
				struct slice patch, struct drift_error *error)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf merged = BUF_INIT;
	enum drift_err err = drift_get(session->view, def->id, key, &row);

	if (err == DRIFT_NO_ROW) {
		err = DRIFT_OK;
		goto done;
	}
	if (!err)
		err = sequence_refuse_patch(def, patch, error);
	if (!err)
		err = msg_merge_patch(row.version.row, patch, &merged);
	if (!err)
		err = write_update(session, def, key, buf_slice(&merged),
				   WRITE_INSERT, error);
	if (!err)
		session->changed++;
done:
	drift_row_release(&row);
	buf_release(&merged);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err write_run_patch(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error)
{
	const struct table_def *def = NULL;
	struct buf key = BUF_INIT;
	struct buf patch = BUF_INIT;
	enum drift_err err;
	char tag[64];

	statement->at++;
	err = get_table(session, statement, &def, error);
	if (!err)
		err = take_key(statement, def, &key, error);
	if (!err)
		err = statement_expect(statement, "SET", error);
	if (!err)
		err = take_document(statement, &patch, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = transaction_may_write(session, error);
	if (!err)
		err = patch_row(session, def, buf_slice(&key), buf_slice(&patch),
				error);
	snprintf(tag, sizeof(tag), "UPDATE %llu",
		 (unsigned long long)session->changed);
	if (!err)
		session_say(session, tag, "Updated %llu row(s)",
			    (unsigned long long)session->changed);
	buf_release(&key);
	buf_release(&patch);
	return err;
}

/* SOFT DELETE FROM t KEY k: the row goes and its history stays, as with any DELETE. */
enum drift_err write_run_soft_delete(struct query_session *session,
				     struct statement *statement,
				     struct drift_error *error)
{
	const struct table_def *def = NULL;
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	enum drift_err err;
	char tag[64];

	statement->at++;
	err = statement_expect(statement, "DELETE", error);
	if (!err)
		err = statement_expect(statement, "FROM", error);
	if (!err)
		err = get_table(session, statement, &def, error);
	if (!err)
		err = take_key(statement, def, &key, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = transaction_may_write(session, error);
	if (!err) {
		err = drift_get(session->view, def->id, buf_slice(&key), &row);
		if (!err)
			err = write_delete(session, def, buf_slice(&key), error);
		session->changed += !err;
		err = err == DRIFT_NO_ROW ? DRIFT_OK : err;
	}
	snprintf(tag, sizeof(tag), "DELETE %llu",
		 (unsigned long long)session->changed);
	if (!err)
		session_say(session, tag, "Deleted %llu row(s)",
			    (unsigned long long)session->changed);
	drift_row_release(&row);
	buf_release(&key);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
