/* SPDX-License-Identifier: MIT */
/* import_file.c - a bulk load: each record written is put into one transaction.
 *
 * A record is judged when its line is complete, so a fault fails the write(2) that
 * brings it, and everything after it; nothing is stored then. A record replaces the row
 * of its key.
 *
 * The transaction is committed when the process that opened the file closes it. In
 * `(a; b) >import.jsonl` the ends of a and b flush the file too, but they did not open
 * it. A shell that keeps a descriptor and writes to it with commands of its own does
 * close a copy of it after each: then each is a transaction.
 *
 * To be read it is an empty file: what was put into it is in the rows. So who copies or
 * searches a whole tree gets through, and a copy of it, written back, imports nothing. */
#include "fs/import_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/json.h"
#include "fs/text_file.h"
#include "query/csv.h"

struct import {
	struct handle handle;
	struct identity identity; /* key: into its node's */
	uid_t uid;
	pid_t process; /* that opened it */
	bool append;
	pthread_mutex_t lock; /* of all that follows */
	const struct table_def *def;
	struct csv_reader *csv; /* NULL: JSON lines */
	struct buf text;        /* JSON lines: the one that is not complete yet */
	uint64_t line;          /* ... and its number */
	off_t end;              /* of what was written */
	size_t held;            /* bytes of it on the account */
	struct drift_txn *txn;  /* NULL: no record since the last commit */
	struct buf document, row, key;
	enum drift_err err; /* it failed, for good: */
	struct drift_error error;
};

static void import_free(struct handle *handle)
{
	struct import *import = (struct import *)handle;

	account_give(handle->account, HOLD_IMPORT, import->held);
	drift_txn_free(import->txn);
	csv_reader_free(import->csv);
	buf_release(&import->text);
	buf_release(&import->document);
	buf_release(&import->row);
	buf_release(&import->key);
	pthread_mutex_destroy(&import->lock);
	free(import);
}

/* ---- Records ------------------------------------------------------------ */

/* Say where in the text the fault is. */
static enum drift_err at_line(uint64_t line, enum drift_err err,
			      struct drift_error *error)
{
	struct drift_error fault = *error;

	if (!err || err == DRIFT_DONE)
		return err;
	(void)!drift_fail_code(&fault, err);
	if (strncmp(fault.text, "line ", strlen("line ")) == 0)
		return err;
	*error = fault;
	snprintf(error->text, sizeof(error->text), "line %llu: %.480s",
		 (unsigned long long)line, fault.text);
	return err;
}

static enum drift_err need_txn(struct import *import, fuse_req_t req)
{
	struct change change = { .tree = import->handle.tree, .req = req };

	return import->txn ? DRIFT_OK
			   : change_txn(&change, DRIFT_SEQ_MAX, &import->txn);
}

/* Put import->document into the transaction. */
static enum drift_err take_record(struct import *import, fuse_req_t req)
{
	struct drift_error *error = &import->error;
	enum drift_err err = need_txn(import, req);

	buf_clear(&import->row);
	buf_clear(&import->key);
	if (!err)
		err = row_shape(import->def, buf_slice(&import->document),
				(struct slice){ 0 }, true, &import->row, error);
	if (!err)
		err = row_key(import->def, buf_slice(&import->row), &import->key,
			      error);
	if (!err)
		err = buf_status(&import->key);
	if (!err)
		err = drift_txn_put(import->txn, import->def,
				    buf_slice(&import->key), buf_slice(&import->row),
				    DRIFT_PUT, error);
	return err;
}

static enum drift_err take_line(struct import *import, fuse_req_t req,
				struct slice line)
{
	enum drift_err err;

	import->line++;
	if (slice_is_blank(line))
		return DRIFT_OK;
	buf_clear(&import->document);
	err = json_parse_document(line, &import->document, &import->error);
	if (!err)
		err = take_record(import, req);
	return at_line(import->line, err, &import->error);
}

static enum drift_err take_json(struct import *import, fuse_req_t req,
				struct slice bytes, bool last)
{
	const char *at = bytes.data, *end = at + bytes.size, *stop;
	size_t size_max = import->handle.tree->options.row_text_max;
	enum drift_err err = DRIFT_OK;

