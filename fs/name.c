/* SPDX-License-Identifier: MIT */
/* name.c - the tree's grammar: a table of fixed names, and one rule for each
 * directory whose names come from the data. */
#include "fs/name.h"

#include <stdio.h>
#include <sys/stat.h>

enum place {
	LIVE = 1,    /* in the tree that follows the head */
	PINNED = 2,  /* in the tree of one moment */
	TOP = 4,     /* in the mount's root, whatever it shows */
	HISTORY = 8, /* not listed with -o history=hidden */
};

static const struct fixed_name {
	enum node_kind parent;
	const char *name;
	enum node_kind kind;
	unsigned place;
	const char *key;
} fixed_names[] = {
	{ NODE_ROOT, "tables", NODE_TABLES, LIVE | PINNED, "" },
	{ NODE_ROOT, "query", NODE_QUERY, LIVE | PINNED, "" },
	{ NODE_ROOT, "query.json", NODE_QUERY, LIVE | PINNED, "json" },
	{ NODE_ROOT, "query.csv", NODE_QUERY, LIVE | PINNED, "csv" },
	{ NODE_ROOT, "query.table", NODE_QUERY, LIVE | PINNED, "table" },
	{ NODE_ROOT, "events", NODE_EVENTS, LIVE, "" },
	{ NODE_ROOT, "@seq", NODE_SEQS, LIVE | HISTORY, "" },
	{ NODE_ROOT, "@time", NODE_TIMES, LIVE | HISTORY, "" },
	{ NODE_ROOT, ".driftfs", NODE_DRIFTFS, TOP, "" },
	{ NODE_DRIFTFS, "errors", NODE_ERRORS, LIVE, "" },
	{ NODE_DRIFTFS, "version", NODE_RELEASE, LIVE, "" },
	{ NODE_TABLE, "rows", NODE_ROWS, LIVE | PINNED, "" },
	{ NODE_TABLE, "history", NODE_HISTORY, LIVE | HISTORY, "" },
	{ NODE_TABLE, "events", NODE_EVENTS, LIVE, "" },
	{ NODE_TABLE, "count", NODE_COUNT, LIVE | PINNED, "" },
	{ NODE_TABLE, "schema.sql", NODE_SCHEMA_SQL, LIVE | PINNED, "" },
	{ NODE_TABLE, "schema.json", NODE_SCHEMA_JSON, LIVE | PINNED, "" },
};

#define FIXED_NAMES (sizeof(fixed_names) / sizeof(fixed_names[0]))

mode_t name_type(enum node_kind kind)
{
	switch (kind) {
	case NODE_ROOT:
	case NODE_SEQS:
	case NODE_TIMES:
	case NODE_DRIFTFS:
	case NODE_TABLES:
	case NODE_TABLE:
	case NODE_ROWS:
	case NODE_HISTORY:
	case NODE_VERSIONS:
		return S_IFDIR;
	case NODE_LINK:
		return S_IFLNK;
	default:
		return S_IFREG;
	}
}

static bool fixed_here(const struct tree *tree, const struct fixed_name *fixed,
		       const struct identity *parent)
{
	if (fixed->parent != parent->kind)
		return false;
	if (fixed->place & TOP)
		return identity_equal(parent, &tree->root);
	return fixed->place & (parent->seq == SEQ_LIVE ? LIVE : PINNED);
}

static struct identity fixed_identity(const struct fixed_name *fixed,
				      const struct identity *parent)
{
	return (struct identity){
		.kind = fixed->kind,
		.table_id = parent->table_id,
		/* .driftfs is about the mount, not about a moment. */
		.seq = fixed->place & TOP ? SEQ_LIVE : parent->seq,
		.key = slice_str(fixed->key),
	};
}

const char *name_fixed(const struct tree *tree, const struct identity *parent,
		       unsigned *i, struct identity *child)
{
	for (; *i < FIXED_NAMES; ++*i) {
		const struct fixed_name *fixed = &fixed_names[*i];

		if (!fixed_here(tree, fixed, parent))
			continue;
		if ((fixed->place & HISTORY) && tree->options.hide_history)
			continue;
		*child = fixed_identity(fixed, parent);
		++*i;
		return fixed->name;
	}
	return NULL;
}

