/* SPDX-License-Identifier: MIT */
/* The same random statements on our tables and on SQLite's own: every answer must be
 * the same, now and as of each moment that was kept. Indexes and ranges may offer SQLite
 * too many rows; this finds where they offer too few. */
#include <ftw.h>
#include <sqlite3.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"

#define MOMENTS 6
#define ROUNDS 120

struct pair {
	char dir[64];
	struct drift_db *db;
	struct query_session *session;
	sqlite3 *plain;
	uint64_t random;
	drift_seq moments[MOMENTS];
};

static unsigned pick(struct pair *pair, unsigned below)
{
	return (unsigned)(test_random(&pair->random) % below);
}

/* ---- Rows as sorted lines of text --------------------------------------- */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(struct buf *text)
{
	char *lines[20000];
	size_t count = 0;
	struct buf sorted = BUF_INIT;
	char *at = (char *)buf_cstr(text);

	for (char *line = strtok(at, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(count < 20000);
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	buf_release(text);
	*text = sorted;
}

static void ours(struct pair *pair, const char *sql, struct buf *out)
{
	struct drift_error error = { 0 };
	enum query_event event = QUERY_DONE;

	assert_int_equal(query_start(pair->session, sql, strlen(sql), &error), 0);
	while (event != QUERY_END) {
		if (query_next(pair->session, &event, &error))
			fail_msg("%s: %s", sql, error.text);
		for (unsigned i = 0;
		     event == QUERY_ROW && i < query_column_count(pair->session);
		     i++) {
			struct msg_value value;

			query_value(pair->session, i, &value, NULL);
			if (value.type == MSG_INT)
				buf_printf(out, "i%lld ", (long long)value.integer);
			else if (value.type == MSG_REAL)
				buf_printf(out, "r%.17g ", value.real);
			else if (value.type == MSG_TEXT)
				buf_printf(out, "t%.*s ", (int)value.bytes.size,
					   (const char *)value.bytes.data);
			else
				buf_add_str(out, "- ");
		}
		if (event == QUERY_ROW)
			buf_add_char(out, '\n');
	}
	sort_lines(out);
}

static void theirs(struct pair *pair, const char *sql, struct buf *out)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(pair->plain, sql, -1, &stmt, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(pair->plain));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			int type = sqlite3_column_type(stmt, i);

			if (type == SQLITE_INTEGER)
				buf_printf(out, "i%lld ",
					   sqlite3_column_int64(stmt, i));
			else if (type == SQLITE_FLOAT)
				buf_printf(out, "r%.17g ",
					   sqlite3_column_double(stmt, i));
			else if (type == SQLITE_TEXT)
				buf_printf(out, "t%s ",
					   sqlite3_column_text(stmt, i));
			else
				buf_add_str(out, "- ");
		}
		buf_add_char(out, '\n');
	}
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	sort_lines(out);
}

static void assert_same(struct pair *pair, const char *our_sql,
			const char *their_sql)
{
	struct buf a = BUF_INIT;
	struct buf b = BUF_INIT;

	ours(pair, our_sql, &a);
	theirs(pair, their_sql, &b);
	if (strcmp(buf_cstr(&a), buf_cstr(&b)) != 0)
		fail_msg("%s\nours:\n%stheirs (%s):\n%s", our_sql, buf_cstr(&a),
			 their_sql, buf_cstr(&b));
	buf_release(&a);
	buf_release(&b);
}

/* ---- Random pieces ------------------------------------------------------ */

static void add_value(struct pair *pair, struct buf *sql)
{
	static const char *const texts[] = {
		"'a'",  "'b'",   "'abc'", "''",   "'5'",
		"'05'", "'5.0'", "'B'",   "'zz'", "NULL"
	};

	switch (pick(pair, 4)) {
	case 0:
		buf_printf(sql, "%d", (int)pick(pair, 12) - 2);
		return;
	case 1:
		buf_printf(sql, "%d.5", (int)pick(pair, 10) - 2);
		return;
	default:
		buf_add_str(sql, texts[pick(pair, 10)]);
	}
}

/* A value of the column's type, so that declared tables take it. */
static void add_typed(struct pair *pair, unsigned column, struct buf *sql)
{
	if (pick(pair, 8) == 0)
		buf_add_str(sql, "NULL");
	else if (column == 0)
		buf_printf(sql, "%d", (int)pick(pair, 10) - 2);
	else if (column == 1)
		buf_printf(sql, "'%c%u'", "abz5"[pick(pair, 4)], pick(pair, 3));
	else
		buf_printf(sql, "%u.25", pick(pair, 8));
}

