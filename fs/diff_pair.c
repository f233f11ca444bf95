/* SPDX-License-Identifier: MIT */
/* diff_pair.c - see diff_pair.h. */
#include "fs/diff_pair.h"

#include <stdlib.h>

#include "fs/tree.h"

struct diff_views diff_views_of(struct tree *tree, const struct identity *identity)
{
	return (struct diff_views){ tree_view(tree, identity->from),
				    tree_view(tree, identity->seq) };
}

/* ---- Pairs -------------------------------------------------------------- */

bool diff_pair_find(struct diff_views views, struct slice name,
		    struct diff_pair *pair)
{
	const struct table_def *gone = drift_table(views.before, name);

	if (gone && drift_table_by_id(views.after, gone->id))
		gone = NULL; /* it goes by another name now */
	pair->after = drift_table(views.after, name);
	pair->before = pair->after ? drift_table_by_id(views.before, pair->after->id)
				   : NULL;
	if (!pair->before)
		pair->before = gone;
	return pair->before || pair->after;
}

/* The next table of the first moment that the second one has not. */
static const struct table_def *next_gone(struct diff_views views, struct slice after)
{
	const struct table_def *def = drift_table_next(views.before, after);

	while (def && drift_table_by_id(views.after, def->id))
		def = drift_table_next(views.before, slice_str(def->name));
	return def;
}

bool diff_pair_next(struct diff_views views, struct slice after, const char **name,
		    struct diff_pair *pair)
{
	const struct table_def *gone = next_gone(views, after);
	const struct table_def *there = drift_table_next(views.after, after);

	if (!gone && !there)
		return false;
	if (!there || (gone && slice_compare(slice_str(gone->name),
					     slice_str(there->name)) < 0))
		there = gone;
	*name = there->name;
	return diff_pair_find(views, slice_str(*name), pair);
}

const struct table_def *diff_pair_def(const struct diff_pair *pair)
{
	return pair->after ? pair->after : pair->before;
}

/* ---- Changes ------------------------------------------------------------ */

/* One table's rows, where the two moments have not the same table of that name. */
struct side {
	struct drift_cursor *cursor; /* NULL: none (any more) */
	struct drift_version version;
	bool at_hand;
};

struct diff_changes {
	struct drift_changes *same; /* the table is the same: the engine knows */
	struct side before, after;
};

static enum drift_err side_open(struct side *side, struct drift_view view,
				const struct table_def *def,
				const struct drift_range *range)
{
	return def ? drift_scan(view, def->id, range, &side->cursor) : DRIFT_OK;
}

static enum drift_err side_peek(struct side *side)
{
	enum drift_err err;

	if (side->at_hand || !side->cursor)
		return DRIFT_OK;
	err = drift_cursor_next(side->cursor, &side->version);
	side->at_hand = !err;
	if (err != DRIFT_DONE)
		return err;
	drift_cursor_close(side->cursor);
	side->cursor = NULL;
	return DRIFT_OK;
}

enum drift_err diff_changes_open(struct diff_views views,
				 const struct diff_pair *pair,
				 const struct drift_range *range,
				 struct diff_changes **out)
{
	struct diff_changes *changes = calloc(1, sizeof(*changes));
	enum drift_err err;

	*out = NULL;
	if (!changes)
		return DRIFT_NOMEM;
	if (pair->before && pair->after && pair->before->id == pair->after->id) {
		err = drift_changes_open(views.before, views.after, pair->after->id,
					 range, &changes->same);
	} else {
		err = side_open(&changes->before, views.before, pair->before, range);
		if (!err)
			err = side_open(&changes->after, views.after, pair->after,
					range);
	}
	if (err) {
		diff_changes_close(changes);
		return err;
	}
	*out = changes;
	return DRIFT_OK;
}

/* The smaller key of the two sides: DRIFT_DONE when both are at their ends. */
static enum drift_err next_of_sides(struct diff_changes *changes,
				    struct drift_difference *difference)
{
	struct side *before = &changes->before, *after = &changes->after;
	enum drift_err err = side_peek(before);
	int order;

	if (!err)
		err = side_peek(after);
	if (err)
		return err;
	if (!before->at_hand && !after->at_hand)
		return DRIFT_DONE;
	order = !before->at_hand ? 1
		: !after->at_hand
			? -1
			: slice_compare(before->version.key, after->version.key);
	*difference = (struct drift_difference){
		.key = order <= 0 ? before->version.key : after->version.key,
		.had = order <= 0,
		.has = order >= 0,
		.before = before->version,
		.after = after->version,
	};
	if (difference->had)
		before->at_hand = false;
	if (difference->has)
		after->at_hand = false;
	return DRIFT_OK;
}

enum drift_err diff_changes_next(struct diff_changes *changes,
				 struct drift_difference *difference)
{
	enum drift_err err;

	if (changes->same)
		return drift_changes_next(changes->same, difference);
	do
		err = next_of_sides(changes, difference);
	while (!err && difference->had && difference->has &&
	       slice_equal(difference->before.row, difference->after.row));
	return err;
}

void diff_changes_close(struct diff_changes *changes)
{
	if (!changes)
		return;
	drift_changes_close(changes->same);
	drift_cursor_close(changes->before.cursor);
	drift_cursor_close(changes->after.cursor);
	free(changes);
}
