/* SPDX-License-Identifier: MIT */
/* tables.c - versions of definitions, by name and by id; see tables.h. */
#include "engine/tables.h"

#include "engine/index_build.h"

#include <stdlib.h>

void tables_init(struct tables *tables)
{
	memset(tables, 0, sizeof(*tables));
	atomic_init(&tables->next_id, 1);
	atomic_init(&tables->next_index_id, 1);
	atomic_init(&tables->ddl_count, 1);
	atomic_init(&tables->ddl_folded, 1);
}

static void table_free(struct table *table)
{
	struct fields *fields = atomic_load(&table->fields);
	struct table_version *older;

	for (unsigned i = 0; fields && i < atomic_load(&fields->count); i++) {
		struct table_field *field = atomic_load(&fields->list[i]);

		free(field->name);
		free(field);
	}
	free(fields);
	for (struct table_version *version = atomic_load(&table->newest); version;
	     version = older) {
		older = version->older;
		table_def_free(version->def);
		free(version);
	}
	free(table);
}

static void foreigns_free(struct tables *tables)
{
	struct table_foreign *at = atomic_load(&tables->foreign), *next;

	for (; at; at = next) {
		next = at->next;
		free(at);
	}
}

void tables_release(struct tables *tables)
{
	for (unsigned c = 0; c < TABLES_CHUNKS; c++) {
		_Atomic(struct table *) *chunk = atomic_load(&tables->chunks[c]);

		if (!chunk)
			continue;
		for (unsigned i = 0; i < TABLES_CHUNK; i++)
			if (atomic_load(&chunk[i]))
				table_free(atomic_load(&chunk[i]));
		free(chunk);
	}
	index_states_free(tables);
	foreigns_free(tables);
	tables_init(tables);
}

/* ---- Looking up ------------------------------------------------------- */

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo). */
static uint32_t name_hash(struct slice name)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ ((const uint8_t *)name.data)[i]) * 16777619u;
	return hash;
}

struct table *tables_get(const struct tables *tables, uint32_t id)
{
	_Atomic(struct table *) *chunk;

	if (id / TABLES_CHUNK >= TABLES_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&tables->chunks[id / TABLES_CHUNK],
				     memory_order_acquire);
	return chunk ? atomic_load_explicit(&chunk[id % TABLES_CHUNK],
					    memory_order_acquire)
		     : NULL;
}

bool table_version_shown(const struct table_version *version, drift_seq seq,
			 uint64_t ddl)
{
	if (ddl)
		return version->ddl_from <= ddl &&
		       ddl < atomic_load(&version->ddl_until);
	return version->from <= seq && seq < atomic_load(&version->until);
}

const struct table_def *tables_def(const struct tables *tables, uint32_t id,
				   drift_seq seq, uint64_t ddl)
{
	struct table *table = tables_get(tables, id);
	struct table_version *version =
		table ? atomic_load_explicit(&table->newest, memory_order_acquire)
		      : NULL;

	while (version && !table_version_shown(version, seq, ddl))
		version = version->older;
	return version ? version->def : NULL;
}

const struct table_def *tables_find(const struct tables *tables, struct slice name,
				    drift_seq seq, uint64_t ddl)
{
	struct table_version *version = atomic_load_explicit(
		&tables->names[name_hash(name) % TABLES_BUCKETS],
		memory_order_acquire);

	for (; version; version = version->next_name)
		if (slice_equal(slice_str(version->def->name), name) &&
		    table_version_shown(version, seq, ddl))
			return version->def;
	return NULL;
}

const struct table_def *tables_next(const struct tables *tables, struct slice after,
				    bool query, drift_seq seq, uint64_t ddl)
{
	uint32_t end = atomic_load(&tables->id_end);
	const struct table_def *best = NULL;

	for (uint32_t id = 0; id < end; id++) {
		const struct table_def *def = tables_def(tables, id, seq, ddl);

		if (!def || (def->query != NULL) != query ||
		    slice_compare(slice_str(def->name), after) <= 0)
			continue;
		if (!best || strcmp(def->name, best->name) < 0)
			best = def;
	}
	return best;
}

/* ---- Changing --------------------------------------------------------- */

