/* SPDX-License-Identifier: MIT */
/* dml.h - INSERT, UPDATE and DELETE, with what SQLite's virtual tables do not have. */
#ifndef DRIFT_QUERY_DML_H
#define DRIFT_QUERY_DML_H

#include "query/verb.h"

/* Run the statement; RETURNING's rows are left to session->rows. */
enum drift_err dml_run(struct query_session *session,
		       const struct statement *statement, const struct verb *verb,
		       struct drift_error *error);

/* Compile it only; RETURNING's columns are left to session->select. */
enum drift_err dml_describe(struct query_session *session,
			    const struct statement *statement,
			    const struct verb *verb, struct drift_error *error);

#endif
