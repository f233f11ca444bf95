/* SPDX-License-Identifier: MIT */
/* diff_records.c - @diff/A..B/summary and changes.jsonl: the changed rows of all tables,
 * one after the other. */
#include <stdlib.h>

#include "engine/json.h"
#include "fs/diff.h"
#include "fs/diff_pair.h"
#include "fs/name.h"
#include "fs/tree.h"

struct diff {
	struct diff_views views;
	struct buf table; /* the one at hand */
	struct diff_pair pair;
	struct diff_changes *changes; /* NULL: go on with the next table */
	struct buf key;               /* of the last record: table, NUL, row key */
	struct buf scratch;
};

static enum drift_err diff_begin(struct tree *tree, const struct identity *identity,
				 void **state, struct buf *head)
{
	struct diff *diff = calloc(1, sizeof(*diff));

	(void)head;
	if (!diff)
		return DRIFT_NOMEM;
	*state = diff;
	diff->views = diff_views_of(tree, identity);
	return DRIFT_OK;
}

static enum drift_err diff_seek(void *state, struct slice after)
{
	const char *end = after.size ? memchr(after.data, '\0', after.size) : NULL;
	struct diff *diff = state;
	struct drift_range range = { .low_open = true };
	size_t size;

	buf_clear(&diff->table);
	if (!end)
		return DRIFT_OK;
	size = (size_t)(end - (const char *)after.data);
	buf_add(&diff->table, after.data, size);
	range.low = slice_of(end + 1, after.size - size - 1);
	if (!diff_pair_find(diff->views, buf_slice(&diff->table), &diff->pair))
		return DRIFT_INTERNAL; /* views do not change */
	return diff_changes_open(diff->views, &diff->pair, &range, &diff->changes);
}

static void diff_rest(void *state)
{
	struct diff *diff = state;

	diff_changes_close(diff->changes);
	diff->changes = NULL;
}

static enum drift_err next_table(struct diff *diff)
{
	const char *name;

	if (!diff_pair_next(diff->views, buf_slice(&diff->table), &name,
			    &diff->pair))
		return DRIFT_DONE;
	buf_clear(&diff->table);
	buf_add_str(&diff->table, name);
	return diff_changes_open(diff->views, &diff->pair,
				 &(struct drift_range){ 0 }, &diff->changes);
}

/* The next difference, its place in diff->key. */
static enum drift_err diff_next(struct diff *diff, struct slice *key,
				struct drift_difference *difference)
{
	enum drift_err err = DRIFT_DONE;

	do {
		if (!diff->changes)
			err = next_table(diff);
		else
			err = DRIFT_OK;
		if (err)
			return err;
		err = diff_changes_next(diff->changes, difference);
		if (err == DRIFT_DONE)
			diff_rest(diff);
	} while (err == DRIFT_DONE);
	if (err)
		return err;
	buf_clear(&diff->key);
	buf_add_slice(&diff->key, buf_slice(&diff->table));
	buf_add_char(&diff->key, '\0');
	buf_add_slice(&diff->key, difference->key);
	*key = buf_slice(&diff->key);
	return buf_status(&diff->key);
}

static void diff_end(void *state)
{
	struct diff *diff = state;

	diff_rest(diff);
	buf_release(&diff->table);
	buf_release(&diff->key);
	buf_release(&diff->scratch);
	free(diff);
}

static enum drift_err next_summary(void *state, struct buf *out, struct slice *key)
{
	struct diff *diff = state;
	struct drift_difference difference;
	enum drift_err err = diff_next(diff, key, &difference);

	if (err)
		return err;
	buf_add_str(out, !difference.had ? "+ " : !difference.has ? "- " : "M ");
	err = key_component_encode(buf_slice(&diff->table), out);
	buf_add_char(out, ' ');
	if (!err)
		err = name_of_row(difference.key, false, out);
	buf_add_char(out, '\n');
	return err;
}

static enum drift_err add_row(bool there, const struct drift_version *version,
			      struct buf *out)
{
	if (there)
		return json_print(version->row, JSON_COMPACT, out);
	buf_add_str(out, "null");
	return DRIFT_OK;
}

static enum drift_err next_change(void *state, struct buf *out, struct slice *key)
{
	struct diff *diff = state;
	struct drift_difference difference;
	const struct drift_version *version;
	enum drift_err err = diff_next(diff, key, &difference);

	if (err)
		return err;
	version = difference.has ? &difference.after : &difference.before;
	buf_clear(&diff->scratch);
	err = row_key_value(diff_pair_def(&diff->pair), difference.key,
			    version->integer_key, &diff->scratch);
	buf_add_str(out, "{\"table\":");
	json_print_text(buf_slice(&diff->table), out);
	buf_add_str(out, ",\"pk\":");
	if (!err)
		err = json_print(buf_slice(&diff->scratch), JSON_COMPACT, out);
	buf_printf(out, ",\"op\":\"%s\",\"before\":",
		   !difference.had   ? "insert"
		   : !difference.has ? "delete"
				     : "update");
	if (!err)
		err = add_row(difference.had, &difference.before, out);
	buf_add_str(out, ",\"after\":");
	if (!err)
		err = add_row(difference.has, &difference.after, out);
	buf_add_str(out, "}\n");
	return err;
}

const struct records diff_summary_records = {
	.begin = diff_begin,
	.seek = diff_seek,
	.next = next_summary,
	.rest = diff_rest,
	.end = diff_end,
};

const struct records diff_changes_records = {
	.begin = diff_begin,
	.seek = diff_seek,
	.next = next_change,
	.rest = diff_rest,
	.end = diff_end,
};
