/* SPDX-License-Identifier: MIT */
/* replay.c - see replay.h. */
#include "engine/replay.h"

#include <inttypes.h>

/* ---- Events -------------------------------------------------------------------- */

static enum drift_err replay_frame(struct drift_db *db, bool bulk,
				   const struct frame *frame,
				   const struct place *place)
{
	struct frame_event event;
	struct frame_ddl ddl;
	enum drift_err err;

	if (frame->kind == FRAME_DDL) {
		err = frame_read_ddl(frame, &ddl);
		if (!err)
			err = apply_ddl(db, &ddl, frame->body, frame->seq,
					frame->time);
		return err;
	}
	err = frame_read_event(frame, &event);
	if (!err && frame->kind == FRAME_PUT)
		err = msg_check_document(event.row);
	if (err)
		return err;
	return apply_event(db,
			   &(struct applied_event){
				   .table_id = event.table_id,
				   .key = event.key,
				   .row = event.row,
				   .seq = frame->seq,
				   .time = frame->time,
				   .op = frame_op(frame),
				   .integer_key = frame->flags & FRAME_INTEGER_KEY,
				   .is_folded = bulk,
				   .place = *place,
			   });
}

static enum drift_err replay_transaction(struct drift_db *db, struct walk *walk,
					 bool bulk, struct drift_error *error)
{
	struct mem_tx tx = {
		.first_seq = walk->last_seq - walk->count + 1,
		.last_seq = walk->last_seq,
		.time = walk->time,
		.start = walk->start,
	};
	struct frame frame;
	struct place place;
	enum drift_err err;

	while (!(err = walk_frame(walk, &frame, &place, error))) {
		err = replay_frame(db, bulk, &frame, &place);
		if (err)
			return drift_fail(error, err,
					  "segment %" PRIu64 " offset %" PRIu64
					  ": %s",
					  place.segment, place.offset,
					  drift_err_text(err));
	}
	if (err != DRIFT_DONE)
		return err;
	if (walk->count == 0)
		return DRIFT_OK;
	return memtable_add_tx(layers_active(&db->layers), &tx);
}

static enum drift_err check_order(const struct drift_db *db, const struct walk *walk,
				  struct drift_error *error)
{
	const struct index_mark *at = &db->committer.position;

	if (walk->last_seq - walk->count == at->seq && walk->tx > at->tx &&
	    walk->time > at->time)
		return DRIFT_OK;
	return drift_fail(error, DRIFT_CORRUPT,
			  "segment %" PRIu64 " offset %" PRIu64
			  ": transaction %" PRIu64 " does not follow seq %" PRIu64,
			  walk->start.segment, walk->start.offset, walk->tx,
			  at->seq);
}

static void take_position(struct drift_db *db, const struct walk *walk)
{
	db->committer.position = (struct index_mark){
		.seq = walk->last_seq,
		.time = walk->time,
		.tx = walk->tx,
		.segment = walk->end.segment,
		.end = walk->end.offset,
		.commit_size = walk->commit_size,
		.commit_crc = walk->commit_crc,
		.segment_seed =
			atomic_load(&db->log.segments)[walk->scout.segment]->seed,
	};
}

/* By segments: their sizes are not known before they are opened. */
static void show_progress(struct drift_db *db, const struct walk *walk)
{
	unsigned count = atomic_load(&db->log.count);
	double part;

	if (!db->options.progress)
		return;
	part = (double)walk->end.offset / (double)(walk->scout.limit + 1);
	part = (walk->scout.segment + (part < 1 ? part : 1)) / count;
	db->options.progress(db->options.progress_arg, walk->last_seq, part);
}

/* ---- Folding ------------------------------------------------------------------- */

#define TAIL_BYTES_MAX (48u << 20)
/* In bulk: more at a time, for where rows come in random order each fold changes pages
 * all over the index; what one of them changes is parted instead (decision 0097). */
#define BULK_TIMES 8
#define BULK_BYTES_MAX (192u << 20)

static bool is_full(const struct drift_db *db, bool bulk)
{
	const struct memtable *active = layers_active(&db->layers);
	uint64_t events_max = db->options.fold_events_max;

	return memtable_count(active) >= (bulk ? BULK_TIMES : 1) * events_max ||
	       memtable_bytes(active) >= (bulk ? BULK_BYTES_MAX : TAIL_BYTES_MAX);
}

/* There is no indexer yet: fold here. */
static enum drift_err fold_here(struct drift_db *db, bool bulk)
{
	const struct index_mark *position = &db->committer.position;
	unsigned part_pages = bulk ? db->options.fold_events_max / 4 + 1 : 0;
	enum drift_err err = layers_freeze(&db->layers, position);

	if (!err)
		err = fold_in_parts(db, layers_oldest_frozen(&db->layers)->memtable,
				    position, part_pages);
	return err ? err : layers_drop_oldest(&db->layers);
}

static bool has_any(const struct drift_db *db)
{
	const struct memtable *active = layers_active(&db->layers);

	return memtable_count(active) || memtable_ddl_count(active);
}

/* ---- All of it ----------------------------------------------------------------- */

enum drift_err replay(struct drift_db *db, struct walk *walk, bool bulk,
		      enum drift_err *fault, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	while (!(*fault = walk_next(walk, error))) {
		err = check_order(db, walk, error);
		if (!err)
			err = replay_transaction(db, walk, bulk, error);
		if (err)
			return err;
		take_position(db, walk);
		show_progress(db, walk);
		if (is_full(db, bulk))
			err = fold_here(db, bulk);
		if (err)
			return drift_fail_code(error, err);
	}
	if (*fault != DRIFT_DONE && *fault != DRIFT_CORRUPT)
		return *fault;
	if (bulk && has_any(db))
		err = fold_here(db, true);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
