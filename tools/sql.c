/* SPDX-License-Identifier: MIT */
/* sql.c - driftdb sql: DriftQL from the command line, a file,
 * standard input or a prompt. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/door.h"
#include "tools/ask.h"

static struct {
	const char *dir;
	const char *statements[COMMAND_LIST_MAX + 1];
	const char *file;
	const char *format;
	bool quiet;
} given;

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

	return door_run(door, script, &error) ? ask_complain(&error, script)
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

static int run_statements(struct door *door)
{
	struct drift_error error = { 0 };
	struct buf script = BUF_INIT;
	int status;

	if (given.statements[0])
		return run_each(door, given.statements);
	if (!given.file && isatty(STDIN_FILENO))
		return prompt(door);
	if (read_script(given.file ? given.file : "-", &script, &error))
		status = complain(&error);
	else
		status = run_script(door, buf_cstr(&script));
	buf_release(&script);
	return status;
}

static int run(void)
{
	/* Lines of JSON, and a table for a person at the prompt. */
	bool prompting = !given.statements[0] && !given.file && isatty(STDIN_FILENO);
	enum query_format format =
		ask_format(given.format, prompting ? QUERY_TABLE : QUERY_JSON);
	struct drift_error error = { 0 };
	struct door *door;
	int status;

	if (given.statements[0] && given.file)
		return complain_usage("sql: -e or -f, not both");
	if (door_open(given.dir, format, !given.quiet, &door, &error))
		return complain(&error);
	status = run_statements(door);
	door_close(door);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .letter = 'e',
	  .name = "execute",
	  .value = "STATEMENTS",
	  .help = "what to run; several are run in order",
	  .list = given.statements },
	{ .letter = 'f',
	  .name = "file",
	  .value = "FILE",
	  .help = "read what to run from FILE, - for standard input",
	  .text = &given.file },
	OPTION_FORMAT(&given.format),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_sql = {
	.name = "sql",
	.help = "run DriftQL: -e, -f, or standard input",
	.run = run,
	.options = options,
};
