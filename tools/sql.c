/* SPDX-License-Identifier: MIT */
/* sql.c - driftdb sql and driftdb drift: DriftQL from the command line, a file,
 * standard input or a prompt. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/door.h"

/* An error of the language, as every door shows it. */
static int complain_sql(const struct drift_error *error, const char *script)
{
	struct buf text = BUF_INIT;
	int status = exit_status_of(error->code);

	query_print_error(error, script, strlen(script), &text);
	fputs(buf_cstr(&text), stderr);
	if (!text.size || text.data[text.size - 1] != '\n')
		fputc('\n', stderr);
	buf_release(&text);
	return status;
}

static enum drift_err read_stream(FILE *file, const char *name, struct buf *script,
				  struct drift_error *error)
{
	enum { PIECE_BYTES = 64 << 10 };
	char *at;
	size_t count = 1;

	while (count > 0 && (at = buf_reserve(script, PIECE_BYTES))) {
		count = fread(at, 1, PIECE_BYTES, file);
		script->size += count;
	}
	if (ferror(file))
		return drift_fail(error, DRIFT_IO, "%s: %s", name, strerror(errno));
	if (buf_status(script))
		return drift_fail_code(error, DRIFT_NOMEM);
	if (script->size && memchr(script->data, 0, script->size))
		return drift_fail(error, DRIFT_BAD_TEXT, "%s: a NUL byte", name);
	return DRIFT_OK;
}

static enum drift_err read_script(const char *name, struct buf *script,
				  struct drift_error *error)
{
	enum drift_err err;
	FILE *file;

	if (strcmp(name, "-") == 0)
		return read_stream(stdin, "standard input", script, error);
	file = fopen(name, "re");
	if (!file)
		return drift_fail(error, DRIFT_IO, "%s: %s", name, strerror(errno));
	err = read_stream(file, name, script, error);
	fclose(file);
	return err;
}

static int run_script(struct door *door, const char *script)
{
	struct drift_error error = { 0 };

	return door_run(door, script, &error) ? complain_sql(&error, script)
					      : EXIT_FINE;
}

/* Statements as they are typed, each run at its ';'. A refusal is told and the
 * prompt goes on; the status is that of the last statement. */
static int prompt(struct door *door)
{
	struct buf typed = BUF_INIT;
	char *line = NULL;
	size_t capacity = 0;
	int status = EXIT_FINE;

	for (;;) {
		fputs(typed.size ? "    ...> " : "driftql> ", stdout);
		fflush(stdout);
		if (getline(&line, &capacity, stdin) < 0 ||
		    (typed.size == 0 && !strcmp(line, "\\q\n")))
			break;
		if (typed.size == 0 && !strcmp(line, "\n"))
			continue;
		buf_add_str(&typed, line);
		if (!query_complete(typed.data, typed.size))
			continue;
		status = run_script(door, buf_cstr(&typed));
		buf_clear(&typed);
	}
	putchar('\n');
	free(line);
	buf_release(&typed);
	return status;
}

/* One after the other, in one session; the first that fails is the last. */
static int run_each(struct door *door, const char *const *statements)
{
	int status = EXIT_FINE;

	while (*statements && status == EXIT_FINE)
		status = run_script(door, *statements++);
	return status;
}

static int run_statements(const struct arguments *arguments, struct door *door)
{
	struct drift_error error = { 0 };
	struct buf script = BUF_INIT;
	int status;

	if (arguments->statements[0])
		return run_each(door, arguments->statements);
	if (!arguments->file && isatty(STDIN_FILENO))
		return prompt(door);
	if (read_script(arguments->file ? arguments->file : "-", &script, &error))
		status = complain(&error);
	else
		status = run_script(door, buf_cstr(&script));
	buf_release(&script);
	return status;
}

/* With no --format: lines of JSON, and a table for a person at the prompt. */
static bool choose_format(const struct arguments *arguments,
			  enum query_format *format)
{
	if (arguments->format)
		return query_format_parse(arguments->format, format);
	*format = QUERY_JSON;
	if (!arguments->statements[0] && !arguments->file && isatty(STDIN_FILENO))
		*format = QUERY_TABLE;
	return true;
}

int command_sql(const struct arguments *arguments)
{
	struct drift_error error = { 0 };
	enum query_format format;
	struct door *door;
	int status;

	if (!choose_format(arguments, &format))
		return complain_usage("sql: no such format: %s", arguments->format);
	if (arguments->statements[0] && arguments->file)
		return complain_usage("sql: -e or -f, not both");
	if (door_open(arguments->dir, format, !arguments->quiet, &door, &error))
		return complain(&error);
	status = run_statements(arguments, door);
	door_close(door);
	return status;
}

/* Append text between quotes, those inside doubled. */
static void add_quoted(struct buf *script, char quote, const char *text)
{
	buf_add_char(script, quote);
	for (; *text; text++) {
		if (*text == quote)
			buf_add_char(script, quote);
		buf_add_char(script, *text);
	}
	buf_add_char(script, quote);
}

int command_drift(const struct arguments *arguments)
{
	struct arguments sql = *arguments;
	struct buf script = BUF_INIT;
	int status;

	buf_add_str(&script, "SHOW DRIFT ");
	add_quoted(&script, '"', arguments->table);
	buf_add_str(&script, " KEY ");
	add_quoted(&script, '\'', arguments->key);
	sql.statements[0] = buf_cstr(&script);
	sql.quiet = true;
	status = command_sql(&sql);
	buf_release(&script);
	return status;
}
