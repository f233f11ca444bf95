/* SPDX-License-Identifier: MIT */
/* attr.c - attributes, read from the committed state only.
 *
 * A size is exact, so a row is rendered to learn its size. Whatever never changes
 * is measured once and then kept by the kernel; a row as it is now is kept too,
 * until the commit that changes it says so. */
#include "fs/attr.h"

#include "fs/kind.h"
#include "fs/reader.h"

#define BLOCK_BYTES 512
#define SETTLING_NS 100000000 /* see just_changed */

bool attr_is_pinned(const struct identity *identity)
{
	return (kind_of(identity)->flags & KIND_PINNED) || identity->seq != SEQ_LIVE;
}

/* The kernel marks new attributes as good before it has stored the size of the
 * file, and another processor may look in between. Not if they are not kept: so
 * the first ones after a change are not. */
static bool just_changed(const struct tree *tree, const struct stat *st)
{
	drift_time_ns changed =
		(drift_time_ns)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;

	return drift_now(tree->db) - changed < SETTLING_NS;
}

double attr_timeout_s(const struct tree *tree, const struct identity *identity,
		      const struct stat *st)
{
	unsigned flags = kind_of(identity)->flags;

	if (attr_is_pinned(identity))
		return FOREVER_S;
	if (flags & KIND_CHANGES)
		return 0;
	return identity->kind == NODE_ROW && just_changed(tree, st) ? 0 : FOREVER_S;
}

double attr_entry_timeout_s(const struct identity *identity)
{
	unsigned flags = kind_of(identity)->flags;
	bool moves_on = (flags & KIND_PINNED) || identity->seq == SEQ_LIVE;

	if (flags & KIND_EACH)
		return 0;
	return (flags & KIND_FLEETING) && moves_on ? 0 : FOREVER_S;
}

/* Nobody may write what cannot change. */
static mode_t mode_of(const struct tree *tree, const struct identity *identity)
{
	const struct kind *kind = kind_of(identity);
	mode_t mode = kind->mode;

	if (S_ISLNK(mode))
		return mode;
	if ((attr_is_pinned(identity) || tree->options.read_only) &&
	    !(kind->flags & KIND_ASKED))
		mode &= ~(mode_t)0222;
	return mode & ~tree->options.umask;
}

void attr_fill(const struct tree *tree, const struct identity *identity,
	       drift_seq version, size_t size, drift_time_ns time, struct stat *st)
{
	struct timespec when = { .tv_sec = time / 1000000000,
				 .tv_nsec = time % 1000000000 };

	if (when.tv_nsec < 0) {
		when.tv_sec--;
		when.tv_nsec += 1000000000;
	}
	*st = (struct stat){
		.st_ino = identity_ino(identity, version),
		.st_mode = mode_of(tree, identity),
		.st_nlink =
			1, /* a directory's tells nothing: 2 would say that it has none in it */
		.st_uid = tree->options.uid,
		.st_gid = tree->options.gid,
		.st_size = (off_t)size,
		.st_blksize = 4096,
		.st_blocks = (blkcnt_t)((size + BLOCK_BYTES - 1) / BLOCK_BYTES),
		.st_atim = when,
		.st_mtim = when,
		.st_ctim = when,
	};
}

enum drift_err attr_row_text(const struct tree *tree, struct slice row,
			     struct buf *text)
{
	enum drift_err err = json_print(row, tree->options.style, text);

	if (err)
		return err;
	buf_add_char(text, '\n');
	return buf_status(text);
}

enum drift_err attr_of_version(struct tree *tree, const struct identity *identity,
			       const struct drift_version *version, struct stat *st)
{
	struct reader *reader = reader_mine();
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	buf_clear(&reader->text);
	err = attr_row_text(tree, version->row, &reader->text);
	if (!err)
		attr_fill(tree, identity,
			  drift_shown_since(tree_view(tree, identity->seq),
					    identity->table_id, version->seq),
			  reader->text.size, version->time, st);
	return err;
}

enum drift_err attr_row(struct tree *tree, struct node *node,
			struct identity *identity, uid_t caller, struct stat *st)
{
	struct reader *reader = reader_mine();
	struct drift_version *version;
	enum drift_err err;

	(void)node, (void)caller;
	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(tree_view(tree, identity->seq), identity->table_id,
			identity->key, &reader->row);
	if (err)
		return err;
	version = &reader->row.version;
	if (identity->seq != SEQ_LIVE) {
		identity->kind = NODE_VERSION;
		identity->seq = drift_shown_since(tree_view(tree, identity->seq),
						  identity->table_id, version->seq);
	}
	return attr_of_version(tree, identity, version, st);
}

enum drift_err attr_of_absent(struct tree *tree, const struct node *node,
			      struct stat *st)
{
	struct identity identity = *node_identity(node);
	struct reader *reader = reader_mine();
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	if (identity.kind != NODE_ROW || (!node->writers && !node->readers))
		return DRIFT_NO_ROW;
	if (node->writers) { /* being made */
		attr_fill(tree, &identity, 0, 0, drift_now(tree->db), st);
		return DRIFT_OK;
	}
	err = drift_get_version(drift_view_live(tree->db), identity.table_id,
				identity.key, &reader->row);
	if (!err && reader->row.version.op == DRIFT_OP_DELETE)
		err = drift_get(drift_view_at(tree->db, reader->row.version.seq - 1),
				identity.table_id, identity.key, &reader->row);
	if (!err)
		err = attr_of_version(tree, &identity, &reader->row.version, st);
	if (!err)
		st->st_nlink = 0;
	return err;
}

