/* SPDX-License-Identifier: MIT */
/* row_write.c - rows opened for writing.
 *
 * A handle has a private buffer; nothing of it is seen by anyone before it is a
 * committed event. When is it one? Shells flush before they write, write in
 * pieces, and ignore errors from close(2). So:
 *
 *	WRITE	feeds a validator as bytes arrive in order. What can never become
 *		a document fails here, and so does a complete document that breaks
 *		a rule, because here is where shells look.
 *	FLUSH	commits if the buffer is a complete document that is not stored
 *		yet; means nothing otherwise.
 *	RELEASE	tells of what stayed unfinished: nobody else would.
 *
 * Bytes written out of order (an edit in place) are judged as a whole, at FLUSH.
 * With O_APPEND the bytes after the old text are a document of their own, merged
 * into the newest version of the row (RFC 7396) when they are committed. */
#include <stdlib.h>

#include "engine/json_prefix.h"
#include "fs/attr.h"
#include "fs/reader.h"
#include "fs/row.h"

/* Of all open rows together; above, ENOSPC for the writer that asks for more. */
#define UNSAVED_BYTES_MAX ((size_t)256 << 20)

struct waiter {
	struct waiter *next;
	fuse_req_t req;
};

struct row_write {
	struct handle handle;
	struct change change;		/* in use while committing */
	struct node *node;		/* the kernel holds it while it is open */
	struct identity identity;	/* key: into the node's */
	bool append;
	bool exclusive;			/* O_EXCL: the row must not be there */
	bool is_new;			/* it was not there at OPEN */

	pthread_mutex_t lock;		/* of all that follows */
	pthread_cond_t settled;		/* committing became false */
	struct buf text;
	size_t base;			/* what is to be stored begins here */
	struct json_prefix prefix;	/* has been fed text from base to the end */
	bool ordered;			/* ... which is so while bytes come in order */
	bool checked;			/* ... and the document in it was checked */
	bool unsaved;			/* text is neither stored nor refused */
	bool ready;			/* document is what to commit */
	bool committing;		/* text and document stay as they are */
	struct buf document;		/* append: the patch; else the row to store */
	struct waiter *waiters;		/* flushes while committing */
	bool releasing;			/* the commit answers the RELEASE */
	enum drift_err refused;		/* the last refusal, and where, so that a */
	int refused_at;			/* program that insists is noted once */
};

static void row_write_free(struct handle *handle)
{
	struct row_write *open = (struct row_write *)handle;

	atomic_fetch_sub(&handle->tree->unsaved_bytes, open->text.size);
	atomic_fetch_sub(&open->node->writers, 1);
	pthread_cond_destroy(&open->settled);
	pthread_mutex_destroy(&open->lock);
	buf_release(&open->text);
	buf_release(&open->document);
	free(open);
}

/* Lock it for a change of its text: not while that text is being committed. */
static void lock_text(struct row_write *open)
{
	pthread_mutex_lock(&open->lock);
	while (open->committing)
		pthread_cond_wait(&open->settled, &open->lock);
}

/* Refuse what the handle holds, for good: later flushes are silent about it. */
static enum drift_err refuse(struct row_write *open, fuse_req_t req,
			     struct drift_error *error, enum drift_err err)
{
	(void)!drift_fail_code(error, err);
	open->unsaved = false;
	open->ready = false;
	if (err == open->refused && error->position == open->refused_at)
		return err;
	open->refused = err;
	open->refused_at = error->position;
	refusal_add(open->handle.tree, fuse_req_ctx(req)->uid, &open->identity, error);
	return err;
}

/* ---- Checking ----------------------------------------------------------- */

/* The row that patch makes of the newest version, and the moment it was read. */
static enum drift_err merge(struct row_write *open, struct drift_view view,
			    const struct table_def *def, struct buf *row,
			    struct drift_error *error)
{
	struct slice patch = buf_slice(&open->document);
	struct reader *reader = reader_mine();
	struct buf merged = BUF_INIT;
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(view, def->id, open->identity.key, &reader->row);
	if (err == DRIFT_NO_ROW)
		return row_shape(def, patch, open->identity.key, true, row, error);
	if (!err)
		err = msg_merge_patch(reader->row.version.row, patch, &merged);
	if (!err)
		err = row_shape(def, buf_slice(&merged), open->identity.key, false,
				row, error);
	buf_release(&merged);
	return err;
}

static enum drift_err check_patch(struct row_write *open,
				  const struct table_def *def,
				  struct drift_view view, struct drift_error *error)
{
	struct buf row = BUF_INIT;
	enum drift_err err = merge(open, view, def, &row, error);

	buf_release(&row);
	return err;
}