static bool find_fixed(const struct tree *tree, const struct identity *parent,
		       struct slice name, struct identity *child)
{
	for (size_t i = 0; i < FIXED_NAMES; i++) {
		const struct fixed_name *fixed = &fixed_names[i];

		if (fixed_here(tree, fixed, parent) &&
		    slice_equal(name, slice_str(fixed->name))) {
			*child = fixed_identity(fixed, parent);
			return true;
		}
	}
	return false;
}

static bool ends_with(struct slice name, struct slice suffix)
{
	return name.size > suffix.size &&
	       memcmp((const char *)name.data + name.size - suffix.size, suffix.data,
		      suffix.size) == 0;
}

/* Decimal digits, no sign, no leading zero: one number, one name. */
static bool parse_seq(struct slice digits, drift_seq *seq)
{
	const char *at = digits.data;

	if (digits.size == 0 || digits.size > 19 ||
	    (at[0] == '0' && digits.size > 1))
		return false;
	*seq = 0;
	for (size_t i = 0; i < digits.size; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		*seq = *seq * 10 + (drift_seq)(at[i] - '0');
	}
	return true;
}

static struct identity link_to(drift_seq seq, const char *begin)
{
	return (struct identity){ .kind = NODE_LINK,
				  .seq = seq,
				  .key = slice_str(begin) };
}

/* A number is the directory itself; head, head~k and oldest are links to one. */
static enum drift_err parse_in_seqs(struct tree *tree, struct slice name,
				    struct identity *child)
{
	struct moment moment;
	drift_seq seq;

	if (parse_seq(name, &seq)) {
		*child = (struct identity){ .kind = NODE_ROOT, .seq = seq };
		return DRIFT_OK;
	}
	if (slice_equal(name, SLICE("oldest"))) {
		*child = link_to(0, "");
		return DRIFT_OK;
	}
	if (name.size < 4 || memcmp(name.data, "head", 4) != 0 ||
	    moment_parse(name, MOMENT_OF_SEQ, drift_now(tree->db), &moment, NULL) ||
	    moment.kind != MOMENT_HEAD ||
	    drift_resolve(tree->db, &moment, false, &seq, NULL))
		return DRIFT_NO_ROW;
	*child = link_to(seq, "");
	return DRIFT_OK;
}

static enum drift_err parse_in_times(struct tree *tree, struct slice name,
				     struct identity *child)
{
	struct moment moment;
	drift_seq seq;

	if (moment_parse(name, MOMENT_OF_TIME, drift_now(tree->db), &moment, NULL) ||
	    drift_resolve(tree->db, &moment, false, &seq, NULL))
		return DRIFT_NO_ROW;
	*child = link_to(seq, "../@seq/");
	return DRIFT_OK;
}

static enum drift_err parse_in_tables(struct tree *tree,
				      const struct identity *parent,
				      struct slice name, struct buf *key,
				      struct identity *child)
{
	const struct table_def *def;
	enum drift_err err = key_component_decode(name, key);

	if (err)
		return err;
	def = drift_table(tree_view(tree, parent->seq), buf_slice(key));
	if (!def)
		return DRIFT_NO_ROW;
	*child = (struct identity){ .kind = NODE_TABLE,
				    .table_id = def->id,
				    .seq = parent->seq };
	return DRIFT_OK;
}

static enum drift_err parse_key(struct tree *tree, const struct identity *parent,
				struct slice name, struct buf *key)
{
	enum key_kind kinds[TABLE_KEY_PARTS_MAX];
	const struct table_def *def;

	def = drift_table_by_id(tree_view(tree, parent->seq), parent->table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	table_def_key_kinds(def, kinds);
	return key_from_name(name, kinds, def->key_count, key);
}

static enum drift_err parse_in_rows(struct tree *tree, const struct identity *parent,
				    struct slice name, struct buf *key,
				    struct identity *child)
{
	enum drift_err err;

