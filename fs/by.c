/* SPDX-License-Identifier: MIT */
/* by.c - see by.h.
 *
 * A directory's identity is made of names: the column's, and the value's behind a NUL.
 * What they stand for is looked up each time, because definitions change. */
#include "fs/by.h"

#include "fs/attr.h"
#include "fs/kind.h"
#include "fs/name.h"
#include "fs/reader.h"

/* ---- Columns ------------------------------------------------------------ */

/* One that the view can be answered from: not while it is being built. */
static const struct index_def *
index_over(struct drift_view view, const struct table_def *def, struct slice column)
{
	for (unsigned i = 0; i < def->index_count; i++) {
		const struct index_def *index = &def->indexes[i];

		if (index->column_count == 1 && drift_index_usable(view, index) &&
		    slice_equal(slice_str(index->columns[0]), column))
			return index;
	}
	return NULL;
}

/* The index that a directory of by/ reads. */
static enum drift_err index_of(struct tree *tree, const struct identity *identity,
			       const struct index_def **index)
{
	struct drift_view view = tree_view(tree, identity->seq);
	const struct table_def *def = drift_table_by_id(view, identity->table_id);
	const char *end = memchr(identity->key.data, '\0', identity->key.size);
	struct slice column = identity->key;

	if (!def)
		return DRIFT_NO_TABLE;
	if (end)
		column.size = (size_t)(end - (const char *)column.data);
	*index = index_over(view, def, column);
	return *index ? DRIFT_OK : DRIFT_NO_ROW;
}

enum drift_err by_column_child(struct tree *tree, const struct identity *parent,
			       struct slice name, struct buf *key,
			       struct identity *child)
{
	const struct index_def *index;
	enum drift_err err = key_component_decode(name, key);

	if (err)
		return err;
	*child = (struct identity){ .kind = NODE_BY_COLUMN,
				    .table_id = parent->table_id,
				    .seq = parent->seq,
				    .key = buf_slice(key) };
	return index_of(tree, child, &index);
}

enum drift_err by_column_names(struct listing *listing)
{
	const struct table_def *def =
		drift_table_by_id(listing->view, listing->directory.table_id);
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; def && !err && i < def->index_count; i++) {
		const struct index_def *index = &def->indexes[i];

		if (index_over(listing->view, def, slice_str(index->columns[0])) !=
		    index)
			continue;
		err = key_component_encode(slice_str(index->columns[0]),
					   &listing->fixed);
		buf_add_char(&listing->fixed, '\0');
	}
	return err;
}

/* ---- Values ------------------------------------------------------------- */

/* The values that have one name: a number, a text, or both. */
struct values {
	struct buf bytes;
	struct slice list[2];
	unsigned count;
};

static void add_value(struct values *values, size_t from)
{
	values->list[values->count++] =
		slice_of(values->bytes.data + from, values->bytes.size - from);
}

static enum drift_err values_of_name(struct slice name, struct values *values)
{
	const enum key_kind kinds_tried[] = { KEY_INT, KEY_REAL, KEY_TEXT };
	bool number = false;
	size_t from;

	values->count = 0;
	if (!buf_reserve(&values->bytes, 2 * KEY_BYTES_MAX)) /* slices point here */
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < 3; i++) {
		from = values->bytes.size;
		if (kinds_tried[i] == KEY_REAL && number)
			continue;
		if (key_from_name(name, &kinds_tried[i], 1, &values->bytes))
			continue;
		number = true;
		add_value(values, from);
	}
	return values->count ? DRIFT_OK : DRIFT_NO_ROW;
}

/* The name of an index value. DRIFT_BAD_KEY, DRIFT_NAME_TOO_LONG: it has none. */
static enum drift_err name_of_value(struct slice value, struct buf *name)
{
	if (value.size >= KEY_VALUE_BYTES_MAX)
		return DRIFT_NAME_TOO_LONG;
	return key_to_name(value, name);
}

static struct slice value_name(const struct identity *directory)
{
	const char *at = directory->key.data;
	const char *end = memchr(at, '\0', directory->key.size);

	return slice_of(end + 1, directory->key.size - (size_t)(end + 1 - at));
}

/* The keys of the rows in a value's directory from `from` on. */
static enum drift_err matches(struct tree *tree, const struct identity *directory,
			      struct slice from, bool after, unsigned max,
			      struct buf *keys)
{
	struct drift_view view = tree_view(tree, directory->seq);
	struct values values = { 0 };
	const struct index_def *index;
	enum drift_err err = index_of(tree, directory, &index);

	if (!err)
		err = values_of_name(value_name(directory), &values);
	if (!err)
		err = drift_index_keys(view, directory->table_id, index, values.list,
				       values.count, from, after, max, keys);
	buf_release(&values.bytes);
	return err;
}

/* There is such a directory while it has a row. */
enum drift_err by_value_child(struct tree *tree, const struct identity *parent,
			      struct slice name, struct buf *key,
			      struct identity *child)
{
	struct buf keys = BUF_INIT;
	enum drift_err err;

	buf_add_slice(key, parent->key);
	buf_add_char(key, '\0');
	buf_add_slice(key, name);
	*child = (struct identity){ .kind = NODE_BY_VALUE,
				    .table_id = parent->table_id,
				    .seq = parent->seq,
				    .key = buf_slice(key) };
	err = buf_status(key);
	if (!err)
		err = matches(tree, child, (struct slice){ 0 }, false, 1, &keys);
	if (!err && keys.size == 0)
		err = DRIFT_NO_ROW;
	buf_release(&keys);
	return err;
}

