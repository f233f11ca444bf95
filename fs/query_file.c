/* SPDX-License-Identifier: MIT */
/* query_file.c - when the bytes written into a query file are a statement to run.
 *
 * A writer may send a statement in pieces, and no piece says that it is the last.
 * What only reads is run as soon as it is complete, and once more if it goes on (when it
 * fails because more is to come, as in the lines of bash's echo, nothing is said before
 * it is closed or read);
 * what writes is run at its `;`, or when its descriptor is closed: `DELETE FROM t`
 * must not run before its ` WHERE` came. A descriptor that also reads is closed
 * when it is released; one that only writes with each close (`echo ... > query`
 * must learn then whether it failed).
 *
 * An answer is read on the descriptor that asked, or, when that could only write,
 * by the same user in the same terminal session. */
#include "fs/query_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/reader.h"
#include "fs/result.h"

#define SCRIPT_BYTES_MAX ((size_t)1 << 20)

struct query_handle {
	struct handle handle;
	struct identity identity; /* key: into the node's */
	struct result_key key;
	bool reads, writes;
	pthread_mutex_t lock; /* of all that follows; held while a script runs */
	_Atomic(struct result *) result; /* NULL: nothing was asked yet; set once */
	struct buf script; /* not run yet, or run but perhaps not all of it */
	bool may_go_on;    /* script ran as it is, without a `;` */
	bool begun;        /* the answer's begin is known: */
	off_t begin;       /* the offset it is read from */
};

static void query_handle_free(struct handle *handle)
{
	struct query_handle *open = (struct query_handle *)handle;

	result_drop(open->result);
	buf_release(&open->script);
	pthread_mutex_destroy(&open->lock);
	free(open);
}

static enum drift_err refuse(struct query_handle *open, fuse_req_t req,
			     struct drift_error *error, enum drift_err err)
{
	(void)!drift_fail_code(error, err);
	refusal_add(open->handle.tree, fuse_req_ctx(req)->uid, &open->identity,
		    error);
	return err;
}

/* ---- Running ------------------------------------------------------------ */

static enum drift_err need_session(struct query_handle *open, fuse_req_t req,
				   struct drift_error *error)
{
	bool messages =
		open->identity.key.size == 0 || open->key.format == QUERY_TABLE;
	struct result *result = NULL;
	enum drift_err err;

	if (open->result)
		return DRIFT_OK;
	err = result_new(open->handle.tree->db, &open->handle.tree->accounts,
			 &open->key, change_user(fuse_req_ctx(req)->uid), messages,
			 &result, error);
	open->result = result;
	return err;
}

static enum drift_err run(struct query_handle *open, fuse_req_t req,
			  struct slice script, bool reads_only,
			  struct drift_error *error)
{
	enum drift_err err = need_session(open, req, error);

	if (err)
		return err;
	err = result_run(open->result, req, script, reads_only, error);
	open->begun = false;
	if (!open->reads)
		results_keep(&open->handle.tree->results, open->result);
	return err;
}

/* Without the last `;` and what follows it. */
static struct slice without_end(struct slice script)
{
	const unsigned char *at = script.data;

	while (script.size && isspace(at[script.size - 1]))
		script.size--;
	if (script.size && at[script.size - 1] == ';')
		script.size--;
	return script;
}

static bool reads_only(struct slice script)
{
	script = without_end(script);
	return query_reads_only(script.data, script.size);
}

static void drop_front(struct buf *script, size_t size)
{
	script->size -= size;
	memmove(script->data, script->data + size, script->size);
}

/* Run what of the script can be run by now. */
static enum drift_err run_complete(struct query_handle *open, fuse_req_t req,
				   struct drift_error *error)
{
	struct buf *script = &open->script;
	size_t complete = query_complete(script->data, script->size);
	enum drift_err err = DRIFT_OK;

	open->may_go_on = false;
	if (complete) {
		struct slice whole = slice_of(script->data, complete);

		err = run(open, req, whole, reads_only(whole), error);
		drop_front(script, complete);
	}
	if (err || slice_is_blank(buf_slice(script)))
		goto done;
	if (query_reads_only(script->data, script->size)) {
		err = run(open, req, buf_slice(script), true, error);
		open->may_go_on = !err;
		if (err && query_is_beginning(script->data, script->size, error))
			return DRIFT_OK;
	}
done:
	if (err || slice_is_blank(buf_slice(script)))
		buf_clear(script);
	return err;
}

/* Run the rest, finished or not. */
static enum drift_err run_rest(struct query_handle *open, fuse_req_t req,
			       struct drift_error *error)
{
	struct slice rest = buf_slice(&open->script);
	enum drift_err err = DRIFT_OK;

	if (!open->may_go_on && !slice_is_blank(rest))
		err = run(open, req, rest, reads_only(rest), error);
	open->may_go_on = false;
	buf_clear(&open->script);
	return err;
}

/* ---- Requests ----------------------------------------------------------- */

/* May the script be as large as it is by now? */
static enum drift_err hold_script(struct query_handle *open,
				  struct drift_error *error)
{
	enum drift_err err = buf_status(&open->script);

	if (!err && open->script.size > SCRIPT_BYTES_MAX)
		err = DRIFT_TOO_BIG;
	if (!err && handle_hold(&open->handle, open->script.capacity))
		err = account_explain(&open->handle.tree->accounts, HOLD_TEXT,
				      error);
	return err;
}

