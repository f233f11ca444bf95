/* SPDX-License-Identifier: MIT */
/* relation.h - SQLite's picture of one table: its columns by number.
 *
 * A relation's columns are the table's declared ones, every field seen in its
 * rows so far, and fields that a statement of this session names before any row
 * has them; then the hidden ones below. They are only ever added, and what SQLite
 * was told is renewed when a statement mentions the table again. Its SQLite name is
 * the table's. A table that is called with a moment is another relation, "name@id.version":
 * its name may be another table's by now, and SQLite must never scan it without the
 * call's arguments, as it would for one side of an OR.
 *
 * A moment's `*` shows the fields seen until then; those seen later are hidden columns
 * there, null wherever they are named. Calls at moments that show other fields are
 * relations of their own.
 *
 * Names are compared as SQLite does, case aside. A field that differs from another
 * column in case only is shown but has no name in SQL: its SQLite name carries a
 * mark (RELATION_MARK) that is cut off where names are handed out. */
#ifndef DRIFT_QUERY_RELATION_H
#define DRIFT_QUERY_RELATION_H

#include "engine/engine.h"
#include "engine/msg_step.h"
#include "query/token.h"

struct query_session;

#define RELATION_MARK '\x01'
#define RELATION_COLUMNS_MAX 1900
#define RELATION_ALL UINT32_MAX

/* Hidden columns, in this order after the visible ones. The first three are the
 * arguments of the table-valued form, "t"(form, a, b): asof.h. */
#define RELATION_ROWS "_rows\x01" /* HIDDEN_ROWS: a name that nobody writes */
enum relation_hidden {
	HIDDEN_FORM,
	HIDDEN_A,
	HIDDEN_B,
	HIDDEN_DOC,
	HIDDEN_ROW_START,
	HIDDEN_ROW_END,
	HIDDEN_SEQ,
	HIDDEN_SEQ_END,
	HIDDEN_OP,
	HIDDEN_TX,
	HIDDEN_USER,
	HIDDEN_COMMENT,
	HIDDEN_ROWS, /* how many rows there are, for rewrite_count.c alone */
	HIDDEN_KEY,  /* key bytes, and the version's seq in range forms */
	HIDDEN_COUNT,
};

struct relation_column {
	const char *name;
	uint32_t size;
	uint32_t hash;                /* of the name in lower case */
	int next;                     /* with the same slot; -1 */
	int field;                    /* its number in drift_field, -1 */
	bool marked;                  /* has no name in SQL */
	bool owned;                   /* name is ours to free */
	const struct column_def *def; /* NULL: a field of a document table */
	struct msg_step_name step;    /* its name in documents */
	/* reader.c's: the member it was last found as; noted in the row of... */
	uint32_t member;
	uint64_t stamp;
};

struct relation {
	struct relation *next;
	char *name; /* in SQLite */
	const struct table_def *def;
	bool timed;             /* only ever called with form, a, b */
	bool declared;          /* SQLite knows it with all its columns */
	unsigned fields_taken;  /* the first of drift_field that are columns */
	unsigned fields_shown;  /* the first of them that `*` shows; RELATION_ALL */
	unsigned fields_hidden; /* columns that `*` does not show, as declared */
	unsigned marked_count;  /* columns without a name in SQL */
	unsigned column_count;
	unsigned column_capacity;
	struct relation_column *columns;
	uint64_t stamp;      /* counts the rows whose members reader.c noted */
	unsigned slot_count; /* a power of two */
	int *slots;
};

/* The relation of def under the name it has in SQL, made when it is new. */
enum drift_err relation_get(struct query_session *session,
			    const struct table_def *def, struct relation **relation);
/* The relation of def for table-valued calls, "name@id.version", and the number of the
 * fields that `*` shows, unless it is all. view: of the moment called at; NULL: all. */
enum drift_err relation_get_timed(struct query_session *session,
				  const struct table_def *def,
				  const struct drift_view *view,
				  struct relation **relation);
/* Does `*` show the column? */
bool relation_shows(const struct relation *relation, unsigned column);
/* Make SQLite know the relation with all its columns. No statement may run. */
enum drift_err relation_declare(struct query_session *session,
				struct relation *relation,
				struct drift_error *error);
/* Declare the tables whose names are among the tokens, and forget those that the
 * session's view no longer has. */
enum drift_err relation_sync(struct query_session *session, const char *script,
			     const struct token *tokens, unsigned count,
			     struct drift_error *error);
/* Forget all of them: when a transaction with DDL has ended. */
void relation_forget_all(struct query_session *session);
/* The same when they have become many: a moment may need one of its own. No statement
 * may run. */
void relation_forget_many(struct query_session *session);
/* The view whose fields are columns: a pinned session shows those of its moment, for
 * ever the same; any other all that were ever seen. */
struct drift_view relation_fields_view(const struct query_session *session);

/* The table a name stands for in view: exact, else its lower case. */
const struct table_def *relation_table(struct drift_view view, struct slice name);
/* The column with exactly this name, -1: none. */
int relation_column(const struct relation *relation, struct slice name);
/* The column a SQL name means (case aside, marked ones left out), -1: none. */
int relation_column_in_sql(const struct relation *relation, struct slice name);
/* The column a name in SQL means: with exactly this name, else case aside. */
int relation_column_named(const struct relation *relation, struct slice name);
/* Append to a marked column's name what tells it from the others, which is the same in
 * all relations of a table once its field was seen. */
void relation_mark(const struct relation *relation, unsigned column,
		   struct buf *name);
/* Add a field that no row has yet; DRIFT_LIMIT when there are too many columns. */
enum drift_err relation_add_field(struct relation *relation, struct slice name);
/* Add the members of a document that are no columns yet. */
enum drift_err relation_note_members(struct relation *relation,
				     struct slice document);

/* SQLite's number of a column as ours. It hands a call's arguments to the first hidden
 * columns, which may be fields: so they stand before all others where there are calls. */
#define RELATION_ARGUMENTS 3
static inline int relation_column_of(const struct relation *relation,
				     unsigned columns, int column)
{
	if (!relation->timed || column < 0 ||
	    column >= (int)columns + RELATION_ARGUMENTS)
		return column;
	return column < RELATION_ARGUMENTS ? (int)columns + column
					   : column - RELATION_ARGUMENTS;
}

/* What SQLite does to the other side of a comparison with the column. */
enum relation_affinity { RELATION_NO_AFFINITY, RELATION_TEXT, RELATION_NUMERIC };
enum relation_affinity relation_affinity(const struct relation *relation,
					 unsigned column);

/* Bits 1 << enum msg_type that the column may hold; all when it is not known. */
uint32_t relation_column_types(const struct query_session *session,
			       const struct relation *relation, int column);
/* One type for clients: DRIFT_ANY when it is not known. */
enum drift_type relation_column_type(const struct query_session *session,
				     const struct relation *relation, int column);
/* The relation and column that SQLite calls table.column; -1: none, or a hidden
 * one, whose type is set anyway. */
int relation_origin(const struct query_session *session, const char *table,
		    const char *column, const struct relation **relation,
		    enum drift_type *type);

#endif
