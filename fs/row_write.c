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
 *		With O_SYNC it commits, as a FLUSH does, once the document is whole.
 *	FLUSH	commits if the buffer is a complete document that is not stored
 *		yet; means nothing otherwise.
 *	RELEASE	tells of what stayed unfinished: nobody else would.
 *
 * The bytes and what is judged of them are the draft's business (row_draft.c). */
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/reader.h"
#include "fs/row.h"
#include "fs/row_draft.h"

struct waiter {
	struct waiter *next;
	fuse_req_t req;
};

struct row_write {
	struct handle handle;
	struct change change; /* in use while committing */
	struct node *node;    /* the kernel holds it while it is open */
	bool exclusive;       /* O_EXCL: the row must not be there */
	bool synced; /* O_SYNC: a write that completes a document commits it */

	pthread_mutex_t lock;   /* of all that follows */
	pthread_cond_t settled; /* committing became false */
	struct row_draft draft;
	bool drafted;    /* it was given bytes, and is counted in its node */
	unsigned given;  /* node_given when the last WRITE was answered */
	bool committing; /* the draft stays as it is */
	size_t writing;  /* the commit answers a WRITE of so many bytes; or 0 */
	bool releasing;  /* the commit answers the RELEASE */
	struct waiter *waiters; /* flushes while committing */
	enum drift_err refused; /* the last refusal, and where, so that a */
	int refused_at;         /* program that insists is noted once */
};

static void row_write_free(struct handle *handle)
{
	struct row_write *open = (struct row_write *)handle;

	atomic_fetch_sub(&open->node->writers, 1);
	atomic_fetch_sub(&open->node->drafts, open->drafted);
	pthread_cond_destroy(&open->settled);
	pthread_mutex_destroy(&open->lock);
	row_draft_release(&open->draft);
	free(open);
}

/* Lock it for a change of its draft: not while that is being committed. */
static void lock_draft(struct row_write *open)
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
	row_draft_refused(&open->draft);
	if (err == open->refused && error->position == open->refused_at)
		return err;
	open->refused = err;
	open->refused_at = error->position;
	refusal_add(open->handle.tree, fuse_req_ctx(req)->uid, &open->draft.row,
		    error);
	return err;
}

static void row_write_read(fuse_req_t req, struct handle *handle, size_t size,
			   off_t offset)
{
	struct row_write *open = (struct row_write *)handle;

	pthread_mutex_lock(&open->lock);
	reply_text(req, buf_slice(&open->draft.text), size, offset);
	pthread_mutex_unlock(&open->lock);
}

static enum drift_err row_write_truncate(struct handle *handle, off_t size)
{
	struct row_write *open = (struct row_write *)handle;
	enum drift_err err;

	lock_draft(open);
	err = row_draft_truncate(&open->draft, (uint64_t)size);
	pthread_mutex_unlock(&open->lock);
	return err;
}

/* ---- Committing --------------------------------------------------------- */

static enum drift_err build(struct change *change, struct drift_txn **txn,
			    struct drift_error *error)
{
	struct row_write *open = change->context;
	struct drift_view view = drift_view_live(change->tree->db);
	drift_seq base = open->draft.append ? view.seq : DRIFT_SEQ_MAX;
	enum drift_err err = change_txn(change, base, txn);

	if (err)
		return err;
	return row_draft_put(&open->draft, view, *txn,
			     open->exclusive ? DRIFT_PUT_INSERT : DRIFT_PUT, error);
}

static void done(struct change *change, const struct drift_receipt *receipt)
{
	struct row_write *open = change->context;
	struct drift_error error;
	bool releasing = open->releasing;
	size_t writing = open->writing;
	fuse_req_t req = change->req;
	struct waiter *waiters;

	pthread_mutex_lock(&open->lock);
	if (receipt->err) {
		error = receipt->error;
		(void)!refuse(open, req, &error, receipt->err);
	} else {
		row_draft_stored(&open->draft);
		open->exclusive = false;
	}
	waiters = open->waiters;
	open->waiters = NULL;
	open->writing = 0;
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
	if (writing && !receipt->err)
		fuse_reply_write(req, writing);
	else
		reply_err(req, releasing ? DRIFT_OK : receipt->err);
}

/* Begin the commit that answers req. The lock is held, and left. */
static void begin_commit(struct row_write *open, fuse_req_t req,
			 enum drift_durability durability, bool releasing)
{
	open->committing = true;
	open->releasing = releasing;
	open->change = (struct change){ .tree = open->handle.tree,
					.req = req,
					.durability = durability,
					.build = build,
					.done = done,
					.context = open };
	pthread_mutex_unlock(&open->lock);
	/* It asks for a FLUSH when it has taken in the answers to what was written. */
	if (!open->writing)
		node_forgot(open->node, open->given);
	change_start(&open->change);
}

static void row_write_write(fuse_req_t req, struct handle *handle,
			    struct slice bytes, off_t offset)
{
	struct row_write *open = (struct row_write *)handle;
	struct drift_error error;
	enum drift_err err;

