/* SPDX-License-Identifier: MIT */
/* index_page.c - see index_page.h. */
#include "engine/index_page.h"

/* Does what the page has of the entry at that offset fit it? */
static bool is_contained(const char *start, size_t bytes, size_t at)
{
	const char *node = start + at;
	size_t size;

	if (at < INDEX_PAGE_HEAD_BYTES || at + INDEX_NODE_HEAD_BYTES > bytes)
		return false;
	size = index_page_number(node) + ((size_t)index_page_number(node + 2) << 16);
	if (index_page_number(node + 4) & INDEX_NODE_ELSEWHERE)
		size = sizeof(uint64_t);
	return index_page_number(node + 6) + size <=
	       bytes - at - INDEX_NODE_HEAD_BYTES;
}

/* Does the entry at that offset stand in the page as a whole? */
static bool is_whole(const char *start, size_t bytes, size_t at)
{
	return is_contained(start, bytes, at) && !index_page_number(start + at + 4);
}

bool index_page_enter(struct index_page *page, const char *key, size_t bytes)
{
	size_t place = (uintptr_t)key & (bytes - 1), end, at;
	const char *start = key - place;
	unsigned found = 0;

	page->at = page->count = 0;
	end = index_page_number(start + INDEX_PAGE_END_AT);
	if (index_page_number(start + INDEX_PAGE_FLAGS_AT) != INDEX_PAGE_LEAF ||
	    end > bytes || end < INDEX_PAGE_HEAD_BYTES || end % 2)
		return false;
	for (at = INDEX_PAGE_HEAD_BYTES; at < end; at += 2) {
		size_t node = index_page_number(start + at);

		if (!is_whole(start, bytes, node))
			return false;
		if (node + INDEX_NODE_HEAD_BYTES == place)
			found = (unsigned)(at - INDEX_PAGE_HEAD_BYTES) / 2 + 1;
	}
	if (!found)
		return false;
	page->start = start;
	page->at = found;
	page->count = (unsigned)(end - INDEX_PAGE_HEAD_BYTES) / 2;
	return true;
}

bool index_page_is_sound(const char *key, size_t bytes)
{
	size_t place = (uintptr_t)key & (bytes - 1);
	const char *start = key - place;
	size_t end = index_page_number(start + INDEX_PAGE_END_AT);
	size_t entries = index_page_number(start + INDEX_PAGE_ENTRIES_AT);
	bool found = false;

	if (index_page_number(start + INDEX_PAGE_FLAGS_AT) != INDEX_PAGE_LEAF ||
	    end < INDEX_PAGE_HEAD_BYTES || end % 2 || entries < end ||
	    entries > bytes)
		return false;
	for (size_t at = INDEX_PAGE_HEAD_BYTES; at < end; at += 2) {
		size_t node = index_page_number(start + at);

		if (node < entries || !is_contained(start, bytes, node))
			return false;
		found = found || node + INDEX_NODE_HEAD_BYTES == place;
	}
	return found;
}
