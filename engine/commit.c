/* SPDX-License-Identifier: MIT */
/* commit.c - a batch: what is queued, written with one pwrite and one fdatasync, made
 * visible, and then answered, all of it.
 *
 * Its order: stage (check, give seqs) - append - sync - apply to memory -
 * publish head - tell the hook - acknowledge. Nothing is visible before it is
 * durable, nothing acknowledged before it is visible. While a batch syncs, the
 * next one gathers: that is the whole of group commit, no timer. */
#include "engine/commit.h"

#include <limits.h>

#include "engine/batch.h"
#include "engine/index_build.h"

#define BATCH_BYTES_MAX (8u << 20)     /* a batch is closed above this */
#define MEMTABLE_BYTES_MAX (48u << 20) /* LAYERS_MAX of them: 192 MiB */
#define SEGMENTS_FEW 64                /* see worth_sealing */
#define SEAL_BYTES_MIN (1u << 20)

/* ---- Publishing ------------------------------------------------------------- */

static enum drift_err apply_staged(struct drift_db *db, const struct stage *stage,
				   const struct staged *staged)
{
	struct applied_event event = {
		.table_id = staged->op->def->id,
		.key = staged->op->key,
		.row = staged->op->row,
		.seq = staged->seq,
		.time = staged->time,
		.op = staged->kind,
		.integer_key = staged->op->integer_key,
		.place = {
			.segment = stage->position.segment,
			.offset = stage->log_end + staged->offset,
			.size = staged->size,
		},
	};

	return apply_event(db, &event);
}

/* The DDL frames of a transaction, as they were written. */
static enum drift_err apply_staged_ddl(struct drift_db *db,
				       const struct stage *stage,
				       const struct staged_tx *tx)
{
	struct slice bytes = buf_slice(&stage->frames);
	size_t at = tx->mem.start.offset - stage->log_end;
	struct frame_ddl ddl;
	struct frame frame;
	size_t size;
	enum drift_err err = DRIFT_OK;

	for (; at < bytes.size && !err; at += size) {
		err = frame_decode(slice_of((const char *)bytes.data + at,
					    bytes.size - at),
				   stage->seed, &frame, &size);
		if (err || frame.kind != FRAME_DDL)
			continue;
		err = frame_read_ddl(&frame, &ddl);
		if (!err)
			err = apply_ddl(db, &ddl, frame.body, frame.seq, frame.time);
	}
	return err;
}

static enum drift_err apply_batch(struct drift_db *db, const struct stage *stage)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t t = 0; t < stage->tx_count && !err; t++) {
		const struct staged_tx *tx = &stage->txs[t];

		if (tx->txn->ddl_count)
			err = apply_staged_ddl(db, stage, tx);
		for (uint32_t i = 0; i < tx->count && !err; i++)
			err = apply_staged(db, stage,
					   &stage->pending.staged[tx->first + i]);
		if (!err && tx->count)
			err = memtable_add_tx(layers_active(&db->layers), &tx->mem);
	}
	return err;
}

static void publish(struct drift_db *db, const struct stage *stage)
{
	db->committer.position = stage->position;
	atomic_store(&db->head_time, stage->position.time);
	atomic_store(&db->ddl_visible, atomic_load(&db->tables.ddl_count));
	atomic_store(&db->head, stage->position.seq);
	clock_settle(&db->clock);
}

/* ---- Writing ------------------------------------------------------------------ */

/* After this, what the disk holds is not known: reads go on, writes do not. */
static void give_up(struct drift_db *db, const char *what, enum drift_err err)
{
	if (atomic_exchange(&db->read_only, true))
		return;
	db_report(
		db,
		"%s failed (%s): the database is read-only until it is opened again",
		what, drift_err_text(err));
}

enum drift_err commit_sync(struct drift_db *db)
{
	struct committer *committer = &db->committer;
	enum drift_err err = DRIFT_IO;
	uint64_t start;

	pthread_mutex_lock(&committer->syncing);
	/* What is appended from here on asks for a sync of its own. */
	atomic_store(&committer->sync_due, 0);
	if (!atomic_load(&db->read_only)) {
		start = stats_now_ns();
		err = log_sync(&db->log);
		stats_add_time(&db->stats.sync_time, stats_now_ns() - start);
		if (err)
			give_up(db, "fdatasync", err);
	}
	pthread_mutex_unlock(&committer->syncing);
	return err;
}

