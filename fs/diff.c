/* SPDX-License-Identifier: MIT */
/* diff.c - the directories and links of @diff. An identity's key is the table's name,
 * and for a row a NUL and the row's key; a link to a side has a letter before it. */
#include "fs/diff.h"

#include "fs/diff_pair.h"
#include "fs/kind.h"
#include "fs/name.h"
#include "fs/reader.h"
#include "fs/tag.h"
#include "fs/timeline.h"

/* ---- Moments ------------------------------------------------------------ */

/* Digits are a number of an event and nothing else: above the head it is not the
 * second of 1970 that @time would take it for. */
static bool all_digits(struct slice name)
{
	const char *at = name.data;

	for (size_t i = 0; i < name.size; i++)
		if (at[i] < '0' || at[i] > '9')
			return false;
	return true;
}

/* What @seq, @tag and @time call so, in that order. */
static bool moment_of(struct tree *tree, struct slice name, drift_seq *seq,
		      bool *is_number)
{
	enum drift_err (*const places[])(
		struct tree * tree, const struct identity *parent, struct slice name,
		struct buf *key,
		struct identity *child) = { timeline_seq_child, tag_child,
					    timeline_time_child };
	const char *text = name.data;
	struct buf key = BUF_INIT;
	struct identity child;
	bool found = false;

	*is_number = name_parse_seq(name, seq);
	if (text[0] == '.' || text[name.size - 1] == '.')
		return false;
	for (unsigned i = 0; !found && i < (all_digits(name) ? 1 : 3); i++) {
		buf_clear(&key);
		found = !places[i](tree, NULL, name, &key, &child);
		if (found)
			*seq = child.seq;
	}
	buf_release(&key);
	return found && *seq <= drift_head(tree->db);
}

enum drift_err diff_child(struct tree *tree, const struct identity *parent,
			  struct slice name, struct buf *key, struct identity *child)
{
	const char *text = name.data;
	drift_seq from, to;

	(void)parent, (void)key;
	for (size_t i = 1; i + 2 < name.size;
	     i++) { /* a name may hold dots itself */
		bool from_number, to_number;

		if (text[i] != '.' || text[i + 1] != '.' ||
		    !moment_of(tree, slice_of(text, i), &from, &from_number) ||
		    !moment_of(tree, slice_of(text + i + 2, name.size - i - 2), &to,
			       &to_number))
			continue;
		*child = (struct identity){
			.kind = from_number && to_number ? NODE_DIFF
							 : NODE_DIFF_LINK,
			.from = from,
			.seq = to,
		};
		return DRIFT_OK;
	}
	return DRIFT_NO_ROW;
}

enum drift_err diff_link_target(struct tree *tree, const struct identity *identity,
				struct buf *target)
{
	(void)tree;
	buf_printf(target, "%llu..%llu", (unsigned long long)identity->from,
		   (unsigned long long)identity->seq);
	return buf_status(target);
}

/* ---- Tables ------------------------------------------------------------- */

static enum drift_err has_changes(struct diff_views views,
				  const struct diff_pair *pair,
				  const struct drift_range *range)
{
	struct drift_difference difference;
	struct diff_changes *changes = NULL;
	enum drift_err err = diff_changes_open(views, pair, range, &changes);

	if (!err)
		err = diff_changes_next(changes, &difference);
	diff_changes_close(changes);
	return err == DRIFT_DONE ? DRIFT_NO_ROW : err;
}

static struct identity child_of(const struct identity *parent, enum node_kind kind,
				struct slice key)
{
	return (struct identity){
		.kind = kind, .seq = parent->seq, .from = parent->from, .key = key
	};
}

enum drift_err diff_table_child(struct tree *tree, const struct identity *parent,
				struct slice name, struct buf *key,
				struct identity *child)
{
	struct diff_views views = diff_views_of(tree, parent);
	enum drift_err err = key_component_decode(name, key);
	struct diff_pair pair;

	if (err)
		return err;
	*child = child_of(parent, NODE_DIFF_TABLE, buf_slice(key));
	if (!diff_pair_find(views, buf_slice(key), &pair))
		return DRIFT_NO_ROW;
	return has_changes(views, &pair, &(struct drift_range){ 0 });
}

static bool is_fixed(const char *name)
{
	return strcmp(name, "summary") == 0 || strcmp(name, "changes.jsonl") == 0;
}

static enum drift_err next_table(struct listing *listing)
{
	struct diff_views views = diff_views_of(listing->tree, &listing->directory);
	struct slice after = buf_slice(&listing->last_key);
	enum drift_err err = DRIFT_NO_ROW;
	struct diff_pair pair;
	struct identity child;
	const char *name;

	while (err == DRIFT_NO_ROW) {
		if (!diff_pair_next(views, after, &name, &pair))
			return DRIFT_DONE;
		after = slice_str(name);
		if (!is_fixed(name))
			err = has_changes(views, &pair, &(struct drift_range){ 0 });
	}
	listing->key = after;
	buf_clear(&listing->name);
	if (!err)
		err = key_component_encode(after, &listing->name);
	child = child_of(&listing->directory, NODE_DIFF_TABLE, after);
	return err ? err
		   : stream_give(listing, NODE_DIFF_TABLE, identity_ino(&child, 0));
}

const struct stream stream_diff_tables = { .next = next_table };

