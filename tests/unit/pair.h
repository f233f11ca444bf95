/* SPDX-License-Identifier: MIT */
/* pair.h - a session of ours and a connection of SQLite's own, asked the same: every
 * answer must be the same, value by value. */
#ifndef DRIFT_TESTS_PAIR_H
#define DRIFT_TESTS_PAIR_H

#include <sqlite3.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

struct pair {
	struct home home;
	struct query_session *session;
	sqlite3 *plain;
	uint64_t random;
};

static inline unsigned pair_pick(struct pair *pair, unsigned below)
{
	return (unsigned)(test_random(&pair->random) % below);
}

/* count divided by what a build that watches is slower. */
static inline unsigned pair_rounds(unsigned count)
{
	const char *slow = getenv("SLOW");
	unsigned divisor = slow ? (unsigned)atoi(slow) : 1;

	return divisor > 1 ? count / (2 * divisor) + 1 : count;
}

/* ---- Answers as lines of text ------------------------------------------------- */

static inline void pair_add_value(const struct msg_value *value, struct buf *out)
{
	switch (value->type) {
	case MSG_INT:
		buf_printf(out, "i%lld ", (long long)value->integer);
		return;
	case MSG_REAL:
		buf_printf(out, "r%.17g ", value->real);
		return;
	case MSG_TEXT:
	case MSG_BLOB:
		buf_add_char(out, value->type == MSG_TEXT ? 't' : 'x');
		buf_add_slice(out, value->bytes);
		buf_add_char(out, ' ');
		return;
	default:
		buf_add_str(out, "- ");
	}
}

/* Our answer; a refusal's text in its place. */
static inline void pair_ours(struct pair *pair, const char *sql, struct buf *out)
{
	struct drift_error error = { 0 };
	enum query_event event = QUERY_DONE;
	struct msg_value value;

	assert_int_equal(query_start(pair->session, sql, strlen(sql), &error), 0);
	while (event != QUERY_END) {
		if (query_next(pair->session, &event, &error)) {
			buf_printf(out, "refused: %s\n", error.text);
			return;
		}
		if (event != QUERY_ROW)
			continue;
		for (unsigned i = 0; i < query_column_count(pair->session); i++) {
			query_value(pair->session, i, &value, NULL);
			pair_add_value(&value, out);
		}
		buf_add_char(out, '\n');
	}
}

static inline void pair_column(sqlite3_stmt *stmt, int i, struct msg_value *value)
{
	static const enum msg_type types[] = {
		[SQLITE_INTEGER] = MSG_INT, [SQLITE_FLOAT] = MSG_REAL,
		[SQLITE_TEXT] = MSG_TEXT,   [SQLITE_BLOB] = MSG_BLOB,
		[SQLITE_NULL] = MSG_NIL,
	};

	value->type = types[sqlite3_column_type(stmt, i)];
	if (value->type == MSG_INT)
		value->integer = sqlite3_column_int64(stmt, i);
	else if (value->type == MSG_REAL)
		value->real = sqlite3_column_double(stmt, i);
	else if (value->type != MSG_NIL)
		value->bytes = slice_of(sqlite3_column_blob(stmt, i),
					(size_t)sqlite3_column_bytes(stmt, i));
}

static inline void pair_theirs(struct pair *pair, const char *sql, struct buf *out)
{
	struct msg_value value;
	sqlite3_stmt *stmt;
	int rc;

	if (sqlite3_prepare_v2(pair->plain, sql, -1, &stmt, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(pair->plain));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			pair_column(stmt, i, &value);
			pair_add_value(&value, out);
		}
		buf_add_char(out, '\n');
	}
	if (rc != SQLITE_DONE)
		buf_printf(out, "refused: %s\n", sqlite3_errmsg(pair->plain));
	sqlite3_finalize(stmt);
}

static inline int pair_compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void pair_sort_lines(struct buf *text)
{
	size_t count = 0, capacity = 16;
	char **lines = malloc(capacity * sizeof(*lines));
	struct buf sorted = BUF_INIT;
	char *at = (char *)buf_cstr(text);

	for (char *line = strtok(at, "\n"); line; line = strtok(NULL, "\n")) {
		if (count == capacity) {
			capacity *= 2;
			lines = realloc(lines, capacity * sizeof(*lines));
		}
		assert_non_null(lines);
		lines[count++] = line;
	}
	if (count)
		qsort(lines, count, sizeof(*lines), pair_compare_lines);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	free(lines);
	buf_release(text);
	*text = sorted;
}

/* The same rows; in the same order, too, if `ordered`. */
static inline void pair_assert_same(struct pair *pair, const char *our_sql,
				    const char *their_sql, bool ordered)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	pair_ours(pair, our_sql, &a);
	pair_theirs(pair, their_sql, &b);
	if (!ordered) {
		pair_sort_lines(&a);
		pair_sort_lines(&b);
	}
	if (strcmp(buf_cstr(&a), buf_cstr(&b)) != 0)
		fail_msg("%s\nours:\n%stheirs (%s):\n%s", our_sql, buf_cstr(&a),
			 their_sql, buf_cstr(&b));
	buf_release(&a);
	buf_release(&b);
}

/* Run it here and there; neither may refuse. */
static inline void pair_run(struct pair *pair, const char *our_sql,
			    const char *their_sql)
{
	struct buf out = BUF_INIT;

	if (our_sql)
		pair_ours(pair, our_sql, &out);
	if (out.size)
		fail_msg("%s: %s", our_sql, buf_cstr(&out));
	if (their_sql)
		assert_int_equal(
			sqlite3_exec(pair->plain, their_sql, NULL, NULL, NULL), 0);
	buf_release(&out);
}

/* ---- Beginning and end ------------------------------------------------------------ */

static inline void pair_open(struct pair *pair, uint64_t seed)
{
	/* Small memtables, so that answers come from the index, the layers above it and
	 * the log. */
	enum { FOLD_EVENTS = 300 };
	struct drift_error error = { 0 };

	*pair = (struct pair){ .random = seed | 1 };
	home_make(&pair->home, FOLD_EVENTS);
	assert_int_equal(
		query_session_open(pair->home.db, NULL, &pair->session, &error), 0);
	assert_int_equal(sqlite3_open(":memory:", &pair->plain), SQLITE_OK);
}

static inline void pair_close(struct pair *pair)
{
	query_session_close(pair->session);
	home_remove(&pair->home);
	sqlite3_close(pair->plain);
}

#endif