static struct table *table_make(struct tables *tables, uint32_t id)
{
	_Atomic(_Atomic(struct table *) *) *slot;
	_Atomic(struct table *) *chunk;
	struct table *table = tables_get(tables, id);

	if (table || id / TABLES_CHUNK >= TABLES_CHUNKS)
		return table;
	slot = &tables->chunks[id / TABLES_CHUNK];
	chunk = atomic_load(slot);
	if (!chunk) {
		chunk = calloc(TABLES_CHUNK, sizeof(*chunk));
		if (!chunk)
			return NULL;
		atomic_store(slot, chunk);
	}
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->id = id;
	atomic_store(&chunk[id % TABLES_CHUNK], table);
	if (atomic_load(&tables->id_end) <= id)
		atomic_store(&tables->id_end, id + 1);
	return table;
}

static void version_end(struct table_version *version, drift_seq seq, uint64_t ddl)
{
	atomic_store(&version->until, seq);
	atomic_store(&version->ddl_until, ddl);
}

static void raise_u32(_Atomic uint32_t *counter, uint32_t value)
{
	if (atomic_load(counter) <= value)
		atomic_store(counter, value + 1);
}

static void version_add(struct tables *tables, struct table *table,
			struct table_version *version)
{
	_Atomic(struct table_version *) *bucket =
		&tables->names[name_hash(slice_str(version->def->name)) %
			       TABLES_BUCKETS];

	raise_u32(&tables->next_id, table->id);
	for (unsigned i = 0; i < version->def->index_count; i++)
		raise_u32(&tables->next_index_id, version->def->indexes[i].id);
	version->older = atomic_load(&table->newest);
	version->next_name = atomic_load(bucket);
	atomic_store_explicit(&table->newest, version, memory_order_release);
	atomic_store_explicit(bucket, version, memory_order_release);
}

/* Since when each column is there that older rows show a default for. */
static void take_added_seqs(struct table_def *def, const struct table_def *old,
			    drift_seq seq)
{
	for (unsigned i = 0; i < def->column_count; i++) {
		struct column_def *column = &def->columns[i];

		if (!column->has_missing)
			continue;
		column->added_seq = seq;
		for (unsigned j = 0; old && j < old->column_count; j++)
			if (strcmp(old->columns[j].stored, column->stored) == 0)
				column->added_seq = old->columns[j].added_seq;
	}
}

static enum drift_err note_foreign(struct tables *tables,
				   const struct table_def *def)
{
	struct table_foreign *first = atomic_load(&tables->foreign);
	struct table_foreign *added;

	for (const struct table_foreign *at = first; at; at = at->next)
		if (at->id == def->id)
			return DRIFT_OK;
	added = malloc(sizeof(*added));
	if (!added)
		return DRIFT_NOMEM;
	*added = (struct table_foreign){ .id = def->id, .next = first };
	atomic_store(&tables->foreign, added);
	return DRIFT_OK;
}

static enum drift_err apply_define(struct tables *tables, struct table *table,
				   const struct frame_ddl *ddl, drift_seq seq,
				   drift_time_ns time, uint64_t ddl_number)
{
	struct table_version *version = calloc(1, sizeof(*version));
	struct table_version *old = atomic_load(&table->newest);
	enum drift_err err;

	if (!version)
		return DRIFT_NOMEM;
	err = table_def_decode(ddl->definition, &version->def);
	if (!err && version->def->id != ddl->table_id) {
		table_def_free(version->def);
		err = DRIFT_CORRUPT;
	}
	if (err) {
		free(version);
		return err;
	}
	version->from = seq;
	version->ddl_from = ddl_number;
	atomic_init(&version->until, DRIFT_SEQ_MAX);
	atomic_init(&version->ddl_until, UINT64_MAX);
	version->def->from_seq = seq;
	version->def->version = old ? old->def->version + 1 : 1;
	err = index_states_give(tables, version->def, old ? old->def : NULL,
				atomic_load(&table->touched), ddl_number);
	if (!err && version->def->foreign_count)
		err = note_foreign(tables, version->def);
	if (err) {
		table_def_free(version->def);
		free(version);
		return err;
	}
	take_added_seqs(version->def, old ? old->def : NULL, seq);
	version->def->created_seq = old ? old->def->created_seq : seq;
	version->def->created_time = old ? old->def->created_time : time;
	version_add(tables, table, version);
	if (old)
		version_end(old, seq, ddl_number);
	return DRIFT_OK;
}

