/* SPDX-License-Identifier: MIT */
/* apply.c - what an event in the log does to memory: one way, for the committer
 * and for recovery. Readers see it when db->head reaches its seq. */
#include "engine/change_list.h"

static enum drift_err add_index_entries(struct drift_db *db,
					const struct table_def *def,
					const struct applied_event *event)
{
	struct memtable *memtable = layers_active(&db->layers);
	struct buf value = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->index_count && !err; i++) {
		buf_clear(&value);
		err = row_index_value(def, &def->indexes[i], event->row, event->seq,
				      &value);
		if (!err)
			err = memtable_add_index(memtable, def->indexes[i].id,
						 buf_slice(&value), event->key,
						 event->seq);
	}
	buf_release(&value);
	return err;
}

enum drift_err apply_event(struct drift_db *db, const struct applied_event *event)
{
	struct table *table = tables_get(&db->tables, event->table_id);
	struct table_version *newest = table ? atomic_load(&table->newest) : NULL;
	struct drift_version version = {
		.row = event->row,
		.seq = event->seq,
		.time = event->time,
		.op = event->op,
		.integer_key = event->integer_key,
	};
	enum drift_err err;

	if (!newest)
		return DRIFT_CORRUPT;
	if (!atomic_load_explicit(&table->touched, memory_order_relaxed))
		atomic_store(&table->touched, true);
	err = memtable_add_row(layers_active(&db->layers), event->table_id,
			       event->key, &version, &event->place);
	if (!err) {
		atomic_store(&table->counted, event->seq);
		atomic_fetch_add(&table->row_count, change_of_rows(event->op));
	}
	if (err || event->op == DRIFT_OP_DELETE)
		return err;
	if (!event->is_folded)
		err = add_index_entries(db, newest->def, event);
	if (!err)
		err = table_note_row(table, newest->def, event->row,
				     event->integer_key, event->seq);
	return err;
}

enum drift_err apply_definition(struct drift_db *db, const struct frame_ddl *ddl,
				drift_seq seq, drift_time_ns time)
{
	if (ddl->op == DDL_TAG || ddl->op == DDL_UNTAG) {
		/* Counted, so that the index's statements and ours have the same
		 * numbers. */
		atomic_fetch_add(&db->tables.ddl_count, 1);
		return tags_apply(&db->tags, ddl, time);
	}
	return tables_apply(&db->tables, ddl, seq, time);
}

enum drift_err apply_ddl(struct drift_db *db, const struct frame_ddl *ddl,
			 struct slice body, drift_seq seq, drift_time_ns time)
{
	struct mem_ddl kept = { .seq = seq, .time = time, .body = body };
	enum drift_err err = apply_definition(db, ddl, seq, time);

	if (!err)
		err = memtable_add_ddl(layers_active(&db->layers), &kept);
	return err;
}