	drift_error_clear(&error);
	lock_draft(open);
	err = row_draft_write(&open->draft, bytes, (uint64_t)offset, &error);
	if (err)
		err = refuse(open, req, &error, err);
	else if (!open->drafted)
		atomic_fetch_add(&open->node->drafts, open->drafted = true);
	if (!err && open->synced && open->draft.ready) {
		open->writing = bytes.size;
		begin_commit(open, req, DRIFT_DURABLE, false);
		return;
	}
	open->given = node_given(open->node);
	pthread_mutex_unlock(&open->lock);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, bytes.size);
}

static enum drift_err wait_with(struct row_write *open, fuse_req_t req)
{
	struct waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter)
		return DRIFT_NOMEM;
	*waiter = (struct waiter){ .next = open->waiters, .req = req };
	open->waiters = waiter;
	return DRIFT_OK;
}

/* Bytes that came in any order are judged now that somebody asks. */
static enum drift_err judge(struct row_write *open, fuse_req_t req)
{
	struct drift_error error;
	enum drift_err err;

	drift_error_clear(&error);
	err = row_draft_judge(&open->draft, &error);
	return err ? refuse(open, req, &error, err) : DRIFT_OK;
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
	err = judge(open, req);
	if (!err && open->draft.ready) {
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

	lock_draft(open);
	err = judge(open, req);
	if (!err && open->draft.ready) {
		begin_commit(open, req, DRIFT_DURABLE, false);
		return;
	}
	if (!err && open->draft.unsaved)
		err = DRIFT_BAD_JSON; /* a document that is not finished */
	pthread_mutex_unlock(&open->lock);
	if (err || handle->tree->options.close_durability == DRIFT_DURABLE)
		reply_err(req, err);
	else
		change_sync(handle->tree, req);
}

/* Nobody else tells the writer that there is no event. */
static void note_unfinished(struct row_write *open, fuse_req_t req)
{
	struct drift_error error = { 0 };
	size_t size = open->draft.text.size - open->draft.base;
	enum drift_err err;

	err = drift_fail(
		&error, DRIFT_BAD_JSON,
		size ? "the document is not finished; the row stays as it was"
		     : "no document was written; the row stays as it was");
	error.position = (int)size + 1;
	(void)!refuse(open, req, &error, err);
}

static void row_write_release(fuse_req_t req, struct handle *handle)
{
	struct row_write *open = (struct row_write *)handle;

	pthread_mutex_lock(&open->lock);
	if (!judge(open, req) && open->draft.ready) {
		begin_commit(open, req, handle->tree->options.close_durability,
			     true);
		return;
	}
	pthread_mutex_unlock(&open->lock);
	if (open->draft.unsaved)
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
static enum drift_err load(struct tree *tree, const struct row_draft *draft,
			   struct buf *text, bool *is_new)
{
	struct reader *reader = reader_mine();
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(drift_view_live(tree->db), draft->row.table_id,
			draft->row.key, &reader->row);
	*is_new = err == DRIFT_NO_ROW;
	if (err)
		return *is_new ? DRIFT_OK : err;
	return attr_row_text(tree, reader->row.version.row, text);
}

static enum drift_err begin_draft(struct row_write *open, int flags)
{
	struct row_draft *draft = &open->draft;
	struct tree *tree = open->handle.tree;
	struct buf text = BUF_INIT;
	bool is_new = false;
	enum drift_err err = DRIFT_OK, begun;

	draft->tree = tree;
	draft->row = *node_identity(open->node);
	draft->append = flags & O_APPEND;
	if (open->exclusive || !(flags & O_TRUNC))
		err = load(tree, draft, &text, &is_new);
	else if (!drift_table_by_id(drift_view_live(tree->db), draft->row.table_id))
		err = DRIFT_NO_TABLE;
	if (!err && open->exclusive && !is_new)
		err = DRIFT_KEY_EXISTS;
	begun = row_draft_begin(draft, &text);
	draft->unsaved =
		(flags & O_ACCMODE) != O_RDONLY && (is_new || (flags & O_TRUNC));
	return err ? err : begun;
}

enum drift_err row_write_open(struct tree *tree, struct node *node, bool create,
			      uid_t uid, struct fuse_file_info *fi)
{
	struct row_write *open = malloc(sizeof(*open));
	enum drift_err err;

	if (!open)
		return DRIFT_NOMEM;
	*open = (struct row_write){
		.handle = { .ops = &row_write_ops, .tree = tree },
		.node = node,
	};
	open->draft.account = account_of(&tree->accounts, uid);
	open->exclusive = create && (fi->flags & O_EXCL);
	open->synced = fi->flags & O_DSYNC; /* O_SYNC has that bit, too */
	atomic_fetch_add(&node->writers, 1);
	pthread_mutex_init(&open->lock, NULL);
	pthread_cond_init(&open->settled, NULL);
	fi->direct_io = 1;
	err = begin_draft(open, fi->flags);
	if (!err)
		err = handle_give(&open->handle, uid, fi);
	if (err)
		row_write_free(&open->handle);
	return err;
}