enum drift_err tables_apply(struct tables *tables, const struct frame_ddl *ddl,
			    drift_seq seq, drift_time_ns time)
{
	uint64_t number = atomic_load(&tables->ddl_count) + 1;
	struct table *table = table_make(tables, ddl->table_id);
	struct table_version *newest;
	enum drift_err err = DRIFT_OK;

	if (!table)
		return ddl->table_id / TABLES_CHUNK >= TABLES_CHUNKS ? DRIFT_CORRUPT
								     : DRIFT_NOMEM;
	newest = atomic_load(&table->newest);
	if (ddl->op == DDL_DEFINE)
		err = apply_define(tables, table, ddl, seq, time, number);
	else if (ddl->op == DDL_DROP && newest)
		version_end(newest, seq, number);
	else
		err = DRIFT_CORRUPT;
	if (!err)
		atomic_store(&tables->ddl_count, number);
	return err;
}

/* ---- Fields ----------------------------------------------------------- */

static struct fields *fields_of(struct table *table)
{
	struct fields *fields = atomic_load(&table->fields);

	if (!fields) {
		fields = calloc(1, sizeof(*fields));
		if (fields)
			atomic_store(&table->fields, fields);
	}
	return fields;
}

static enum drift_err field_add(struct fields *fields, struct slice name,
				enum msg_type type, drift_seq seq, unsigned bucket)
{
	unsigned count = atomic_load(&fields->count);
	struct table_field *field = calloc(1, sizeof(*field));

	if (field)
		field->name = strndup(name.data, name.size);
	if (!field || !field->name) {
		free(field);
		return DRIFT_NOMEM;
	}
	atomic_init(&field->since[type], seq);
	atomic_store(&fields->list[count], field);
	atomic_store(&fields->count, count + 1);
	fields->buckets[bucket] = (uint16_t)(count + 1);
	return DRIFT_OK;
}

enum drift_err table_note_field(struct table *table, struct slice name,
				enum msg_type type, drift_seq seq)
{
	struct fields *fields = fields_of(table);
	unsigned bucket = name_hash(name) % FIELDS_BUCKETS;
	struct table_field *field;

	if (!fields)
		return DRIFT_NOMEM;
	for (; fields->buckets[bucket]; bucket = (bucket + 1) % FIELDS_BUCKETS) {
		field = atomic_load(&fields->list[fields->buckets[bucket] - 1]);
		if (!slice_equal(slice_str(field->name), name))
			continue;
		if (!atomic_load(&field->since[type])) {
			atomic_store(&field->since[type], seq);
			atomic_store(&table->dirty, true);
		}
		return DRIFT_OK;
	}
	if (atomic_load(&fields->count) == FIELDS_MAX)
		return DRIFT_OK;
	atomic_store(&table->dirty, true);
	return field_add(fields, name, type, seq, bucket);
}

uint32_t table_field_types(const struct table_field *field, drift_seq seq)
{
	uint32_t types = 0;

	for (unsigned type = 0; type <= MSG_MAP; type++) {
		drift_seq since = atomic_load(&field->since[type]);

		if (since && since <= seq)
			types |= 1u << type;
	}
	return types;
}

enum drift_err table_note_row(struct table *table, const struct table_def *def,
			      struct slice row, bool integer_key, drift_seq seq)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	struct slice name, value;
	struct msg_cursor item;
	struct msg_value head;
	uint32_t count;
	enum drift_err err;

	if (integer_key && !atomic_load(&table->integer_keys)) {
		atomic_store(&table->integer_keys, true);
		atomic_store(&table->dirty, true);
	}
	if (!def->document)
		return DRIFT_OK;
	err = msg_read_map(&cursor, &count);
	while (!err && count-- > 0) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (err || slice_equal(name, slice_str(def->columns[0].name)))
			continue;
		item = msg_cursor_of(value);
		err = msg_read(&item, &head);
		if (!err)
			err = table_note_field(table, name, head.type, seq);
	}
	return err;
}
