/* SPDX-License-Identifier: MIT */
/* name.c - the tree's grammar: a table of fixed names, and one rule for each
 * directory whose names come from the data. */
#include "fs/name.h"

#include "fs/kind.h"
#include "fs/listing.h"

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
	{ NODE_ROOT, "@tag", NODE_TAGS, LIVE | HISTORY, "" },
	{ NODE_ROOT, "@diff", NODE_DIFFS, LIVE | HISTORY, "" },
	{ NODE_DIFF, "summary", NODE_DIFF_SUMMARY, PINNED, "" },
	{ NODE_DIFF, "changes.jsonl", NODE_DIFF_CHANGES, PINNED, "" },
	{ NODE_ROOT, ".driftfs", NODE_DRIFTFS, TOP, "" },
	{ NODE_DRIFTFS, "errors", NODE_ERRORS, LIVE, "" },
	{ NODE_DRIFTFS, "status.json", NODE_STATUS, LIVE, "" },
	{ NODE_DRIFTFS, "stats.json", NODE_STATS, LIVE, "" },
	{ NODE_DRIFTFS, "metrics", NODE_METRICS, LIVE, "" },
	{ NODE_DRIFTFS, "README", NODE_README, LIVE, "" },
	{ NODE_DRIFTFS, "version", NODE_RELEASE, LIVE, "" },
	{ NODE_TABLE, "rows", NODE_ROWS, LIVE | PINNED, "" },
	{ NODE_TABLE, "by", NODE_BY, LIVE | PINNED, "" },
	{ NODE_TABLE, "history", NODE_HISTORY, LIVE | HISTORY, "" },
	{ NODE_TABLE, "events", NODE_EVENTS, LIVE, "" },
	{ NODE_TABLE, "rows.jsonl", NODE_ROWS_FILE, LIVE | PINNED, "jsonl" },
	{ NODE_TABLE, "rows.csv", NODE_ROWS_FILE, LIVE | PINNED, "csv" },
	{ NODE_TABLE, "import.jsonl", NODE_IMPORT, LIVE, "jsonl" },
	{ NODE_TABLE, "import.csv", NODE_IMPORT, LIVE, "csv" },
	{ NODE_TABLE, "count", NODE_COUNT, LIVE | PINNED, "" },
	{ NODE_TABLE, "schema.sql", NODE_SCHEMA_SQL, LIVE | PINNED, "" },
	{ NODE_TABLE, "schema.json", NODE_SCHEMA_JSON, LIVE | PINNED, "" },
};

#define FIXED_NAMES (sizeof(fixed_names) / sizeof(fixed_names[0]))

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
		.from = parent->from,
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

bool name_is_fixed(const struct tree *tree, const struct identity *parent,
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

bool name_parse_seq(struct slice digits, drift_seq *seq)
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

enum drift_err name_table_child(struct tree *tree, const struct identity *parent,
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
				    .seq = parent->seq,
				    .key = buf_slice(key) };
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

enum drift_err name_row_child(struct tree *tree, const struct identity *parent,
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
		buf_clear(key);
		buf_add_slice(key, name);
		child->key = buf_slice(key);
		return buf_status(key);
	}
	name.size -= strlen(".json");
	err = parse_key(tree, parent, name, key);
	child->key = buf_slice(key);
	return err;
}

enum drift_err name_history_child(struct tree *tree, const struct identity *parent,
				  struct slice name, struct buf *key,
				  struct identity *child)
{
	enum drift_err err = parse_key(tree, parent, name, key);

	*child = (struct identity){ .kind = NODE_VERSIONS,
				    .table_id = parent->table_id,
				    .seq = parent->seq,
				    .key = buf_slice(key) };
	return err;
}

/* Did ALTER TABLE, and no event of the row, make the version that the child would be? It
 * is a node of the views after it, and no name in history. */
static bool is_altered_at(struct tree *tree, const struct identity *child)
{
	struct drift_view view = drift_view_at(tree->db, child->seq);
	const struct table_def *def = drift_table_by_id(view, child->table_id);
	struct drift_row row = DRIFT_ROW_INIT;
	bool altered;

	if (!def || !def->altered || def->from_seq != child->seq)
		return false;
	altered = !drift_get_version(view, child->table_id, child->key, &row) &&
		  row.version.seq != child->seq;
	drift_row_release(&row);
	return altered;
}

enum drift_err name_version_child(struct tree *tree, const struct identity *parent,
				  struct slice name, struct buf *key,
				  struct identity *child)
{
	(void)tree, (void)key;
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
	if (!name_parse_seq(name, &child->seq) || !child->seq ||
	    is_altered_at(tree, child))
		return DRIFT_NO_ROW;
	return DRIFT_OK;
}

enum drift_err name_parse(struct tree *tree, const struct identity *parent,
			  struct slice name, struct buf *key, struct identity *child)
{
	const struct kind *kind = kind_of(parent);

