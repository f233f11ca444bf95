/* SPDX-License-Identifier: MIT */
/* compact.c - the log made small: every sealed segment packed, none lost. */
#include "engine/request.h"

enum drift_err drift_compact(struct drift_db *db, const _Atomic bool *stop,
			     struct drift_error *error)
{
	enum drift_err err;

	if (drift_is_read_only(db))
		return drift_fail(error, DRIFT_READ_ONLY,
				  "the database is read-only");
	pthread_mutex_lock(&db->compacting);
	err = request_seal(db);
	if (err)
		err = drift_fail_code(error, err);
	for (unsigned i = 0; !err && i + 1 < atomic_load(&db->log.count); i++) {
		if (stop && atomic_load(stop))
			err = drift_fail_code(error, DRIFT_INTERRUPTED);
		else
			err = log_pack(&db->log, i, error);
	}
	pthread_mutex_unlock(&db->compacting);
	return err;
}
