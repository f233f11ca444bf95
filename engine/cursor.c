/* SPDX-License-Identifier: MIT */
/* cursor.c - ranges, and layers side by side; see cursor.h. */
#include "engine/cursor.h"

#include <time.h>

#define READING_AGE_NS_MAX 5000000000 /* 5 s */

enum drift_err drift_cursor_next(struct drift_cursor *cursor,
				 struct drift_version *version)
{
	enum drift_err err = cursor->next(cursor, version);

	if (err || !cursor->def || version->row.size == 0)
		return err;
	buf_clear(&cursor->shown);
	err = row_show(cursor->def, version->row, version->seq, &cursor->shown);
	version->row = buf_slice(&cursor->shown);
	version->places = (struct slice){ 0 };
	return err;
}

void drift_cursor_close(struct drift_cursor *cursor)
{
	if (!cursor)
		return;
	buf_release(&cursor->shown);
	cursor->close(cursor);
}

void cursor_show(struct drift_cursor *cursor, struct drift_view view,
		 uint32_t table_id)
{
	const struct table_def *def = drift_table_by_id(view, table_id);

	cursor->def = def && def->altered ? def : NULL;
}

/* ---- Ranges ------------------------------------------------------------- */

static void bound_copy(struct buf *to, bool *open, struct slice from, bool from_open,
		       size_t bytes_max)
{
	*open = from_open && from.size <= bytes_max;
	if (from.size > bytes_max)
		from.size = bytes_max;
	buf_add_slice(to, from);
}

enum drift_err cursor_range_copy(struct range *range, const struct drift_range *from,
				 size_t bytes_max)
{
	*range = (struct range){ 0 };
	if (!from)
		return DRIFT_OK;
	range->has_low = from->low.data != NULL;
	range->has_high = from->high.data != NULL && !from->prefix;
	range->prefix = from->prefix && range->has_low;
	if (range->has_low)
		bound_copy(&range->low, &range->low_open, from->low, from->low_open,
			   bytes_max);
	if (range->has_high)
		bound_copy(&range->high, &range->high_open, from->high,
			   from->high_open, bytes_max);
	if (buf_status(&range->low) || buf_status(&range->high)) {
		cursor_range_release(range);
		return DRIFT_NOMEM;
	}
	return DRIFT_OK;
}

void cursor_range_release(struct range *range)
{
	buf_release(&range->low);
	buf_release(&range->high);
}

static bool begins_with(struct slice key, struct slice prefix)
{
	return key.size >= prefix.size &&
	       slice_equal(slice_of(key.data, prefix.size), prefix);
}

int range_place(const struct range *range, struct slice key)
{
	int order;

	if (range->has_low) {
		order = slice_compare(key, buf_slice(&range->low));
		if (order < 0 || (order == 0 && range->low_open))
			return -1;
		if (range->prefix && !begins_with(key, buf_slice(&range->low)))
			return 1;
	}
	if (range->has_high) {
		order = slice_compare(key, buf_slice(&range->high));
		if (order > 0 || (order == 0 && range->high_open))
			return 1;
	}
	return 0;
}

/* ---- Layers side by side ------------------------------------------------- */

enum drift_err sources_init(struct source sources[SOURCES_MAX], unsigned *count,
			    struct reading *reading, struct drift_view view)
{
	const struct memtable *overlay = NULL;
	enum drift_err err = DRIFT_OK;

	*count = 0;
	if (view.txn && view.txn_ops)
		err = overlay_read(view.txn, &overlay);
	if (err)
		return err;
	if (overlay)
		sources[(*count)++] = (struct source){ .memtable = overlay,
						       .limit = view.txn_ops };
	for (unsigned i = 0; i < reading->layers->count; i++)
		sources[(*count)++] = (struct source){
			.memtable = reading->layers->layers[i]->memtable,
			.limit = view.seq
		};
	return DRIFT_OK;
}

static const struct entry *of_table(const struct entry *entry, uint32_t table_id)
{
	if (!entry || entry->key[0] != 0 || be32_get(entry->key + 1) != table_id)
		return NULL;
	return entry;
}

void sources_seek(struct source *sources, unsigned count, uint32_t table_id,
		  struct slice key, bool after)
{
	char bytes[5 + KEY_BYTES_MAX];
	size_t size = key.size < KEY_BYTES_MAX ? key.size : KEY_BYTES_MAX;

	bytes[0] = 0;
	be32_put(bytes + 1, table_id);
	if (size)
		memcpy(bytes + 5, key.data, size);
	for (unsigned i = 0; i < count; i++)
		sources[i].at = of_table(memtable_seek(sources[i].memtable,
						       slice_of(bytes, 5 + size),
						       after, sources[i].limit),
					 table_id);
}

bool sources_smallest(const struct source *sources, unsigned count,
		      struct slice *key)
{
	bool found = false;

	for (unsigned i = 0; i < count; i++) {
		struct slice at;

		if (!sources[i].at)
			continue;
		at = entry_row_key(sources[i].at);
		if (!found || slice_compare(at, *key) < 0)
			*key = at;
		found = true;
	}
	return found;
}

const struct entry *sources_take(struct source *sources, unsigned count,
				 struct slice key)
{
	const struct entry *taken = NULL;

	for (unsigned i = 0; i < count; i++) {
		const struct entry *at = sources[i].at;

		if (!at || !slice_equal(entry_row_key(at), key))
			continue;
		if (!taken)
			taken = at;
		sources[i].at = of_table(memtable_next_key(sources[i].memtable, at,
							   sources[i].limit),
					 be32_get(at->key + 1));
	}
	return taken;
}

bool reading_is_old(drift_time_ns *since)
{
	struct timespec now;
	drift_time_ns ns;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	ns = (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec;
	if (*since == 0)
		*since = ns;
	return ns - *since > READING_AGE_NS_MAX;
}
