/* SPDX-License-Identifier: MIT */
/* verify_snapshot.h - are the rows of each snapshot those that its table had then?
 * Private to engine/.
 *
 * Nothing is looked up, as long as all is well. While the versions of all rows are read
 * from the index, each snapshot's tally takes the one that was its row's newest then; the
 * snapshot, read by itself, must come to the same. Of the rows themselves one tally is
 * taken of all snapshots; the log's side counts each event's row as many times as
 * snapshots should have it. Only when these two differ is each snapshot compared row by
 * row, to name those that are wrong. A snapshot that the index has not reached is read
 * all the same, and compared with nothing. */
#ifndef DRIFT_ENGINE_VERIFY_SNAPSHOT_H
#define DRIFT_ENGINE_VERIFY_SNAPSHOT_H

#include "engine/index.h"
#include "engine/tally.h"

struct verify;

struct verify_snapshot {
	uint32_t table_id;
	drift_seq seq;
	struct tally versions; /* that it should have */
	struct tally found;    /* that it has; of those that the index has reached */
	bool gone;             /* deleted meanwhile */
	const char *fault;     /* NULL: none so far */
};

struct verify_snapshots {
	struct verify_snapshot *list; /* by table, then by seq */
	unsigned count, capacity;
	_Atomic unsigned next;       /* to be read */
	uint16_t *times;             /* by seq: snapshots that should have it */
	uint32_t table_id;           /* of the row at hand */
	unsigned first, end;         /* of its snapshots */
	unsigned at;                 /* the first that is not decided yet */
	struct index_version newest; /* of the row's versions so far; seq 0: none */
};

/* How far the index has come is known: find them. */
enum drift_err verify_snapshots_begin(struct verify *verify);
void verify_snapshots_release(struct verify *verify);

/* Rows come by table and key, and their versions oldest first. */
void verify_snapshots_row(struct verify *verify, uint32_t table_id);
void verify_snapshots_version(struct verify *verify, struct slice key,
			      const struct index_version *version);
void verify_snapshots_row_end(struct verify *verify, struct slice key);

/* On any thread, also while these come: read those that nobody has read yet, one after
 * another. Nobody is to begin with another one: forgo. */
enum drift_err verify_snapshots_read(struct verify *verify);
void verify_snapshots_forgo(struct verify *verify);
/* How many times the log's side counts the event's row. */
static inline unsigned
verify_snapshots_times(const struct verify_snapshots *snapshots, drift_seq seq)
{
	return snapshots->times ? snapshots->times[seq] : 0;
}

/* All were read, and the index. Tell what was found; rows_differ: the tallies of rows. */
enum drift_err verify_snapshots_tell(struct verify *verify, bool rows_differ);

#endif
