/* SPDX-License-Identifier: MIT */
/* statistics.c - see statistics.h. */
#include "engine/statistics.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/db.h"

struct statistic {
	struct statistic *next; /* fixed before it is in the list */
	uint32_t table_id;
	_Atomic uint64_t distinct;
	char column[];
};

static struct statistic *find(struct drift_db *db, uint32_t table_id,
			      const char *column)
{
	struct statistic *at = atomic_load(&db->statistics.list);

	while (at && (at->table_id != table_id || strcmp(at->column, column) != 0))
		at = at->next;
	return at;
}

uint64_t drift_distinct(struct drift_db *db, uint32_t table_id, const char *column)
{
	struct statistic *statistic = find(db, table_id, column);

	return statistic ? atomic_load(&statistic->distinct) : 0;
}

enum drift_err drift_note_distinct(struct drift_db *db, uint32_t table_id,
				   const char *column, uint64_t distinct)
{
	struct statistic *statistic = find(db, table_id, column);

	if (statistic) {
		atomic_store(&statistic->distinct, distinct);
		return DRIFT_OK;
	}
	statistic = malloc(sizeof(*statistic) + strlen(column) + 1);
	if (!statistic)
		return DRIFT_NOMEM;
	statistic->table_id = table_id;
	atomic_init(&statistic->distinct, distinct);
	memcpy(statistic->column, column, strlen(column) + 1);
	/* Two that note the same at once leave two; the later stands first. */
	statistic->next = atomic_load(&db->statistics.list);
	while (!atomic_compare_exchange_weak(&db->statistics.list, &statistic->next,
					     statistic))
		;
	return DRIFT_OK;
}

void statistics_release(struct statistics *statistics)
{
	struct statistic *at = atomic_load(&statistics->list), *next;

	for (; at; at = next) {
		next = at->next;
		free(at);
	}
	atomic_store(&statistics->list, NULL);
}