static void query_write(fuse_req_t req, struct handle *handle, struct slice bytes,
			off_t offset)
{
	struct query_handle *open = (struct query_handle *)handle;
	struct drift_error error = { 0 };
	enum drift_err err;

	(void)offset;
	pthread_mutex_lock(&open->lock);
	buf_add_slice(&open->script, bytes);
	err = hold_script(open, &error);
	if (err)
		buf_clear(&open->script);
	else
		err = run_complete(open, req, &error);
	if (err)
		err = refuse(open, req, &error, err);
	pthread_mutex_unlock(&open->lock);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, bytes.size);
}

/* The answer to read: this handle's own, or the one its user was left. */
static struct result *answer(struct query_handle *open)
{
	if (!open->result && !open->writes)
		open->result = results_find(&open->handle.tree->results, &open->key);
	return open->result;
}

static enum drift_err read_answer(struct query_handle *open, fuse_req_t req,
				  size_t size, off_t offset, struct buf *out)
{
	struct drift_error error = { 0 };
	enum drift_err err;

	if (!open->may_go_on && !slice_is_blank(buf_slice(&open->script)) &&
	    !query_reads_only(open->script.data, open->script.size)) {
		err = drift_fail(&error, DRIFT_SYNTAX,
				 "the statement is not finished: end it with ';'");
		return refuse(open, req, &error, err);
	}
	open->may_go_on = false;
	buf_clear(&open->script);
	if (!answer(open))
		return DRIFT_OK;
	/* Writing moved the offset on; an answer begins where reading begins. */
	if (!open->begun)
		open->begin = open->writes ? offset : 0;
	open->begun = true;
	if (offset < open->begin)
		return DRIFT_BAD_ARGUMENT;
	return result_read(open->result, req, (uint64_t)(offset - open->begin), size,
			   out);
}

static void query_read(fuse_req_t req, struct handle *handle, size_t size,
		       off_t offset)
{
	struct query_handle *open = (struct query_handle *)handle;
	struct reader *reader = reader_mine();
	enum drift_err err = DRIFT_NOMEM;

	if (reader) {
		buf_clear(&reader->text);
		pthread_mutex_lock(&open->lock);
		err = read_answer(open, req, size, offset, &reader->text);
		pthread_mutex_unlock(&open->lock);
	}
	if (err)
		reply_err(req, err);
	else
		fuse_reply_buf(req, reader->text.data, reader->text.size);
}

static void query_flush(fuse_req_t req, struct handle *handle)
{
	struct query_handle *open = (struct query_handle *)handle;
	struct drift_error error = { 0 };
	enum drift_err err = DRIFT_OK;

	pthread_mutex_lock(&open->lock);
	if (open->may_go_on)
		err = run_rest(open, req, &error); /* it ran: only forget it */
	else if (!open->reads)
		err = run_rest(open, req, &error);
	if (err)
		err = refuse(open, req, &error, err);
	pthread_mutex_unlock(&open->lock);
	reply_err(req, err);
}

static void query_release(fuse_req_t req, struct handle *handle)
{
	struct query_handle *open = (struct query_handle *)handle;
	struct drift_error error = { 0 };
	enum drift_err err = DRIFT_OK;

	if (open->writes) {
		err = run_rest(open, req, &error);
		if (!err && open->result && result_seal(open->result))
			err = drift_fail(
				&error, DRIFT_TX_ABORTED,
				"the transaction was left open and is rolled back");
	}
	if (err)
		(void)!refuse(open, req, &error, err);
	handle_part(handle);
	query_handle_free(handle);
	reply_err(req, DRIFT_OK);
}

static enum drift_err query_truncate(struct handle *handle, off_t size)
{
	(void)handle, (void)size;
	return DRIFT_OK; /* there is nothing in it to cut */
}

static void query_stop(struct handle *handle)
{
	struct result *result = ((struct query_handle *)handle)->result;

	if (result)
		result_interrupt(result);
}

static const struct handle_ops query_ops = {
	.read = query_read,
	.write = query_write,
	.flush = query_flush,
	.release = query_release,
	.truncate = query_truncate,
	.stop = query_stop,
	.free = query_handle_free,
	.slow = 1u << ERRAND_READ | 1u << ERRAND_WRITE | 1u << ERRAND_FLUSH |
		1u << ERRAND_RELEASE,
};

static enum query_format format_of(const struct identity *identity)
{
	enum query_format format = QUERY_JSON;
	char name[8] = { 0 };

	if (identity->key.size && identity->key.size < sizeof(name)) {
		memcpy(name, identity->key.data, identity->key.size);
		(void)query_format_parse(name, &format);
	}
	return format;
}

enum drift_err query_file_open(struct tree *tree, struct node *node,
			       const struct fuse_ctx *caller,
			       struct fuse_file_info *fi)
{
	struct query_handle *open = calloc(1, sizeof(*open));
	int access = fi->flags & O_ACCMODE;
	enum drift_err err;
	pid_t session;

	if (!open)
		return DRIFT_NOMEM;
	session = caller->pid > 0 ? getsid(caller->pid) : 0;
	open->handle = (struct handle){ .ops = &query_ops, .tree = tree };
	open->identity = *node_identity(node);
	open->key = (struct result_key){ .uid = caller->uid,
					 .session = session > 0 ? session : 0,
					 .seq = open->identity.seq,
					 .format = format_of(&open->identity) };
	open->reads = access != O_WRONLY;
	open->writes = access != O_RDONLY;
	pthread_mutex_init(&open->lock, NULL);
	fi->direct_io = 1;
	fi->noflush = !open->writes;
	err = handle_give(&open->handle, caller->uid, fi);
	if (err)
		query_handle_free(&open->handle);
	return err;
}
