/* SPDX-License-Identifier: MIT */
/* rewriter.h - what the passes of rewriting share. Each reads the statement's tokens
 * as they were written and notes its edits; rewrite.c has the order. */
#ifndef DRIFT_QUERY_REWRITER_H
#define DRIFT_QUERY_REWRITER_H

#include "query/rewrite.h"
#include "query/temporal.h"

/* A trailing AS OF that holds for the tokens [first, end) only; or the range of time that
 * a saved query is asked for. */
struct scope {
	unsigned first;
	unsigned end;
	drift_seq seq;
	const struct asof *range; /* NULL: there is none */
};

#define SCOPES_MAX 16
#define REWRITER_MARKED_MAX 8
#define REWRITER_NAMED_MAX 16

struct rewriter {
	struct query_session *session;
	struct statement statement; /* at: the token a pass stands at */
	const struct verb *verb;
	struct edits edits;
	struct drift_error *error;
	struct scope scopes[SCOPES_MAX];
	unsigned scope_count;
	/* One a token: what is known of the commas, see rewrite_is_from_place; NULL: it is
	 * looked for anew each time. */
	unsigned char *commas;
	bool saved; /* a saved query's text: it sets no view, it has a moment */
	unsigned parameters; /* '?' among the tokens before counted_to */
	unsigned counted_to;
	/* Relations with fields that only their exact names reach: rewrite_field.c. */
	const struct relation *marked[REWRITER_MARKED_MAX];
	unsigned marked_count;
	bool marked_known;
	/* The relations that its words name, in their order: spell_parameter.c. */
	struct relation *named[REWRITER_NAMED_MAX];
	unsigned named_count;
	bool named_known; /* and there are no more */
};

struct token rewriter_token(const struct rewriter *rewriter, unsigned i);
bool rewriter_is_word(const struct rewriter *rewriter, unsigned i, const char *word);
bool rewriter_is_punct(const struct rewriter *rewriter, unsigned i,
		       const char *punct);
/* Note formatted text instead of the tokens [first, end). */
void rewriter_instead(struct rewriter *rewriter, unsigned first, unsigned end,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Append the parameter at token i as SQLite shall read it, ?n, and return n. */
unsigned rewriter_parameter(struct rewriter *rewriter, unsigned i, struct buf *out);
/* 0A000 "... is not supported", at token i. */
enum drift_err rewriter_refuse(struct rewriter *rewriter, unsigned i,
			       const char *what);

/* The statement's time is over, or it was interrupted: each pass asks now and then, as a
 * script's length has no bound that would bound its passes. */
enum drift_err rewriter_in_time(struct rewriter *rewriter);

/* rewrite_time.c: tables at their moments.
 * Resolve every trailing AS OF, before the walk: they stand behind what they cover. */
enum drift_err rewrite_scopes(struct rewriter *rewriter);
/* If token i is a table with a clause, or in reach of a trailing AS OF, or begins one:
 * note it. statement.at moves past it, or stays. */
enum drift_err rewrite_time(struct rewriter *rewriter, unsigned i);
/* Does token i begin what stands in a FROM clause? Is it (or AS) an alias there? */
bool rewrite_is_from_place(const struct rewriter *rewriter, unsigned i);
/* Is token i the name of a table in a FROM clause? */
bool rewriter_is_table_place(const struct rewriter *rewriter, unsigned i);
bool rewrite_is_alias(const struct rewriter *rewriter, unsigned i);

/* rewrite_from.c: functions in FROM, and names for the columns of what stands there. */
enum drift_err rewrite_from(struct rewriter *rewriter, unsigned i);

/* rewrite_field.c: if token i is such a field's name, the one that SQLite has for it. */
void rewrite_field(struct rewriter *rewriter, unsigned i);

/* rewrite_count.c: if token i begins SELECT count(*) FROM a table, and no more. */
void rewrite_count(struct rewriter *rewriter, unsigned i);

/* rewrite_documents.c: INSERT INTO t SELECT * FROM u, as documents. */
void rewrite_documents(struct rewriter *rewriter);
/* rewrite_target.c: INSERT's, UPDATE's and DELETE's clauses that SQLite lacks. */
void rewrite_target(struct rewriter *rewriter);
/* UPDATE t SET ... FROM the rows that were in conflict. */
enum drift_err rewrite_write_conflict(struct rewriter *rewriter,
				      struct rewrite_text *text);
/* SELECT ... FROM the rows that were written. */
enum drift_err rewrite_write_returning(struct rewriter *rewriter,
				       struct rewrite_text *text);
/* rewrite_group.c: refuse a column beside an aggregate that it is not grouped by. */
enum drift_err rewrite_group(struct rewriter *rewriter);
/* Does token i call an aggregate, without OVER? */
bool rewrite_is_aggregate(const struct rewriter *rewriter, unsigned i);
/* rewrite_distinct.c: SELECT DISTINCT ON (...). */
enum drift_err rewrite_distinct(struct rewriter *rewriter);
/* rewrite_keep.c: SET c = x, so that JSON and booleans stay what they are. */
void rewrite_keep(struct rewriter *rewriter);
/* rewrite_type.c: the type of the expression [first, stop), as far as its text tells. */
enum drift_type rewrite_type(const struct rewriter *rewriter, unsigned first,
			     unsigned stop);
/* The same inside another expression, where a column's own type is to be told, too. */
enum drift_type rewrite_value_type(const struct rewriter *rewriter, unsigned first,
				   unsigned stop);
/* rewrite_result.c: names and types of the answer's columns. */
void rewrite_result(struct rewriter *rewriter, struct rewrite *rewrite);
/* And names of those of the queries in FROM and WITH. */
void rewrite_names(struct rewriter *rewriter);
/* One column of a list: the tokens [first, end), its expression up to stop. None: end is
 * first. */
struct rewrite_item {
	unsigned first;
	unsigned stop;
	unsigned end;
	bool star;
};
struct rewrite_item rewrite_item(const struct rewriter *rewriter, unsigned first);
/* rewrite_name.c: append what the column of the expression [first, end) is called that
 * has no other name. */
void rewrite_name(const struct rewriter *rewriter, unsigned first, unsigned end,
		  struct buf *name);
/* Is token i a word that has a value and is no column, CURRENT_DATE or TRUE? */
bool rewrite_is_called_by_word(const struct rewriter *rewriter, unsigned i);

#endif
