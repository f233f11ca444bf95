/* SPDX-License-Identifier: MIT */
/* changed.c - see changed.h. */
#include "engine/changed.h"

#include <stdlib.h>

#include "engine/crc32c.h"

#define FIRST_CAPACITY 256

void changed_init(struct changed *changed, uint32_t table_id, drift_seq low,
		  drift_seq high, const struct range *range, bool layers)
{
	*changed = (struct changed){ .table_id = table_id,
				     .low = low,
				     .high = high,
				     .range = range,
				     .layers = layers,
				     .count_max = CHANGED_KEYS_MAX };
}

void changed_release(struct changed *changed)
{
	buf_release(&changed->keys);
	buf_release(&changed->from);
	buf_release(&changed->until);
	free(changed->list);
	free(changed->slots);
	changed->list = NULL;
	changed->slots = NULL;
	changed->count = changed->capacity = changed->slot_count = 0;
}

/* ---- A hash table of the keys, while gathering ------------------------------------ */

static uint32_t *slot_of(struct changed *changed, struct slice key)
{
	unsigned mask = changed->slot_count - 1;
	unsigned i = crc32c(0, key.data, key.size) & mask;

	while (changed->slots[i] &&
	       !slice_equal(changed->list[changed->slots[i] - 1].key, key))
		i = (i + 1) & mask;
	return &changed->slots[i];
}

static void fill_slots(struct changed *changed)
{
	memset(changed->slots, 0, changed->slot_count * sizeof(*changed->slots));
	for (unsigned i = 0; i < changed->count; i++)
		*slot_of(changed, changed->list[i].key) = i + 1;
}

static enum drift_err grow(struct changed *changed)
{
	unsigned capacity =
		changed->capacity ? 2 * changed->capacity : FIRST_CAPACITY;
	struct changed_key *list = realloc(changed->list, capacity * sizeof(*list));
	uint32_t *slots;

	if (!list)
		return DRIFT_NOMEM;
	changed->list = list;
	slots = realloc(changed->slots, 2 * capacity * sizeof(*slots));
	if (!slots)
		return DRIFT_NOMEM;
	changed->slots = slots;
	changed->capacity = capacity;
	changed->slot_count = 2 * capacity;
	fill_slots(changed);
	return DRIFT_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const struct changed_key *left = a, *right = b;

	return slice_compare(left->key, right->key);
}

static void sort(struct changed *changed)
{
	if (changed->count)
		qsort(changed->list, changed->count, sizeof(*changed->list),
		      compare_keys);
}

/* Too many: keep the first half, and copy its keys to where they take no more room
 * than they need. */
static enum drift_err keep_half(struct changed *changed)
{
	struct buf keys = BUF_INIT;
	size_t bytes = 0;

	sort(changed);
	changed->count /= 2;
	changed->cut = true;
	buf_clear(&changed->until);
	buf_add_slice(&changed->until, changed->list[changed->count].key);
	for (unsigned i = 0; i < changed->count; i++)
		bytes += changed->list[i].key.size;
	if (buf_status(&changed->until) || !buf_reserve(&keys, bytes + 1))
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < changed->count; i++) {
		struct slice *key = &changed->list[i].key;
		const char *at = keys.data + keys.size;

		buf_add_slice(&keys, *key);
		key->data = at;
	}
	buf_release(&changed->keys);
	changed->keys = keys;
	fill_slots(changed);
	return DRIFT_OK;
}

/* ---- Gathering --------------------------------------------------------------------- */

/* Keys are kept in one buffer, which must not move while the list points into it:
 * what it can hold is bounded, so it is reserved once. */
static enum drift_err reserve_keys(struct changed *changed, size_t bytes)
{
	char *old = changed->keys.data;

	if (changed->keys.capacity - changed->keys.size >= bytes)
		return DRIFT_OK;
	if (!buf_reserve(&changed->keys, changed->keys.size + bytes))
		return DRIFT_NOMEM;
	if (changed->keys.data == old)
		return DRIFT_OK;
	for (unsigned i = 0; i < changed->count; i++) {
		struct slice *key = &changed->list[i].key;

		key->data = changed->keys.data + ((const char *)key->data - old);
	}
	return DRIFT_OK;
}