	*child = (struct identity){ .kind = NODE_ROW,
				    .table_id = parent->table_id,
				    .seq = parent->seq };
	if (*(const char *)name.data == '.' || !ends_with(name, SLICE(".json"))) {
		if (parent->seq != SEQ_LIVE)
			return DRIFT_NO_ROW;
		child->kind = NODE_SCRATCH;
		child->key = name;
		return DRIFT_OK;
	}
	name.size -= strlen(".json");
	err = parse_key(tree, parent, name, key);
	child->key = buf_slice(key);
	return err;
}

static enum drift_err parse_in_versions(const struct identity *parent,
					struct slice name, struct identity *child)
{
	*child = (struct identity){ .table_id = parent->table_id,
				    .key = parent->key };
	if (ends_with(name, SLICE(".json"))) {
		child->kind = NODE_VERSION;
		name.size -= strlen(".json");
	} else if (ends_with(name, SLICE(".deleted"))) {
		child->kind = NODE_TOMBSTONE;
		name.size -= strlen(".deleted");
	} else {
		return DRIFT_NO_ROW;
	}
	return parse_seq(name, &child->seq) && child->seq ? DRIFT_OK : DRIFT_NO_ROW;
}

enum drift_err name_parse(struct tree *tree, const struct identity *parent,
			  struct slice name, struct buf *key, struct identity *child)
{
	enum drift_err err;

	buf_clear(key);
	if (name.size > NAME_BYTES_MAX)
		return DRIFT_NAME_TOO_LONG;
	if (name.size == 0)
		return DRIFT_NO_ROW;
	if (find_fixed(tree, parent, name, child))
		return DRIFT_OK;
	switch (parent->kind) {
	case NODE_SEQS:
		return parse_in_seqs(tree, name, child);
	case NODE_TIMES:
		return parse_in_times(tree, name, child);
	case NODE_TABLES:
		return parse_in_tables(tree, parent, name, key, child);
	case NODE_ROWS:
		return parse_in_rows(tree, parent, name, key, child);
	case NODE_VERSIONS:
		return parse_in_versions(parent, name, child);
	case NODE_HISTORY:
		err = parse_key(tree, parent, name, key);
		*child = (struct identity){ .kind = NODE_VERSIONS,
					    .table_id = parent->table_id,
					    .seq = parent->seq,
					    .key = buf_slice(key) };
		return err;
	default:
		return DRIFT_NO_ROW;
	}
}

enum drift_err name_of_row(struct slice key, bool with_suffix, struct buf *name)
{
	enum drift_err err = key_to_name(key, name);

	if (!err && with_suffix)
		buf_add_str(name, ".json");
	return err ? err : buf_status(name);
}

void name_link_target(const struct identity *link, struct buf *target)
{
	buf_add_slice(target, link->key);
	buf_printf(target, "%llu", (unsigned long long)link->seq);
}

/* The path of the table directory; the newest name of a table that is gone. */
static void table_path(struct tree *tree, const struct identity *identity,
		       struct buf *path)
{
	drift_seq seq = identity->kind == NODE_VERSION ? SEQ_LIVE : identity->seq;
	const struct table_def *def;

	def = drift_table_by_id(tree_view(tree, seq), identity->table_id);
	if (seq != SEQ_LIVE && tree->root.seq == SEQ_LIVE)
		buf_printf(path, "@seq/%llu/", (unsigned long long)seq);
	buf_add_str(path, "tables/");
	if (def)
		if (key_component_encode(slice_str(def->name), path))
			buf_add_char(path, '?');
}

void name_path(struct tree *tree, const struct identity *identity, struct buf *path)
{
	if (identity->table_id)
		table_path(tree, identity, path);
	switch (identity->kind) {
	case NODE_ROW:
	case NODE_VERSION:
		buf_add_str(path, "/rows/");
		if (name_of_row(identity->key, true, path))
			buf_add_char(path, '?');
		return;
	case NODE_SCRATCH:
		buf_add_str(path, "/rows/");
		buf_add_slice(path, identity->key);
		return;
	case NODE_ROWS:
		buf_add_str(path, "/rows");
		return;
	case NODE_TABLES:
		buf_add_str(path, "tables");
		return;
	case NODE_QUERY:
		if (identity->seq != SEQ_LIVE && tree->root.seq == SEQ_LIVE)
			buf_printf(path, "@seq/%llu/",
				   (unsigned long long)identity->seq);
		buf_add_str(path, identity->key.size ? "query." : "query");
		buf_add_slice(path, identity->key);
		return;
	default:
		return;
	}
}
