/* SPDX-License-Identifier: MIT */
/* dir.c - open directories.
 *
 * A directory is listed as it was when it was opened: its view is pinned. An
 * entry's cookie is its number in that listing, so it stays good whatever comes
 * and goes meanwhile. Rows are read from a cursor and not kept; to go back to a
 * cookie the handle remembers the key at every so many entries, and reads on from
 * there. When there are too many of those, every second one is dropped. */
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/lookup.h"
#include "fs/name.h"
#include "fs/ops.h"
#include "fs/reader.h"
#include "fs/timeline.h"

#define STEP_MIN 1024		/* entries from one remembered key to the next */
#define STEPS_MAX 512

struct step {
	uint64_t at;		/* the key belongs to the entry before this number */
	uint32_t size;
	uint32_t from;		/* in keys */
};

/* One entry of the listing. */
struct entry {
	const char *name;
	uint64_t ino;
	mode_t type;
	const struct drift_version *version;	/* a row's, else NULL */
};

struct dir {
	struct handle handle;
	struct node *node;
	struct identity identity;	/* key: into the node's */
	struct drift_view view;
	pthread_mutex_t lock;		/* of all that follows */
	bool ready;			/* fixed is filled */
	struct buf fixed;		/* names at hand, each with a NUL */
	size_t fixed_at;
	bool streams;			/* rows come before them */
	bool streamed;			/* ... and have all come */
	struct drift_cursor *cursor;
	struct drift_version version;	/* of the entry at hand; in the cursor */
	struct buf last_key;		/* of the last entry given */
	uint64_t at;			/* entries given so far */
	bool held;			/* entry number `at` is at hand */
	struct entry entry;
	struct buf name;		/* of entry */
	struct step steps[STEPS_MAX];
	unsigned step_count;
	uint64_t step_every;
	struct buf keys;
	struct step chunk;		/* where the last READDIR began */
	struct buf chunk_key;
};

/* ---- What there is to list ---------------------------------------------- */

static enum drift_err list_tables(struct dir *dir)
{
	const struct table_def *def = drift_table_next(dir->view, (struct slice){0});
	enum drift_err err = DRIFT_OK;

	while (def && !err) {
		err = key_component_encode(slice_str(def->name), &dir->fixed);
		buf_add_char(&dir->fixed, '\0');
		def = drift_table_next(dir->view, slice_str(def->name));
	}
	return err;
}

static enum drift_err list_fixed(struct dir *dir)
{
	struct tree *tree = dir->handle.tree;
	enum drift_err err = DRIFT_OK;
	struct identity child;
	unsigned i = 0;
	const char *name;

	while ((name = name_fixed(tree, &dir->identity, &i, &child)))
		buf_add(&dir->fixed, name, strlen(name) + 1);
	switch (dir->identity.kind) {
	case NODE_TABLES:
		err = list_tables(dir);
		break;
	case NODE_SEQS:
		timeline_seqs(dir->view.seq, &dir->fixed);
		break;
	case NODE_TIMES:
		err = timeline_times(tree->db, &dir->fixed);
		break;
	case NODE_ROWS:
		if (dir->identity.seq == SEQ_LIVE)
			scratch_names(&tree->scratches, dir->identity.table_id,
				      &dir->fixed);
		break;
	default:
		break;
	}
	return err ? err : buf_status(&dir->fixed);
}

static bool kind_streams(enum node_kind kind)
{
	return kind == NODE_ROWS || kind == NODE_HISTORY || kind == NODE_VERSIONS;
}

/* Open the cursor after last_key (from the start when it is empty). */
static enum drift_err open_cursor(struct dir *dir)
{
	struct drift_range range = {0};

	if (dir->identity.kind == NODE_VERSIONS) {
		range.low = range.high = dir->identity.key;
	} else if (dir->last_key.size) {
		range.low = buf_slice(&dir->last_key);
		range.low_open = true;
	}
	if (dir->identity.kind == NODE_ROWS)
		return drift_scan(dir->view, dir->identity.table_id, &range,
				  &dir->cursor);
	return drift_history(dir->view, dir->identity.table_id, &range, &dir->cursor);
}

