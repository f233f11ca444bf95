/* SPDX-License-Identifier: MIT */
/* edit.c - notes of what to write otherwise, and the writing. */
#include "query/edit.h"

#include <stdlib.h>

void edits_release(struct edits *edits)
{
	free(edits->list);
	buf_release(&edits->text);
	*edits = EDITS_INIT;
}

static void add(struct edits *edits, struct edit edit, struct slice text)
{
	if (edits->count == edits->capacity) {
		unsigned capacity = edits->capacity * 2 + 16;
		struct edit *list =
			realloc(edits->list, capacity * sizeof(*edits->list));

		if (!list) {
			edits->failed = true;
			return;
		}
		edits->list = list;
		edits->capacity = capacity;
	}
	edit.order = edits->count;
	edit.at = edits->text.size;
	edit.size = text.size;
	buf_add_slice(&edits->text, text);
	edits->list[edits->count++] = edit;
}

void edit_before(struct edits *edits, unsigned token, const char *text)
{
	add(edits, (struct edit){ .token = token, .place = EDIT_BEFORE },
	    slice_str(text));
}

void edit_after(struct edits *edits, unsigned token, const char *text)
{
	add(edits,
	    (struct edit){ .token = token, .end = token + 1, .place = EDIT_AFTER },
	    slice_str(text));
}

void edit_instead(struct edits *edits, unsigned first, unsigned end,
		  struct slice text)
{
	add(edits,
	    (struct edit){ .token = first, .end = end, .place = EDIT_INSTEAD },
	    text);
}

bool edits_touch(const struct edits *edits, unsigned first, unsigned end)
{
	for (unsigned i = 0; i < edits->count; i++)
		if (edits->list[i].token >= first && edits->list[i].token < end)
			return true;
	return false;
}

/* By token; there: before (the last noted first), instead, after. */
static int compare(const void *one, const void *two)
{
	const struct edit *a = one;
	const struct edit *b = two;

	if (a->token != b->token)
		return a->token < b->token ? -1 : 1;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->order == b->order)
		return 0;
	return (a->order < b->order) == (a->place != EDIT_BEFORE) ? -1 : 1;
}

static enum drift_err add_mark(struct rewrite_marks *marks, struct rewrite_mark mark)
{
	if (marks->count == marks->capacity) {
		unsigned capacity = marks->capacity * 2 + 16;
		struct rewrite_mark *list =
			realloc(marks->list, capacity * sizeof(*list));

		if (!list)
			return DRIFT_NOMEM;
		marks->list = list;
		marks->capacity = capacity;
	}
	marks->list[marks->count++] = mark;
	return DRIFT_OK;
}

/* The writing of one statement. */
struct writer {
	const struct edits *edits;
	const struct statement *statement;
	struct buf *sql;
	struct rewrite_marks *marks;
	uint32_t copied; /* script bytes before it are written, or left out */
	enum drift_err err;
};

static void copy_to(struct writer *writer, uint32_t to)
{
	struct rewrite_mark mark = { (uint32_t)writer->sql->size, writer->copied,
				     to - writer->copied };

	if (to <= writer->copied)
		return;
	if (!writer->err)
		writer->err = add_mark(writer->marks, mark);
	buf_add(writer->sql, writer->statement->script + writer->copied,
		to - writer->copied);
	writer->copied = to;
}

static uint32_t end_of(const struct writer *writer, unsigned token)
{
	return writer->statement->tokens[token].at +
	       writer->statement->tokens[token].size;
}

static void write_text(struct writer *writer, const struct edit *edit)
{
	buf_add(writer->sql, writer->edits->text.data + edit->at, edit->size);
}

/* Text of ours instead of tokens: a fault in it is theirs. */
static void write_instead(struct writer *writer, const struct edit *edit)
{
	uint32_t at = writer->statement->tokens[edit->token].at;
	struct rewrite_mark mark = { (uint32_t)writer->sql->size, at, 0 };

	if (!writer->err)
		writer->err = add_mark(writer->marks, mark);
	write_text(writer, edit);
	writer->copied = end_of(writer, edit->end - 1);
}

enum drift_err edits_write(struct edits *edits, const struct statement *statement,
			   unsigned first, unsigned end, struct buf *sql,
			   struct rewrite_marks *marks)
{
	struct writer writer = { .edits = edits,
				 .statement = statement,
				 .sql = sql,
				 .marks = marks,
				 .copied = statement->tokens[first].at };
	unsigned left_out = first; /* tokens before it are written or left out */

	if (edits->failed || buf_status(&edits->text))
		return DRIFT_NOMEM;
	if (first >= end)
		return DRIFT_OK;
	if (edits->count)
		qsort(edits->list, edits->count, sizeof(*edits->list), compare);
	for (unsigned i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];

		if (edit->token < first)
			continue;
		if (edit->token >= end)
			break;
		if (edit->token < left_out &&
		    (edit->place != EDIT_AFTER || edit->end < left_out))
			continue;
		if (edit->place == EDIT_AFTER) {
			copy_to(&writer, end_of(&writer, edit->token));
			write_text(&writer, edit);
			left_out = edit->end;
			continue;
		}
		copy_to(&writer, statement->tokens[edit->token].at);
		if (edit->place == EDIT_BEFORE) {
			write_text(&writer, edit);
			continue;
		}
		write_instead(&writer, edit);
		left_out = edit->end;
	}
	copy_to(&writer, end_of(&writer, end - 1));
	return writer.err ? writer.err : buf_status(sql);
}
