/* SPDX-License-Identifier: MIT */
/* listing.c - directories as they were when they were opened.
 *
 * An entry's number is its cookie, and the view is pinned, so a cookie stays good
 * whatever comes and goes meanwhile. Rows are read from a cursor and not kept; to
 * go back to a number the listing remembers the key at every so many entries, and
 * reads on from there. When there are too many of those, every second is dropped. */
#include "fs/listing.h"

#include <sys/stat.h>

#include "fs/kind.h"
#include "fs/name.h"
#include "fs/reader.h"
#include "fs/stream.h"

#define STEP_MIN 1024 /* entries from one remembered key to the next */

/* ---- What there is to list ---------------------------------------------- */

static enum drift_err list_fixed(struct listing *listing)
{
	const struct kind *kind = kind_of(&listing->directory);
	struct tree *tree = listing->tree;
	enum drift_err err = DRIFT_OK;
	struct identity child;
	unsigned i = 0;
	const char *name;

	while ((name = name_fixed(tree, &listing->directory, &i, &child)))
		buf_add(&listing->fixed, name, strlen(name) + 1);
	if (kind->names)
		err = kind->names(listing);
	return err ? err : buf_status(&listing->fixed);
}

/* ---- Entry after entry -------------------------------------------------- */

/* What the name at hand stands for. */
static void describe(struct listing *listing, struct entry *entry)
{
	struct reader *reader = reader_mine();
	struct identity child;

	entry->ino = (uint64_t)1 << 62;
	entry->type = S_IFREG;
	entry->plain = true;
	if (!reader || name_parse(listing->tree, &listing->directory,
				  slice_str(entry->name), &reader->key, &child))
		return;
	entry->ino = identity_ino(&child, 0);
	entry->type = kind_of(&child)->mode & S_IFMT;
	entry->plain = kind_of(&child)->flags & KIND_COSTLY;
}

/* Have entry number `at` at hand. DRIFT_DONE at the end. */
static enum drift_err advance(struct listing *listing)
{
	struct entry *entry = &listing->entry;
	enum drift_err err;

	*entry = (struct entry){ 0 };
	if (listing->at < 2) {
		entry->name = listing->at == 0 ? "." : "..";
		entry->type = S_IFDIR;
		entry->plain = true;
		entry->ino = identity_ino(&listing->directory, 0);
		return DRIFT_OK;
	}
	if (listing->stream && !listing->streamed) {
		err = listing->stream->next(listing);
		if (err != DRIFT_DONE)
			return err;
		listing->streamed = true;
	}
	if (listing->fixed_at >= listing->fixed.size)
		return DRIFT_DONE;
	entry->name = listing->fixed.data + listing->fixed_at;
	describe(listing, entry);
	return DRIFT_OK;
}

void listing_pass(struct listing *listing)
{
	bool streamed = listing->at >= 2 && listing->stream && !listing->streamed;

	listing->held = false;
	listing->at++;
	if (listing->at > 2 && !streamed)
		listing->fixed_at += strlen(listing->entry.name) + 1;
	if (!streamed)
		return;
	buf_clear(&listing->last_key);
	buf_add_slice(&listing->last_key, listing->key);
	if (!listing->stream->one_key)
		milestones_pass(&listing->milestones, listing->at,
				buf_slice(&listing->last_key));
}

/* ---- Pages of keys: each its size (2 bytes, big endian) and its bytes ---- */

void listing_page_add(struct listing *listing, struct slice key)
{
	char size[2] = { (char)(key.size >> 8), (char)key.size };

	buf_add(&listing->page, size, sizeof(size));
	buf_add_slice(&listing->page, key);
}

bool listing_page_take(struct listing *listing)
{
	const uint8_t *at = (const uint8_t *)listing->page.data + listing->page_at;

	if (listing->page_at >= listing->page.size)
		return false;
	listing->key = slice_of(at + 2, (size_t)at[0] << 8 | at[1]);
	listing->page_at += 2 + listing->key.size;
	return true;
}

/* ---- Going back --------------------------------------------------------- */

