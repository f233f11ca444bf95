/* SPDX-License-Identifier: MIT */
/* catalog.h - which tables there are, and were, and how they are defined.
 *
 * A table's definition is immutable; a schema change adds a new version of it.
 * Versions are only ever added, and live until the database is closed, so
 * pointers to them stay good and readers take no lock. A version holds for the
 * seqs [from_seq, until): DDL takes no seq of its own, it takes effect with the
 * next one, so the view at N never changes once event N exists. */
#ifndef DRIFT_ENGINE_CATALOG_H
#define DRIFT_ENGINE_CATALOG_H

#include "engine/key.h"
#include "engine/moment.h"

#define TABLE_COLUMNS_MAX 500
#define TABLE_INDEXES_MAX 32
#define TABLE_KEY_PARTS_MAX 8
#define TABLE_CHECKS_MAX 64
#define TABLE_FOREIGN_MAX 32
#define TABLE_USES_MAX 64 /* tables that one saved query reads */
#define TABLE_NAME_BYTES_MAX 200

enum drift_type {
	DRIFT_ANY, /* no declared type: any JSON value */
	DRIFT_INTEGER,
	DRIFT_REAL, /* REAL, DOUBLE, NUMERIC: integers are accepted too */
	DRIFT_TEXT,
	DRIFT_BOOLEAN,
	DRIFT_JSON,      /* any JSON value */
	DRIFT_TIMESTAMP, /* text that moment.h reads as a time */
	DRIFT_BLOB,      /* text or blob */
	DRIFT_DATE,      /* a timestamp that is declared DATE: stored as one */
};

struct column_def {
	char *name;
	/* The member that holds the column in stored rows: the name it was made
	 * with, which a renamed column keeps. No other column of the table, before or
	 * after, has the same. */
	char *stored;
	char *declared; /* as written, "VARCHAR(20)"; "" if there was none */
	enum drift_type type;
	uint32_t length_max; /* characters, for VARCHAR(n); 0 = any */
	bool not_null;
	bool is_narrowed; /* rows that are there were not checked yet */
	bool has_default;
	char *default_sql; /* or an expression, evaluated for each new row; NULL */
	struct buf default_value; /* one MessagePack value, when has_default */
	/* A column that was added with a default: rows older than added_seq show
	 * `missing`. Until the DDL commits added_seq is DRIFT_SEQ_MAX. */
	bool has_missing;
	struct buf missing;
	drift_seq added_seq;
};

struct index_state;

struct index_def {
	char *name;
	uint32_t id; /* unique in the database; 0 until the DDL commits */
	bool unique;
	unsigned column_count;
	char **columns; /* column names, in the index's order */
	/* How much of it is there (index_build.h); NULL until the DDL commits. */
	struct index_state *state;
};

/* A condition that each row must not fail (NULL is no failure). */
struct check_def {
	char *name;
	char *sql;   /* an expression over the table's columns */
	bool is_new; /* rows that are there were not checked yet */
};

/* What becomes of rows whose referenced row is deleted, or gets another key. */
enum foreign_action {
	FOREIGN_REFUSE, /* NO ACTION, RESTRICT: that is refused */
	FOREIGN_CASCADE,
	FOREIGN_SET_NULL,
};

/* REFERENCES: a row in which all of `columns` are given needs a row of the other table
 * with them as its key, or as its values of a unique index. Some index of the table
 * begins with the same columns. */
struct foreign_def {
	char *name;
	uint32_t table; /* the other's id; 0: the table's own, not given yet */
	uint32_t index; /* the id of the other's index; 0: its primary key */
	unsigned column_count;
	char **columns; /* in the order of that key or index */
	enum foreign_action on_delete;
	enum foreign_action on_update;
	bool is_new; /* rows that are there were not checked yet */
	/* As written, until they are found (query/foreign.c); else NULL, 0. Columns of an
	 * index that has no id yet, of the table's own, stay until it is given one. */
	char *target;
	unsigned target_count;
	char **target_columns;
};

/* "integer", "text" ...: in messages and in encoded definitions. */
const char *drift_type_name(enum drift_type type);

/* Tables and saved queries (SQL's views) share one space of names and are versioned
 * alike. A saved query is a definition with `query` set; it has no rows and no key,
 * and its columns, if any, only name what the query answers.
 *
 * A document table (CREATE TABLE t (pk=id, ...)) has one column, its key, and
 * takes any other member. A declared table has all its columns and refuses
 * unknown members. A sequence is a declared table to everybody but query/. */