static void add_condition(struct pair *pair, const char *table, struct buf *sql)
{
	static const char *const columns[] = { "id", "a", "b", "c" };
	static const char *const operators[] = { "=",  "<",  ">",  "<=",
						 ">=", "<>", "IS", "=" };
	const char *column = columns[pick(pair, 4)];

	switch (pick(pair, 6)) {
	case 0:
		buf_printf(sql, "%s.%s IN (", table, column);
		add_value(pair, sql);
		buf_add_str(sql, ", ");
		add_value(pair, sql);
		buf_add_str(sql, ")");
		return;
	case 1:
		buf_printf(sql, "%s.%s BETWEEN ", table, column);
		add_value(pair, sql);
		buf_add_str(sql, " AND ");
		add_value(pair, sql);
		return;
	case 2:
		/* Expressions, which have no affinity. */
		buf_printf(sql, "%s.%s %s (", table, column,
			   operators[pick(pair, 8)]);
		add_value(pair, sql);
		buf_add_str(sql, pick(pair, 2) ? " || '')" : " + 0)");
		return;
	default:
		buf_printf(sql, "%s.%s %s ", table, column,
			   operators[pick(pair, 8)]);
		add_value(pair, sql);
	}
}

static void add_conditions(struct pair *pair, const char *table, struct buf *sql)
{
	static const char *const joints[] = { " AND ", " OR ", " AND NOT " };
	unsigned count = 1 + pick(pair, 3);

	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			buf_add_str(sql, joints[pick(pair, 3)]);
		add_condition(pair, table, sql);
	}
}

static const char *const tables[] = { "d", "t" }; /* documents, declared */

static void change(struct pair *pair)
{
	static const char *const columns[] = { "a", "b", "c" };
	const char *table = tables[pick(pair, 2)];
	bool declared = table[0] == 't';
	unsigned column = pick(pair, 3);
	struct buf sql = BUF_INIT;

	switch (pick(pair, 3)) {
	case 0:
		buf_printf(&sql, "UPDATE %s SET %s = ", table, columns[column]);
		if (declared)
			add_typed(pair, column, &sql);
		else
			add_value(pair, &sql);
		buf_add_str(&sql, " WHERE ");
		add_conditions(pair, table, &sql);
		break;
	case 1:
		buf_printf(&sql, "DELETE FROM %s WHERE id = %u AND ", table,
			   pick(pair, 60));
		add_conditions(pair, table, &sql);
		break;
	default:
		buf_printf(&sql,
			   declared ? "INSERT OR REPLACE INTO %s (id, a, b, c) "
				      "VALUES (%u"
				    : "INSERT OR REPLACE INTO %s (id, a, b, c) "
				      "VALUES ('%u'",
			   table, pick(pair, 60));
		for (unsigned i = 0; i < 3; i++) {
			buf_add_str(&sql, ", ");
			if (declared)
				add_typed(pair, i, &sql);
			else
				add_value(pair, &sql);
		}
		buf_add_str(&sql, ")");
	}
	assert_same(pair, buf_cstr(&sql), buf_cstr(&sql));
	buf_release(&sql);
}

/* "t" at a moment: -1 now, else one that was kept. */
static void add_table(const struct pair *pair, bool plain, const char *table,
		      int moment, struct buf *sql)
{
	if (moment < 0)
		buf_printf(sql, "%s", table);
	else if (plain)
		buf_printf(sql, "%s_%d AS %s", table, moment, table);
	else
		buf_printf(sql, "%s FOR SYSTEM_TIME AS OF @SEQ:%llu", table,
			   (unsigned long long)pair->moments[moment]);
}

