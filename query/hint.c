/* SPDX-License-Identifier: MIT */
/* hint.c - names at a small edit distance. Case, one letter more, less or other, and two
 * neighbours exchanged are how names are mistyped; each counts one, case none. */
#include "query/hint.h"

#include <stdio.h>
#include <strings.h>

#include "query/session.h"

#define NAME_BYTES_MAX 48
#define DISTANCE_MAX 2

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The distance, or more than DISTANCE_MAX (restricted Damerau-Levenshtein). */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned rows[3][NAME_BYTES_MAX + 1];
	const char *x = a.data, *y = b.data;

	if (a.size > NAME_BYTES_MAX || b.size > NAME_BYTES_MAX)
		return DISTANCE_MAX + 1;
	for (unsigned j = 0; j <= b.size; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.size; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *before = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b.size; j++) {
			bool same = lower(x[i - 1]) == lower(y[j - 1]);

			row[j] = least(above[j] + 1, row[j - 1] + 1);
			row[j] = least(row[j], above[j - 1] + !same);
			if (i > 1 && j > 1 && lower(x[i - 1]) == lower(y[j - 2]) &&
			    lower(x[i - 2]) == lower(y[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[a.size % 3][b.size];
}

struct guess {
	struct slice wanted;
	char name[NAME_BYTES_MAX + 1];
	unsigned distance;
};

static void consider(struct guess *guess, struct slice name)
{
	unsigned far = distance(guess->wanted, name);

	if (far >= guess->distance || far * 2 > guess->wanted.size)
		return;
	guess->distance = far;
	memcpy(guess->name, name.data, name.size);
	guess->name[name.size] = '\0';
}

static void consider_tables(struct query_session *session, struct guess *guess)
{
	struct slice after = { NULL, 0 };
	const struct table_def *def;

	for (unsigned i = 0; i < 10000; i++) {
		def = drift_table_next(session->view, after);
		if (!def)
			return;
		after = slice_str(def->name);
		consider(guess, after);
	}
}

static void consider_columns(struct query_session *session,
			     const struct statement *statement, struct guess *guess)
{
	for (const struct relation *at = session->relations; at; at = at->next) {
		struct slice name = slice_str(at->def->name);
		bool named = false;

		for (unsigned i = 0; i < statement->count && !named; i++) {
			struct token token = statement->tokens[i];
			unsigned quote = token.kind == TOKEN_QUOTED;

			named = token_is_name(token) &&
				token.size == name.size + 2 * quote &&
				strncasecmp(statement->script + token.at + quote,
					    name.data, name.size) == 0;
		}
		for (unsigned i = 0; named && i < at->column_count; i++)
			consider(guess,
				 slice_of(at->columns[i].name, at->columns[i].size));
	}
}

void hint_add(struct query_session *session, const struct statement *statement,
	      struct drift_error *error)
{
	const char *open = strchr(error->text, '"');
	const char *close = open ? strchr(open + 1, '"') : NULL;
	struct guess guess = { .distance = DISTANCE_MAX + 1 };
	const char *dot;

	if (!close ||
	    (error->code != DRIFT_NO_TABLE && error->code != DRIFT_NO_COLUMN))
		return;
	guess.wanted = slice_of(open + 1, (size_t)(close - open - 1));
	dot = memrchr(guess.wanted.data, '.', guess.wanted.size);
	if (dot)
		guess.wanted = slice_of(dot + 1, (size_t)(close - dot - 1));
	if (error->code == DRIFT_NO_TABLE)
		consider_tables(session, &guess);
	else
		consider_columns(session, statement, &guess);
	if (guess.distance <= DISTANCE_MAX)
		snprintf(error->hint, sizeof(error->hint),
			 "Perhaps you meant \"%s\".", guess.name);
}