/* ---- Entry after entry -------------------------------------------------- */

static enum drift_err name_version(struct dir *dir)
{
	const struct drift_version *version = &dir->version;
	struct entry *entry = &dir->entry;
	bool deleted = version->op == DRIFT_OP_DELETE;
	enum drift_err err = DRIFT_OK;

	entry->type = S_IFREG;
	entry->ino = version->seq;
	entry->version = version;
	switch (dir->identity.kind) {
	case NODE_ROWS:
		err = name_of_row(version->key, true, &dir->name);
		break;
	case NODE_HISTORY:
		entry->type = S_IFDIR;
		entry->version = NULL;
		err = name_of_row(version->key, false, &dir->name);
		break;
	default:
		buf_printf(&dir->name, "%llu%s", (unsigned long long)version->seq,
			   deleted ? ".deleted" : ".json");
		break;
	}
	entry->name = buf_cstr(&dir->name);
	return err ? err : buf_status(&dir->name);
}

/* The next row, or key, or version. DRIFT_DONE at the end. */
static enum drift_err next_streamed(struct dir *dir)
{
	enum drift_err err = DRIFT_OK;

	if (!dir->cursor)
		err = open_cursor(dir);
	do {
		if (!err)
			err = drift_cursor_next(dir->cursor, &dir->version);
	} while (!err && dir->identity.kind == NODE_HISTORY &&
		 slice_equal(dir->version.key, buf_slice(&dir->last_key)));
	if (err) {
		drift_cursor_close(dir->cursor);
		dir->cursor = NULL;
		return err;
	}
	buf_clear(&dir->name);
	return name_version(dir);
}

static mode_t type_of(struct dir *dir, const char *name, uint64_t *ino)
{
	struct reader *reader = reader_mine();
	struct identity child;

	*ino = (uint64_t)1 << 62;
	if (!reader || name_parse(dir->handle.tree, &dir->identity, slice_str(name),
				  &reader->key, &child))
		return S_IFREG;
	*ino = identity_ino(&child, 0);
	return name_type(child.kind);
}

/* Have entry number dir->at at hand. DRIFT_DONE at the end. */
static enum drift_err next(struct dir *dir)
{
	struct entry *entry = &dir->entry;
	enum drift_err err;

	*entry = (struct entry){0};
	if (dir->at < 2) {
		entry->name = dir->at == 0 ? "." : "..";
		entry->type = S_IFDIR;
		entry->ino = identity_ino(&dir->identity, 0);
		return DRIFT_OK;
	}
	if (dir->streams && !dir->streamed) {
		err = next_streamed(dir);
		if (err != DRIFT_DONE)
			return err;
		dir->streamed = true;
	}
	if (dir->fixed_at >= dir->fixed.size)
		return DRIFT_DONE;
	entry->name = dir->fixed.data + dir->fixed_at;
	entry->type = type_of(dir, entry->name, &entry->ino);
	return DRIFT_OK;
}

static void halve_steps(struct dir *dir)
{
	struct buf keys = BUF_INIT;
	unsigned kept = 0;

	for (unsigned i = 1; i < dir->step_count; i += 2) {
		struct step step = dir->steps[i];

		buf_add(&keys, dir->keys.data + step.from, step.size);
		step.from = (uint32_t)(keys.size - step.size);
		dir->steps[kept++] = step;
	}
	buf_release(&dir->keys);
	dir->keys = keys;
	dir->step_count = kept;
	dir->step_every *= 2;
}

static void remember_step(struct dir *dir)
{
	struct buf *key = &dir->last_key;
	uint64_t last = dir->step_count ? dir->steps[dir->step_count - 1].at : 0;

	if (dir->at < last + dir->step_every)
		return;
	if (dir->step_count == STEPS_MAX)
		halve_steps(dir);
	buf_add_slice(&dir->keys, buf_slice(key));
	if (buf_status(&dir->keys))
		return;
	dir->steps[dir->step_count++] = (struct step){
		.at = dir->at, .size = (uint32_t)key->size,
		.from = (uint32_t)(dir->keys.size - key->size)};
}

