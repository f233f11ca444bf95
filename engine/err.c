/* SPDX-License-Identifier: MIT */
/* err.c - the columns of the error table, and how a refusal is written down.
 *
 * Texts may quote what a user sent. They end up in terminals, log lines and
 * protocol messages, so they are kept to one line of whole UTF-8 characters. */
#include "engine/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct err_row {
	int number;
	const char *state;
	const char *text;
};

#define DRIFT_ERROR_ROW(name, number, state, text) { number, state, text },
static const struct err_row rows[] = { DRIFT_ERRORS(DRIFT_ERROR_ROW) };
#undef DRIFT_ERROR_ROW

static const struct err_row *row_of(enum drift_err code)
{
	if ((size_t)code >= sizeof(rows) / sizeof(rows[0]))
		return &rows[DRIFT_INTERNAL];
	return &rows[code];
}

int drift_err_errno(enum drift_err code)
{
	return row_of(code)->number;
}

const char *drift_err_sqlstate(enum drift_err code)
{
	return row_of(code)->state;
}

const char *drift_err_text(enum drift_err code)
{
	return row_of(code)->text;
}

/* Control bytes could forge a second log line or move a terminal's cursor. */
static void replace_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static size_t character_size(unsigned char lead)
{
	if (lead < 0xc0)
		return 1;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Drop the beginning of a character that the cut at the end left incomplete. */
static void drop_cut_character(char *text, size_t size)
{
	size_t lead = size - 1;

	while (lead > 0 && (text[lead] & 0xc0) == 0x80)
		lead--;
	if (size - lead < character_size((unsigned char)text[lead]))
		text[lead] = '\0';
}

enum drift_err drift_fail(struct drift_error *error, enum drift_err code,
			  const char *format, ...)
{
	va_list args;
	int size;

	if (!error)
		return code;
	error->code = code;
	error->position = 0;
	error->hint[0] = '\0';
	va_start(args, format);
	size = vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	if (size < 0)
		error->text[0] = '\0';
	else if ((size_t)size >= sizeof(error->text))
		drop_cut_character(error->text, sizeof(error->text) - 1);
	replace_controls(error->text);
	return code;
}

enum drift_err drift_fail_code(struct drift_error *error, enum drift_err code)
{
	if (!error || (error->code == code && error->text[0]))
		return code;
	return drift_fail(error, code, "%s", drift_err_text(code));
}

int drift_err_exit(enum drift_err code)
{
	switch (code) {
	case DRIFT_OK:
		return EXIT_FINE;
	case DRIFT_CORRUPT:
		return EXIT_DAMAGED;
	case DRIFT_NEWER:
		return EXIT_NEWER;
	default:
		return EXIT_REFUSED;
	}
}
