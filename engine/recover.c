/* SPDX-License-Identifier: MIT */
/* recover.c - from files to a database in memory: trust the index if the log knows
 * where it stands, replay what it has not (replay.h), cut what no commit frame covers
 * (tail.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/db.h"
#include "engine/replay.h"
#include "engine/survey.h"
#include "engine/tail.h"

/* ---- The index ---------------------------------------------------------------- */

static enum drift_err no_index(struct drift_db *db, const char *why)
{
	if (why)
		db_report(db, "index: %s; rebuilding it from the log", why);
	tables_release(&db->tables);
	tags_clear(&db->tags);
	return DRIFT_OK;
}

bool mark_in_log(struct log *log, const struct index_mark *mark)
{
	struct place place = {
		.segment = mark->segment,
		.offset = mark->end - mark->commit_size,
		.size = mark->commit_size,
	};
	struct log_segment *segment;
	struct drift_error error;
	struct frame_commit commit;
	struct buf memory = BUF_INIT;
	struct frame frame;
	bool good;

	if (mark->commit_size == 0 || mark->end < mark->commit_size ||
	    log_segment_get(log, mark->segment, &segment, &error) ||
	    segment->seed != mark->segment_seed)
		return false;
	good = !log_read(log, &place, &memory, &frame, &error) &&
	       frame.kind == FRAME_COMMIT && frame.crc == mark->commit_crc &&
	       !frame_read_commit(&frame, &commit) && commit.tx == mark->tx &&
	       frame.seq == mark->seq;
	buf_release(&memory);
	return good;
}

/* An index's file that is copied while it is written holds pages of several states, each
 * of them whole: nothing in it tells. */
static bool copied_in_use(const struct drift_db *db)
{
	return db->unclean && log_newest(&db->log)->copy &&
	       access(db->index_path, F_OK) == 0;
}

/* Open the index and load what it knows; *mark is how far it is to be trusted, all
 * zeros when not at all (and then it is empty). */
static enum drift_err open_index(struct drift_db *db, struct index_mark *mark,
				 struct drift_error *error)
{
	struct drift_error why = { 0 };
	enum drift_err err = DRIFT_OK;
	bool copied = copied_in_use(db);

	if (copied)
		db_report(db, "index: it was copied while it was in use; rebuilding "
			      "it from the log");
	if (copied || db->options.rebuild_index)
		err = index_remove(db->index_path, &why);
	if (!err)
		err = index_open(db->index_path, &db->index, &why);
	if (!err) {
		err = load_tables(db, mark);
		if (!err && mark_in_log(&db->log, mark))
			return DRIFT_OK;
		*mark = (struct index_mark){ 0 };
		if (err == DRIFT_DONE) {
			err = load_check_empty(db, &why);
			if (!err) /* a new one */
				return no_index(db, NULL);
		}
		index_close(db->index);
		db->index = NULL;
		err = err ? err : DRIFT_CORRUPT;
	}
	*mark = (struct index_mark){ 0 };
	if (err != DRIFT_CORRUPT)
		return drift_fail(error, err, "%s",
				  why.code ? why.text : drift_err_text(err));
	err = no_index(db, why.code ? why.text : "it does not belong to this log");
	if (!err)
		err = index_remove(db->index_path, error);
	if (!err)
		err = index_open(db->index_path, &db->index, error);
	return err;
}

/* ---- All of it ------------------------------------------------------------------------ */

static struct place start_position(struct drift_db *db,
				   const struct index_mark *mark)
{
	if (mark->commit_size == 0)
		return log_start(&db->log);
	db->committer.position = *mark;
	return (struct place){ .segment = mark->segment, .offset = mark->end };
}

/* The newest segment's whole part ends at `end`, or at its header. */
static uint64_t whole_end(const struct drift_db *db, const struct place *end)
{
	if (end->segment == log_newest(&db->log)->first_seq)
		return end->offset;
	return SEGMENT_HEADER_BYTES;
}

/* A fault in a segment that is not the newest cannot be a torn tail. */
static bool fault_in_newest(const struct drift_db *db, const struct walk *walk)
{
	return walk->scout.segment + 1 == atomic_load(&db->log.count);
}

static void report_suspect(void *arg)
{
	db_report(arg, "index: a value does not match its checksum; such are read "
		       "from the log until the next opening, which rebuilds the "
		       "index");
}

#define CLOCK_BEHIND_NS (300ll * 1000000000)

