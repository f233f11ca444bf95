/* SPDX-License-Identifier: MIT */
/* changed.h - the rows of a table that events in (low, high] changed, in key order.
 *
 * They are gathered in order of the events, then sorted; of more than CHANGED_KEYS_MAX
 * keys only the first ones are kept, and the rest is gathered when they are used up.
 * So memory is bounded, and time is what the events in between take to read. Private
 * to engine/. */
#ifndef DRIFT_ENGINE_CHANGED_H
#define DRIFT_ENGINE_CHANGED_H

#include "engine/change_list.h"
#include "engine/cursor.h"

#define CHANGED_KEYS_MAX (1u << 18)

/* A key, and the newest event of those that changed it. */
struct changed_key {
	struct slice key; /* in keys */
	drift_seq seq;
	struct place place;
	enum drift_op op;
};

struct changed {
	uint32_t table_id;
	drift_seq low, high;
	const struct range *range;
	bool layers;        /* look into memtables too, not only into the index */
	unsigned count_max; /* CHANGED_KEYS_MAX; less in tests */
	struct buf keys;
	struct changed_key *list;
	unsigned count, at, capacity;
	unsigned gatherings; /* how often the list was filled */
	uint32_t *slots;     /* of list + 1, by hash of the key */
	unsigned slot_count;
	struct buf from, until; /* complete for keys in [from, until) */
	bool cut;               /* until counts: there may be more */
};

/* range lives on. Nothing is read yet. */
void changed_init(struct changed *changed, uint32_t table_id, drift_seq low,
		  drift_seq high, const struct range *range, bool layers);
void changed_release(struct changed *changed);
/* Stand before the first changed key >= key (after: > key). */
enum drift_err changed_seek(struct changed *changed, struct reading *reading,
			    struct slice key, bool after);
/* The key at hand, NULL at the end; more is gathered when it must be. */
enum drift_err changed_peek(struct changed *changed, struct reading *reading,
			    const struct changed_key **key);
void changed_step(struct changed *changed);

#endif
