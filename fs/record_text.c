/* SPDX-License-Identifier: MIT */
/* record_text.c - see record_text.h. */
#include "fs/record_text.h"

#include "fs/kind.h"

#define MILESTONE_BYTES ((uint64_t)64 << 10)
#define WINDOW_BYTES_MAX ((size_t)1 << 20) /* more is dropped at the front ... */
#define WINDOW_BYTES_KEPT \
	((size_t)512 << 10) /* ... but for this much: reads ahead
						* may come out of order */
#define RECORDS_A_LOOK 256  /* between two questions whether to stop */

enum drift_err record_text_begin(struct record_text *text, struct tree *tree,
				 const struct identity *identity)
{
	enum drift_err err;

	text->records = kind_of(identity)->records;
	text->milestones.every = MILESTONE_BYTES;
	err = text->records->begin(tree, identity, &text->state, &text->head);
	if (!err)
		err = buf_status(&text->head);
	buf_add_slice(&text->window, buf_slice(&text->head));
	return err ? err : buf_status(&text->window);
}

void record_text_release(struct record_text *text)
{
	if (text->state)
		text->records->end(text->state);
	buf_release(&text->head);
	buf_release(&text->window);
	buf_release(&text->last_key);
	milestones_release(&text->milestones);
}

/* ---- Rendering ---------------------------------------------------------- */

static enum drift_err add_record(struct record_text *text)
{
	struct slice key;
	enum drift_err err = text->records->next(text->state, &text->window, &key);

	if (!err)
		err = buf_status(&text->window);
	if (err)
		return err;
	buf_clear(&text->last_key);
	buf_add_slice(&text->last_key, key);
	milestones_pass(&text->milestones, text->from + text->window.size, key);
	return buf_status(&text->last_key);
}

/* What comes before `keep` is not needed, but for what reads may come back to. */
static void slide(struct record_text *text, uint64_t keep)
{
	size_t gone;

	if (text->window.size <= WINDOW_BYTES_MAX ||
	    keep <= text->from + WINDOW_BYTES_KEPT)
		return;
	gone = (size_t)(keep - text->from) - WINDOW_BYTES_KEPT;
	if (gone > text->window.size)
		gone = text->window.size;
	text->window.size -= gone;
	memmove(text->window.data, text->window.data + gone, text->window.size);
	text->from += gone;
}

/* Make the text up to `end`, or to its own end; `keep`: where it is needed from. */
static enum drift_err fill(struct record_text *text, uint64_t keep, uint64_t end,
			   bool (*stop)(void *arg), void *arg)
{
	enum drift_err err;

	if (text->ended || text->from + text->window.size >= end)
		return DRIFT_OK;
	err = text->records->seek(text->state, buf_slice(&text->last_key));
	for (unsigned done = 1; !err && text->from + text->window.size < end;
	     done++) {
		if (done % RECORDS_A_LOOK == 0 && stop(arg))
			err = DRIFT_INTERRUPTED;
		if (!err)
			err = add_record(text);
		if (!err)
			slide(text, keep);
	}
	text->records->rest(text->state);
	text->ended = err == DRIFT_DONE;
	return text->ended ? DRIFT_OK : err;
}

/* ---- Reading ------------------------------------------------------------ */

/* Have the window begin at or before offset, and not far before it. */
static void go_to(struct record_text *text, uint64_t offset)
{
	uint64_t end = text->from + text->window.size, found = 0;
	struct slice key = { 0 };
	bool before = milestones_before(&text->milestones, offset, &found, &key);

	if (offset >= text->from && (offset <= end || found <= end))
		return;
	buf_clear(&text->window);
	buf_clear(&text->last_key);
	text->ended = false;
	text->from = found;
	if (before)
		buf_add_slice(&text->last_key, key);
	else
		buf_add_slice(&text->window, buf_slice(&text->head));
}

enum drift_err record_text_read(struct record_text *text, uint64_t offset,
				size_t size, bool (*stop)(void *arg), void *arg,
				struct buf *out)
{
	enum drift_err err;
	uint64_t end;

	go_to(text, offset);
	err = fill(text, offset, offset + size, stop, arg);
	if (err)
		return err;
	end = text->from + text->window.size;
	if (offset < end)
		buf_add(out, text->window.data + (offset - text->from),
			end - offset < size ? (size_t)(end - offset) : size);
	slide(text, offset + size);
	return buf_status(out);
}

size_t record_text_bytes(const struct record_text *text)
{
	return text->window.capacity + milestones_bytes(&text->milestones);
}

void record_text_shrink(struct record_text *text, uint64_t keep)
{
	uint64_t gone = keep > text->from ? keep - text->from : 0;
	struct buf rest = BUF_INIT;

	if (gone > text->window.size)
		gone = text->window.size;
	buf_add(&rest, text->window.data + gone, text->window.size - gone);
	buf_release(&text->window);
	text->window = rest;
	text->from += gone;
	milestones_release(&text->milestones);
}

enum drift_err record_text_measure(struct record_text *text, bool (*stop)(void *arg),
				   void *arg, uint64_t *size)
{
	enum drift_err err = DRIFT_OK;

	while (!err && !text->ended) {
		uint64_t end = text->from + text->window.size;

		err = fill(text, end, end + WINDOW_BYTES_MAX, stop, arg);
	}
	*size = text->from + text->window.size;
	return err;
}