static void begin_at(struct listing *listing, uint64_t at, struct slice key)
{
	drift_cursor_close(listing->cursor);
	listing->cursor = NULL;
	buf_clear(&listing->page);
	listing->page_at = 0;
	listing->streamed = false;
	listing->held = false;
	listing->fixed_at = 0;
	listing->at = at;
	buf_clear(&listing->last_key);
	buf_add_slice(&listing->last_key, key);
}

/* Go to entry number `at`: by the nearest key remembered before it. */
static enum drift_err go_to(struct listing *listing, uint64_t at)
{
	enum drift_err err = DRIFT_OK;
	struct slice key = { 0 };
	uint64_t from = 0;

	if (at == listing->at)
		return DRIFT_OK;
	(void)milestones_before(&listing->milestones, at, &from, &key);
	if (listing->chunk_at && listing->chunk_at <= at &&
	    from <= listing->chunk_at) {
		from = listing->chunk_at;
		key = buf_slice(&listing->chunk_key);
	}
	if (at < listing->at || from > listing->at)
		begin_at(listing, from, key);
	while (!err && listing->at < at) {
		if (!listing->held)
			err = advance(listing);
		if (!err)
			listing_pass(listing);
	}
	return err;
}

/* Most calls that go back go into the chunk they were just given: the reader had
 * less room than the kernel asked for. */
static void remember_chunk(struct listing *listing)
{
	listing->chunk_at = 0;
	if (!listing->stream || listing->stream->one_key || listing->streamed ||
	    listing->at < 2)
		return;
	listing->chunk_at = listing->at;
	buf_clear(&listing->chunk_key);
	buf_add_slice(&listing->chunk_key, buf_slice(&listing->last_key));
	if (buf_status(&listing->chunk_key))
		listing->chunk_at = 0;
}

enum drift_err listing_begin(struct listing *listing, struct tree *tree,
			     const struct identity *directory)
{
	listing->tree = tree;
	listing->directory = *directory;
	listing->view = tree_view(tree, directory->seq);
	listing->stream = kind_of(directory)->stream;
	listing->milestones.every = STEP_MIN;
	if (directory->table_id &&
	    !drift_table_by_id(listing->view, directory->table_id))
		return DRIFT_NO_TABLE;
	return list_fixed(listing);
}

static bool keep_cursor(struct listing *listing)
{
	atomic_uint *kept = &listing->tree->cursors_kept;

	if (listing->keeps)
		return true;
	listing->keeps = atomic_fetch_add(kept, 1) < LISTING_CURSORS_MAX;
	if (!listing->keeps)
		atomic_fetch_sub(kept, 1);
	return listing->keeps;
}

void listing_rest(struct listing *listing)
{
	if (!listing->cursor || (listing->stream->one_key && keep_cursor(listing)))
		return;
	if (listing->stream->one_key) {
		begin_at(listing, 0, (struct slice){ 0 });
		return;
	}
	drift_cursor_close(listing->cursor);
	listing->cursor = NULL;
	listing->held = false; /* it is read again, after last_key */
}

size_t listing_bytes(const struct listing *listing)
{
	return listing->fixed.size + listing->page.capacity +
	       milestones_bytes(&listing->milestones);
}

void listing_shrink(struct listing *listing)
{
	milestones_release(&listing->milestones);
	if (listing->stream && !listing->stream->one_key) {
		buf_release(&listing->page);
		listing->page_at = 0;
		listing->held = false;
	}
}

void listing_end(struct listing *listing)
{
	drift_cursor_close(listing->cursor);
	if (listing->keeps)
		atomic_fetch_sub(&listing->tree->cursors_kept, 1);
	buf_release(&listing->fixed);
	buf_release(&listing->last_key);
	buf_release(&listing->name);
	buf_release(&listing->page);
	milestones_release(&listing->milestones);
	buf_release(&listing->chunk_key);
}

enum drift_err listing_seek(struct listing *listing, uint64_t at)
{
	enum drift_err err = go_to(listing, at);

	if (!err)
		remember_chunk(listing);
	return err;
}

enum drift_err listing_next(struct listing *listing, const struct entry **entry)
{
	enum drift_err err = DRIFT_OK;

	if (!listing->held)
		err = advance(listing);
	listing->held = !err;
	*entry = &listing->entry;
	return err;
}
