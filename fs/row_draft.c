/* SPDX-License-Identifier: MIT */
/* row_draft.c - judging a document while its bytes arrive.
 *
 * In order: each byte is fed to a validator, and the document is parsed and checked
 * by the table's rules in the write that completes it. Out of order (an edit in
 * place) nothing can be said before all is there, so the whole is judged when
 * somebody asks. With append the bytes after the old text are a document of their
 * own, merged into the newest version of the row (RFC 7396). */
#include "fs/row_draft.h"

#include "fs/reader.h"

static void release_text(struct row_draft *draft)
{
	account_give(draft->account, HOLD_UNSAVED, draft->text.size);
	buf_release(&draft->text);
}

static void judge_anew(struct row_draft *draft)
{
	json_prefix_init(&draft->prefix);
	draft->checked = false;
	draft->ready = false;
}

enum drift_err row_draft_begin(struct row_draft *draft, struct buf *text)
{
	enum drift_err err = account_take(draft->account, HOLD_UNSAVED, text->size);

	if (err)
		buf_release(text);
	draft->text = *text;
	*text = BUF_INIT;
	draft->base = draft->append ? draft->text.size : 0;
	draft->ordered = draft->text.size == draft->base;
	judge_anew(draft);
	return err;
}

void row_draft_release(struct row_draft *draft)
{
	release_text(draft);
	buf_release(&draft->document);
}

/* ---- Checking ----------------------------------------------------------- */

/* The row that the patch makes of the version at view. */
static enum drift_err merge(const struct row_draft *draft, struct drift_view view,
			    const struct table_def *def, struct buf *row,
			    struct drift_error *error)
{
	struct slice patch = buf_slice(&draft->document);
	struct reader *reader = reader_mine();
	struct buf merged = BUF_INIT;
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(view, def->id, draft->row.key, &reader->row);
	if (err == DRIFT_NO_ROW)
		return row_shape(def, patch, draft->row.key, true, row, error);
	if (!err)
		err = msg_merge_patch(reader->row.version.row, patch, &merged);
	if (!err)
		err = row_shape(def, buf_slice(&merged), draft->row.key, false, row,
				error);
	buf_release(&merged);
	return err;
}

static enum drift_err check_patch(struct row_draft *draft,
				  const struct table_def *def, struct slice text,
				  struct drift_view view, struct drift_error *error)
{
	struct buf row = BUF_INIT;
	enum drift_err err = json_parse_document(text, &draft->document, error);

	if (!err)
		err = merge(draft, view, def, &row, error);
	buf_release(&row);
	return err;
}

/* Must the row get its columns' defaults? It is looked for only where that matters. */
static enum drift_err takes_defaults(const struct row_draft *draft,
				     const struct table_def *def, bool *takes)
{
	struct reader *reader = reader_mine();
	enum drift_err err;

	*takes = false;
	if (!table_def_has_defaults(def))
		return DRIFT_OK;
	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(drift_view_live(draft->tree->db), def->id, draft->row.key,
			&reader->row);
	*takes = err == DRIFT_NO_ROW;
	return *takes ? DRIFT_OK : err;
}

/* Uses the reader's text. */
static enum drift_err check_row(struct row_draft *draft, const struct table_def *def,
				struct slice text, struct drift_error *error)
{
	struct reader *reader = reader_mine();
	bool is_new;
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	buf_clear(&reader->text);
	err = json_parse_document(text, &reader->text, error);
	if (!err)
		err = takes_defaults(draft, def, &is_new);
	return err ? err
		   : row_shape(def, buf_slice(&reader->text), draft->row.key, is_new,
			       &draft->document, error);
}

static struct slice document_text(const struct row_draft *draft)
{
	if (draft->text.size == draft->base)
		return (struct slice){ "", 0 };
	return slice_of(draft->text.data + draft->base,
			draft->text.size - draft->base);
}

/* Everything that can be known about the complete document before it commits.
 * draft->document is what the commit needs. */
static enum drift_err check(struct row_draft *draft, struct drift_error *error)
{
	struct drift_view view = drift_view_live(draft->tree->db);
	const struct table_def *def;
	enum drift_err err;

	def = drift_table_by_id(view, draft->row.table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	buf_clear(&draft->document);
	err = draft->append
		      ? check_patch(draft, def, document_text(draft), view, error)
		      : check_row(draft, def, document_text(draft), error);
	draft->ready = !err;
	draft->checked = !err;
	return err;
}

/* The validator's verdict as an error of the byte it stopped at. */
static enum drift_err broken(const struct row_draft *draft,
			     struct drift_error *error)
{
	enum drift_err err = drift_fail(error, DRIFT_BAD_JSON, "invalid JSON: %s",
					draft->prefix.reason);

