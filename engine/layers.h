/* SPDX-License-Identifier: MIT */
/* layers.h - the memtables between the index and the log's head, and how readers
 * hold on to them without a lock.
 *
 * A layer set is an immutable list of memtables, newest first. Readers pin the
 * present set; a set that was replaced goes when its last reader unpins it, and a
 * memtable with the last set that lists it. Sets' own memory is never returned
 * before layers_release, only used again, so a reader that counts itself into a set
 * just replaced does no harm: it looks again, sees the change, and tries anew.
 *
 * Only one thread at a time replaces the set (under db->layers_lock). */
#ifndef DRIFT_ENGINE_LAYERS_H
#define DRIFT_ENGINE_LAYERS_H

#include "engine/index.h"
#include "engine/memtable.h"

#define LAYERS_MAX 4

struct layer {
	struct memtable *memtable;
	_Atomic int sets;       /* that list it */
	struct index_mark mark; /* once frozen: how far the log was then */
};

enum layer_set_state { SET_FREE, SET_LIVE, SET_RETIRED };

struct layer_set {
	_Atomic int pins;
	_Atomic int state; /* enum layer_set_state */
	unsigned count;
	struct layer *layers[LAYERS_MAX]; /* newest, which takes inserts, first */
	struct layer_set *next;           /* in layers.all */
};

struct layers {
	_Atomic(struct layer_set *) current;
	struct layer_set *all;
	struct memtable *active; /* of the one that inserts and freezes */
};

/* One empty memtable. */
enum drift_err layers_init(struct layers *layers);
void layers_release(struct layers *layers);

struct layer_set *layers_pin(struct layers *layers);
void layers_unpin(struct layer_set *set);

/* The replacing side. */
/* The memtable that takes inserts; for the thread that freezes. */
struct memtable *layers_active(const struct layers *layers);
/* Put an empty memtable on top; the one below holds all up to mark. DRIFT_LIMIT
 * when there are LAYERS_MAX. */
enum drift_err layers_freeze(struct layers *layers, const struct index_mark *mark);
/* The oldest frozen memtable, NULL when there is none. */
struct layer *layers_oldest_frozen(const struct layers *layers);
/* The oldest is in the index now: let it go. */
enum drift_err layers_drop_oldest(struct layers *layers);

#endif
