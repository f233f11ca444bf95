/* SPDX-License-Identifier: MIT */
/* function.h - SQL functions that SQLite lacks, by the family a file each. */
#ifndef DRIFT_QUERY_FUNCTION_H
#define DRIFT_QUERY_FUNCTION_H

#include <sqlite3.h>
#include <time.h>

#include "engine/moment.h"

struct query_session;

#define FUNCTION_VERSION "PostgreSQL 15.0 (driftfs)"

struct function {
	const char *name;
	int arguments;                                          /* -1: any number */
	void (*call)(sqlite3_context *, int, sqlite3_value **); /* or step ... */
	void (*final)(sqlite3_context *); /* ... of an aggregate */
	bool changes;                     /* not a function of its arguments alone */
};

/* Lists end with a NULL name. */
extern const struct function function_cast_list[];
extern const struct function function_text_list[];
extern const struct function function_place_list[];
extern const struct function function_time_list[];
extern const struct function function_interval_list[];
extern const struct function function_to_char_list[];
extern const struct function function_math_list[];
extern const struct function function_aggregate_list[];
extern const struct function function_sequence_list[];
extern const struct function function_regex_list[];
extern const struct function function_array_list[];
extern const struct function function_number_list[];
extern const struct function function_to_time_list[];
extern const struct function function_encode_list[];
extern const struct function function_json_list[];
extern const struct function function_jsonb_list[];
extern const struct function function_exists_list[];
extern const struct function function_ordered_list[];
extern const struct function function_within_list[];
extern const struct function function_catalog_list[];

/* Register every function with the session's connection. */
enum drift_err function_register(struct query_session *session);

/* For callbacks, whose user data is the session: end the statement with this error. */
void function_fail(sqlite3_context *context, enum drift_err code, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));
/* Answer with text that was built; releases it. */
void function_text(sqlite3_context *context, struct buf *text);
/* True, and the answer is NULL, if any argument is NULL. */
bool function_null(int argc, sqlite3_value **argv);
/* Append a value as JSON: what carries a subtype as that. */
void function_add_json(sqlite3_value *value, struct buf *out);
/* An argument's text. */
struct slice function_slice(sqlite3_value *value);

/* An argument that is JSON, as MessagePack; of a `column`, a string of JSON comes as its
 * text alone. false: it is none, and was told. */
bool function_read_json(sqlite3_context *context, sqlite3_value *value, bool column,
			struct buf *out);
/* gen_random_uuid(). */
void function_uuid(sqlite3_context *context, int argc, sqlite3_value **argv);
/* substring(x FROM pattern), of two texts. */
void function_substring_matching(sqlite3_context *context, sqlite3_value **argv);

/* A timestamp, date or epoch an argument says; false: it failed and was told. */
bool function_time(sqlite3_context *context, sqlite3_value *value,
		   drift_time_ns *time);
/* A time's parts in UTC, and what is left of its second; and the other way. */
void function_tm(drift_time_ns time, struct tm *tm, int64_t *nanoseconds);
drift_time_ns function_tm_time(struct tm tm);
/* Answer with a time's text, its day's. */
void function_answer_time(sqlite3_context *context, drift_time_ns time);
void function_answer_date(sqlite3_context *context, drift_time_ns time);

/* function_number.c: to_char(number, pattern), of arguments that are not NULL. */
void function_to_char_number(sqlite3_context *context, sqlite3_value **argv);

#define FUNCTION_SECOND 1000000000LL
#define FUNCTION_DAY (86400 * FUNCTION_SECOND)

#endif
