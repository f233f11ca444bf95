/* SPDX-License-Identifier: MIT */
/* LIKE, GLOB and the functions over texts that are ours answer what SQLite's own do, for
 * any arguments. */
#include <sqlite3.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

#define ROUNDS 40000

struct pair {
	struct home home;
	struct query_session *session;
	sqlite3 *plain;
	uint64_t random;
};

static unsigned pick(struct pair *pair, unsigned below)
{
	return (unsigned)(test_random(&pair->random) % below);
}

/* A few letters, wildcards and characters of two to four bytes, as a SQL literal. */
static void add_text(struct pair *pair, bool wild, struct buf *sql)
{
	static const char *const pieces[] = { "a",  "b", "A",     "B",    "ab",
					      "é",  "€", "🙂",  "%",    "_",
					      "*",  "?", "[a-b]", "[^a]", "[]b]",
					      "\\", "[", "]",     "-",    "x",
					      "É",  "5", " " };
	unsigned count = pick(pair, 7);

	buf_add_char(sql, '\'');
	while (count-- > 0)
		buf_add_str(sql, pieces[pick(pair, wild ? 23 : 8)]);
	buf_add_char(sql, '\'');
}

static void add_argument(struct pair *pair, bool wild, struct buf *sql)
{
	static const char *const others[] = { "NULL",  "12", "-1.5", "x'6162'",
					      "x'41'", "''", "x''" };

	if (pick(pair, 12) == 0)
		buf_add_str(sql, others[pick(pair, 7)]);
	else
		add_text(pair, wild, sql);
}

static void add_printf(struct pair *pair, struct buf *sql)
{
	static const char *const specs[] = { "%d",    "%5.2f", "%s",   "%-7s|",
					     "%.*c",  "%*d",   "%q",   "%%",
					     "%x",    "%,d",   "%.3c", "%g",
					     "%!.5s", "%w",    "%5c" };

	buf_add_str(sql, pick(pair, 2) ? "printf('" : "format('");
	for (unsigned i = pick(pair, 4); i > 0; i--)
		buf_add_str(sql, specs[pick(pair, 15)]);
	buf_add_char(sql, '\'');
	for (unsigned i = pick(pair, 5); i > 0; i--) {
		buf_add_str(sql, ", ");
		if (pick(pair, 2))
			buf_printf(sql, "%u", pick(pair, 12));
		else
			add_argument(pair, false, sql);
	}
	buf_add_char(sql, ')');
}

static void add_call(struct pair *pair, struct buf *sql)
{
	static const char *const names[] = { "instr", "replace", "trim",
					     "ltrim", "rtrim",   "trim" };
	static const unsigned arguments[] = { 2, 3, 2, 2, 2, 1 };
	unsigned which = pick(pair, 6);

	buf_printf(sql, "%s(", names[which]);
	for (unsigned i = 0; i < arguments[which]; i++) {
		buf_add_str(sql, i ? ", " : "");
		add_argument(pair, false, sql);
	}
	buf_add_char(sql, ')');
}

static void add_match(struct pair *pair, struct buf *sql)
{
	bool like = pick(pair, 2);

	add_argument(pair, true, sql);
	buf_add_str(sql, like ? " LIKE " : " GLOB ");
	add_argument(pair, true, sql);
	/* Without it a backslash escapes for us, and not for SQLite. */
	if (like) {
		buf_add_str(sql, " ESCAPE ");
		buf_add_str(sql, pick(pair, 3)   ? "'\\'"
				 : pick(pair, 3) ? "'%'"
						 : "'é'");
	}
}

static void add_value(const struct msg_value *value, struct buf *out)
{
	if (value->type == MSG_INT)
		buf_printf(out, "i%lld", (long long)value->integer);
	else if (value->type == MSG_BOOL) /* as SQLite says it */
		buf_printf(out, "i%d", value->boolean);
	else if (value->type == MSG_REAL)
		buf_printf(out, "r%.17g", value->real);
	else if (value->type == MSG_TEXT || value->type == MSG_BLOB)
		buf_printf(out, "%d:%.*s", value->type, (int)value->bytes.size,
			   (const char *)value->bytes.data);
	else
		buf_add_str(out, "-");
}

/* The answer of each, or what they say instead of one. */
static void ours(struct pair *pair, const char *sql, struct buf *out)
{
	struct drift_error error = { 0 };
	enum query_event event = QUERY_DONE;
	struct msg_value value;

	assert_int_equal(query_start(pair->session, sql, strlen(sql), &error), 0);
	while (event != QUERY_END) {
		if (query_next(pair->session, &event, &error)) {
			buf_add_str(out, error.text);
			return;
		}
		if (event != QUERY_ROW)
			continue;
		query_value(pair->session, 0, &value, NULL);
		add_value(&value, out);
	}
}

static void theirs(struct pair *pair, const char *sql, struct buf *out)
{
	struct msg_value value = { 0 };
	sqlite3_stmt *stmt;
	int type;

	assert_int_equal(sqlite3_prepare_v2(pair->plain, sql, -1, &stmt, NULL), 0);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		type = sqlite3_column_type(stmt, 0);
		if (type == SQLITE_INTEGER) {
			value.type = MSG_INT;
			value.integer = sqlite3_column_int64(stmt, 0);
		} else if (type == SQLITE_FLOAT) {
			value.type = MSG_REAL;
			value.real = sqlite3_column_double(stmt, 0);
		} else if (type != SQLITE_NULL) {
			value.type = type == SQLITE_BLOB ? MSG_BLOB : MSG_TEXT;
			value.bytes =
				slice_of(sqlite3_column_blob(stmt, 0),
					 (size_t)sqlite3_column_bytes(stmt, 0));
		}
		add_value(&value, out);
	} else {
		buf_add_str(out, sqlite3_errmsg(pair->plain));
	}
	sqlite3_finalize(stmt);
}

static void open_pair(struct pair *pair)
{
	struct drift_error error = { 0 };

	home_make(&pair->home, 0);
	assert_int_equal(
		query_session_open(pair->home.db, NULL, &pair->session, &error), 0);
	assert_int_equal(sqlite3_open(":memory:", &pair->plain), SQLITE_OK);
	assert_int_equal(sqlite3_exec(pair->plain, "PRAGMA case_sensitive_like=ON",
				      NULL, NULL, NULL),
			 SQLITE_OK);
}

static void close_pair(struct pair *pair)
{
	query_session_close(pair->session);
	home_remove(&pair->home);
	sqlite3_close(pair->plain);
}

static void functions_answer_as_sqlite_does(void **state)
{
	struct pair pair = { .random = test_seed() };
	struct buf sql = BUF_INIT, a = BUF_INIT, b = BUF_INIT;

	(void)state;
	open_pair(&pair);
	for (unsigned i = 0; i < ROUNDS; i++) {
		buf_clear(&sql);
		buf_clear(&a);
		buf_clear(&b);
		buf_add_str(&sql, "SELECT ");
		if (pick(&pair, 2))
			add_match(&pair, &sql);
		else if (pick(&pair, 2))
			add_call(&pair, &sql);
		else
			add_printf(&pair, &sql);
		ours(&pair, buf_cstr(&sql), &a);
		theirs(&pair, buf_cstr(&sql), &b);
		if (strcmp(buf_cstr(&a), buf_cstr(&b)) != 0)
			fail_msg("%s\nours: %s\ntheirs: %s", buf_cstr(&sql),
				 buf_cstr(&a), buf_cstr(&b));
	}
	buf_release(&sql);
	buf_release(&a);
	buf_release(&b);
	close_pair(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_answer_as_sqlite_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
