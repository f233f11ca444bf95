/* SPDX-License-Identifier: MIT */
/* view.c - the database at one seq: its tables, and one row of it. */
#include "engine/txn.h"

struct drift_view drift_view_live(struct drift_db *db)
{
	struct drift_view view = { .db = db };

	/* DDL becomes visible just before the head: read in the other order, a view
	 * never shows rows of a table that it does not know. */
	view.seq = atomic_load(&db->head);
	view.ddl = atomic_load(&db->ddl_visible);
	return view;
}

struct drift_view drift_view_at(struct drift_db *db, drift_seq seq)
{
	return (struct drift_view){ .db = db, .seq = seq };
}

/* What is called name: a table or a saved query. */
static const struct table_def *find_named(struct drift_view view, struct slice name)
{
	const struct table_def *def =
		tables_find(&view.db->tables, name, view.seq, view.ddl);
	const struct drift_txn *txn = view.txn;
	const struct table_def *own;
	bool dropped;

	if (!txn || txn->ddl_count == 0)
		return def;
	if (def) {
		own = txn_defined(txn, view.txn_ops, def->id, &dropped);
		if (!own && !dropped)
			return def;
	}
	for (uint32_t i = view.txn_ops; i-- > 0;) {
		own = txn->ops[i].def;
		if (txn->ops[i].kind == TXN_DEFINE &&
		    slice_equal(slice_str(own->name), name) &&
		    txn_defined(txn, view.txn_ops, own->id, &dropped) == own)
			return own;
	}
	return NULL;
}

const struct table_def *drift_table(struct drift_view view, struct slice name)
{
	const struct table_def *def = find_named(view, name);

	return def && !def->query ? def : NULL;
}

const struct table_def *drift_saved_query(struct drift_view view, struct slice name)
{
	const struct table_def *def = find_named(view, name);

	return def && def->query ? def : NULL;
}

static const struct table_def *find_id(struct drift_view view, uint32_t id)
{
	const struct table_def *own;
	bool dropped = false;

	if (view.txn) {
		own = txn_defined(view.txn, view.txn_ops, id, &dropped);
		if (own || dropped)
			return own;
	}
	return tables_def(&view.db->tables, id, view.seq, view.ddl);
}

const struct table_def *drift_table_by_id(struct drift_view view, uint32_t id)
{
	const struct table_def *def = find_id(view, id);

	return def && !def->query ? def : NULL;
}

static const struct table_def *next_of(struct drift_view view, struct slice after,
				       bool query)
{
	const struct table_def *def = NULL, *best = NULL;
	const struct drift_txn *txn = view.txn;

	/* What the transaction dropped, or made something else, is passed over. */
	do {
		def = tables_next(&view.db->tables,
				  def ? slice_str(def->name) : after, query,
				  view.seq, view.ddl);
		best = def ? find_named(view, slice_str(def->name)) : NULL;
	} while (def && (!best || (best->query != NULL) != query));
	for (uint32_t i = 0; txn && i < view.txn_ops; i++) {
		const struct table_def *own = txn->ops[i].def;

		if (txn->ops[i].kind != TXN_DEFINE ||
		    (own->query != NULL) != query ||
		    slice_compare(slice_str(own->name), after) <= 0 ||
		    find_named(view, slice_str(own->name)) != own)
			continue;
		if (!best || strcmp(own->name, best->name) < 0)
			best = own;
	}
	return best;
}

const struct table_def *drift_table_next(struct drift_view view, struct slice after)
{
	return next_of(view, after, false);
}

const struct table_def *drift_saved_query_next(struct drift_view view,
					       struct slice after)
{
	return next_of(view, after, true);
}

static bool uses(const struct table_def *def, uint32_t id)
{
	for (unsigned i = 0; def && i < def->use_count; i++)
		if (def->uses[i] == id)
			return true;
	return false;
}

const struct table_def *drift_user_of(struct drift_view view, uint32_t id)
{
	uint32_t end = atomic_load(&view.db->tables.id_end);
	const struct table_def *def;

	for (uint32_t i = 0; i < end; i++) {
		def = find_id(view, i);
		if (uses(def, id))
			return def;
	}
	for (uint32_t i = 0; view.txn && i < view.txn_ops; i++) {
		def = view.txn->ops[i].def;
		if (view.txn->ops[i].kind == TXN_DEFINE && uses(def, id) &&
		    find_id(view, def->id) == def)
			return def;
	}
	return NULL;
}

static bool refers(const struct table_def *def, uint32_t id)
{
	for (unsigned i = 0; def && def->id != id && i < def->foreign_count; i++)
		if (def->foreigns[i].table == id)
			return true;
	return false;
}

const struct table_def *drift_referrer_of(struct drift_view view, uint32_t id)
{
	uint32_t end = atomic_load(&view.db->tables.id_end);
	const struct table_def *def;

	for (uint32_t i = 0; i < end; i++) {
		def = find_id(view, i);
		if (refers(def, id))
			return def;
	}
	for (uint32_t i = 0; view.txn && i < view.txn_ops; i++) {
		def = view.txn->ops[i].def;
		if (view.txn->ops[i].kind == TXN_DEFINE && refers(def, id) &&
		    find_id(view, def->id) == def)
			return def;
	}
	return NULL;
}

uint64_t drift_ddl_count(struct drift_db *db)
{
	return atomic_load(&db->ddl_visible);
}

/* ---- Fields and counts ----------------------------------------------------------- */

/* A live view may meet a row that was stored a moment after its head was read. */
static drift_seq fields_until(struct drift_view view)
{
	return view.ddl ? DRIFT_SEQ_MAX : view.seq;
}

