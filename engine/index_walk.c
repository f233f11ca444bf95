/* SPDX-License-Identifier: MIT */
/* index_walk.c - walks over many entries: LMDB is asked for the next page, not for each
 * entry, and the page behind that comes from memory meanwhile. */
#include "engine/index_env.h"

#define LINE_BYTES 64
#define FETCH_BYTES_MAX 512
#define WHOLE_PAGES 16 /* who asks for so many entries reads by whole pages */

bool index_walk_enter(struct index_cursor *cursor, const MDB_val *key)
{
	return cursor->index->page_bytes &&
	       index_page_enter(&cursor->page, key->mv_data,
				cursor->index->page_bytes);
}

int index_walk_leave(struct index_cursor *cursor, MDB_cursor_op op)
{
	MDB_val at = cursor->at;

	cursor->page.at = cursor->page.count = 0;
	return op == MDB_NEXT || op == MDB_PREV
		       ? mdb_cursor_get(cursor->cursor, &at, NULL, MDB_SET)
		       : 0;
}

/* Have the bytes of an entry come from memory while LMDB looks for the next one. */
static inline void fetch(const MDB_val *key, const MDB_val *stored)
{
	size_t size = key->mv_size + stored->mv_size;

	if (size > FETCH_BYTES_MAX)
		size = FETCH_BYTES_MAX;
	for (size_t i = LINE_BYTES; i < size; i += LINE_BYTES)
		__builtin_prefetch((const char *)key->mv_data + i);
}

/* By the page's last entry, which LMDB finds without a search if it is greater than the
 * first. */
int index_walk_leave_page(const struct index_cursor *cursor, MDB_val *key,
			  MDB_val *stored)
{
	const struct index_page *page = &cursor->page;
	unsigned steps = page->count - page->at; /* of LMDB's cursor, to the last */
	MDB_val first, last;
	int code = 0;

	index_page_entry(page, 0, &first, stored);
	index_page_entry(page, page->count - 1, &last, stored);
	if (steps && slice_compare(slice_of(first.mv_data, first.mv_size),
				   slice_of(last.mv_data, last.mv_size)) < 0) {
		code = mdb_cursor_get(cursor->cursor, &last, NULL, MDB_SET);
		steps = 0;
	}
	while (steps-- > 0 && !code)
		code = mdb_cursor_get(cursor->cursor, key, stored, MDB_NEXT);
	return code ? code : mdb_cursor_get(cursor->cursor, key, stored, MDB_NEXT);
}

/* Find the page behind the one that was entered, to have it come from memory meanwhile. */
static void look_ahead(struct index_cursor *cursor)
{
	MDB_val key, stored;

	cursor->ahead_code = index_walk_leave_page(cursor, &key, &stored);
	cursor->fetch_left = 0;
	if (cursor->ahead_code)
		return;
	cursor->fetch = (const char *)key.mv_data -
			((uintptr_t)key.mv_data & (cursor->index->page_bytes - 1));
	cursor->fetch_left = (unsigned)(cursor->index->page_bytes / LINE_BYTES);
	cursor->fetch_lines = cursor->fetch_left / cursor->page.count + 1;
}

static inline void fetch_ahead(struct index_cursor *cursor)
{
	for (unsigned i = 0; i < cursor->fetch_lines && cursor->fetch_left > 0;
	     i++, cursor->fetch_left--, cursor->fetch += LINE_BYTES)
		__builtin_prefetch(cursor->fetch);
}

/* LMDB's next entry; whole: read on by its page. */
static int next_page(struct index_cursor *cursor, bool whole, MDB_val *key,
		     MDB_val *stored)
{
	bool ahead = cursor->page.count > 0;
	int code = ahead ? cursor->ahead_code : 0;

	*stored = (MDB_val){ 0 };
	if (!code)
		code = mdb_cursor_get(cursor->cursor, key, stored,
				      ahead ? MDB_GET_CURRENT : MDB_NEXT);
	cursor->page.at = cursor->page.count = 0;
	if (code)
		return code;
	fetch(key, stored);
	if (whole && index_walk_enter(cursor, key))
		look_ahead(cursor);
	return 0;
}

static int step_many(struct index_cursor *cursor, uint32_t prefix,
		     struct index_entry *entries, unsigned max, unsigned *count)
{
	struct index_page *page = &cursor->page;
	MDB_val key, stored;
	struct slice value;
	int code;

	while (*count < max) {
		if (page->at < page->count) {
			index_page_entry(page, page->at++, &key, &stored);
			fetch_ahead(cursor);
		} else {
			code = next_page(cursor, max >= WHOLE_PAGES, &key, &stored);
			if (code)
				return code;
		}
		cursor->at = key;
		if (key.mv_size < 4 || be32_get(key.mv_data) != prefix) {
			/* No matter what it says, but it must be an entry. */
			(void)index_value_check(cursor->index,
						slice_of(key.mv_data, key.mv_size),
						&stored, &value);
			return 0;
		}
		entries[(*count)++] = (struct index_entry){
			.key = slice_of(key.mv_data, key.mv_size),
			.value = slice_of(stored.mv_data, stored.mv_size),
		};
	}
	return 0;
}

enum drift_err index_step_many(struct index_cursor *cursor, uint32_t prefix,
			       struct index_entry *entries, unsigned max,
			       unsigned *count)
{
	MDB_val stored;
	int code;

	*count = 0;
	code = INDEX_FAULT_IN(step_many(cursor, prefix, entries, max, count));
	for (unsigned i = 0; i < *count; i++) {
		struct slice *value = &entries[i].value;

		stored = index_val(*value);
		if (index_value_check(cursor->index, entries[i].key, &stored, value))
			*value = (struct slice){ 0 };
	}
	if (code == MDB_NOTFOUND) {
		(void)index_end_check(cursor->index, cursor->cursor, MDB_NEXT,
				      &cursor->at, &stored);
		return DRIFT_OK;
	}
	return index_read_err(cursor->index, code);
}
