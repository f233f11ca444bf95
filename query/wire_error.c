/* SPDX-License-Identifier: MIT */
/* wire_error.c - see wire_error.h. Fields: PostgreSQL 15 manual, 55.8.
 *
 * The text of a constraint's violation names everything in double quotes, and its detail
 * begins with "Key (": the table below says which name stands behind which words. */
#include "query/wire_error.h"

#include <stdio.h>
#include <string.h>

#define DETAIL ": Key ("

static const struct violation {
	enum drift_err code;
	const char *table; /* its name stands behind these words */
	const char *column;
	const char *constraint;
} violations[] = {
	{ DRIFT_KEY_EXISTS, "violates PRIMARY KEY ", NULL, NULL },
	{ DRIFT_KEY_EXISTS, " of ", NULL, "unique constraint " },
	{ DRIFT_FOREIGN_KEY, "\" on table ", NULL, "foreign key constraint " },
	{ DRIFT_FOREIGN_KEY, "on table ", NULL, "foreign key constraint " },
	{ DRIFT_NOT_NULL, "of relation ", "in column ", NULL },
	{ DRIFT_CHECK, "for relation ", NULL, "check constraint " },
};

/* Bytes, from 1, to characters, from 1. */
static int character_position(const char *script, int position)
{
	int characters = 1;

	for (int i = 0; script && i + 1 < position && script[i]; i++)
		characters += ((unsigned char)script[i + 1] & 0xc0) != 0x80;
	return characters;
}

static void add_field(struct wire *wire, char field, const char *text)
{
	buf_add_char(&wire->out, field);
	wire_add_text(wire, text);
}

static void begin(struct wire *wire, char message, const struct drift_error *error,
		  const char *severity)
{
	wire_begin(wire, message);
	add_field(wire, 'S', severity);
	add_field(wire, 'V', severity);
	add_field(wire, 'C', drift_err_sqlstate(error->code));
}

static void end(struct wire *wire, const struct drift_error *error,
		const char *script)
{
	char position[16];

	if (error->hint[0])
		add_field(wire, 'H', error->hint);
	if (error->position > 0 && script) {
		snprintf(position, sizeof(position), "%d",
			 character_position(script, error->position));
		add_field(wire, 'P', position);
	}
	buf_add_char(&wire->out, '\0');
	wire_end(wire);
}

void wire_error(struct wire *wire, const struct drift_error *error,
		const char *severity, const char *script)
{
	begin(wire, 'E', error, severity);
	add_field(wire, 'M', error->text);
	end(wire, error, script);
}

void wire_warning(struct wire *wire, const struct drift_error *warning)
{
	begin(wire, 'N', warning, "WARNING");
	add_field(wire, 'M', warning->text);
	end(wire, warning, NULL);
}

/* The name in quotes behind the words; none of them: false. */
static bool name_behind(const char *text, const char *words, char *name, size_t size)
{
	const char *at = words ? strstr(text, words) : NULL;
	const char *close;

	if (!at || at[strlen(words)] != '"')
		return false;
	at += strlen(words) + 1;
	close = strchr(at, '"');
	if (!close || (size_t)(close - at) >= size)
		return false;
	snprintf(name, size, "%.*s", (int)(close - at), at);
	return true;
}

static void add_named(struct wire *wire, char field, const char *text,
		      const char *words)
{
	char name[256];

	if (name_behind(text, words, name, sizeof(name)))
		add_field(wire, field, name);
}

/* The first row of the table above whose names the text has. */
static const struct violation *find_violation(const struct drift_error *error)
{
	char name[256];

	for (unsigned i = 0; i < sizeof(violations) / sizeof(*violations); i++)
		if (violations[i].code == error->code &&
		    name_behind(error->text, violations[i].table, name,
				sizeof(name)))
			return &violations[i];
	return NULL;
}

/* A key of several tables' rows has one name in PostgreSQL: t_pkey. */
static void add_violation(struct wire *wire, const struct violation *violation,
			  const char *text, const char *detail)
{
	char table[256], constraint[264];

	(void)name_behind(text, violation->table, table, sizeof(table));
	if (!name_behind(text, violation->constraint, constraint,
			 sizeof(constraint)))
		snprintf(constraint, sizeof(constraint), "%s_pkey", table);
	if (violation->code == DRIFT_KEY_EXISTS) {
		buf_add_char(&wire->out, 'M');
		buf_add_str(&wire->out, "duplicate key value violates unique "
					"constraint \"");
		buf_add_str(&wire->out, constraint);
		wire_add_text(wire, "\"");
	} else {
		buf_add_char(&wire->out, 'M');
		buf_add(&wire->out, text,
			detail ? (size_t)(detail - text) : strlen(text));
		buf_add_char(&wire->out, '\0');
	}
	if (detail)
		add_field(wire, 'D', detail + 2);
	add_field(wire, 's', "public");
	add_field(wire, 't', table);
	add_named(wire, 'c', text, violation->column);
	if (violation->code != DRIFT_NOT_NULL)
		add_field(wire, 'n', constraint);
}

void wire_error_in_fields(struct wire *wire, const struct drift_error *error,
			  const char *script)
{
	const struct violation *violation = find_violation(error);

	begin(wire, 'E', error, "ERROR");
	if (violation)
		add_violation(wire, violation, error->text,
			      strstr(error->text, DETAIL));
	else
		add_field(wire, 'M', error->text);
	end(wire, error, script);
}