enum drift_err attr_version(struct tree *tree, struct node *node,
			    struct identity *identity, uid_t caller, struct stat *st)
{
	bool tombstone = identity->kind == NODE_TOMBSTONE;
	struct reader *reader = reader_mine();
	struct drift_version *version;
	enum drift_err err;

	(void)node, (void)caller;
	if (!reader)
		return DRIFT_NOMEM;
	if (identity->seq > drift_head(tree->db))
		return DRIFT_NO_ROW;
	err = drift_get_version(tree_view(tree, identity->seq), identity->table_id,
				identity->key, &reader->row);
	if (err)
		return err;
	version = &reader->row.version;
	if (drift_shown_since(tree_view(tree, identity->seq), identity->table_id,
			      version->seq) != identity->seq ||
	    (version->op == DRIFT_OP_DELETE) != tombstone)
		return DRIFT_NO_ROW;
	if (!tombstone)
		return attr_of_version(tree, identity, version, st);
	attr_fill(tree, identity, version->seq, 0, version->time, st);
	return DRIFT_OK;
}

/* When the database came to be as it was at seq. */
static drift_time_ns time_of(struct tree *tree, drift_seq seq)
{
	struct drift_tx tx;

	if (seq == SEQ_LIVE)
		return tree->mounted_time;
	return seq == 0 || drift_tx_of(tree->db, seq, &tx) ? 0 : tx.time;
}

drift_time_ns attr_time(struct tree *tree, const struct identity *identity)
{
	return identity->seq == SEQ_LIVE ? drift_head_time(tree->db)
					 : time_of(tree, identity->seq);
}

enum drift_err attr_table(struct tree *tree, struct node *node,
			  struct identity *identity, uid_t caller, struct stat *st)
{
	const struct table_def *def;
	drift_time_ns changed;

	(void)caller;
	def = drift_table_by_id(tree_view(tree, identity->seq), identity->table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	changed = node ? node->changed : 0;
	attr_fill(tree, identity, 0, 0, changed ? changed : def->created_time, st);
	return DRIFT_OK;
}

enum drift_err attr_directory(struct tree *tree, struct node *node,
			      struct identity *identity, uid_t caller,
			      struct stat *st)
{
	drift_time_ns changed = node ? node->changed : 0;

	(void)caller;
	if (identity->seq != SEQ_LIVE && identity->seq > drift_head(tree->db))
		return DRIFT_BAD_MOMENT;
	if (!changed)
		changed = time_of(tree, identity->seq);
	attr_fill(tree, identity, 0, 0, changed, st);
	return DRIFT_OK;
}

enum drift_err attr_versions(struct tree *tree, struct node *node,
			     struct identity *identity, uid_t caller,
			     struct stat *st)
{
	struct reader *reader = reader_mine();
	enum drift_err err;

	(void)node;
	if (!reader)
		return DRIFT_NOMEM;
	err = attr_table(tree, NULL, identity, caller, st);
	if (err)
		return err;
	return drift_get_version(tree_view(tree, identity->seq), identity->table_id,
				 identity->key, &reader->row);
}

enum drift_err attr_scratch(struct tree *tree, struct node *node,
			    struct identity *identity, uid_t caller, struct stat *st)
{
	struct scratch *scratch;
	drift_time_ns modified;
	size_t size;

	(void)caller;
	scratch = node ? node_scratch(&tree->nodes, node)
		       : scratch_find(&tree->scratches, identity->table_id,
				      identity->key);
	if (!scratch)
		return DRIFT_NO_ROW;
	size = scratch_size(scratch, &modified);
	attr_fill(tree, identity, 0, size, modified, st);
	scratch_drop(scratch);
	return DRIFT_OK;
}

enum drift_err attr_text(struct tree *tree, struct node *node,
			 struct identity *identity, uid_t caller, struct stat *st)
{
	const struct moving_text *moving = &tree->moving[identity->kind];
	struct reader *reader = reader_mine();
	enum drift_err err;

	(void)node;
	if (!reader)
		return DRIFT_NOMEM;
	if (moving->open) {
		attr_fill(tree, identity, 0, moving->size, attr_time(tree, identity),
			  st);
		return DRIFT_OK;
	}
	buf_clear(&reader->text);
	err = kind_of(identity)->text(tree, identity, caller, &reader->text);
	if (!err)
		attr_fill(tree, identity, 0, reader->text.size,
			  attr_time(tree, identity), st);
	return err;
}

enum drift_err attr_events(struct tree *tree, struct node *node,
			   struct identity *identity, uid_t caller, struct stat *st)
{
	uint64_t size = 0;
	enum drift_err err;

	(void)node, (void)caller;
	err = events_size(tree, identity->table_id, &size);
	if (!err)
		attr_fill(tree, identity, 0, size, drift_head_time(tree->db), st);
	return err;
}

enum drift_err attr_link(struct tree *tree, struct node *node,
			 struct identity *identity, uid_t caller, struct stat *st)
{
	struct buf target = BUF_INIT;
	enum drift_err err;

	(void)node, (void)caller;
	err = kind_of(identity)->target(tree, identity, &target);
	if (!err)
		err = buf_status(&target);
	attr_fill(tree, identity, 0, target.size, time_of(tree, identity->seq), st);
	buf_release(&target);
	return err;
}

enum drift_err attr_read(struct tree *tree, struct node *node,
			 struct identity *identity, uid_t caller, struct stat *st)
{
	return kind_of(identity)->attributes(tree, node, identity, caller, st);
}
