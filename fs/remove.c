/* SPDX-License-Identifier: MIT */
/* remove.c - names taken away: rm of a row or a scratch file, rmdir of a table. */
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/name.h"
#include "fs/ops.h"
#include "fs/reader.h"
#include "query/query.h"

struct removal {
	struct change change;
	enum node_kind kind;
	uint32_t table_id;
	size_t key_size;
	char key[];
};

static void removal_done(struct change *change, const struct drift_receipt *receipt)
{
	const struct removal *removal = (const struct removal *)change;
	const struct identity identity = {
		.kind = removal->kind,
		.table_id = removal->table_id,
		.seq = SEQ_LIVE,
		.key = slice_of(removal->key, removal->key_size),
	};

	/* What the errno alone does not tell. */
	if (receipt->err && receipt->err != DRIFT_NO_ROW)
		refusal_add(change->tree, fuse_req_ctx(change->req)->uid, &identity,
			    &receipt->error);
	reply_err(change->req, receipt->err);
	free(change);
}

static enum drift_err build_delete(struct change *change, struct drift_txn **txn,
				   struct drift_error *error)
{
	struct removal *removal = (struct removal *)change;
	const struct table_def *def;
	enum drift_err err;

	def = drift_table_by_id(drift_view_live(change->tree->db),
				removal->table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	err = change_txn(change, DRIFT_SEQ_MAX, txn);
	if (err)
		return err;
	return drift_txn_delete(*txn, def, slice_of(removal->key, removal->key_size),
				false, error);
}

static enum drift_err build_drop(struct change *change, struct drift_txn **txn,
				 struct drift_error *error)
{
	struct removal *removal = (struct removal *)change;
	struct drift_view live = drift_view_live(change->tree->db);
	const struct table_def *def = drift_table_by_id(live, removal->table_id);
	enum drift_err err;

	if (!def)
		return DRIFT_NO_TABLE;
	err = change_txn(change, DRIFT_SEQ_MAX, txn);
	return err ? err : query_drop_empty(live, *txn, def, error);
}

static void start(fuse_req_t req, const struct identity *identity,
		  enum drift_err (*build)(struct change *, struct drift_txn **,
					  struct drift_error *))
{
	struct removal *removal = malloc(sizeof(*removal) + identity->key.size);

	if (!removal) {
		reply_err(req, DRIFT_NOMEM);
		return;
	}
	removal->change =
		(struct change){ .tree = tree_of(req),
				 .req = req,
				 .durability =
					 tree_of(req)->options.close_durability,
				 .build = build,
				 .done = removal_done };
	removal->kind = identity->kind;
	removal->table_id = identity->table_id;
	removal->key_size = identity->key.size;
	if (identity->key.size)
		memcpy(removal->key, identity->key.data, identity->key.size);
	change_start(&removal->change);
}

static void unlink_scratch(fuse_req_t req, const struct identity *identity)
{
	struct scratches *scratches = &tree_of(req)->scratches;
	struct scratch *scratch;

	scratch = scratch_find(scratches, identity->table_id, identity->key);
	if (scratch)
		scratch_unlink(scratches, scratch);
	reply_err(req, scratch ? DRIFT_OK : DRIFT_NO_ROW);
	scratch_drop(scratch);
}

/* What name stands for, or an answered request. */
static bool resolve(fuse_req_t req, struct node *parent, struct slice name,
		    struct identity *identity)
{
	struct reader *reader = reader_mine();
	enum drift_err err;

	err = reader ? name_parse(tree_of(req), node_identity(parent), name,
				  &reader->key, identity)
		     : DRIFT_NOMEM;
	if (err == DRIFT_BAD_NAME || err == DRIFT_BAD_TEXT)
		err = DRIFT_NO_ROW;
	if (err)
		reply_err(req, err);
	return !err;
}

void remove_row(fuse_req_t req, struct node *parent, struct slice name)
{
	struct identity identity;

	if (!resolve(req, parent, name, &identity))
		return;
	if (identity.kind == NODE_SCRATCH)
		unlink_scratch(req, &identity);
	else
		start(req, &identity, build_delete);
}

void remove_table(fuse_req_t req, struct node *parent, struct slice name)
{
	struct identity identity;

	if (resolve(req, parent, name, &identity))
		start(req, &identity, build_drop);
}