/* ---- Rows --------------------------------------------------------------- */

/* The key of a row's identity taken apart. */
static struct slice table_of(struct slice key, struct slice *row)
{
	const char *end = memchr(key.data, '\0', key.size);
	size_t size = end ? (size_t)(end - (const char *)key.data) : key.size;

	*row = end ? slice_of(end + 1, key.size - size - 1) : (struct slice){ 0 };
	return slice_of(key.data, size);
}

enum drift_err diff_row_child(struct tree *tree, const struct identity *parent,
			      struct slice name, struct buf *key,
			      struct identity *child)
{
	struct diff_views views = diff_views_of(tree, parent);
	enum key_kind parts[TABLE_KEY_PARTS_MAX];
	const struct table_def *def;
	struct drift_range range = { 0 };
	struct diff_pair pair;
	struct slice row;
	enum drift_err err;

	if (!diff_pair_find(views, parent->key, &pair))
		return DRIFT_NO_ROW;
	def = diff_pair_def(&pair);
	table_def_key_kinds(def, parts);
	buf_add_slice(key, parent->key);
	buf_add_char(key, '\0');
	err = key_from_name(name, parts, def->key_count, key);
	if (err)
		return err;
	*child = child_of(parent, NODE_DIFF_ROW, buf_slice(key));
	(void)table_of(child->key, &row);
	range.low = range.high = row;
	return has_changes(views, &pair, &range);
}

static enum drift_err page_of_keys(struct listing *listing)
{
	struct diff_views views = diff_views_of(listing->tree, &listing->directory);
	struct drift_range range = { 0 };
	struct drift_difference difference;
	struct diff_changes *changes = NULL;
	struct diff_pair pair;
	enum drift_err err;

	buf_clear(&listing->page);
	listing->page_at = 0;
	if (!diff_pair_find(views, listing->directory.key, &pair))
		return DRIFT_DONE;
	if (listing->last_key.size) {
		range.low = buf_slice(&listing->last_key);
		range.low_open = true;
	}
	err = diff_changes_open(views, &pair, &range, &changes);
	for (unsigned i = 0; !err && i < LISTING_PAGE_KEYS; i++) {
		err = diff_changes_next(changes, &difference);
		if (!err)
			listing_page_add(listing, difference.key);
	}
	diff_changes_close(changes);
	if (err && err != DRIFT_DONE)
		return err;
	return listing->page.size ? buf_status(&listing->page) : DRIFT_DONE;
}

static enum drift_err next_row(struct listing *listing)
{
	struct buf key = BUF_INIT;
	struct identity child;
	enum drift_err err = DRIFT_OK;

	if (!listing_page_take(listing)) {
		err = page_of_keys(listing);
		if (err)
			return err;
		(void)listing_page_take(listing);
	}
	buf_add_slice(&key, listing->directory.key);
	buf_add_char(&key, '\0');
	buf_add_slice(&key, listing->key);
	child = child_of(&listing->directory, NODE_DIFF_ROW, buf_slice(&key));
	buf_clear(&listing->name);
	err = name_of_row(listing->key, false, &listing->name);
	if (!err)
		err = buf_status(&key);
	if (!err)
		err = stream_give(listing, NODE_DIFF_ROW, identity_ino(&child, 0));
	buf_release(&key);
	return err;
}

const struct stream stream_diff_rows = { .next = next_row };

/* ---- Sides -------------------------------------------------------------- */

enum drift_err diff_side_child(struct tree *tree, const struct identity *parent,
			       struct slice name, struct buf *key,
			       struct identity *child)
{
	bool before = slice_equal(name, SLICE("before.json"));

	(void)tree;
	if (!before && !slice_equal(name, SLICE("after.json")))
		return DRIFT_NO_ROW;
	buf_add_char(key, before ? 'b' : 'a');
	buf_add_slice(key, parent->key);
	*child = child_of(parent, NODE_DIFF_SIDE, buf_slice(key));
	return buf_status(key);
}

enum drift_err diff_side_names(struct listing *listing)
{
	buf_add(&listing->fixed, "before.json\0after.json",
		sizeof("before.json") + sizeof("after.json"));
	return DRIFT_OK;
}

enum drift_err diff_side_target(struct tree *tree, const struct identity *identity,
				struct buf *target)
{
	struct diff_views views = diff_views_of(tree, identity);
	const char *key = identity->key.data;
	bool before = key[0] == 'b';
	struct reader *reader = reader_mine();
	struct drift_view view = before ? views.before : views.after;
	const struct table_def *def = NULL;
	struct diff_pair pair;
	struct slice row;
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	if (diff_pair_find(views,
			   table_of(slice_of(key + 1, identity->key.size - 1), &row),
			   &pair))
		def = before ? pair.before : pair.after;
	err = def ? drift_get(view, def->id, row, &reader->row) : DRIFT_NO_ROW;
	if (err == DRIFT_NO_ROW) {
		buf_add_str(target, "/dev/null");
		return buf_status(target);
	}
	if (err)
		return err;
	buf_printf(target, "../../../../@seq/%llu/tables/",
		   (unsigned long long)view.seq);
	err = key_component_encode(slice_str(def->name), target);
	buf_add_str(target, "/rows/");
	return err ? err : name_of_row(row, true, target);
}
