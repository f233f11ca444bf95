/* SPDX-License-Identifier: MIT */
/* limit.c - SQLite can open files, load code and compute for ever; a session can't.
 *
 * The authorizer allows what queries need and nothing else, so what a later SQLite
 * learns to do is refused until it is listed here. printf('%.*c', 900000000) and
 * its like run inside one instruction, where no progress handler comes by: only the
 * limit on lengths stops those. */
#include "query/limit.h"

#include <strings.h>
#include <time.h>

#include "query/catalog.h"
#include "query/log_table.h"
#include "query/saved.h"
#include "query/session.h"

#define PROGRESS_OPERATIONS 2000
#define GONE_INTERVAL_NS 50000000

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void limit_begin(struct query_session *session)
{
	session->spent_ns = 0;
	session->resumed_ns = clock_ns();
	session->timed_out = false;
	session->memory.refused = false;
}

void limit_resume(struct query_session *session)
{
	session->resumed_ns = clock_ns();
	(void)memory_charge(&session->memory);
}

void limit_pause(struct query_session *session)
{
	(void)memory_charge(NULL);
	session->spent_ns += clock_ns() - session->resumed_ns;
}

void query_watch(struct query_session *session, bool (*gone)(void *arg), void *arg)
{
	session->gone = gone;
	session->gone_arg = arg;
}

static bool is_gone(struct query_session *session, uint64_t now_ns)
{
	if (!session->gone || now_ns - session->gone_asked_ns < GONE_INTERVAL_NS)
		return false;
	session->gone_asked_ns = now_ns;
	if (session->gone(session->gone_arg))
		atomic_store(&session->interrupted, true);
	return atomic_load(&session->interrupted);
}

bool limit_reached(struct query_session *session)
{
	uint64_t now_ns, spent_ns;

	if (atomic_load_explicit(&session->interrupted, memory_order_relaxed))
		return true;
	now_ns = clock_ns();
	if (is_gone(session, now_ns))
		return true;
	spent_ns = session->spent_ns + now_ns - session->resumed_ns;
	session->timed_out = spent_ns / 1000000 > session->timeout_ms;
	return session->timed_out;
}

enum drift_err limit_fail(const struct query_session *session,
			  struct drift_error *error)
{
	if (session->timed_out)
		return drift_fail(error, DRIFT_TIMEOUT,
				  "canceling statement due to statement timeout");
	return drift_fail(error, DRIFT_INTERRUPTED,
			  "canceling statement due to user request");
}

enum drift_err limit_fail_memory(const struct query_session *session,
				 struct drift_error *error)
{
	if (!session->memory.refused)
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	return drift_fail(error, DRIFT_NOMEM,
			  "out of memory: a statement may use %zu MiB",
			  MEMORY_SESSION_BYTES_MAX >> 20);
}

static int progress(void *session)
{
	return limit_reached(session);
}

/* Functions that reach files, code or memory. */
static bool is_forbidden_function(const char *name)
{
	static const char *const names[] = {
		"load_extension",
		"fts3_tokenizer",
		"readfile",
		"writefile",
		"edit",
		"fts5",
		"rtreecheck",
		"rtreedepth",
		"rtreenode",
		"sqlite_compileoption_get",
		"sqlite_compileoption_used",
		"sqlite_log",
		"sqlite_source_id",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (name && strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Only our own tables and SQL's own; not sqlite_schema, dbstat and the like. */
static bool is_table(const struct query_session *session, const char *name)
{
	const struct relation *at = session->relations;

	while (at && name && strcasecmp(at->name, name) != 0)
		at = at->next;
	return at != NULL || saved_is(session, name);
}

/* What may be read beside our tables: the log, and SQLite's JSON functions. A read of no column
 * may be of a name in WITH, which shows nothing unless it is one of SQLite's. */
static bool is_readable(const char *table, const char *column)
{
	static const char *const denied[] = { "sqlite_", "pragma_", "dbstat",
					      "bytecode", "tables_used" };

	if (!table || log_table_is(table) || strcasecmp(table, "json_each") == 0 ||
	    strcasecmp(table, "json_tree") == 0)
		return true;
	if (column && column[0] != '\0')
		return false;
	for (unsigned i = 0; i < sizeof(denied) / sizeof(*denied); i++)
		if (strncasecmp(table, denied[i], strlen(denied[i])) == 0)
			return false;
	return true;
}

static int authorize(void *user, int action, const char *one, const char *two,
		     const char *database, const char *trigger)
{
	const struct query_session *session = user;

	(void)database;
	if (session->internal)
		return SQLITE_OK;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_READ:
		/* trigger: the view that reads. */
		return is_table(session, one) || is_readable(one, two) ||
				       (trigger && catalog_is_source(one))
			       ? SQLITE_OK
			       : SQLITE_DENY;
	case SQLITE_FUNCTION:
		return is_forbidden_function(two) ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		return is_table(session, one) ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static void set_sizes(sqlite3 *db)
{
	static const struct {
		int what;
		int most;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, 17 << 20 },
		{ SQLITE_LIMIT_SQL_LENGTH, 1 << 20 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 100 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 50 },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 10 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (unsigned i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		sqlite3_limit(db, limits[i].what, limits[i].most);
}

enum drift_err limit_quoted_identifiers(struct query_session *session, bool always)
{
	return sqlite3_db_config(session->sqlite, SQLITE_DBCONFIG_DQS_DML, !always,
				 NULL)
		       ? DRIFT_INTERNAL
		       : DRIFT_OK;
}

enum drift_err limit_install(struct query_session *session)
{
	sqlite3 *db = session->sqlite;

	set_sizes(db);
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) ||
	    limit_quoted_identifiers(session, session->quoted_identifiers) ||
	    sqlite3_set_authorizer(db, authorize, session))
		return DRIFT_INTERNAL;
	sqlite3_progress_handler(db, PROGRESS_OPERATIONS, progress, session);
	return DRIFT_OK;
}
