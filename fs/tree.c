/* SPDX-License-Identifier: MIT */
/* tree.c - a tree comes to be and goes. */
#include "fs/tree.h"

#include "fs/invalidate.h"

enum drift_err tree_init(struct tree *tree, struct drift_db *db,
			 const struct tree_options *options, drift_seq seq)
{
	enum drift_err err;

	*tree = (struct tree){ .db = db,
			       .options = *options,
			       .root = { .kind = NODE_ROOT, .seq = seq } };
	tree->mounted_time =
		drift_head_time(db) ? drift_head_time(db) : drift_now(db);
	accounts_init(&tree->accounts, options->open_max);
	scratches_init(&tree->scratches);
	refusals_init(&tree->refusals);
	event_files_init(&tree->event_files);
	results_init(&tree->results);
	handles_init(&tree->handles);
	errands_init(&tree->errands);
	record_sizes_init(&tree->record_sizes);
	err = nodes_init(&tree->nodes, &tree->root);
	if (!err)
		err = changes_start(&tree->changes);
	if (err)
		tree_release(tree);
	return err;
}

void tree_release(struct tree *tree)
{
	errands_stop(&tree->errands);
	changes_stop(&tree->changes);
	invalidator_stop(tree);
	handles_release(&tree->handles);
	results_release(&tree->results);
	nodes_release(&tree->nodes);
	event_files_release(&tree->event_files);
	scratches_release(&tree->scratches);
	refusals_release(&tree->refusals);
	record_sizes_release(&tree->record_sizes);
	accounts_release(&tree->accounts);
}