	while (!err && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		struct slice line = slice_of(at, (size_t)(stop - at));

		if (import->text.size) {
			buf_add_slice(&import->text, line);
			line = buf_slice(&import->text);
		}
		err = buf_status(&import->text);
		if (!err)
			err = take_line(import, req, line);
		buf_clear(&import->text);
		at = stop + 1;
	}
	if (err)
		return err;
	buf_add(&import->text, at, (size_t)(end - at));
	err = buf_status(&import->text);
	if (!err && last && import->text.size)
		err = take_line(import, req, buf_slice(&import->text));
	if (!err && import->text.size > size_max)
		err = at_line(import->line + 1, DRIFT_TOO_BIG, &import->error);
	if (last)
		buf_clear(&import->text);
	return err;
}

static enum drift_err take_csv(struct import *import, fuse_req_t req,
			       struct slice bytes, bool last)
{
	enum drift_err err = csv_reader_feed(import->csv, bytes);
	uint64_t line = 0;

	while (!err) {
		buf_clear(&import->document);
		err = csv_reader_next(import->csv, last, &import->document, &line,
				      &import->error);
		if (!err)
			err = take_record(import, req);
		err = at_line(line, err, &import->error);
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* It failed: nothing of it is stored, and nothing more is taken. */
static enum drift_err fail(struct import *import, enum drift_err err)
{
	(void)!drift_fail_code(&import->error, err);
	import->err = err;
	refusal_add(import->handle.tree, import->uid, &import->identity,
		    &import->error);
	drift_txn_free(import->txn);
	import->txn = NULL;
	account_give(import->handle.account, HOLD_IMPORT, import->held);
	import->held = 0;
	return err;
}

static enum drift_err take(struct import *import, fuse_req_t req, struct slice bytes,
			   bool last)
{
	enum drift_err err = import->err;

	if (err)
		return err;
	err = import->csv ? take_csv(import, req, bytes, last)
			  : take_json(import, req, bytes, last);
	return err ? fail(import, err) : DRIFT_OK;
}

/* ---- Committing --------------------------------------------------------- */

struct importing {
	struct change change;
	struct import *import;
	struct drift_txn *txn; /* until it is built */
	size_t held;           /* bytes of it on the import's account */
	bool released;         /* the import goes when this is done */
};

static enum drift_err importing_build(struct change *change, struct drift_txn **txn,
				      struct drift_error *error)
{
	struct importing *importing = (struct importing *)change;

	(void)error;
	*txn = importing->txn;
	importing->txn = NULL;
	return *txn ? DRIFT_OK : DRIFT_INTERNAL; /* it cannot lose a race */
}

static void importing_done(struct change *change,
			   const struct drift_receipt *receipt)
{
	struct importing *importing = (struct importing *)change;
	struct import *import = importing->import;
	fuse_req_t req = change->req;

	account_give(import->handle.account, HOLD_IMPORT, importing->held);
	if (receipt->err) {
		pthread_mutex_lock(&import->lock);
		import->error = receipt->error;
		(void)!fail(import, receipt->err);
		pthread_mutex_unlock(&import->lock);
	}
	if (importing->released)
		import_free(&import->handle);
	reply_err(req, importing->released ? DRIFT_OK : receipt->err);
	free(importing);
}

/* The file ends here, for now: commit what came. */
static void commit(struct import *import, fuse_req_t req, bool released)
{
	struct tree *tree = import->handle.tree;
	struct importing *importing = calloc(1, sizeof(*importing));
	enum drift_err err = importing ? DRIFT_OK : DRIFT_NOMEM;

	pthread_mutex_lock(&import->lock);
	if (!err)
		err = take(import, req, (struct slice){ "", 0 }, true);
	if (!err && import->txn) {
		importing->change =
			(struct change){ .tree = tree,
					 .req = req,
					 .durability =
						 tree->options.close_durability,
					 .build = importing_build,
					 .done = importing_done };
		importing->import = import;
		importing->txn = import->txn;
		importing->held = import->held;
		importing->released = released;
		import->txn = NULL;
		import->held = 0;
		pthread_mutex_unlock(&import->lock);
		change_start(&importing->change);
		return;
	}
	pthread_mutex_unlock(&import->lock);
	free(importing);
	if (released)
		import_free(&import->handle);
	reply_err(req, released ? DRIFT_OK : err);
}

/* ---- Requests ----------------------------------------------------------- */

/* That many more bytes are on the account, or the import fails. */
static enum drift_err hold(struct import *import, size_t bytes)
{
	struct accounts *accounts = &import->handle.tree->accounts;
	enum drift_err err = import->err;

	if (err)
		return err;
	if (!account_take(import->handle.account, HOLD_IMPORT, bytes)) {
		import->held += bytes;
		return DRIFT_OK;
	}
	return fail(import, account_explain(accounts, HOLD_IMPORT, &import->error));
}

static void import_write(fuse_req_t req, struct handle *handle, struct slice bytes,
			 off_t offset)
{
	struct import *import = (struct import *)handle;
	enum drift_err err;

	pthread_mutex_lock(&import->lock);
	if (!import->err && !import->append && offset != import->end)
		err = fail(import,
			   drift_fail(&import->error, DRIFT_BAD_ARGUMENT,
				      "an import is written from its beginning to "
				      "its end, not at offset %lld after %lld",
				      (long long)offset, (long long)import->end));
	else
		err = hold(import, bytes.size);
	if (!err)
		err = take(import, req, bytes, false);
	if (!err)
		import->end += (off_t)bytes.size;
	pthread_mutex_unlock(&import->lock);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, bytes.size);
}

/* The process that a thread belongs to; the thread itself if that cannot be told. */
static pid_t process_of(pid_t thread)
{
	char path[40], line[256];
	int process = thread;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "Tgid:", 5) == 0)
			process = (int)strtol(line + 5, NULL, 10);
	if (file)
		fclose(file);
	return process > 0 ? process : thread;
}

