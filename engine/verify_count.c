/* SPDX-License-Identifier: MIT */
/* verify_count.c - how many rows the index says that its tables have, against the rows it
 * has of them: counts are answers, too. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/change_list.h"
#include "engine/verify.h"

static bool has_fault(struct verify *verify)
{
	uint64_t faults;

	pthread_mutex_lock(&verify->lock);
	faults = verify->report->faults;
	pthread_mutex_unlock(&verify->lock);
	return faults > 0;
}

/* The count that opening takes. */
static enum drift_err kept_count(struct verify *verify, uint32_t table_id,
				 uint64_t *rows)
{
	char key[4];
	struct slice value;
	enum drift_err err;

	be32_put(key, table_id);
	err = index_get(verify->reader, INDEX_TABLES, slice_of(key, 4), &value);
	*rows = 0;
	if (!err && value.size < 9)
		err = DRIFT_CORRUPT;
	if (!err)
		*rows = be64_get(value.data);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err check(struct verify *verify, uint32_t table_id, uint64_t found)
{
	uint64_t kept, changed = 0;
	enum drift_err err = kept_count(verify, table_id, &kept);

	if (!err)
		err = change_rows(verify->reader, table_id, verify->mark.seq,
				  &changed);
	if (err == DRIFT_CORRUPT)
		verify_fault(verify, "index: the row count of table %u is damaged",
			     table_id);
	else if (!err && (kept != found || changed != found))
		verify_fault(verify,
			     "index: table %u has %" PRIu64
			     " row(s), and its counts are %" PRIu64 " and %" PRIu64,
			     table_id, found, kept, changed);
	return err == DRIFT_CORRUPT ? DRIFT_OK : err;
}

enum drift_err verify_count(struct verify *verify, const uint64_t *rows,
			    uint32_t id_end)
{
	enum drift_err err = DRIFT_OK;

	/* Rows that are damaged were not counted, and have been told. */
	if (has_fault(verify))
		return DRIFT_OK;
	for (uint32_t id = 1; id < id_end && !err; id++)
		err = check(verify, id, rows[id]);
	return err;
}
