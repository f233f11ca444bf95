/* SPDX-License-Identifier: MIT */
/* regex.h - regular expressions, by PCRE2, in bounded time and memory.
 *
 * They are read as PostgreSQL reads its own, as far as both agree: '.' takes a newline, ^
 * and $ mean the text's ends, \m \M \y are bounds of words. Flags: i (case aside), c,
 * s, n or m (^ $ and . mind lines), x (spaces are nothing), g (all matches).
 *
 * An operator's pattern may begin with a mark of the front end's: see REGEX_... */
#ifndef DRIFT_QUERY_REGEX_H
#define DRIFT_QUERY_REGEX_H

#include <sqlite3.h>

#include "engine/buf.h"

/* What the operators ~* and SIMILAR TO put before their pattern. */
#define REGEX_NOCASE "(*nocase)"
#define REGEX_SIMILAR "(*similar)"

#define REGEX_GROUPS_MAX 100

struct regex;

/* A place in the text; start -1: the group took no part. */
struct regex_span {
	int64_t start, end;
};

/* The pattern in argument `at` of a call, compiled: kept with the argument while it is
 * the same for all rows. NULL: it failed and was told. */
struct regex *regex_get(sqlite3_context *context, sqlite3_value **argv, int at,
			struct slice flags);
/* Give back what regex_get gave: it may keep it. */
void regex_put(sqlite3_context *context, struct regex *regex, int at);
/* The first match at or after byte `from`, the whole and its groups: 1 found, 0 none, -1
 * failed and told. */
int regex_find(sqlite3_context *context, const struct regex *regex,
	       struct slice text, size_t from,
	       struct regex_span spans[REGEX_GROUPS_MAX]);
/* Groups in the pattern, and whether all matches are meant. */
unsigned regex_groups(const struct regex *regex);
bool regex_is_global(const struct regex *regex);

#endif