/* Never a refusal: commit times rise from the newest one on. */
static void report_clock(struct drift_db *db)
{
	drift_time_ns behind = drift_clock_behind(db);

	if (behind > CLOCK_BEHIND_NS)
		db_report(db,
			  "the newest transaction is %lld s in the future; times of "
			  "commits go on from it until the clock has caught up",
			  (long long)(behind / 1000000000));
}

static enum drift_err keep_hole(void *arg, const struct survey_hole *hole)
{
	*(struct survey_hole *)arg = *hole;
	return DRIFT_DONE;
}

/* The log is damaged behind the last transaction taken in: say where, what stands
 * there, and what is lost. */
static void describe_damage(struct drift_db *db, struct drift_error *error)
{
	const struct index_mark *at = &db->committer.position;
	struct survey_hole hole = { 0 };
	const struct survey_calls calls = { .arg = &hole, .hole = keep_hole };
	struct drift_error ignored = { 0 };
	struct survey_sums sums;
	char line[400];
	unsigned i = 0;

	if (at->commit_size && log_find(&db->log, at->segment, &i))
		return;
	for (; !hole.what && i < atomic_load(&db->log.count); i++)
		if (survey_segment(&db->log, i, false, &calls, &sums, &ignored) ==
		    DRIFT_CORRUPT)
			break;
	if (!hole.what)
		return; /* what error says is all there is to say */
	survey_print_hole(&hole, line, sizeof(line));
	(void)drift_fail(error, DRIFT_CORRUPT,
			 "the log is damaged: %s. What comes before can be read "
			 "(--read-only, -o ro); "
			 "driftdb salvage copies what is whole",
			 line);
}

/* Serve what comes before the damage: the log ends there. */
static enum drift_err stop_at_damage(struct drift_db *db,
				     const struct drift_error *error)
{
	const struct index_mark *at = &db->committer.position;
	unsigned segment = 0;

	if (at->commit_size && log_find(&db->log, at->segment, &segment))
		return DRIFT_CORRUPT;
	db_report(db, "%s", error->text);
	db_report(db,
		  "read-only up to event %" PRIu64 ", transaction %" PRIu64
		  ": what comes before the damage",
		  at->seq, at->tx);
	log_shorten(&db->log, segment + 1,
		    at->commit_size ? at->end : SEGMENT_HEADER_BYTES);
	db->damaged = true;
	return DRIFT_OK;
}

/* Is the index to be built of more than fits into memory? */
static bool is_bulk(const struct drift_db *db, const struct index_mark *mark)
{
	return mark->commit_size == 0 && atomic_load(&db->log.count) > 1;
}

/* Take in what the index has not; find the log's end. */
static enum drift_err take_log(struct drift_db *db, const struct index_mark *mark,
			       struct drift_error *error)
{
	struct place place = start_position(db, mark);
	enum drift_err fault = DRIFT_DONE;
	struct walk walk = { 0 };
	enum drift_err err = tail_sync(db, error);

	if (!err)
		err = walk_init(&walk, &db->log, &place, true, error);
	if (!err)
		err = replay(db, &walk, is_bulk(db, mark), &fault, error);
	if (!err && fault == DRIFT_CORRUPT && !fault_in_newest(db, &walk))
		err = fault;
	if (!err)
		err = tail_cut(db, whole_end(db, &walk.end), error);
	walk_release(&walk);
	return err;
}

enum drift_err db_recover(struct drift_db *db, struct drift_error *error)
{
	struct index_mark mark = { 0 };
	enum drift_err err;

	db->log.past_cache = db->unclean;
	err = open_index(db, &mark, error);
	if (err)
		return err;
	err = take_log(db, &mark, error);
	if (err == DRIFT_CORRUPT)
		describe_damage(db, error);
	if (err == DRIFT_CORRUPT && db->options.read_only)
		err = stop_at_damage(db, error);
	if (err)
		return err;
	/* What goes on in a copy goes on in a file of its own. */
	db->unclean |= log_newest(&db->log)->copy;
	index_on_suspect(db->index, report_suspect, db);
	db->log.past_cache = false;
	clock_set(&db->clock, db->committer.position.time);
	atomic_store(&db->head, db->committer.position.seq);
	atomic_store(&db->head_time, db->committer.position.time);
	atomic_store(&db->ddl_visible, atomic_load(&db->tables.ddl_count));
	report_clock(db);
	return DRIFT_OK;
}