/* The entry at hand was given. */
static void pass(struct dir *dir)
{
	bool streamed = dir->at >= 2 && dir->streams && !dir->streamed;

	dir->held = false;
	dir->at++;
	if (dir->at > 2 && !streamed)
		dir->fixed_at += strlen(dir->entry.name) + 1;
	if (!streamed)
		return;
	buf_clear(&dir->last_key);
	buf_add_slice(&dir->last_key, dir->version.key);
	if (dir->identity.kind != NODE_VERSIONS)
		remember_step(dir);
}

/* ---- Going back --------------------------------------------------------- */

static void begin_at(struct dir *dir, uint64_t at, struct slice key)
{
	drift_cursor_close(dir->cursor);
	dir->cursor = NULL;
	dir->streamed = false;
	dir->held = false;
	dir->fixed_at = 0;
	dir->at = at;
	buf_clear(&dir->last_key);
	buf_add_slice(&dir->last_key, key);
}

/* Go to entry number `at`: by the nearest key remembered before it. */
static enum drift_err seek(struct dir *dir, uint64_t at)
{
	enum drift_err err = DRIFT_OK;
	const struct step *best = NULL;
	bool chunk;

	if (at == dir->at)
		return DRIFT_OK;
	for (unsigned i = 0; i < dir->step_count && dir->steps[i].at <= at; i++)
		best = &dir->steps[i];
	chunk = dir->chunk.at >= 2 && dir->chunk.at <= at &&
		(!best || best->at <= dir->chunk.at);
	if (at < dir->at || at - dir->at > dir->step_every) {
		if (chunk)
			begin_at(dir, dir->chunk.at, buf_slice(&dir->chunk_key));
		else if (best)
			begin_at(dir, best->at,
				 slice_of(dir->keys.data + best->from, best->size));
		else
			begin_at(dir, 0, (struct slice){0});
	}
	while (!err && dir->at < at) {
		if (!dir->held)
			err = next(dir);
		if (!err)
			pass(dir);
	}
	return err;
}

/* Most calls that go back go into the chunk they were just given: the reader had
 * less room than the kernel asked for. */
static void remember_chunk(struct dir *dir)
{
	dir->chunk.at = 0;
	if (dir->identity.kind == NODE_VERSIONS || dir->streamed || dir->at < 2)
		return;
	dir->chunk.at = dir->at;
	buf_clear(&dir->chunk_key);
	buf_add_slice(&dir->chunk_key, buf_slice(&dir->last_key));
	if (buf_status(&dir->chunk_key))
		dir->chunk.at = 0;
}

/* ---- Requests ----------------------------------------------------------- */

/* Sizes of these files take work that a plain listing should not pay for. */
static bool plain_only(const struct dir *dir, const struct entry *entry)
{
	return dir->at < 2 || dir->identity.kind == NODE_VERSIONS ||
	       strcmp(entry->name, "events") == 0 || strcmp(entry->name, "count") == 0;
}

/* Attributes and a node for the entry at hand; ino 0 leaves them out. */
static void fill_plus(struct dir *dir, struct fuse_entry_param *plus)
{
	struct tree *tree = dir->handle.tree;
	const struct entry *entry = &dir->entry;
	struct identity row = {.kind = NODE_ROW, .table_id = dir->identity.table_id,
			       .seq = SEQ_LIVE};
	enum drift_err err;

	*plus = (struct fuse_entry_param){0};
	if (!plain_only(dir, entry)) {
		if (entry->version) {
			row.key = entry->version->key;
			if (dir->identity.seq != SEQ_LIVE) {
				row.kind = NODE_VERSION;
				row.seq = entry->version->seq;
			}
			err = lookup_version(tree, dir->view, &row, entry->version,
					     plus);
		} else {
			err = lookup_name(tree, &dir->identity,
					  slice_str(entry->name), 0, plus);
		}
		if (!err)
			return;
	}
	*plus = (struct fuse_entry_param){.attr = {.st_ino = entry->ino,
						   .st_mode = entry->type}};
}

