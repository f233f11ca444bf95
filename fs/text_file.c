/* SPDX-License-Identifier: MIT */
/* text_file.c - files whose text is made at once, and handles that hold one. */
#include "fs/text_file.h"

#include <stdlib.h>

#include "fs/attr.h"
#include "fs/kind.h"
#include "fs/pages.h"
#include "fs/reader.h"
#include "query/query.h"

static void add_name(const char *name, struct buf *text)
{
	json_print_text(slice_str(name), text);
}

static void print_columns(const struct table_def *def, struct buf *text)
{
	for (unsigned i = 0; i < def->column_count; i++) {
		const struct column_def *column = &def->columns[i];

		buf_add_str(text, i ? ",\n    {\"name\": " : "\n    {\"name\": ");
		add_name(column->name, text);
		buf_printf(text, ", \"type\": \"%s\", \"not_null\": %s}",
			   drift_type_name(column->type),
			   column->not_null ? "true" : "false");
	}
}

static void print_indexes(const struct table_def *def, struct buf *text)
{
	for (unsigned i = 0; i < def->index_count; i++) {
		const struct index_def *index = &def->indexes[i];

		buf_add_str(text, i ? ",\n    {\"name\": " : "\n    {\"name\": ");
		add_name(index->name, text);
		buf_printf(text, ", \"unique\": %s, \"columns\": [",
			   index->unique ? "true" : "false");
		for (unsigned c = 0; c < index->column_count; c++) {
			buf_add_str(text, c ? ", " : "");
			add_name(index->columns[c], text);
		}
		buf_add_str(text, "]}");
	}
}

static void print_schema(const struct table_def *def, struct buf *text)
{
	buf_add_str(text, "{\n  \"table\": ");
	add_name(def->name, text);
	buf_printf(text, ",\n  \"document\": %s,\n  \"key\": [",
		   def->document ? "true" : "false");
	for (unsigned i = 0; i < def->key_count; i++) {
		buf_add_str(text, i ? ", " : "");
		add_name(def->columns[def->key_columns[i]].name, text);
	}
	buf_add_str(text, "],\n  \"columns\": [");
	print_columns(def, text);
	buf_add_str(text, def->index_count ? "\n  ],\n  \"indexes\": ["
					   : "\n  ],\n  \"indexes\": []\n}\n");
	if (!def->index_count)
		return;
	print_indexes(def, text);
	buf_add_str(text, "\n  ]\n}\n");
}

