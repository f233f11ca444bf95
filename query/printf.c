/* SPDX-License-Identifier: MIT */
/* printf.c - printf() and format() as SQLite has them, but for one thing: its %.*c with
 * a precision of hundreds of millions counts that far even though the answer became
 * too long at once. Such a call is refused first; any other is made by a connection
 * that has SQLite's own functions and nothing else. */
#include <stdlib.h>

#include "query/session.h"
#include "query/text.h"

#define ARGUMENTS_KEPT 8

struct printer {
	struct query_session *session;
	sqlite3 *own;
	sqlite3_stmt *calls[ARGUMENTS_KEPT + 1]; /* by number of arguments */
};

static void printer_free(void *user)
{
	struct printer *printer = user;

	for (unsigned i = 0; i <= ARGUMENTS_KEPT; i++)
		sqlite3_finalize(printer->calls[i]);
	sqlite3_close(printer->own);
	free(printer);
}

/* The number at *at, or the next argument for '*', without its sign. */
static sqlite3_int64 read_number(const char **at, int argc, sqlite3_value **argv,
				 int *argument)
{
	sqlite3_int64 number = 0;

	if (**at == '*') {
		++*at;
		if (*argument < argc)
			number = sqlite3_value_int64(argv[(*argument)++]);
		/* SQLite takes the lower half of it. */
		return llabs((sqlite3_int64)(int)number);
	}
	while (**at >= '0' && **at <= '9') {
		if (number <= INT32_MAX)
			number = number * 10 + (**at - '0');
		++*at;
	}
	return number & INT32_MAX;
}

/* Is there a %c that repeats its character more than `most` times? */
static bool repeats_much(int argc, sqlite3_value **argv, int most)
{
	const char *at = (const char *)sqlite3_value_text(argv[0]);
	int argument = 1;

	while (at && (at = strchr(at, '%'))) {
		sqlite3_int64 precision = 0;

		at += 1 + strspn(at + 1, "-+ #0!,");
		(void)read_number(&at, argc, argv, &argument);
		if (*at == '.') {
			at++;
			precision = read_number(&at, argc, argv, &argument);
		}
		at += strspn(at, "l");
		if (*at == 'c' && precision > most)
			return true;
		if (*at == '\0')
			return false;
		argument += *at != '%' && *at != 'n';
		at++;
	}
	return false;
}

static int open_own(struct printer *printer)
{
	int most = sqlite3_limit(printer->session->sqlite, SQLITE_LIMIT_LENGTH, -1);
	int rc = SQLITE_OK;

	if (!printer->own) {
		rc = sqlite3_open_v2(":memory:", &printer->own,
				     SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY |
					     SQLITE_OPEN_NOMUTEX,
				     NULL);
		sqlite3_limit(printer->own, SQLITE_LIMIT_LENGTH, most);
	}
	return rc;
}

static int prepare_call(struct printer *printer, int argc, sqlite3_stmt **call)
{
	sqlite3_str *sql;
	char *text;
	int rc = open_own(printer);

	if (rc)
		return rc;
	sql = sqlite3_str_new(NULL);
	sqlite3_str_appendall(sql, "SELECT printf(?");
	for (int i = 1; i < argc; i++)
		sqlite3_str_appendall(sql, ",?");
	sqlite3_str_appendall(sql, ")");
	text = sqlite3_str_finish(sql);
	rc = text ? sqlite3_prepare_v3(printer->own, text, -1,
				       SQLITE_PREPARE_PERSISTENT, call, NULL)
		  : SQLITE_NOMEM;
	sqlite3_free(text);
	return rc;
}

static void answer(sqlite3_context *context, struct printer *printer,
		   sqlite3_stmt *call, int argc, sqlite3_value **argv)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < argc && !rc; i++)
		rc = sqlite3_bind_value(call, i + 1, argv[i]);
	if (!rc)
		rc = sqlite3_step(call);
	if (rc == SQLITE_ROW)
		sqlite3_result_value(context, sqlite3_column_value(call, 0));
	else if (rc == SQLITE_TOOBIG)
		sqlite3_result_error_toobig(context);
	else if (rc == SQLITE_NOMEM)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_error(context, sqlite3_errmsg(printer->own), -1);
	sqlite3_reset(call);
	sqlite3_clear_bindings(call);
}

static void print(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct printer *printer = sqlite3_user_data(context);
	sqlite3_stmt *call = argc <= ARGUMENTS_KEPT ? printer->calls[argc] : NULL;
	int rc = SQLITE_OK;

	if (argc == 0)
		return;
	if (repeats_much(argc, argv,
			 sqlite3_limit(printer->session->sqlite, SQLITE_LIMIT_LENGTH,
				       -1))) {
		sqlite3_result_error_toobig(context);
		return;
	}
	if (!call)
		rc = prepare_call(printer, argc, &call);
	if (rc) {
		sqlite3_result_error_code(context, rc);
		return;
	}
	answer(context, printer, call, argc, argv);
	if (argc <= ARGUMENTS_KEPT)
		printer->calls[argc] = call;
	else
		sqlite3_finalize(call);
}

enum drift_err printf_register(struct query_session *session)
{
	static const char *const names[] = { "printf", "format" };

	for (unsigned i = 0; i < 2; i++) {
		struct printer *printer = calloc(1, sizeof(*printer));

		if (!printer)
			return DRIFT_NOMEM;
		printer->session = session;
		/* On failure SQLite frees it. */
		if (sqlite3_create_function_v2(
			    session->sqlite, names[i], -1,
			    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
			    printer, print, NULL, NULL, printer_free))
			return DRIFT_NOMEM;
	}
	return DRIFT_OK;
}
