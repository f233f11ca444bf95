/* SPDX-License-Identifier: MIT */
/* err.h - every way a call can fail, in one table.
 *
 * A function that can fail returns enum drift_err; the compiler warns when the
 * answer is ignored. What a person needs to know besides the code (the value,
 * the place) goes into the caller's struct drift_error. */
#ifndef DRIFT_ENGINE_ERR_H
#define DRIFT_ENGINE_ERR_H

#include <stdarg.h>

/* name, errno a filesystem call gets, SQLSTATE a SQL client gets, text.
 * SQLSTATEs are PostgreSQL 15's, appendix A of its manual. */
#define DRIFT_ERRORS(X)                                                  \
	X(OK, 0, "00000", "success")                                     \
	X(DONE, 0, "02000", "no more rows")                              \
	X(NOMEM, ENOMEM, "53200", "out of memory")                       \
	X(IO, EIO, "58030", "I/O error")                                 \
	X(FULL, ENOSPC, "53100", "disk full")                            \
	X(CORRUPT, EIO, "XX001", "data corrupted")                       \
	X(NEWER, EPROTONOSUPPORT, "58P01", "newer format")               \
	X(NOT_A_DATABASE, EINVAL, "3D000", "not a database")             \
	X(IN_USE, EBUSY, "55006", "database in use")                     \
	X(UNSAFE, EACCES, "42501", "unsafe permissions")                 \
	X(READ_ONLY, EROFS, "25006", "read-only")                        \
	X(NO_ROW, ENOENT, "02000", "no such row")                        \
	X(NO_TABLE, ENOENT, "42P01", "no such table")                    \
	X(NO_COLUMN, EINVAL, "42703", "no such column")                  \
	X(NO_INDEX, ENOENT, "42704", "no such index")                    \
	X(NO_TAG, ENOENT, "42704", "no such tag")                        \
	X(BAD_MOMENT, ENOENT, "22007", "invalid moment")                 \
	X(KEY_EXISTS, EEXIST, "23505", "duplicate key")                  \
	X(TABLE_EXISTS, EEXIST, "42P07", "table already exists")         \
	X(INDEX_EXISTS, EEXIST, "42P07", "index already exists")         \
	X(COLUMN_EXISTS, EEXIST, "42701", "column already exists")       \
	X(CONSTRAINT_EXISTS, EEXIST, "42710", "constraint exists")       \
	X(NO_CONSTRAINT, ENOENT, "42704", "no such constraint")          \
	X(TAG_EXISTS, EEXIST, "42710", "tag already exists")             \
	X(DEPENDED_ON, EBUSY, "2BP01", "other objects depend on it")     \
	X(NOT_EMPTY, ENOTEMPTY, "2BP01", "table is not empty")           \
	X(CONFLICT, EAGAIN, "40001", "could not serialize access")       \
	X(SYNTAX, EINVAL, "42601", "syntax error")                       \
	X(BAD_JSON, EINVAL, "22P02", "invalid JSON")                     \
	X(BAD_TYPE, EINVAL, "22P02", "invalid value for type")           \
	X(BAD_COPY, EINVAL, "22P04", "bad COPY file format")             \
	X(BAD_KEY, EINVAL, "22023", "invalid key")                       \
	X(BAD_NAME, EINVAL, "42602", "invalid name")                     \
	X(BAD_DEFINITION, EINVAL, "42P16", "invalid table definition")   \
	X(BAD_FOREIGN_KEY, EINVAL, "42830", "invalid foreign key")       \
	X(BAD_ARGUMENT, EINVAL, "22023", "invalid argument")             \
	X(BAD_TEXT, EILSEQ, "22021", "invalid UTF-8")                    \
	X(NOT_NULL, EPERM, "23502", "null value violates NOT NULL")      \
	X(CHECK, EPERM, "23514", "violates CHECK")                       \
	X(FOREIGN_KEY, EPERM, "23503", "violates foreign key")           \
	X(NOT_HERE, EPERM, "42809", "not possible here")                 \
	X(TOO_BIG, EFBIG, "54000", "too large")                          \
	X(TOO_LONG, EINVAL, "22001", "value too long")                   \
	X(NAME_TOO_LONG, ENAMETOOLONG, "54000", "name too long")         \
	X(LIMIT, ENOSPC, "54000", "limit exceeded")                      \
	X(TOO_MANY_FILES, ENFILE, "53400", "too many open files")        \
	X(TX_TOO_BIG, EFBIG, "54000", "transaction too large")           \
	X(TX_ABORTED, EINVAL, "25P02", "current transaction is aborted") \
	X(NO_TX, EINVAL, "25P01", "no transaction in progress")          \
	X(IN_TX, EINVAL, "25001", "already in a transaction")            \
	X(INTERRUPTED, EINTR, "57014", "canceled")                       \
	X(TIMEOUT, ETIMEDOUT, "57014", "statement timeout")              \
	X(UNSUPPORTED, EOPNOTSUPP, "0A000", "not supported")             \
	X(BAD_LOGIN, EACCES, "28000", "not allowed to connect")          \
	X(TOO_MANY, EUSERS, "53300", "too many connections")             \
	X(PROTOCOL, EPROTO, "08P01", "protocol violation")               \
	X(CONNECTION, ECONNRESET, "08006", "connection lost")            \
	X(STOPPING, ESHUTDOWN, "57P01", "the server is stopping")        \
	X(NO_FUNCTION, EINVAL, "42883", "no such function")              \
	X(OUT_OF_RANGE, EINVAL, "22003", "number out of range")          \
	X(NO_SAVEPOINT, EINVAL, "3B001", "no such savepoint")            \
	X(NO_SETTING, EINVAL, "42704", "no such setting")                \
	X(AMBIGUOUS, EINVAL, "42702", "ambiguous column")                \
	X(NO_TYPE, EINVAL, "42704", "no such type")                      \
	X(TWICE, EINVAL, "21000", "a row is changed twice")              \
	X(NO_STATEMENT, EINVAL, "26000", "no such prepared statement")   \
	X(STATEMENT_EXISTS, EINVAL, "42P05", "statement exists")         \
	X(NO_PORTAL, EINVAL, "34000", "no such portal")                  \
	X(PORTAL_EXISTS, EINVAL, "42P03", "portal exists")               \
	X(NO_PARAMETER, EINVAL, "42P02", "no such parameter")            \
	X(BAD_TIME, EINVAL, "22007", "invalid date or time")             \
	X(DIVISION, EINVAL, "22012", "division by zero")                 \
	X(NO_SEQUENCE, ENOENT, "42P01", "no such sequence")              \
	X(NO_CURRVAL, EINVAL, "55000", "not in prerequisite state")      \
	X(SEQUENCE_END, ERANGE, "2200H", "a sequence has ended")         \
	X(WRONG_KIND, EINVAL, "42809", "wrong kind of object")           \
	X(BAD_REFERENCE, EINVAL, "42P10", "wrong column reference")      \
	X(GROUPING, EINVAL, "42803", "wrong use of an aggregate")        \
	X(BAD_REGEX, EINVAL, "2201B", "invalid regular expression")      \
	X(ALWAYS, EINVAL, "428C9", "its values are always generated")    \
	X(SQL, EINVAL, "42000", "SQL error")                             \
	X(INTERNAL, EIO, "XX000", "internal error")

