/* SPDX-License-Identifier: MIT */
/* resolve.c - a moment to a seq, a seq to its transaction, and the newest ones. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/walk.h"

/* ---- Times -------------------------------------------------------------------- */

/* The last transaction of the memtable with time <= time. */
static bool layer_seq_at(const struct memtable *memtable, drift_time_ns time,
			 drift_seq *seq)
{
	size_t low = 0, high = memtable_tx_count(memtable);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memtable_tx(memtable, middle).time <= time)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0)
		*seq = memtable_tx(memtable, low - 1).last_seq;
	return low > 0;
}

/* The mark at or before time: the first seq of its transaction. */
static enum drift_err mark_at(struct reading *reading, drift_time_ns time,
			      drift_seq *first_seq)
{
	struct index_cursor *cursor;
	struct slice key, value;
	char bound[8];
	enum drift_err err = index_cursor_open(reading->index, INDEX_TIMES, &cursor);

	if (err)
		return err;
	be64_put(bound, (uint64_t)time + 1);
	err = index_seek_before(cursor, slice_of(bound, 8), &key, &value);
	if (!err && value.size != 8)
		err = DRIFT_CORRUPT;
	if (!err)
		*first_seq = be64_get(value.data);
	index_cursor_close(cursor);
	return err;
}

static enum drift_err walk_to_time(struct drift_db *db, const struct place *start,
				   drift_time_ns time, drift_seq *seq,
				   struct drift_error *error)
{
	struct walk walk;
	enum drift_err err = walk_init(&walk, &db->log, start, false, error);

	while (!err) {
		err = walk_next(&walk, error);
		if (err || walk.time > time)
			break;
		*seq = walk.last_seq;
	}
	walk_release(&walk);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err seq_at_time(struct drift_db *db, drift_time_ns time,
				  drift_seq *seq, struct drift_error *error)
{
	struct reading reading;
	struct place place;
	drift_seq first_seq;
	enum drift_err err = reading_begin(&reading, db);

	*seq = 0;
	if (err)
		goto done;
	for (unsigned i = 0; i < reading.layers->count; i++)
		if (layer_seq_at(reading.layers->layers[i]->memtable, time, seq))
			goto done;
	err = mark_at(&reading, time, &first_seq);
	if (err == DRIFT_CORRUPT) { /* go through the whole log, then */
		first_seq = 1;
		err = DRIFT_OK;
	}
	if (err) {
		err = err == DRIFT_DONE ? DRIFT_OK : err;
		goto done;
	}
	err = reading_place(&reading, first_seq, false, &place);
	if (!err)
		err = walk_to_time(db, &place, time, seq, error);
done:
	reading_end(&reading);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err resolve_time(struct drift_db *db, drift_time_ns time,
				   drift_seq *seq, struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	if (time > clock_now(&db->clock) && time > drift_head_time(db)) {
		moment_print_time(time, &text);
		err = drift_fail(error, DRIFT_BAD_MOMENT,
				 "moment %s is in the future", buf_cstr(&text));
		buf_release(&text);
		return err;
	}
	if (time < 0)
		return *seq = 0, DRIFT_OK;
	if (time >= drift_head_time(db))
		clock_fix(&db->clock, time);
	return seq_at_time(db, time, seq, error);
}

/* ---- Moments -------------------------------------------------------------------- */

static enum drift_err resolve_seq(drift_seq wanted, drift_seq head, bool clamp,
				  drift_seq *seq, struct drift_error *error)
{
	if (wanted > head && !clamp)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "seq %" PRIu64 " is above the head, %" PRIu64,
				  wanted, head);
	*seq = wanted < head ? wanted : head;
	return DRIFT_OK;
}

enum drift_err drift_resolve(struct drift_db *db, const struct moment *moment,
			     bool clamp, drift_seq *seq, struct drift_error *error)
{
	drift_seq head = drift_head(db);
	struct drift_tag tag;

	switch (moment->kind) {
	case MOMENT_SEQ:
		return resolve_seq(moment->seq, head, clamp, seq, error);
	case MOMENT_HEAD:
		if (moment->seq > head)
			return drift_fail(error, DRIFT_BAD_MOMENT,
					  "head~%" PRIu64
					  " is before the first event",
					  moment->seq);
		*seq = head - moment->seq;
		return DRIFT_OK;
	case MOMENT_TIME:
		return resolve_time(db, moment->time, seq, error);
	case MOMENT_TAG:
		break;
	}
	if (drift_tag_find(db, slice_str(moment->tag), &tag))
		return drift_fail(error, DRIFT_BAD_MOMENT, "no tag \"%s\"",
				  moment->tag);
	*seq = tag.seq;
	return DRIFT_OK;
}

/* ---- Transactions ------------------------------------------------------------------ */

static void copy_cut(char *to, size_t size, struct slice from)
{
	size_t n = from.size < size ? from.size : size - 1;

	if (n)
		memcpy(to, from.data, n);
	to[n] = 0;
}

static void tx_take(const struct walk *walk, struct drift_tx *tx)
{
	tx->tx = walk->tx;
	tx->time = walk->time;
	tx->last_seq = walk->last_seq;
	tx->count = walk->count;
	copy_cut(tx->user, sizeof(tx->user), walk->user);
	copy_cut(tx->client, sizeof(tx->client), walk->client);
	copy_cut(tx->comment, sizeof(tx->comment), walk->comment);
}

/* Begin a walk near event seq. */
static enum drift_err walk_near(struct drift_db *db, drift_seq seq,
				struct walk *walk, struct drift_error *error)
{
	struct reading reading;
	struct place place;
	enum drift_err err = reading_begin(&reading, db);