	error->position = (int)draft->prefix.consumed + 1;
	return err;
}

/* Judge bytes that came at the end of the text. */
static enum drift_err feed(struct row_draft *draft, struct slice bytes,
			   struct drift_error *error)
{
	switch (json_prefix_feed(&draft->prefix, bytes)) {
	case JSON_PREFIX_BROKEN:
		return broken(draft, error);
	case JSON_PREFIX_WHOLE:
		if (draft->checked) /* only white space was added */
			return DRIFT_OK;
		draft->unsaved = true;
		return check(draft, error);
	default:
		draft->unsaved = true;
		return DRIFT_OK;
	}
}

enum drift_err row_draft_judge(struct row_draft *draft, struct drift_error *error)
{
	if (!draft->unsaved || draft->ordered)
		return DRIFT_OK;
	judge_anew(draft);
	return feed(draft, document_text(draft), error);
}

/* ---- The text ----------------------------------------------------------- */

static enum drift_err resize(struct row_draft *draft, uint64_t size)
{
	size_t former = draft->text.size;
	enum drift_err err;
	char *more;

	if (size > draft->base &&
	    size - draft->base > draft->tree->options.row_text_max)
		return DRIFT_TOO_BIG;
	if (size > former) {
		err = account_take(draft->account, HOLD_UNSAVED, size - former);
		if (err)
			return err;
		more = buf_reserve(&draft->text, size - former);
		if (!more) {
			account_give(draft->account, HOLD_UNSAVED, size - former);
			return DRIFT_NOMEM;
		}
		memset(more, 0, size - former);
	} else {
		account_give(draft->account, HOLD_UNSAVED, former - size);
	}
	draft->text.size = size;
	return DRIFT_OK;
}

/* What is written behind it is refused as well: some programs overlook that a large
 * write was cut short. */
static void let_go(struct row_draft *draft, enum drift_err err)
{
	release_text(draft);
	draft->let_go = err;
	draft->base = 0;
	draft->ordered = true;
	judge_anew(draft);
}

/* Bytes at the end of a text that came in order: a write that fails leaves
 * nothing behind, because the writer may try the same bytes again. */
static enum drift_err take_next(struct row_draft *draft, struct slice bytes,
				struct drift_error *error)
{
	struct json_prefix before = draft->prefix;
	size_t former = draft->text.size;
	enum drift_err err = resize(draft, former + bytes.size);

	if (err)
		return err;
	memcpy(draft->text.data + former, bytes.data, bytes.size);
	err = feed(draft, bytes, error);
	if (err) {
		(void)!resize(draft, former);
		draft->prefix = before;
	}
	return err;
}

static enum drift_err take_anywhere(struct row_draft *draft, struct slice bytes,
				    uint64_t offset)
{
	uint64_t end = offset + bytes.size;
	enum drift_err err = DRIFT_OK;

	if (end > draft->text.size)
		err = resize(draft, end);
	if (err)
		return err;
	memcpy(draft->text.data + offset, bytes.data, bytes.size);
	draft->ordered = false;
	draft->checked = false;
	draft->ready = false;
	draft->unsaved = true;
	return DRIFT_OK;
}

enum drift_err row_draft_write(struct row_draft *draft, struct slice bytes,
			       uint64_t offset, struct drift_error *error)
{
	enum drift_err err;

	if (bytes.size == 0)
		return DRIFT_OK;
	if (draft->let_go && (draft->append || offset > 0))
		return draft->let_go;
	draft->let_go = DRIFT_OK;
	if (draft->append) /* the kernel's idea of the size may be old */
		offset = draft->text.size;
	if (draft->ordered && offset == draft->text.size)
		err = take_next(draft, bytes, error);
	else
		err = take_anywhere(draft, bytes, offset);
	if (err == DRIFT_LIMIT)
		(void)!account_explain(&draft->tree->accounts, HOLD_UNSAVED, error);
	if (err == DRIFT_TOO_BIG || err == DRIFT_LIMIT)
		let_go(draft, err);
	return err;
}

enum drift_err row_draft_truncate(struct row_draft *draft, uint64_t size)
{
	enum drift_err err;

	if (draft->let_go && size > 0)
		return draft->let_go;
	draft->let_go = DRIFT_OK;
	if (size == draft->text.size)
		return DRIFT_OK;
	err = resize(draft, size);
	if (err)
		return err;
	draft->ordered = size == 0;
	draft->unsaved = true;
	if (size < draft->base)
		draft->base = 0;
	judge_anew(draft);
	return DRIFT_OK;
}

/* ---- Storing ------------------------------------------------------------ */

enum drift_err row_draft_put(const struct row_draft *draft, struct drift_view view,
			     struct drift_txn *txn, enum drift_put_mode mode,
			     struct drift_error *error)
{
	struct slice row = buf_slice(&draft->document);
	struct buf merged = BUF_INIT;
	const struct table_def *def;
	enum drift_err err = DRIFT_OK;

	def = drift_table_by_id(view, draft->row.table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	if (draft->append) {
		err = merge(draft, view, def, &merged, error);
		row = buf_slice(&merged);
	}
	if (!err)
		err = drift_txn_put(txn, def, draft->row.key, row, mode, error);
	buf_release(&merged);
	return err;
}

void row_draft_stored(struct row_draft *draft)
{
	draft->unsaved = false;
	draft->ready = false;
	if (!draft->append)
		return;
	draft->base = draft->text.size;
	draft->ordered = true;
	judge_anew(draft);
}

void row_draft_refused(struct row_draft *draft)
{
	draft->unsaved = false;
	draft->ready = false;
}