#define DRIFT_ERROR_ENUM(name, number, state, text) DRIFT_##name,
enum [[nodiscard]] drift_err{ DRIFT_ERRORS(DRIFT_ERROR_ENUM) };
#undef DRIFT_ERROR_ENUM

/* One refusal, with what a person needs to mend it. */
struct drift_error {
	enum drift_err code;
	int position;   /* 1-based byte in the offending text, 0 when unknown */
	char text[512]; /* one line, NUL-terminated, without the SQLSTATE */
	char hint[128]; /* what may help, "" when nothing is known */
};

/* Nothing is told yet. For where it matters that not all of it is written. */
static inline void drift_error_clear(struct drift_error *error)
{
	error->code = DRIFT_OK;
	error->position = 0;
	error->text[0] = error->hint[0] = '\0';
}

/* Fill *error (which may be NULL) with code and a formatted text, position 0,
 * and return code, so that callers write `return drift_fail(error, ...)`. */
enum drift_err drift_fail(struct drift_error *error, enum drift_err code,
			  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Fill *error with code and its general text unless it already tells of code. */
enum drift_err drift_fail_code(struct drift_error *error, enum drift_err code);

/* The columns of the table above. */
int drift_err_errno(enum drift_err code);            /* for fs/ only */
const char *drift_err_sqlstate(enum drift_err code); /* for query/ only */
const char *drift_err_text(enum drift_err code);

/* The exit statuses that both programs share; each adds its own. */
enum drift_exit {
	EXIT_FINE = 0,
	EXIT_REFUSED = 1, /* refused, or it failed */
	EXIT_DAMAGED = 3, /* the database is damaged */
	EXIT_NEWER = 4,   /* the database has a newer format */
};
int drift_err_exit(enum drift_err code);

#endif