static void import_flush(fuse_req_t req, struct handle *handle)
{
	struct import *import = (struct import *)handle;

	if (process_of(fuse_req_ctx(req)->pid) == import->process)
		commit(import, req, false);
	else
		reply_err(req, import->err);
}

static void import_sync(fuse_req_t req, struct handle *handle)
{
	commit((struct import *)handle, req, false);
}

static void import_release(fuse_req_t req, struct handle *handle)
{
	commit((struct import *)handle, req, true);
}

static enum drift_err import_truncate(struct handle *handle, off_t size)
{
	(void)handle;
	return size ? DRIFT_BAD_ARGUMENT : DRIFT_OK; /* there is nothing in it */
}

static void import_read(fuse_req_t req, struct handle *handle, size_t size,
			off_t offset)
{
	(void)handle;
	reply_text(req, (struct slice){ "", 0 }, size, offset);
}

static const struct handle_ops import_ops = {
	.read = import_read,
	.write = import_write,
	.flush = import_flush,
	.sync = import_sync,
	.release = import_release,
	.truncate = import_truncate,
	.free = import_free,
};

enum drift_err import_file_open(struct tree *tree, struct node *node,
				const struct fuse_ctx *caller,
				struct fuse_file_info *fi)
{
	struct import *import;
	enum drift_err err;

	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		return text_open_copy(tree, NULL, caller->uid, (struct slice){ 0 },
				      fi);
	import = calloc(1, sizeof(*import));
	if (!import)
		return DRIFT_NOMEM;
	import->handle = (struct handle){ .ops = &import_ops, .tree = tree };
	import->identity = *node_identity(node);
	import->uid = caller->uid;
	import->process = process_of(caller->pid);
	import->append = fi->flags & O_APPEND;
	pthread_mutex_init(&import->lock, NULL);
	import->def = drift_table_by_id(drift_view_live(tree->db),
					import->identity.table_id);
	if (import->def && slice_equal(import->identity.key, SLICE("csv")))
		import->csv = csv_reader_new(import->def);
	if (!import->def ||
	    (!import->csv && slice_equal(import->identity.key, SLICE("csv")))) {
		err = import->def ? DRIFT_NOMEM : DRIFT_NO_TABLE;
		import_free(&import->handle);
		return err;
	}
	fi->direct_io = 1;
	err = handle_give(&import->handle, caller->uid, fi);
	if (err)
		import_free(&import->handle);
	return err;
}