static enum drift_err check_row(struct row_write *open, const struct table_def *def,
				struct drift_error *error)
{
	struct buf row = BUF_INIT;
	enum drift_err err;

	err = row_shape(def, buf_slice(&open->document), open->identity.key,
			open->is_new, &row, error);
	buf_release(&open->document);
	open->document = row;
	return err;
}

/* Everything that can be known about the complete document before it commits.
 * open->document is what the commit needs. */
static enum drift_err check(struct row_write *open, struct drift_error *error)
{
	struct drift_view view = drift_view_live(open->handle.tree->db);
	const struct table_def *def;
	enum drift_err err;

	def = drift_table_by_id(view, open->identity.table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	buf_clear(&open->document);
	err = json_parse_document(slice_of(open->text.data + open->base,
					   open->text.size - open->base),
				  &open->document, error);
	if (err)
		return err;
	err = open->append ? check_patch(open, def, view, error)
			   : check_row(open, def, error);
	open->ready = !err;
	open->checked = !err;
	return err;
}

/* The validator's verdict as an error of the byte it stopped at. */
static enum drift_err broken(const struct row_write *open, struct drift_error *error)
{
	enum drift_err err = drift_fail(error, DRIFT_BAD_JSON, "invalid JSON: %s",
					open->prefix.reason);

	error->position = (int)open->prefix.consumed + 1;
	return err;
}

/* Judge bytes that came at the end of the text. */
static enum drift_err feed(struct row_write *open, struct slice bytes,
			   struct drift_error *error)
{
	switch (json_prefix_feed(&open->prefix, bytes)) {
	case JSON_PREFIX_BROKEN:
		return broken(open, error);
	case JSON_PREFIX_WHOLE:
		if (open->checked)	/* only white space was added */
			return DRIFT_OK;
		open->unsaved = true;
		return check(open, error);
	default:
		open->unsaved = true;
		return DRIFT_OK;
	}
}

static void judge_anew(struct row_write *open)
{
	json_prefix_init(&open->prefix);
	open->checked = false;
	open->ready = false;
}

/* Judge the whole text, when its bytes came in any order. */
static enum drift_err judge(struct row_write *open, struct drift_error *error)
{
	judge_anew(open);
	return feed(open, slice_of(open->text.data + open->base,
				   open->text.size - open->base), error);
}

/* ---- The buffer --------------------------------------------------------- */

static enum drift_err resize(struct row_write *open, uint64_t size)
{
	struct tree *tree = open->handle.tree;
	size_t former = open->text.size;
	char *more;

	if (size > open->base && size - open->base > tree->options.row_text_max)
		return DRIFT_TOO_BIG;
	if (size > former) {
		if (atomic_load(&tree->unsaved_bytes) + (size - former) >
		    UNSAVED_BYTES_MAX)
			return DRIFT_LIMIT;
		more = buf_reserve(&open->text, size - former);
		if (!more)
			return DRIFT_NOMEM;
		memset(more, 0, size - former);
	}
	open->text.size = size;
	atomic_fetch_add(&tree->unsaved_bytes, size - former);
	return DRIFT_OK;
}

static void forget_text(struct row_write *open)
{
	atomic_fetch_sub(&open->handle.tree->unsaved_bytes, open->text.size);
	buf_release(&open->text);
	open->base = 0;
}

/* Bytes at the end of a text that came in order: a write that fails leaves
 * nothing behind, because the writer may try the same bytes again. */
static enum drift_err take_next(struct row_write *open, struct slice bytes,
				struct drift_error *error)
{
	struct json_prefix before = open->prefix;
	size_t former = open->text.size;
	enum drift_err err = resize(open, former + bytes.size);

	if (err)
		return err;
	memcpy(open->text.data + former, bytes.data, bytes.size);
	err = feed(open, bytes, error);
	if (err) {
		(void)!resize(open, former);
		open->prefix = before;
	}
	return err;
}

static enum drift_err take_anywhere(struct row_write *open, struct slice bytes,
				    uint64_t offset)
{
	uint64_t end = offset + bytes.size;
	enum drift_err err = DRIFT_OK;

	if (end > open->text.size)
		err = resize(open, end);
	if (err)
		return err;
	memcpy(open->text.data + offset, bytes.data, bytes.size);
	open->ordered = false;
	open->checked = false;
	open->ready = false;
	open->unsaved = true;
	return DRIFT_OK;
}

static enum drift_err take(struct row_write *open, struct slice bytes, off_t offset,
			   struct drift_error *error)
{
	if (open->append)	/* the kernel's idea of the size may be old */
		offset = (off_t)open->text.size;
	if (open->ordered && (size_t)offset == open->text.size)
		return take_next(open, bytes, error);
	return take_anywhere(open, bytes, (uint64_t)offset);
}

static void row_write_write(fuse_req_t req, struct handle *handle,
			    struct slice bytes, off_t offset)
{
	struct row_write *open = (struct row_write *)handle;
	struct drift_error error = {0};
	enum drift_err err = DRIFT_OK;

