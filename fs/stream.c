/* SPDX-License-Identifier: MIT */
/* stream.c - rows, keys and versions as the entries of directories. */
#include "fs/stream.h"

#include "fs/kind.h"
#include "fs/name.h"

/* Where to go on: after last_key. */
static struct drift_range rest_of(const struct listing *listing)
{
	if (listing->last_key.size == 0)
		return (struct drift_range){ 0 };
	return (struct drift_range){ .low = buf_slice(&listing->last_key),
				     .low_open = true };
}

/* The next version; opens the cursor if there is none, closes it at the end. */
static enum drift_err next_version(struct listing *listing,
				   enum drift_err (*open)(struct drift_view view,
							  uint32_t table_id,
							  const struct drift_range *,
							  struct drift_cursor **),
				   struct drift_range range)
{
	enum drift_err err = DRIFT_OK;

	if (!listing->cursor)
		err = open(listing->view, listing->directory.table_id, &range,
			   &listing->cursor);
	if (!err)
		err = drift_cursor_next(listing->cursor, &listing->version);
	if (err) {
		drift_cursor_close(listing->cursor);
		listing->cursor = NULL;
		return err;
	}
	listing->key = listing->version.key;
	buf_clear(&listing->name);
	return DRIFT_OK;
}

enum drift_err stream_give(struct listing *listing, enum node_kind kind,
			   uint64_t ino)
{
	listing->entry.type = kinds[kind].mode & S_IFMT;
	listing->entry.plain = kinds[kind].flags & KIND_COSTLY;
	listing->entry.ino = ino;
	listing->entry.name = buf_cstr(&listing->name);
	return buf_status(&listing->name);
}

/* The number that tells this version, in this shape, from all others. */
static drift_seq shown_since(const struct listing *listing)
{
	return drift_shown_since(listing->view, listing->directory.table_id,
				 listing->version.seq);
}

static enum drift_err next_row(struct listing *listing)
{
	enum drift_err err = next_version(listing, drift_scan, rest_of(listing));
	const struct identity row = {
		.kind = listing->directory.seq == SEQ_LIVE ? NODE_ROW : NODE_VERSION,
		.table_id = listing->directory.table_id,
		.seq = listing->directory.seq,
		.key = listing->version.key,
	};

	if (err)
		return err;
	listing->entry.version = &listing->version;
	err = name_of_row(listing->version.key, true, &listing->name);
	return err ? err
		   : stream_give(listing, NODE_ROW,
				 identity_ino(&row, shown_since(listing)));
}

static enum drift_err next_key(struct listing *listing)
{
	enum drift_err err;

	do
		err = next_version(listing, drift_history, rest_of(listing));
	while (!err &&
	       slice_equal(listing->version.key, buf_slice(&listing->last_key)));
	if (err)
		return err;
	err = name_of_row(listing->version.key, false, &listing->name);
	return err ? err : stream_give(listing, NODE_VERSIONS, shown_since(listing));
}

static enum drift_err next_of_key(struct listing *listing)
{
	struct slice key = listing->directory.key;
	enum drift_err err;

	err = next_version(listing, drift_history,
			   (struct drift_range){ .low = key, .high = key });
	if (err)
		return err;
	listing->entry.version = &listing->version;
	buf_printf(&listing->name, "%llu%s",
		   (unsigned long long)listing->version.seq,
		   listing->version.op == DRIFT_OP_DELETE ? ".deleted" : ".json");
	return err ? err : stream_give(listing, NODE_VERSION, shown_since(listing));
}

const struct stream stream_rows = { .next = next_row };
const struct stream stream_history = { .next = next_key };
const struct stream stream_versions = { .next = next_of_key, .one_key = true };