/* A text that is spelled like a number that rows have comes with the number. */
static enum drift_err came_before(struct listing *listing,
				  const struct index_def *index, struct slice name,
				  struct slice value, bool *before)
{
	struct buf keys = BUF_INIT;
	struct values values = { 0 };
	enum drift_err err = values_of_name(name, &values);

	*before = false;
	if (!err && values.count == 2 && slice_equal(values.list[1], value))
		err = drift_index_keys(listing->view, listing->directory.table_id,
				       index, values.list, 1, (struct slice){ 0 },
				       false, 1, &keys);
	*before = keys.size > 0;
	buf_release(&keys);
	buf_release(&values.bytes);
	return err;
}

static enum drift_err give_value(struct listing *listing)
{
	const struct identity *directory = &listing->directory;
	struct identity child = { .kind = NODE_BY_VALUE,
				  .table_id = directory->table_id,
				  .seq = directory->seq };
	struct buf key = BUF_INIT;
	enum drift_err err;

	buf_add_slice(&key, directory->key);
	buf_add_char(&key, '\0');
	buf_add_slice(&key, buf_slice(&listing->name));
	child.key = buf_slice(&key);
	err = buf_status(&key);
	if (!err)
		err = stream_give(listing, NODE_BY_VALUE, identity_ino(&child, 0));
	buf_release(&key);
	return err;
}

/* The value that was found is in listing->page. */
static enum drift_err next_value(struct listing *listing)
{
	struct slice after = buf_slice(&listing->last_key);
	const struct index_def *index;
	enum drift_err err = index_of(listing->tree, &listing->directory, &index);
	bool skip = true;

	while (!err && skip) {
		buf_clear(&listing->name);
		err = drift_index_next_value(listing->view,
					     listing->directory.table_id, index,
					     after, &listing->page);
		if (err)
			break;
		after = listing->key = buf_slice(&listing->page);
		skip = name_of_value(listing->key, &listing->name);
		if (!skip)
			err = came_before(listing, index, buf_slice(&listing->name),
					  listing->key, &skip);
		if (skip) { /* `after` must outlive the next answer */
			buf_clear(&listing->last_key);
			buf_add_slice(&listing->last_key, after);
			after = buf_slice(&listing->last_key);
		}
	}
	if (err)
		return err;
	return give_value(listing);
}

const struct stream stream_values = { .next = next_value };

/* ---- Rows --------------------------------------------------------------- */

enum drift_err by_row_child(struct tree *tree, const struct identity *parent,
			    struct slice name, struct buf *key,
			    struct identity *child)
{
	struct identity rows = { .kind = NODE_ROWS,
				 .table_id = parent->table_id,
				 .seq = parent->seq };
	struct buf keys = BUF_INIT;
	enum drift_err err = name_row_child(tree, &rows, name, key, child);

	if (!err && child->kind != NODE_ROW)
		err = DRIFT_NO_ROW;
	if (!err)
		err = matches(tree, parent, child->key, false, 1, &keys);
	if (!err &&
	    (keys.size < 2 ||
	     !slice_equal(slice_of(keys.data + 2, keys.size - 2), child->key)))
		err = DRIFT_NO_ROW;
	child->kind = NODE_BY_ROW;
	buf_release(&keys);
	return err;
}

/* The next key of the page at hand; read on behind last_key when it is at its end. */
static enum drift_err next_match(struct listing *listing)
{
	struct identity child = { .kind = NODE_BY_ROW,
				  .table_id = listing->directory.table_id,
				  .seq = listing->directory.seq };
	enum drift_err err;

	if (!listing_page_take(listing)) {
		buf_clear(&listing->page);
		listing->page_at = 0;
		err = matches(listing->tree, &listing->directory,
			      buf_slice(&listing->last_key), true, LISTING_PAGE_KEYS,
			      &listing->page);
		if (err)
			return err;
		if (!listing_page_take(listing))
			return DRIFT_DONE;
	}
	buf_clear(&listing->name);
	err = name_of_row(listing->key, true, &listing->name);
	if (err)
		return err;
	child.key = listing->key;
	return stream_give(listing, NODE_BY_ROW, identity_ino(&child, 0));
}

const struct stream stream_matches = { .next = next_match };

enum drift_err by_target(struct tree *tree, const struct identity *identity,
			 struct buf *target)
{
	(void)tree;
	buf_add_str(target, "../../../rows/");
	return name_of_row(identity->key, true, target);
}

/* The time of the row it leads to. */
enum drift_err by_link_attr(struct tree *tree, struct node *node,
			    struct identity *identity, uid_t caller, struct stat *st)
{
	struct reader *reader = reader_mine();
	struct buf target = BUF_INIT;
	enum drift_err err = DRIFT_NOMEM;

	(void)node, (void)caller;
	if (reader)
		err = drift_get(tree_view(tree, identity->seq), identity->table_id,
				identity->key, &reader->row);
	if (!err)
		err = by_target(tree, identity, &target);
	if (!err)
		attr_fill(tree, identity, 0, target.size, reader->row.version.time,
			  st);
	buf_release(&target);
	return err;
}