static void look(struct pair *pair, unsigned moments)
{
	const char *one = tables[pick(pair, 2)];
	const char *two = one[0] == 't' ? "d" : "t";
	bool join = pick(pair, 3) == 0;
	int at = (int)pick(pair, moments + 1) - 1;
	int other = (int)pick(pair, moments + 1) - 1;
	struct buf sql[2] = { BUF_INIT, BUF_INIT };
	struct buf condition = BUF_INIT;
	static const char *const on[] = { "d.a = t.a", "d.b = t.b", "d.id = t.id",
					  "d.a = t.b", "d.b = t.a", "d.a = t.id" };
	unsigned which = pick(pair, 6);

	add_conditions(pair, one, &condition);
	for (int plain = 0; plain < 2; plain++) {
		buf_printf(&sql[plain],
			   join ? "SELECT %s.*, t.id, d.id FROM "
				: "SELECT %s.id, a, b, c FROM ",
			   one);
		add_table(pair, plain, one, at, &sql[plain]);
		if (join) {
			buf_add_str(&sql[plain], " JOIN ");
			add_table(pair, plain, two, other, &sql[plain]);
			buf_printf(&sql[plain], " ON %s", on[which]);
		}
		buf_printf(&sql[plain], " WHERE %s", buf_cstr(&condition));
	}
	assert_same(pair, buf_cstr(&sql[0]), buf_cstr(&sql[1]));
	buf_release(&sql[0]);
	buf_release(&sql[1]);
	buf_release(&condition);
}

static void keep_moment(struct pair *pair, unsigned i)
{
	static const char *const columns[] = {
		"id TEXT PRIMARY KEY, a, b, c",
		"id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c NUMERIC",
	};
	char sql[300];

	pair->moments[i] = drift_head(pair->db);
	for (unsigned k = 0; k < 2; k++) {
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE %s_%u (%s); INSERT INTO %s_%u SELECT * FROM "
			 "%s",
			 tables[k], i, columns[k], tables[k], i, tables[k]);
		assert_int_equal(sqlite3_exec(pair->plain, sql, NULL, NULL, NULL),
				 0);
	}
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void no_report(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void open_pair(struct pair *pair)
{
	struct drift_options options = { .report = no_report };
	struct drift_error error = { 0 };
	struct buf unused = BUF_INIT;

	snprintf(pair->dir, sizeof(pair->dir), "/tmp/test_differential.XXXXXX");
	assert_non_null(mkdtemp(pair->dir));
	assert_int_equal(drift_init(pair->dir, &error), DRIFT_OK);
	assert_int_equal(drift_open(pair->dir, &options, &pair->db, &error),
			 DRIFT_OK);
	assert_int_equal(query_session_open(pair->db, NULL, &pair->session, &error),
			 0);
	assert_int_equal(sqlite3_open(":memory:", &pair->plain), SQLITE_OK);
	ours(pair,
	     "CREATE TABLE d (pk=id, INDEX(a, b)); "
	     "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL, "
	     "INDEX(a), INDEX(b, a)); "
	     "INSERT INTO d (id, a, b, c) VALUES ('0', 1, 'x', 2)",
	     &unused);
	assert_int_equal(
		sqlite3_exec(pair->plain,
			     "CREATE TABLE d (id TEXT PRIMARY KEY, a, b, c); "
			     "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b "
			     "TEXT, c NUMERIC); "
			     "INSERT INTO d VALUES ('0', 1, 'x', 2)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	buf_release(&unused);
}

static void close_pair(struct pair *pair)
{
	query_session_close(pair->session);
	drift_close(pair->db);
	sqlite3_close(pair->plain);
	assert_int_equal(nftw(pair->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void answers_are_those_of_sqlite(void **state)
{
	struct pair pair = { .random = test_seed() };

	(void)state;
	open_pair(&pair);
	for (unsigned moment = 0; moment < MOMENTS; moment++) {
		for (unsigned i = 0; i < ROUNDS / 2; i++)
			change(&pair);
		for (unsigned i = 0; i < ROUNDS; i++)
			look(&pair, moment);
		keep_moment(&pair, moment);
	}
	close_pair(&pair);
}

static void answers_stay_the_same_inside_a_transaction(void **state)
{
	struct pair pair = { .random = test_seed() + 2 };
	struct buf unused = BUF_INIT;

	(void)state;
	open_pair(&pair);
	for (unsigned i = 0; i < ROUNDS / 2; i++)
		change(&pair);
	ours(&pair, "BEGIN", &unused);
	for (unsigned i = 0; i < ROUNDS; i++) {
		change(&pair);
		look(&pair, 0);
	}
	ours(&pair, "COMMIT", &unused);
	for (unsigned i = 0; i < ROUNDS; i++)
		look(&pair, 0);
	buf_release(&unused);
	close_pair(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_sqlite),
		cmocka_unit_test(answers_stay_the_same_inside_a_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