struct table_def {
	uint32_t id; /* unique in the database, never reused; 0 until the
				 * DDL commits */
	char *name;
	bool document;
	bool sequence; /* what SQL calls a sequence: one row, its state */
	unsigned column_count;
	struct column_def *columns;
	unsigned key_count;    /* parts of the key, >= 1 */
	unsigned *key_columns; /* indexes into columns, in key order */
	unsigned index_count;
	struct index_def *indexes;
	unsigned version; /* of the definition: 1, 2, ... */
	unsigned retired; /* columns dropped and renamed so far */
	bool altered;     /* rows may be stored otherwise than shown */
	unsigned check_count;
	struct check_def *checks;
	unsigned foreign_count;
	struct foreign_def *foreigns;
	uint64_t serial;       /* of this copy in memory: no other has the same */
	char *query;           /* a saved query's SELECT; NULL: a table */
	unsigned use_count;    /* of a saved query: the tables and saved */
	uint32_t *uses;        /* queries it reads, by id */
	char *sql;             /* the statement that made this version */
	drift_seq created_seq; /* first seq at which the table exists */
	drift_seq from_seq;    /* first seq at which this version holds */
	drift_time_ns created_time;
};

/* Heap definitions for DDL. table_def_copy: deep. free(NULL) is fine. */
struct table_def *table_def_new(const char *name);
struct table_def *table_def_copy(const struct table_def *def);
void table_def_free(struct table_def *def);
/* Append a column, an index; NULL when out of memory. The name is copied; the
 * pointer is good until the next one is appended. */
struct column_def *table_def_add_column(struct table_def *def, const char *name);
struct index_def *table_def_add_index(struct table_def *def, const char *name);
struct check_def *table_def_add_check(struct table_def *def, const char *name,
				      const char *sql);
void table_def_drop_check(struct table_def *def, unsigned check);
enum drift_err index_def_add_column(struct index_def *index, const char *name);
/* foreign_def.c: the same for REFERENCES. */
struct foreign_def *table_def_add_foreign(struct table_def *def, const char *name);
void table_def_drop_foreign(struct table_def *def, unsigned foreign);
enum drift_err foreign_def_add_column(struct foreign_def *foreign, const char *name);
enum drift_err foreign_def_add_target(struct foreign_def *foreign, const char *name);
bool foreign_def_has(const struct foreign_def *foreign, const char *column);
/* Copy those of `from`; false when out of memory. */
bool foreign_defs_copy(struct table_def *def, const struct table_def *from);
enum drift_err foreign_defs_rename(struct table_def *def, const char *from,
				   const char *to);
void foreign_defs_free(struct table_def *def);
enum drift_err foreign_defs_check(const struct table_def *def,
				  struct drift_error *error);
/* The index that begins with the columns; NULL: none. */
const struct index_def *foreign_def_index(const struct table_def *def,
					  const struct foreign_def *foreign);
/* Those of the other table, `parent`, that the columns refer to, in their order; NULL:
 * there is no i-th, or no such index any more. */
const struct column_def *foreign_def_target(const struct table_def *parent,
					    const struct foreign_def *foreign,
					    unsigned i);
/* The index they are of; NULL when they are the key. */
const struct index_def *foreign_def_target_index(const struct table_def *parent,
						 const struct foreign_def *foreign);
/* Find the index of target_columns, of the table's own, which have ids now. */
enum drift_err foreign_def_find_index(const struct table_def *def,
				      struct foreign_def *foreign);
void foreign_def_clear_targets(struct foreign_def *foreign);
/* Append what a stored row of the other table, `parent`, is referred to by, as key
 * parts: its key, or its values of the index. DRIFT_DONE when one of them is null. */
enum drift_err foreign_def_own(const struct table_def *parent,
			       const struct foreign_def *foreign, struct slice key,
			       struct slice row, drift_seq seq, struct buf *own);
/* Append what a stored row refers to by, in the other table, `parent`: DRIFT_DONE
 * when one of the columns is null; empty: no row can have that key. */
enum drift_err foreign_def_key(const struct table_def *def,
			       const struct foreign_def *foreign,
			       const struct table_def *parent, struct slice row,
			       drift_seq seq, struct buf *key);
/* Append a row as shown, with its columns set to the values (MessagePack), in their
 * order; NULL: to null. */
enum drift_err foreign_def_set(const struct foreign_def *foreign, struct slice shown,
			       const struct slice *values, struct buf *out);
/* Append a column to a table that has rows, or may have had: what the rows there are
 * show for it is its default, *missing (or nothing: NULL). */
enum drift_err table_def_alter_add(struct table_def *def, unsigned column);
/* Take column away, with the indexes over it. */
enum drift_err table_def_alter_drop(struct table_def *def, unsigned column);
/* Give it another name, in the indexes over it too. */
enum drift_err table_def_alter_rename(struct table_def *def, unsigned column,
				      const char *name);
