/* SPDX-License-Identifier: MIT */
/* validate.h - do the rows that are there keep what a definition asks of them from now
 * on: a CHECK, a UNIQUE, a foreign key? Private to engine/.
 *
 * All rows are looked at by the thread that commits, at the head then, while others go
 * on committing; the committer looks at what has changed since. A definition that
 * nobody validated (a commit that is not waited for) has all rows looked at by the
 * committer, and everybody waits. */
#ifndef DRIFT_ENGINE_VALIDATE_H
#define DRIFT_ENGINE_VALIDATE_H

#include "engine/unique_rows.h"

struct validation {
	drift_seq seq; /* of the rows that were looked at */
	/* By the definition's indexes, of those that become unique. */
	struct unique_hashes unique[TABLE_INDEXES_MAX];
};

void validation_free(struct validation *validation); /* NULL is fine */
/* The transaction's definitions, before it is queued. */
enum drift_err validate_txn(struct drift_txn *txn, struct drift_error *error);
/* Does the index become unique by def, made from old? */
bool validate_is_new_unique(const struct table_def *old,
			    const struct index_def *index);
bool validate_has_new_checks(const struct table_def *def);

/* Call row(arg, version), as it is stored, for each row of the view's newest state
 * (its transaction's own writes included); those that have changed since `since` alone,
 * when it is not 0. */
enum drift_err
validate_each_row(struct drift_view view, uint32_t table_id, drift_seq since,
		  enum drift_err (*row)(void *arg, const struct drift_version *),
		  void *arg);
/* Do these keep all checks of def? */
enum drift_err validate_checks(struct drift_view view, const struct table_def *def,
			       drift_seq since, struct drift_error *error);

#endif