static bool wanted(const struct changed *changed, struct slice key)
{
	return slice_compare(key, buf_slice(&changed->from)) >= 0 &&
	       (!changed->range || range_place(changed->range, key) == 0) &&
	       (!changed->cut || slice_compare(key, buf_slice(&changed->until)) < 0);
}

static enum drift_err add(struct changed *changed, const struct changed_key *key)
{
	enum drift_err err = DRIFT_OK;
	struct changed_key *entry;
	uint32_t *slot;

	if (!wanted(changed, key->key))
		return DRIFT_OK;
	if (changed->count == changed->count_max) {
		err = keep_half(changed);
		if (err || !wanted(changed, key->key))
			return err;
	}
	if (changed->count == changed->capacity)
		err = grow(changed);
	if (err)
		return err;
	slot = slot_of(changed, key->key);
	if (*slot) {
		entry = &changed->list[*slot - 1];
		entry->seq = key->seq;
		entry->place = key->place;
		entry->op = key->op;
		return DRIFT_OK;
	}
	err = reserve_keys(changed, key->key.size);
	if (err)
		return err;
	entry = &changed->list[changed->count++];
	*slot = changed->count;
	*entry = *key;
	entry->key.data = changed->keys.data + changed->keys.size;
	buf_add_slice(&changed->keys, key->key);
	return DRIFT_OK;
}

static enum drift_err gather_index(struct changed *changed, struct reading *reading)
{
	const struct change *change;
	struct change_cursor cursor;
	enum drift_err err = change_cursor_open(&cursor, reading->index,
						changed->table_id, changed->low);

	if (err)
		return err;
	while (!(err = change_cursor_next(&cursor, &change)) &&
	       change->seq <= changed->high) {
		err = add(changed, &(struct changed_key){ .key = change->key,
							  .seq = change->seq,
							  .place = change->place,
							  .op = change->op });
		if (err)
			break;
	}
	change_cursor_close(&cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err gather_layer(struct changed *changed,
				   const struct memtable *memtable)
{
	size_t count = memtable_event_count(memtable);
	enum drift_err err = DRIFT_OK;

	for (size_t i = memtable_events_after(memtable, changed->low);
	     i < count && !err; i++) {
		const struct entry *entry = memtable_event(memtable, i);

		if (entry->seq > changed->high)
			break;
		if (be32_get(entry->key + 1) == changed->table_id)
			err = add(changed,
				  &(struct changed_key){ .key = entry_row_key(entry),
							 .seq = entry->seq,
							 .place = entry->place,
							 .op = entry->op });
	}
	return err;
}

/* Everything from `from` on, as much as may be kept. */
static enum drift_err gather(struct changed *changed, struct reading *reading)
{
	enum drift_err err = DRIFT_OK;

	changed->count = changed->at = 0;
	changed->gatherings++;
	changed->cut = false;
	buf_clear(&changed->keys);
	if (changed->slots)
		fill_slots(changed);
	if (changed->low < changed->high)
		err = gather_index(changed, reading);
	/* The oldest memtable first: what comes later counts. */
	for (unsigned i = reading->layers->count; changed->layers && i > 0 && !err;
	     i--)
		err = gather_layer(changed,
				   reading->layers->layers[i - 1]->memtable);
	sort(changed);
	return err;
}

/* ---- Use ----------------------------------------------------------------------------- */

enum drift_err changed_seek(struct changed *changed, struct reading *reading,
			    struct slice key, bool after)
{
	enum drift_err err;

	buf_clear(&changed->from);
	buf_add_slice(&changed->from, key);
	err = buf_status(&changed->from);
	if (!err)
		err = gather(changed, reading);
	while (!err && after && changed->at < changed->count &&
	       slice_equal(changed->list[changed->at].key, key))
		changed->at++;
	return err;
}

enum drift_err changed_peek(struct changed *changed, struct reading *reading,
			    const struct changed_key **key)
{
	enum drift_err err = DRIFT_OK;

	while (changed->at == changed->count && changed->cut && !err) {
		buf_clear(&changed->from);
		buf_add_slice(&changed->from, buf_slice(&changed->until));
		err = buf_status(&changed->from);
		if (!err)
			err = gather(changed, reading);
	}
	*key = changed->at < changed->count ? &changed->list[changed->at] : NULL;
	return err;
}

void changed_step(struct changed *changed)
{
	changed->at++;
}
