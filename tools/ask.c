/* SPDX-License-Identifier: MIT */
/* ask.c - see ask.h. */
#include "tools/ask.h"

#include <stdio.h>

#include "tools/command.h"
#include "tools/door.h"

enum query_format ask_format(const char *name, enum query_format otherwise)
{
	enum query_format format = otherwise;

	if (name)
		(void)query_format_parse(name, &format);
	return format;
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

void ask_add_name(struct buf *script, const char *name)
{
	add_quoted(script, '"', name);
}

void ask_add_string(struct buf *script, const char *text)
{
	add_quoted(script, '\'', text);
}

/* A moment that DriftQL reads without quotes, or has its own. */
static bool is_bare_moment(const char *moment)
{
	return *moment == '@' || *moment == '\'' || *moment == '"' ||
	       (*moment && moment[strspn(moment, "0123456789")] == 0);
}

void ask_add_moment(struct buf *script, const char *moment)
{
	if (is_bare_moment(moment))
		buf_add_str(script, moment);
	else
		ask_add_string(script, moment);
}

int ask_complain(const char *place, const struct drift_error *error,
		 const char *script)
{
	struct buf text = BUF_INIT;
	int status = drift_err_exit(error->code);

	buf_add_str(&text, place);
	query_print_error(error, script, strlen(script), &text);
	if (!text.size || text.data[text.size - 1] != '\n')
		buf_add_char(&text, '\n');
	fputs(buf_cstr(&text), stderr);
	buf_release(&text);
	return status;
}

void ask_warn(const struct drift_error *warning)
{
	struct buf text = BUF_INIT;

	query_print_warning(warning, &text);
	fputs(buf_cstr(&text), stderr);
	buf_release(&text);
}

int ask_run(const char *dir, enum query_format format, bool messages,
	    const char *script)
{
	const struct door_sink sink = { .format = format,
					.messages = messages,
					.take = door_print };
	struct drift_error error = { 0 };
	int status = EXIT_FINE;
	struct door *door;

	if (door_open(dir, false, &door, &error))
		return complain(&error);
	if (door_run(door, script, &sink, &error))
		status = ask_complain("", &error, script);
	door_close(door);
	return status;
}

int ask_about(const char *dir, const char *verb, const char *table, const char *all,
	      bool messages)
{
	struct buf script = BUF_INIT;
	int status;

	buf_add_str(&script, table ? verb : all);
	if (table) {
		buf_add_char(&script, ' ');
		ask_add_name(&script, table);
	}
	status = ask_run(dir, QUERY_JSON, messages, buf_cstr(&script));
	buf_release(&script);
	return status;
}
