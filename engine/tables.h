/* SPDX-License-Identifier: MIT */
/* tables.h - the catalog in memory: every version of every table's definition,
 * and what is known of each table's rows (fields seen, row count).
 *
 * DDL, recovery and the committer add, one thread at a time; readers take no
 * lock. Nothing is removed before tables_release, so pointers stay good. */
#ifndef DRIFT_ENGINE_TABLES_H
#define DRIFT_ENGINE_TABLES_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/frame.h"

#define TABLES_BUCKETS 1024
#define TABLES_CHUNK 256
#define TABLES_CHUNKS 4096             /* so at most about a million tables, ever */
#define TABLES_NEWEST (UINT64_MAX - 1) /* as ddl: what the last statement left */
#define FIELDS_BUCKETS 4096            /* > 2 * FIELDS_MAX */

struct table_version {
	struct table_def *def;
	drift_seq from; /* holds for from <= seq < until */
	_Atomic drift_seq until;
	uint64_t ddl_from; /* and, live, for ddl_from <= ddl < ddl_until */
	_Atomic uint64_t ddl_until;
	struct table_version *older;     /* of the same table */
	struct table_version *next_name; /* in its bucket */
};

struct table_field {
	char *name;
	/* The first event that held each type, 0: none did. */
	_Atomic drift_seq since[MSG_MAP + 1];
};

/* The members seen at the top level of a table's rows. */
struct fields {
	_Atomic unsigned count;
	_Atomic(struct table_field *) list[FIELDS_MAX];
	uint16_t buckets[FIELDS_BUCKETS]; /* the adder's: index + 1 */
};

struct table {
	uint32_t id;
	_Atomic(struct table_version *) newest;
	_Atomic(struct fields *) fields; /* NULL until a row was seen */
	_Atomic bool integer_keys;
	_Atomic int64_t row_count;
	/* The newest event that row_count may hold: stored before that is changed. */
	_Atomic drift_seq counted;
	_Atomic bool touched; /* it may have, or have had, rows */
	_Atomic bool dirty;   /* fields or integer_keys changed since saved */
};

struct index_state;

struct table_foreign {
	uint32_t id;
	struct table_foreign *next;
};

struct tables {
	_Atomic(struct table_version *) names[TABLES_BUCKETS];
	_Atomic(_Atomic(struct table *) *) chunks[TABLES_CHUNKS];
	_Atomic uint32_t next_id; /* next table id */
	_Atomic uint32_t next_index_id;
	_Atomic uint64_t ddl_count;
	_Atomic uint64_t ddl_folded; /* of them, those that the index has */
	/* Every index that ever was; new ones come first. */
	_Atomic(struct index_state *) indexes;
	bool loading; /* what the index knows: index_build_load says what is there */
	/* The tables that have, or had, REFERENCES; new ones come first. */
	_Atomic(struct table_foreign *) foreign;
	_Atomic uint32_t id_end; /* every table's id is below */
};

void tables_init(struct tables *tables);
void tables_release(struct tables *tables);

/* Take a DDL frame's statement in: it holds from `seq` on. DRIFT_CORRUPT when it
 * does not fit what is there. */
enum drift_err tables_apply(struct tables *tables, const struct frame_ddl *ddl,
			    drift_seq seq, drift_time_ns time);

/* NULL when there is none. */
struct table *tables_get(const struct tables *tables, uint32_t id);
/* Does the view show this version? ddl 0: by seq. */
bool table_version_shown(const struct table_version *version, drift_seq seq,
			 uint64_t ddl);
/* The version of table `id` that the view shows. */
const struct table_def *tables_def(const struct tables *tables, uint32_t id,
				   drift_seq seq, uint64_t ddl);
const struct table_def *tables_find(const struct tables *tables, struct slice name,
				    drift_seq seq, uint64_t ddl);
/* query: saved queries, else tables. */
const struct table_def *tables_next(const struct tables *tables, struct slice after,
				    bool query, drift_seq seq, uint64_t ddl);

/* Note the members of a row that was stored. */
enum drift_err table_note_row(struct table *table, const struct table_def *def,
			      struct slice row, bool integer_key, drift_seq seq);
/* Member `name` held a value of this type at event seq. */
enum drift_err table_note_field(struct table *table, struct slice name,
				enum msg_type type, drift_seq seq);
/* bits 1 << enum msg_type that the field held up to seq. */
uint32_t table_field_types(const struct table_field *field, drift_seq seq);

#endif