static size_t add_entry(fuse_req_t req, struct dir *dir, char *at, size_t room,
			bool with_attributes)
{
	const struct entry *entry = &dir->entry;
	struct stat st = {.st_ino = entry->ino, .st_mode = entry->type};
	off_t cookie = (off_t)(dir->at + 1);
	struct fuse_entry_param plus;
	size_t size;

	if (!with_attributes)
		return fuse_add_direntry(req, at, room, entry->name, &st, cookie);
	size = fuse_add_direntry_plus(req, NULL, 0, entry->name, NULL, 0);
	if (size > room)
		return size;
	fill_plus(dir, &plus);
	return fuse_add_direntry_plus(req, at, room, entry->name, &plus, cookie);
}

static enum drift_err fill(fuse_req_t req, struct dir *dir, struct buf *reply,
			   size_t size, bool with_attributes)
{
	enum drift_err err = DRIFT_OK;

	if (!buf_reserve(reply, size))
		return DRIFT_NOMEM;
	for (;;) {
		size_t used;

		if (!dir->held)
			err = next(dir);
		if (err)
			break;
		dir->held = true;
		used = add_entry(req, dir, reply->data + reply->size,
				 size - reply->size, with_attributes);
		if (used > size - reply->size)
			break;
		reply->size += used;
		pass(dir);
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static void read_dir(fuse_req_t req, size_t size, off_t offset,
		     const struct fuse_file_info *fi, bool with_attributes)
{
	struct dir *dir = (struct dir *)handle_of(fi);
	struct reader *reader = reader_mine();
	enum drift_err err = DRIFT_NOMEM;

	pthread_mutex_lock(&dir->lock);
	if (reader) {
		buf_clear(&reader->reply);
		err = dir->ready ? DRIFT_OK : list_fixed(dir);
		dir->ready = !err;
	}
	if (!err)
		err = seek(dir, (uint64_t)offset);
	if (!err) {
		remember_chunk(dir);
		err = fill(req, dir, &reader->reply, size, with_attributes);
	}
	pthread_mutex_unlock(&dir->lock);
	if (err && err != DRIFT_DONE)
		reply_err(req, err);
	else
		fuse_reply_buf(req, reader->reply.data, reader->reply.size);
}

void dir_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(req, size, offset, fi, false);
}

void dir_op_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(req, size, offset, fi, true);
}

static void dir_free(struct handle *handle)
{
	struct dir *dir = (struct dir *)handle;

	drift_cursor_close(dir->cursor);
	pthread_mutex_destroy(&dir->lock);
	buf_release(&dir->fixed);
	buf_release(&dir->last_key);
	buf_release(&dir->name);
	buf_release(&dir->keys);
	buf_release(&dir->chunk_key);
	free(dir);
}

static const struct handle_ops dir_ops = {.free = dir_free};

void dir_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct tree *tree = tree_of(req);
	struct node *node = node_of(&tree->nodes, ino);
	struct dir *dir = calloc(1, sizeof(*dir));

	if (!dir) {
		reply_err(req, DRIFT_NOMEM);
		return;
	}
	dir->handle = (struct handle){.ops = &dir_ops, .tree = tree};
	dir->node = node;
	dir->identity = *node_identity(node);
	dir->view = tree_view(tree, dir->identity.seq);
	dir->streams = kind_streams(dir->identity.kind);
	dir->step_every = STEP_MIN;
	pthread_mutex_init(&dir->lock, NULL);
	if (attr_is_pinned(&dir->identity)) {
		fi->cache_readdir = 1;
		fi->keep_cache = 1;
	}
	handle_give(&dir->handle, fi);
	reply_open(req, fi);
}

void dir_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	dir_free(handle_take(fi));
	reply_err(req, DRIFT_OK);
}