unsigned drift_field_count(struct drift_view view, uint32_t table_id)
{
	const struct table *table = tables_get(&view.db->tables, table_id);
	const struct fields *fields = table ? atomic_load(&table->fields) : NULL;
	unsigned count = fields ? atomic_load(&fields->count) : 0;

	/* They stand in order of first appearance. */
	while (count > 0 && !table_field_types(atomic_load(&fields->list[count - 1]),
					       fields_until(view)))
		count--;
	return count;
}

struct field drift_field(struct drift_view view, uint32_t table_id, unsigned i)
{
	const struct table *table = tables_get(&view.db->tables, table_id);
	const struct table_field *field =
		atomic_load(&atomic_load(&table->fields)->list[i]);

	return (struct field){ .name = field->name,
			       .types = table_field_types(field,
							  fields_until(view)) };
}

bool drift_has_integer_keys(struct drift_db *db, uint32_t table_id)
{
	const struct table *table = tables_get(&db->tables, table_id);

	return table && atomic_load(&table->integer_keys);
}

uint64_t drift_row_count(struct drift_db *db, uint32_t table_id)
{
	const struct table *table = tables_get(&db->tables, table_id);
	int64_t rows = table ? atomic_load(&table->row_count) : 0;

	return rows > 0 ? (uint64_t)rows : 0;
}

/* ---- One row --------------------------------------------------------------------- */

void drift_row_release(struct drift_row *row)
{
	buf_release(&row->memory);
	row->version = (struct drift_version){ 0 };
}

/* Copy what the version points to into the row's memory (where its row may be
 * already, if it was read from the log). */
static enum drift_err row_own(struct drift_row *row,
			      const struct drift_version *version)
{
	struct buf *memory = &row->memory;
	size_t size = version->row.size;
	const char *data = version->row.data;
	bool inside = memory->data && data >= memory->data &&
		      data < memory->data + memory->capacity;
	size_t at = inside ? (size_t)(data - memory->data) : 0;

	if (!inside) {
		buf_clear(memory);
		buf_add(memory, data, size);
	}
	size_t key_at = memory->size;

	buf_add_slice(memory, version->key);
	if (buf_status(memory))
		return DRIFT_NOMEM;
	row->version = *version;
	row->version.row = slice_of(memory->data + at, size);
	row->version.places = (struct slice){ 0 };
	row->version.key = slice_of(memory->data + key_at, version->key.size);
	return DRIFT_OK;
}

static enum drift_err get_own(struct drift_view view, uint32_t table_id,
			      struct slice key, struct drift_version *version)
{
	const struct memtable *overlay;
	const struct entry *entry;
	enum drift_err err;

	if (!view.txn || view.txn_ops == 0)
		return DRIFT_NO_ROW;
	err = overlay_read(view.txn, &overlay);
	if (err)
		return err;
	entry = overlay ? memtable_get(overlay, table_id, key, view.txn_ops) : NULL;
	if (!entry)
		return DRIFT_NO_ROW;
	*version = entry_version(entry);
	version->seq = 0;
	return DRIFT_OK;
}

/* The row in the names that the view has for its columns. */
static enum drift_err show_row(struct drift_view view, uint32_t table_id,
			       struct drift_row *row)
{
	const struct table_def *def = drift_table_by_id(view, table_id);
	struct slice key = row->version.key;
	struct buf memory = BUF_INIT;
	enum drift_err err;
	size_t size;

	if (!def || !def->altered || row->version.op == DRIFT_OP_DELETE)
		return DRIFT_OK;
	err = row_show(def, row->version.row, row->version.seq, &memory);
	size = memory.size;
	buf_add_slice(&memory, key);
	if (!err)
		err = buf_status(&memory);
	if (err) {
		buf_release(&memory);
		return err;
	}
	row->version.row = slice_of(memory.data, size);
	row->version.places = (struct slice){ 0 };
	row->version.key = slice_of(memory.data + size, key.size);
	buf_release(&row->memory);
	row->memory = memory;
	return DRIFT_OK;
}

static enum drift_err get(struct drift_view view, uint32_t table_id,
			  struct slice key, bool alive, struct drift_row *row)
{
	struct drift_version version;
	struct reading reading = { 0 };
	struct image *image = NULL;
	enum drift_err err = get_own(view, table_id, key, &version);
	bool own = err != DRIFT_NO_ROW;

	if (!own && alive) /* an image knows nothing of who is gone */
		image = images_find(view.db, table_id, view.seq);
	if (image)
		err = image_get(image, key, &version) ? DRIFT_OK : DRIFT_NO_ROW;
	else if (!own)
		err = reading_get_one(&reading, view.db, table_id, key, view.seq,
				      alive, &row->memory, &version);
	if (!err)
		err = row_own(row, &version);
	image_put(image);
	reading_end(&reading);
	return err ? err : show_row(view, table_id, row);
}

enum drift_err drift_get_version(struct drift_view view, uint32_t table_id,
				 struct slice key, struct drift_row *row)
{
	return get(view, table_id, key, false, row);
}

drift_seq drift_shown_since(struct drift_view view, uint32_t table_id, drift_seq seq)
{
	const struct table_def *def = drift_table_by_id(view, table_id);

	return def && def->altered && def->from_seq > seq ? def->from_seq : seq;
}

enum drift_err drift_get(struct drift_view view, uint32_t table_id, struct slice key,
			 struct drift_row *row)
{
	enum drift_err err = get(view, table_id, key, true, row);

	if (!err && row->version.op == DRIFT_OP_DELETE)
		return DRIFT_NO_ROW;
	return err;
}
