/* SPDX-License-Identifier: MIT */
/* spell.h - PostgreSQL's spellings in SQLite's words.
 *
 * Each rule looks at one token and what stands around it and notes edits. What a
 * function can do is left to functions (function.h); rules are for syntax only. */
#ifndef DRIFT_QUERY_SPELL_H
#define DRIFT_QUERY_SPELL_H

#include "query/rewriter.h"

/* Note how token i, and what belongs to it, is said in SQLite. statement.at moves past
 * tokens that need no more looking at, or stays. */
enum drift_err spell_token(struct rewriter *rewriter, unsigned i);

/* The first token of the operand that ends before token `end`: a name, a literal, a
 * call, something in parentheses, CASE ... END, with the casts and intervals after it. */
unsigned spell_operand(const struct rewriter *rewriter, unsigned end);

/* Where the operand ends that begins at token i, with its casts and factors. */
unsigned spell_operand_end(const struct rewriter *rewriter, unsigned i);

/* spell_word.c: by the table of words. */
enum drift_err spell_word(struct rewriter *rewriter, unsigned i);

/* spell_query.c: (SELECT ...) where only a query can stand, TABLE t, UNION before
 * INTERSECT. */
void spell_query(struct rewriter *rewriter, unsigned i);
enum drift_err spell_table(struct rewriter *rewriter, unsigned i);
enum drift_err spell_compound(struct rewriter *rewriter, unsigned i);

/* spell_cast.c: CAST(x AS type), x::type, DATE 'x'. */
enum drift_err spell_cast(struct rewriter *rewriter, unsigned i);
enum drift_err spell_colons(struct rewriter *rewriter, unsigned i);
enum drift_err spell_typed_literal(struct rewriter *rewriter, unsigned i);
bool spell_is_typed_literal(const struct rewriter *rewriter, unsigned i);
/* Where the type that begins at token i ends; i: there is none. */
unsigned spell_type_end(const struct rewriter *rewriter, unsigned i);
/* The type a cast at token i ("::" or CAST) gives its value, for the answer's columns. */
enum drift_type spell_cast_type(const struct rewriter *rewriter, unsigned i);
/* Is it an array's, x::type[]? *element: of what type its elements are. */
bool spell_cast_is_array(const struct rewriter *rewriter, unsigned i,
			 enum drift_type *element);

/* spell_interval.c: x + INTERVAL '1 day'. */
enum drift_err spell_sign(struct rewriter *rewriter, unsigned i);
/* spell_days.c: x + 7, x - y, where one of them is a time. */
enum drift_err spell_days(struct rewriter *rewriter, unsigned i);
/* x < y of a timestamp and a date, everywhere, once the other spellings are noted. */
void spell_midnights(struct rewriter *rewriter);
/* An interval alone: generate_series() takes one, nothing else does. */
enum drift_err spell_interval(struct rewriter *rewriter, unsigned i);
/* Does an interval stand at token i? *end is where it ends, *text its one token. */
bool spell_is_interval(const struct rewriter *rewriter, unsigned i, unsigned *end,
		       unsigned *text);

/* spell_call.c: EXTRACT(f FROM x) and other calls with words between. */
enum drift_err spell_call(struct rewriter *rewriter, unsigned i);

/* spell_limit.c: OFFSET n ROWS, FETCH FIRST n ROWS ONLY, LIMIT ALL. */
enum drift_err spell_limit(struct rewriter *rewriter, unsigned i);

/* spell_array.c: ARRAY[1, 2], x[1], = ANY (array). */
enum drift_err spell_array(struct rewriter *rewriter, unsigned i);
void spell_bracket(struct rewriter *rewriter, unsigned i);
enum drift_err spell_subscript(struct rewriter *rewriter, unsigned i);
bool spell_is_subscript(const struct rewriter *rewriter, unsigned i);
enum drift_err spell_any(struct rewriter *rewriter, unsigned i);
bool spell_is_any(const struct rewriter *rewriter, unsigned i);

/* spell_order.c: string_agg(DISTINCT x, ', ' ORDER BY y). */
enum drift_err spell_aggregate(struct rewriter *rewriter, unsigned i);
/* percentile_cont(0.5) WITHIN GROUP (ORDER BY x): token i is WITHIN. */
enum drift_err spell_within(struct rewriter *rewriter, unsigned i);

/* spell_operator.c: x #> '{a,b}'; operators that are not there, by their names. */
enum drift_err spell_operator(struct rewriter *rewriter, unsigned i);
/* x ~ p; OPERATOR(pg_catalog.~). */
void spell_matching(struct rewriter *rewriter, unsigned i);
enum drift_err spell_operator_name(struct rewriter *rewriter, unsigned i);

/* SQLite makes 0 and 1 of what a comparison answers, and of booleans that it sorts: where
 * that would be seen, make the expression [first, stop) a boolean again, if it is one. */
bool spell_boolean(struct rewriter *rewriter, unsigned first, unsigned stop);

/* spell_compare.c: c = 't', c IN ('t') or BETWEEN, x || c, of columns whose types are declared. */
void spell_comparison(struct rewriter *rewriter, unsigned i);
void spell_in(struct rewriter *rewriter, unsigned i);
void spell_concatenation(struct rewriter *rewriter, unsigned i);
/* Is the value of the arrow at token i, ->> or #>>, a text here: one that is compared
 * with a text, or `answered`? Then it is drift_json_text() of what -> says. */
bool spell_arrow(struct rewriter *rewriter, unsigned i, bool answered);

/* spell_jsonb.c: a || b, a - 'k', a @> b, a <@ b and a ? 'k' of JSON. False: it is not
 * JSON's. */
bool spell_json_concatenation(struct rewriter *rewriter, unsigned i);
bool spell_is_json_concatenation(const struct rewriter *rewriter, unsigned i);
bool spell_json_difference(struct rewriter *rewriter, unsigned i);
void spell_json_containment(struct rewriter *rewriter, unsigned i);

/* spell_json.c: json_build_array(a = b), once the other spellings are noted. */
void spell_json_booleans(struct rewriter *rewriter);

/* spell_parameter.c: $1, ?. */
enum drift_err spell_parameter(struct rewriter *rewriter, unsigned i);
/* Note which relations the statement names: before any of the following is asked. */
void spell_name_tables(struct rewriter *rewriter);
/* The type of a column called so in one of the tables that the statement names;
 * DRIFT_ANY: there is none, or it has none. */
enum drift_type spell_name_type(const struct rewriter *rewriter, unsigned i);
/* The same, DRIFT_ANY where two of them have columns called so of different types. */
enum drift_type spell_name_only_type(const struct rewriter *rewriter, unsigned i);
/* The same, of columns that CREATE TABLE gives a type: fields of documents have none. */
enum drift_type spell_declared_type(const struct rewriter *rewriter, unsigned i);

/* spell_refuse.c: what would be misunderstood, by its name. */
enum drift_err spell_refuse(struct rewriter *rewriter, unsigned i);

#endif