	lock_text(open);
	if (bytes.size)
		err = take(open, bytes, offset, &error);
	if (err == DRIFT_TOO_BIG || err == DRIFT_LIMIT)
		forget_text(open);
	if (err)
		err = refuse(open, req, &error, err);
	pthread_mutex_unlock(&open->lock);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, bytes.size);
}

static void row_write_read(fuse_req_t req, struct handle *handle, size_t size,
			   off_t offset)
{
	struct row_write *open = (struct row_write *)handle;

	pthread_mutex_lock(&open->lock);
	reply_text(req, buf_slice(&open->text), size, offset);
	pthread_mutex_unlock(&open->lock);
}

static enum drift_err row_write_truncate(struct handle *handle, off_t size)
{
	struct row_write *open = (struct row_write *)handle;
	enum drift_err err = DRIFT_OK;

	lock_text(open);
	if ((uint64_t)size != open->text.size) {
		err = resize(open, (uint64_t)size);
		open->ordered = size == 0;
		open->unsaved = true;
		if ((size_t)size < open->base)
			open->base = 0;
		judge_anew(open);
	}
	pthread_mutex_unlock(&open->lock);
	return err;
}

/* ---- Committing --------------------------------------------------------- */

static enum drift_err build(struct change *change, struct drift_txn **txn,
			    struct drift_error *error)
{
	struct row_write *open = change->context;
	struct drift_view view = drift_view_live(change->tree->db);
	struct buf merged = BUF_INIT;
	struct slice row = buf_slice(&open->document);
	const struct table_def *def;
	enum drift_err err;

	def = drift_table_by_id(view, open->identity.table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	err = change_txn(change, open->append ? view.seq : DRIFT_SEQ_MAX, txn);
	if (!err && open->append) {
		err = merge(open, view, def, &merged, error);
		row = buf_slice(&merged);
	}
	if (!err)
		err = drift_txn_put(*txn, def, open->identity.key, row,
				    open->exclusive ? DRIFT_PUT_INSERT : DRIFT_PUT,
				    error);
	buf_release(&merged);
	return err;
}

/* The buffer after its commit: what comes next is judged from here. */
static void stored(struct row_write *open)
{
	open->ready = false;
	open->exclusive = false;
	open->is_new = false;
	if (!open->append)
		return;
	open->base = open->text.size;
	open->ordered = true;
	judge_anew(open);
}

static void done(struct change *change, const struct drift_receipt *receipt)
{
	struct row_write *open = change->context;
	struct drift_error error = receipt->error;
	bool releasing = open->releasing;
	fuse_req_t req = change->req;
	struct waiter *waiters;

	pthread_mutex_lock(&open->lock);
	open->unsaved = false;
	if (receipt->err)
		(void)!refuse(open, req, &error, receipt->err);
	else
		stored(open);
	waiters = open->waiters;
	open->waiters = NULL;
	open->committing = false;
	pthread_cond_broadcast(&open->settled);
	pthread_mutex_unlock(&open->lock);
	if (releasing)
		row_write_free(&open->handle);
	/* The kernel releases a handle when all its flushes are answered, so the
	 * handle is not touched from here on. */
	while (waiters) {
		struct waiter *waiter = waiters;

		waiters = waiter->next;
		reply_err(waiter->req, receipt->err);
		free(waiter);
	}
	reply_err(req, releasing ? DRIFT_OK : receipt->err);
}

/* Begin the commit that answers req. The lock is held, and left. */
static void begin_commit(struct row_write *open, fuse_req_t req,
			 enum drift_durability durability, bool releasing)
{
	open->committing = true;
	open->releasing = releasing;
	open->change = (struct change){
		.tree = open->handle.tree, .req = req, .durability = durability,
		.build = build, .done = done, .context = open};
	pthread_mutex_unlock(&open->lock);
	change_start(&open->change);
}

static enum drift_err wait_with(struct row_write *open, fuse_req_t req)
{
	struct waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter)
		return DRIFT_NOMEM;
	*waiter = (struct waiter){.next = open->waiters, .req = req};
	open->waiters = waiter;
	return DRIFT_OK;
}

/* Bytes that came in any order are judged now that somebody asks. */
static enum drift_err judge_unordered(struct row_write *open, fuse_req_t req)
{
	struct drift_error error = {0};
	enum drift_err err = DRIFT_OK;

	if (open->unsaved && !open->ordered)
		err = judge(open, &error);
	return err ? refuse(open, req, &error, err) : DRIFT_OK;
}