static enum drift_err count_rows(struct drift_view view, uint32_t table_id,
				 uint64_t *count)
{
	struct drift_cursor *cursor = NULL;
	struct drift_version version;
	enum drift_err err;

	*count = 0;
	err = drift_scan(view, table_id, &(struct drift_range){ 0 }, &cursor);
	while (!err) {
		err = drift_cursor_next(cursor, &version);
		if (!err && ++*count % 4096 == 0 && reader_interrupted())
			err = DRIFT_INTERRUPTED;
	}
	drift_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err text_count(struct tree *tree, const struct identity *identity,
			  uid_t uid, struct buf *text)
{
	struct drift_view view = tree_view(tree, identity->seq);
	enum drift_err err = DRIFT_OK;
	uint64_t count;

	(void)uid;
	if (!drift_table_by_id(view, identity->table_id))
		return DRIFT_NO_TABLE;
	if (identity->seq == SEQ_LIVE)
		count = drift_row_count(tree->db, identity->table_id);
	else
		err = drift_count(view, identity->table_id, &count);
	if (err == DRIFT_DONE)
		err = count_rows(view, identity->table_id, &count);
	if (!err)
		buf_printf(text, "%llu\n", (unsigned long long)count);
	return err ? err : buf_status(text);
}

enum drift_err text_schema_sql(struct tree *tree, const struct identity *identity,
			       uid_t uid, struct buf *text)
{
	struct drift_view view = tree_view(tree, identity->seq);
	const struct table_def *def = drift_table_by_id(view, identity->table_id);
	enum drift_err err;

	(void)uid;
	if (!def)
		return DRIFT_NO_TABLE;
	err = query_definition_sql(&view, def, text);
	if (!err && (text->size == 0 || text->data[text->size - 1] != '\n'))
		buf_add_char(text, '\n');
	return err ? err : buf_status(text);
}

enum drift_err text_schema_json(struct tree *tree, const struct identity *identity,
				uid_t uid, struct buf *text)
{
	const struct table_def *def = drift_table_by_id(
		tree_view(tree, identity->seq), identity->table_id);

	(void)uid;
	if (!def)
		return DRIFT_NO_TABLE;
	print_schema(def, text);
	return buf_status(text);
}

enum drift_err text_release(struct tree *tree, const struct identity *identity,
			    uid_t uid, struct buf *text)
{
	(void)tree, (void)identity, (void)uid;
	buf_printf(text, "driftfs, format %d\n", DRIFT_FORMAT_VERSION);
	return buf_status(text);
}

/* ---- Handles on a text -------------------------------------------------- */

struct text_handle {
	struct handle handle;
	struct node *node;
	struct moving_text *moving; /* NULL: it is not */
	size_t size;
	char text[];
};

static void text_read(fuse_req_t req, struct handle *handle, size_t size,
		      off_t offset)
{
	struct text_handle *open = (struct text_handle *)handle;

	reply_text(req, slice_of(open->text, open->size), size, offset);
}

static void text_free(struct handle *handle)
{
	struct text_handle *open = (struct text_handle *)handle;

	if (open->node)
		atomic_fetch_sub(&open->node->readers, 1);
	if (open->moving)
		atomic_fetch_sub(&open->moving->open, 1);
	free(open);
}

static void release(fuse_req_t req, struct handle *handle)
{
	text_free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops text_ops = {
	.read = text_read,
	.release = release,
	.free = text_free,
};

enum drift_err text_open_copy(struct tree *tree, struct node *node, uid_t uid,
			      struct slice text, struct fuse_file_info *fi)
{
	struct text_handle *open;
	enum drift_err err;

	open = malloc(sizeof(*open) + text.size);
	if (!open)
		return DRIFT_NOMEM;
	open->handle = (struct handle){ .ops = &text_ops,
					.tree = tree,
					.bytes = text.size };
	open->node = node;
	open->moving = NULL;
	if (node)
		atomic_fetch_add(&node->readers, 1);
	open->size = text.size;
	if (text.size)
		memcpy(open->text, text.data, text.size);
	fi->direct_io = 1;
	fi->noflush = 1;
	err = handle_give(&open->handle, uid, fi);
	if (err)
		text_free(&open->handle);
	return err;
}

static void note_moving(struct tree *tree, const struct identity *identity,
			struct text_handle *open)
{
	open->moving = &tree->moving[identity->kind];
	atomic_store(&open->moving->size, open->size);
	atomic_fetch_add(&open->moving->open, 1);
}

enum drift_err text_open(struct tree *tree, struct node *node,
			 const struct fuse_ctx *caller, struct fuse_file_info *fi)
{
	const struct identity *identity = node_identity(node);
	struct buf text = BUF_INIT;
	enum drift_err err;

	err = kind_of(identity)->text(tree, identity, caller->uid, &text);
	if (!err)
		err = text_open_copy(tree, NULL, caller->uid, buf_slice(&text), fi);
	if (!err && (kind_of(identity)->flags & KIND_MOVING))
		note_moving(tree, identity, (struct text_handle *)handle_of(fi));
	if (!err && attr_is_pinned(identity)) {
		fi->direct_io = 0;
		fi->keep_cache = 1;
		if (pages_wanted(node, text.size))
			pages_give(tree, node, buf_slice(&text));
	}
	buf_release(&text);
	return err;
}