	*walk = (struct walk){ 0 };
	if (!err)
		err = reading_place(&reading, seq, false, &place);
	reading_end(&reading);
	if (!err)
		err = walk_init(walk, &db->log, &place, false, error);
	return err;
}

enum drift_err drift_tx_of(struct drift_db *db, drift_seq seq, struct drift_tx *tx)
{
	struct drift_error error;
	struct walk walk;
	enum drift_err err;

	if (seq == 0 || seq > drift_head(db))
		return DRIFT_BAD_MOMENT;
	err = walk_near(db, seq, &walk, &error);
	while (!err) {
		err = walk_next(&walk, &error);
		if (err || (walk.count && walk.last_seq >= seq))
			break;
	}
	if (!err)
		tx_take(&walk, tx);
	walk_release(&walk);
	return err == DRIFT_DONE ? DRIFT_CORRUPT : err;
}

/* The last max transactions from a walk that begins near `from`, as a ring. */
static enum drift_err ring_fill(struct drift_db *db, drift_seq from, drift_seq head,
				struct drift_tx *ring, unsigned max, uint64_t *seen)
{
	struct drift_error error;
	struct walk walk;
	enum drift_err err = walk_near(db, from, &walk, &error);

	*seen = 0;
	while (!err) {
		err = walk_next(&walk, &error);
		if (err || walk.last_seq > head)
			break;
		if (walk.count)
			tx_take(&walk, &ring[(*seen)++ % max]);
	}
	walk_release(&walk);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err drift_tx_recent(struct drift_db *db, struct drift_tx *tx,
			       unsigned max, unsigned *count)
{
	drift_seq head = drift_head(db);
	uint64_t distance = 4 * (uint64_t)max;
	uint64_t seen = 0;
	struct drift_tx *ring;
	enum drift_err err = DRIFT_OK;

	*count = 0;
	if (max == 0 || head == 0)
		return DRIFT_OK;
	ring = calloc(max, sizeof(*ring));
	if (!ring)
		return DRIFT_NOMEM;
	/* Large transactions make few of many events: look from further back. */
	do {
		drift_seq from = head > distance ? head - distance : 0;

		err = ring_fill(db, from, head, ring, max, &seen);
		if (from == 0)
			break;
		distance *= 4;
	} while (!err && seen < max);
	*count = seen < max ? (unsigned)seen : max;
	for (unsigned i = 0; i < *count; i++)
		tx[i] = ring[(seen - 1 - i) % max];
	free(ring);
	return err;
}
