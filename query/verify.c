/* SPDX-License-Identifier: MIT */
/* verify.c - VERIFY: the whole database read and checked, while it is in use. */
#include "query/verify.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/care.h"
#include "query/session.h"

static const char *const columns[] = { "segments", "transactions", "events",
				       "bytes",    "anchor",       NULL };

static void keep_first(void *arg, const char *line)
{
	char *first = arg;

	if (!first[0])
		snprintf(first, 400, "%s", line);
}

static enum drift_err add_number(struct answer *answer, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return answer_add(answer, text);
}

static enum drift_err answer_sums(struct query_session *session,
				  const struct drift_verify_report *report)
{
	struct answer *answer = &session->answer;
	struct drift_error error;
	struct drift_anchor anchor;
	struct buf line = BUF_INIT;
	enum drift_err err =
		drift_digest(session->db, DRIFT_SEQ_MAX, &anchor, &error);

	answer_columns(answer, columns);
	if (!err)
		err = add_number(answer, report->segments);
	if (!err)
		err = add_number(answer, report->transactions);
	if (!err)
		err = add_number(answer, report->events);
	if (!err)
		err = add_number(answer, report->bytes);
	if (!err)
		drift_anchor_print(&anchor, &line);
	if (!err)
		err = answer_add_slice(answer, buf_slice(&line));
	buf_release(&line);
	return err;
}

enum drift_err verify_describe(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error)
{
	enum drift_err err;

	statement->at++;
	err = statement_expect_end(statement, error);
	if (err)
		return err;
	answer_columns(&session->answer, columns);
	session_answer(session);
	return DRIFT_OK;
}

enum drift_err verify_run(struct query_session *session, struct statement *statement,
			  struct drift_error *error)
{
	struct drift_verify_report report;
	char first[400] = "";
	enum drift_err err;

	statement->at++;
	err = statement_expect_end(statement, error);
	if (err)
		return err;
	err = drift_verify(session->db, NULL, &session->interrupted, keep_first,
			   first, &report);
	if (err == DRIFT_CORRUPT)
		return drift_fail(error, err, "%" PRIu64 " fault(s), the first: %s",
				  report.faults, first);
	if (!err)
		err = answer_sums(session, &report);
	if (err)
		return drift_fail_code(error, err);
	session_say(session, "VERIFY", "%s", "");
	session_answer(session);
	return DRIFT_OK;
}