	buf_clear(key);
	if (name.size > NAME_BYTES_MAX)
		return DRIFT_NAME_TOO_LONG;
	if (name.size == 0)
		return DRIFT_NO_ROW;
	if (name_is_fixed(tree, parent, name, child))
		return DRIFT_OK;
	if (!kind->child)
		return DRIFT_NO_ROW;
	return kind->child(tree, parent, name, key, child);
}

/* ---- Names at hand ------------------------------------------------------ */

enum drift_err name_tables(struct listing *listing)
{
	const struct table_def *def =
		drift_table_next(listing->view, (struct slice){ 0 });
	enum drift_err err = DRIFT_OK;

	while (def && !err) {
		err = key_component_encode(slice_str(def->name), &listing->fixed);
		buf_add_char(&listing->fixed, '\0');
		def = drift_table_next(listing->view, slice_str(def->name));
	}
	return err;
}

enum drift_err name_scratches(struct listing *listing)
{
	if (listing->directory.seq == SEQ_LIVE)
		scratch_names(&listing->tree->scratches, listing->directory.table_id,
			      &listing->fixed);
	return DRIFT_OK;
}

/* ---- The other way ------------------------------------------------------ */

enum drift_err name_of_row(struct slice key, bool with_suffix, struct buf *name)
{
	enum drift_err err = key_to_name(key, name);

	if (!err && with_suffix)
		buf_add_str(name, ".json");
	return err ? err : buf_status(name);
}

/* The path of the table directory; the newest name of a table that is gone. */
static void table_path(struct tree *tree, const struct identity *identity,
		       struct buf *path)
{
	bool is_version =
		identity->kind == NODE_VERSION || identity->kind == NODE_TOMBSTONE;
	drift_seq seq = is_version ? SEQ_LIVE : identity->seq;
	const struct table_def *def;

	def = drift_table_by_id(tree_view(tree, seq), identity->table_id);
	if (seq != SEQ_LIVE && tree->root.seq == SEQ_LIVE)
		buf_printf(path, "@seq/%llu/", (unsigned long long)seq);
	buf_add_str(path, "tables/");
	if (def)
		if (key_component_encode(slice_str(def->name), path))
			buf_add_char(path, '?');
}

/* The name that a node of a fixed one has. */
static const struct fixed_name *fixed_name(const struct identity *identity)
{
	for (size_t i = 0; i < FIXED_NAMES; i++)
		if (fixed_names[i].kind == identity->kind &&
		    slice_equal(identity->key, slice_str(fixed_names[i].key)))
			return &fixed_names[i];
	return NULL;
}

/* What stands behind the table's directory. */
static void add_row_path(const struct tree *tree, const struct identity *identity,
			 struct buf *path)
{
	bool has_history = tree->root.seq == SEQ_LIVE;
	enum node_kind kind = identity->kind;
	bool is_row = kind == NODE_ROW || (kind == NODE_VERSION && !has_history);

	buf_add_str(path, is_row ? "/rows/" : "/history/");
	if (name_of_row(identity->key, is_row, path))
		buf_add_char(path, '?');
	if (!is_row && kind != NODE_VERSIONS)
		buf_printf(path, "/%llu.%s", (unsigned long long)identity->seq,
			   kind == NODE_TOMBSTONE ? "deleted" : "json");
}

/* The key is made of names, with a NUL between them. */
static void add_by_path(const struct identity *identity, struct buf *path)
{
	const char *at = identity->key.data;

	buf_add_str(path, "/by/");
	for (size_t i = 0; i < identity->key.size; i++)
		buf_add_char(path, at[i] ? at[i] : '/');
}

void name_path(struct tree *tree, const struct identity *identity, struct buf *path)
{
	const struct fixed_name *fixed = fixed_name(identity);

	if (identity->kind >= NODE_DIFF && identity->kind <= NODE_DIFF_CHANGES) {
		buf_printf(path, "@diff/%llu..%llu",
			   (unsigned long long)identity->from,
			   (unsigned long long)identity->seq);
		return;
	}
	if (identity->table_id)
		table_path(tree, identity, path);
	else if (identity->seq != SEQ_LIVE && tree->root.seq == SEQ_LIVE)
		buf_printf(path, "@seq/%llu/", (unsigned long long)identity->seq);
	if (identity->kind == NODE_TABLE)
		return;
	if (fixed) {
		buf_add_str(path, identity->table_id ? "/" : "");
		buf_add_str(path, fixed->parent == NODE_DRIFTFS ? ".driftfs/" : "");
		buf_add_str(path, fixed->name);
		return;
	}
	switch (identity->kind) {
	case NODE_ROW:
	case NODE_VERSION:
	case NODE_TOMBSTONE:
	case NODE_VERSIONS:
		add_row_path(tree, identity, path);
		return;
	case NODE_BY_COLUMN:
	case NODE_BY_VALUE:
		add_by_path(identity, path);
		return;
	case NODE_SCRATCH:
		buf_add_str(path, "/rows/");
		buf_add_slice(path, identity->key);
		return;
	default:
		return;
	}
}