/* They are what makes room again, so the log's reserve is for them. */
static bool only_removals(const struct stage *stage)
{
	for (uint32_t i = 0; i < stage->tx_count; i++)
		if (!txn_is_removal(stage->txs[i].txn))
			return false;
	return true;
}

static enum drift_err write_frames(struct drift_db *db, struct stage *stage,
				   bool sync)
{
	enum drift_err err;

	err = log_append(&db->log, buf_slice(&stage->frames), only_removals(stage));
	if (err == DRIFT_IO)
		give_up(db, "writing the log", err);
	if (err)
		return err;
	if (sync)
		err = commit_sync(db);
	else
		committer_sync_later(db);
	if (err)
		return err;
	err = apply_batch(db, stage);
	if (!err) {
		publish(db, stage);
		return DRIFT_OK;
	}
	/* It is stored, and nobody sees it before the next opening: unknown, not
	 * refused. */
	give_up(db, "applying a commit", err);
	return DRIFT_IO;
}

static void count(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static enum drift_err write_batch(struct drift_db *db, struct stage *stage,
				  bool sync)
{
	uint64_t start = stats_now_ns();
	drift_seq head = atomic_load(&db->head);
	enum drift_err err;

	if (stage->frames.size == 0)
		return sync ? commit_sync(db) : DRIFT_OK;
	err = write_frames(db, stage, sync);
	if (err) {
		count(&db->stats.refused_batches, 1);
		return err;
	}
	count(&db->stats.transactions, stage->tx_count);
	count(&db->stats.events, stage->position.seq - head);
	count(&db->stats.log_bytes, stage->frames.size);
	stats_add_size(&db->stats.batch_size, stage->tx_count);
	stats_add_time(&db->stats.batch_time, stats_now_ns() - start);
	return DRIFT_OK;
}

/* ---- Memory -------------------------------------------------------------------- */

/* DRIFT_FULL while the index cannot take in what is frozen already. */
static enum drift_err freeze(struct drift_db *db)
{
	enum drift_err err;

	if (memtable_count(layers_active(&db->layers)) == 0 &&
	    memtable_ddl_count(layers_active(&db->layers)) == 0)
		return DRIFT_OK;
	/* The index must never be ahead of the log's durable part. */
	if (atomic_load(&db->read_only) || commit_sync(db))
		return DRIFT_READ_ONLY;
	err = indexer_freeze(db, &db->committer.position);
	if (!err)
		fold_size_clear(&db->committer.fold_size);
	if (err == DRIFT_NOMEM)
		db_report(db, "cannot freeze the memtable: out of memory");
	return err;
}

static bool memtable_is_full(const struct drift_db *db)
{
	const struct memtable *active = layers_active(&db->layers);

	return memtable_count(active) >= db->options.fold_events_max ||
	       memtable_bytes(active) >= MEMTABLE_BYTES_MAX ||
	       fold_size_is_full(&db->committer.fold_size);
}

/* Memory is bounded: what is committed now must find a place in it. */
static bool has_memory(struct drift_db *db)
{
	return !memtable_is_full(db) || freeze(db) != DRIFT_FULL;
}

/* ---- Batches ------------------------------------------------------------------- */

static enum drift_err stage_request(struct drift_db *db, struct stage *stage,
				    struct request *request)
{
	if (request->kind != REQUEST_COMMIT)
		return DRIFT_OK;
	if (atomic_load(&db->read_only) || db->options.read_only) {
		request->receipt.err =
			drift_fail(&request->receipt.error, DRIFT_READ_ONLY,
				   "the database is read-only");
		return request->receipt.err;
	}
	if (db->committer.memory_full) {
		request->receipt.err =
			drift_fail(&request->receipt.error, DRIFT_FULL,
				   "the index cannot be written, and memory holds "
				   "no more until it can");
		return request->receipt.err;
	}
	return stage_txn(stage, request->txn, &request->receipt);
}

/* Segments change between batches only: frames are made for one segment. One without
 * events is not sealed: the next would have its name. */
static enum drift_err rotate_above(struct drift_db *db, uint64_t bytes)
{
	const struct index_mark *at = &db->committer.position;
	struct drift_error error;
	enum drift_err err;

	if (atomic_load(&db->read_only) || atomic_load(&db->log.end) < bytes ||
	    at->seq + 1 == log_newest(&db->log)->first_seq)
		return DRIFT_OK;
	pthread_mutex_lock(&db->committer.syncing);
	err = log_rotate(&db->log, at->seq + 1, at->time, at->tx, &error);
	pthread_mutex_unlock(&db->committer.syncing);
	if (err == DRIFT_IO)
		give_up(db, "beginning a segment", err);
	/* On a full disk the segment grows on, with its reserve. */
	return err == DRIFT_FULL && bytes ? DRIFT_OK : err;
}

/* A few small segments are packed as soon as somebody asks; of many, the newest waits
 * until it is worth a file. So there are no more than the log's size makes sensible,
 * however often it is asked. */
static uint64_t worth_sealing(const struct log *log)
{
	return atomic_load(&log->count) < SEGMENTS_FEW ? 0 : SEAL_BYTES_MIN;
}

/* What was committed in the same batch is not touched by a failure. */
static void seal_segment(struct drift_db *db, struct request *requests)
{
	enum drift_err err = rotate_above(db, worth_sealing(&db->log));

	for (; err && requests; requests = requests->next)
		if (requests->kind == REQUEST_SEAL)
			requests->receipt.err =
				drift_fail_code(&requests->receipt.error, err);
}

/* Be ready to stage into the newest segment. */
static enum drift_err begin_batch(struct drift_db *db, struct stage *stage)
{
	enum drift_err err;

	stage_clear(stage);
	db->committer.memory_full = !has_memory(db);
	/* What follows a stop that was not clean goes into a segment of its own. */
	err = rotate_above(db, db->unclean ? 0 : db->options.segment_bytes_max);
	if (!err)
		db->unclean = false;
	return err ? err : stage_begin(stage, db);
}

/* A disk too full for all of them may have room for some: put them back, each for a
 * batch of its own. */
static void put_back(struct committer *committer, struct request *requests,
		     struct request **last, unsigned count, struct request **queue)
{
	for (struct request *r = requests; r; r = r->next)
		r->receipt = (struct drift_receipt){ 0 };
	*last = *queue;
	*queue = requests;
	committer->alone = count;
}

void commit_batch(struct drift_db *db, struct stage *stage, struct request **queue)
{
	struct committer *committer = &db->committer;
	struct request *requests = NULL, **last = &requests;
	unsigned count = 0, most = committer->alone ? 1 : UINT_MAX;
	bool sync = false, fold = false, seal = false;
	enum drift_err begun = begin_batch(db, stage);
	enum drift_err err = DRIFT_OK;

	while (*queue && count < most && !stage->ddl &&
	       stage->frames.size < BATCH_BYTES_MAX) {
		struct request *request = *queue;

		/* DDL is alone in its batch: what follows must see its effect. */
		if (request->kind == REQUEST_COMMIT && request->txn->ddl_count &&
		    stage->tx_count)
			break;
		*queue = request->next;
		request->next = NULL;
		*last = request;
		last = &request->next;
		count++;
		if (begun)
			request->receipt.err =
				drift_fail_code(&request->receipt.error, begun);
		else if (!stage_request(db, stage, request))
			sync |= request_wants_sync(request);
		fold |= request->kind == REQUEST_FOLD;
		seal |= request->kind == REQUEST_SEAL;
	}
	committer->alone -= committer->alone > 0;
	if (!begun) {
		err = write_batch(db, stage, sync);
		stage_end(stage);
	}
	if (err)
		stage->tx_count = 0;
	clock_settle(&db->clock);
	if (err == DRIFT_FULL && count > 1) {
		put_back(committer, requests, last, count, queue);
		return;
	}
	if (fold || (stage->ddl && index_build_waits(db)))
		(void)!freeze(db);
	if (err)
		batch_fail(requests, err);
	else if (seal && !begun)
		seal_segment(db, requests);
	batch_acknowledge(db, stage, requests);
	if (memtable_is_full(db))
		(void)!freeze(db);
}