static void synced(void *arg, const struct drift_receipt *receipt)
{
	reply_err(arg, receipt->err);
}

static void row_write_flush(fuse_req_t req, struct handle *handle)
{
	struct row_write *open = (struct row_write *)handle;
	enum drift_err err;

	pthread_mutex_lock(&open->lock);
	if (open->committing) {
		err = wait_with(open, req);
		pthread_mutex_unlock(&open->lock);
		if (err)
			reply_err(req, err);
		return;
	}
	err = judge_unordered(open, req);
	if (!err && open->ready) {
		begin_commit(open, req, handle->tree->options.close_durability,
			     false);
		return;
	}
	pthread_mutex_unlock(&open->lock);
	reply_err(req, err);
}

static void row_write_sync(fuse_req_t req, struct handle *handle)
{
	struct row_write *open = (struct row_write *)handle;
	enum drift_err err;

	lock_text(open);
	err = judge_unordered(open, req);
	if (!err && open->ready) {
		begin_commit(open, req, DRIFT_DURABLE, false);
		return;
	}
	if (!err && open->unsaved)
		err = DRIFT_BAD_JSON;	/* a document that is not finished */
	pthread_mutex_unlock(&open->lock);
	if (err || handle->tree->options.close_durability == DRIFT_DURABLE)
		reply_err(req, err);
	else
		drift_sync_async(handle->tree->db, synced, req);
}

/* Nobody else tells the writer that there is no event. */
static void note_unfinished(struct row_write *open, fuse_req_t req)
{
	struct drift_error error = {0};
	size_t size = open->text.size - open->base;
	enum drift_err err;

	err = drift_fail(&error, DRIFT_BAD_JSON, size
		? "the document is not finished; the row stays as it was"
		: "no document was written; the row stays as it was");
	error.position = (int)size + 1;
	(void)!refuse(open, req, &error, err);
}

static void row_write_release(fuse_req_t req, struct handle *handle)
{
	struct row_write *open = (struct row_write *)handle;

	pthread_mutex_lock(&open->lock);
	if (!judge_unordered(open, req) && open->ready) {
		begin_commit(open, req, handle->tree->options.close_durability, true);
		return;
	}
	pthread_mutex_unlock(&open->lock);
	if (open->unsaved)
		note_unfinished(open, req);
	row_write_free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops row_write_ops = {
	.read = row_write_read,
	.write = row_write_write,
	.flush = row_write_flush,
	.sync = row_write_sync,
	.release = row_write_release,
	.truncate = row_write_truncate,
	.free = row_write_free,
};

/* ---- Opening ------------------------------------------------------------ */

/* The text the handle begins with: the present row, unless it is cut away. The
 * kernel asks to open what it has a name for; if the row went meanwhile that name
 * is still to be made where O_CREAT was given, which an OPEN does not tell. So the
 * row need not be there: this open came before it went. */
static enum drift_err load(struct row_write *open, bool create, int flags)
{
	struct tree *tree = open->handle.tree;
	struct reader *reader = reader_mine();
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(drift_view_live(tree->db), open->identity.table_id,
			open->identity.key, &reader->row);
	open->is_new = err == DRIFT_NO_ROW;
	if (open->is_new)
		return DRIFT_OK;
	if (!err && create && (flags & O_EXCL))
		return DRIFT_KEY_EXISTS;
	if (err || (flags & O_TRUNC))
		return err;
	err = attr_row_text(tree, reader->row.version.row, &open->text);
	atomic_fetch_add(&tree->unsaved_bytes, open->text.size);
	return err;
}

enum drift_err row_write_open(struct tree *tree, struct node *node, bool create,
			      struct fuse_file_info *fi)
{
	struct row_write *open = calloc(1, sizeof(*open));
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	enum drift_err err;

	if (!open)
		return DRIFT_NOMEM;
	open->handle = (struct handle){.ops = &row_write_ops, .tree = tree};
	open->identity = *node_identity(node);
	open->node = node;
	atomic_fetch_add(&node->writers, 1);
	pthread_mutex_init(&open->lock, NULL);
	pthread_cond_init(&open->settled, NULL);
	json_prefix_init(&open->prefix);
	err = load(open, create, fi->flags);
	if (err) {
		row_write_free(&open->handle);
		return err;
	}
	open->append = fi->flags & O_APPEND;
	open->exclusive = create && (fi->flags & O_EXCL);
	open->base = open->append ? open->text.size : 0;
	open->ordered = open->text.size == open->base;
	open->unsaved = writes && (open->is_new || (fi->flags & O_TRUNC));
	fi->direct_io = 1;
	handle_give(&open->handle, fi);
	return DRIFT_OK;
}