void table_def_drop_index(struct table_def *def, unsigned index);
/* Note that a saved query reads the table with this id; once is enough. */
enum drift_err table_def_add_use(struct table_def *def, uint32_t id);
/* Names, bounds, duplicate columns, key columns present: the first fault. */
enum drift_err table_def_check(const struct table_def *def,
			       struct drift_error *error);

/* As MessagePack, in DDL frames and in the index. */
enum drift_err table_def_encode(const struct table_def *def, struct buf *out);
enum drift_err table_def_decode(struct slice bytes, struct table_def **def);

/* Does the column take this value (MessagePack; nil always)? Else DRIFT_BAD_TYPE,
 * DRIFT_TOO_LONG or DRIFT_BAD_TEXT. */
enum drift_err column_def_check_value(const struct column_def *column,
				      struct slice value, struct drift_error *error);

/* The column called name, NULL when none is declared. */
const struct column_def *table_def_column(const struct table_def *def,
					  struct slice name);
/* kinds[i] for each key part: what key_from_name needs. */
void table_def_key_kinds(const struct table_def *def,
			 enum key_kind kinds[TABLE_KEY_PARTS_MAX]);
/* Does any column have one? */
bool table_def_has_defaults(const struct table_def *def);

/* Expressions are evaluated by whoever knows SQL: query/ gives these once, at its
 * start (query_rules_install). Any thread calls them; they are bounded in time and
 * memory, read nothing but the row, and take no lock. While there are none, rows of
 * tables that need them are refused (DRIFT_UNSUPPORTED).
 *
 * A default that needs the database (a sequence) is not for `fill`: the statement that
 * inserts fills it in before it calls row_shape, which leaves given members alone. */
struct row_rules {
	/* Does row, as shown, keep all of def's checks? DRIFT_CHECK names the one it
	 * does not keep. */
	enum drift_err (*check)(const struct table_def *def, struct slice row,
				struct drift_error *error);
	/* Append the value of column's default_sql for a new row. */
	enum drift_err (*fill)(const struct table_def *def, unsigned column,
			       struct buf *value, struct drift_error *error);
};

/* Does the row, as shown, keep the checks? */
enum drift_err row_check(const struct table_def *def, struct slice row,
			 struct drift_error *error);
void row_rules_set(const struct row_rules *rules);

/* Rows, by the table's rules: the one place for every door. */

/* The key of document as key bytes. Missing or null: DRIFT_BAD_KEY, in a declared
 * table DRIFT_NOT_NULL; of the wrong type: DRIFT_BAD_TYPE; empty: DRIFT_BAD_KEY; not
 * UTF-8: DRIFT_BAD_TEXT; too long for a file name: DRIFT_NAME_TOO_LONG. Appended. */
enum drift_err row_key(const struct table_def *def, struct slice document,
		       struct buf *key, struct drift_error *error);
/* Check document against def and append the row to store: defaults filled in
 * when is_new, types checked, NOT NULL, unknown members refused. `key` may be
 * NULL_SLICE-like (size 0) or the key the row must have (a file's name): a
 * document without key members gets them, first; another key is DRIFT_BAD_KEY. */
enum drift_err row_shape(const struct table_def *def, struct slice document,
			 struct slice key, bool is_new, struct buf *row,
			 struct drift_error *error);
/* Rows as they are stored, in the log, the index and snapshots, name their members by
 * column_def.stored; rows as a view shows them have the names that the view's version
 * of the definition gives, lack what it dropped, and have the defaults of columns that
 * are younger than they are. Both are the same unless `altered` is set; document
 * tables never are. Everything in engine.h takes and gives rows as they are shown:
 * who reads frames, the index or snapshots calls row_show (appends). seq: the version's
 * own; 0: a transaction's own write. */
enum drift_err row_show(const struct table_def *def, struct slice stored,
			drift_seq seq, struct buf *shown);
enum drift_err row_store(const struct table_def *def, struct slice shown,
			 struct buf *stored);
/* The index value (key parts, cut at KEY_VALUE_BYTES_MAX) of a stored row.
 * Missing members, arrays and maps count as NULL. */
enum drift_err row_index_value(const struct table_def *def,
			       const struct index_def *index, struct slice row,
			       drift_seq seq, struct buf *value);
/* One column's value in a stored row: DRIFT_DONE when it has none. */
enum drift_err row_member(const struct table_def *def, const char *name,
			  struct slice row, drift_seq seq, struct slice *value);
/* The key as people write it: text, a number, or an array for a composite key,
 * as one MessagePack value (dump's "pk"). as_integer: a document table's key
 * whose row holds it as an integer. */
enum drift_err row_key_value(const struct table_def *def, struct slice key,
			     bool as_integer, struct buf *value);

#endif
