/* SPDX-License-Identifier: MIT */
/* row_count.c - how many rows a table has in a view, without a walk over them.
 *
 * The newest state is counted as events come. Any other is what the table's list of
 * changes counts up to the view's seq, as far as the index has come, and the events
 * after that, which the layers hold. */
#include "engine/change_list.h"

/* The running count, if it is that of the seq: no event after it was counted. */
static bool is_newest(const struct table *table, drift_seq seq, int64_t *rows)
{
	*rows = atomic_load(&table->row_count);
	return atomic_load(&table->counted) <= seq;
}

static int64_t count_layer(const struct memtable *memtable, uint32_t table_id,
			   drift_seq after, drift_seq seq)
{
	size_t count = memtable_event_count(memtable);
	int64_t rows = 0;

	for (size_t i = memtable_events_after(memtable, after); i < count; i++) {
		const struct entry *entry = memtable_event(memtable, i);

		if (entry->seq > seq)
			break;
		if (be32_get(entry->key + 1) == table_id)
			rows += change_of_rows(entry->op);
	}
	return rows;
}

static enum drift_err count_changes(struct reading *reading, uint32_t table_id,
				    drift_seq seq, int64_t *rows)
{
	struct index_mark applied = { 0 };
	uint64_t folded = 0;
	enum drift_err err = index_applied(reading->index, &applied);

	if (err == DRIFT_DONE)
		err = DRIFT_OK;
	if (!err)
		err = change_rows(reading->index, table_id, seq, &folded);
	if (err)
		return err;
	*rows = (int64_t)folded;
	for (unsigned i = 0; i < reading->layers->count; i++)
		*rows += count_layer(reading->layers->layers[i]->memtable, table_id,
				     applied.seq, seq);
	return DRIFT_OK;
}

enum drift_err drift_count(struct drift_view view, uint32_t table_id, uint64_t *rows)
{
	const struct table *table = tables_get(&view.db->tables, table_id);
	struct reading reading;
	int64_t counted;
	enum drift_err err;

	if (!table || (view.txn && view.txn_ops))
		return DRIFT_DONE;
	if (!is_newest(table, view.seq, &counted)) {
		err = reading_begin(&reading, view.db);
		if (!err)
			err = count_changes(&reading, table_id, view.seq, &counted);
		reading_end(&reading);
		if (err)
			return err == DRIFT_NOMEM ? err : DRIFT_DONE;
	}
	if (counted < 0)
		return DRIFT_DONE;
	*rows = (uint64_t)counted;
	return DRIFT_OK;
}
