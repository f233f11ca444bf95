/* SPDX-License-Identifier: MIT */
/* tag.c - TAG name [AT moment], DROP TAG [IF EXISTS] name. */
#include "query/ddl.h"
#include "query/session.h"
#include "query/temporal.h"

/* A dump names moments by their seq alone. */
static enum drift_err read_seq(struct ddl *ddl, drift_seq *seq)
{
	struct statement *statement = ddl->statement;
	struct token token = statement_peek(statement);
	struct moment moment;
	enum drift_err err;

	if (ddl->session)
		return temporal_moment(ddl->session, statement, seq, ddl->error);
	if (token.kind != TOKEN_MOMENT)
		return statement_syntax(statement, token, ddl->error);
	statement->at++;
	err = moment_parse(token_slice(statement->script, token), MOMENT_OF_SQL, 0,
			   &moment, ddl->error);
	if (!err && moment.kind != MOMENT_SEQ)
		err = statement_syntax(statement, token, ddl->error);
	*seq = moment.seq;
	return err;
}

enum drift_err tag_create(struct ddl *ddl)
{
	drift_seq seq = DRIFT_SEQ_MAX;
	struct drift_tag tag;
	enum drift_err err = ddl_name(ddl);

	if (!err && statement_accept(ddl->statement, "AT"))
		err = read_seq(ddl, &seq);
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (!err && !drift_tag_find(ddl->view.db, buf_slice(&ddl->name), &tag))
		err = drift_fail(ddl->error, DRIFT_TAG_EXISTS,
				 "tag \"%s\" already exists", buf_cstr(&ddl->name));
	if (!err)
		err = drift_txn_tag(ddl->txn, buf_slice(&ddl->name), seq,
				    ddl->error);
	if (!err)
		ddl_say(ddl, "TAG", "Tag '%s' created", buf_cstr(&ddl->name));
	return err;
}

enum drift_err tag_drop(struct ddl *ddl)
{
	struct drift_tag tag;
	bool if_there, there;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	if (!err)
		err = ddl_name(ddl);
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (err)
		return err;
	there = !drift_tag_find(ddl->view.db, buf_slice(&ddl->name), &tag);
	ddl_say(ddl, "DROP TAG",
		there ? "Tag '%s' dropped" : "Tag '%s' skipped: it does not exist",
		buf_cstr(&ddl->name));
	return drift_txn_untag(ddl->txn, buf_slice(&ddl->name), if_there,
			       ddl->error);
}
