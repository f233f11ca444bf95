/* SPDX-License-Identifier: MIT */
/* names.c - see names.h. */
#include "tools/names.h"

#include <strings.h>

#include "tools/ask.h"
#include "tools/cell.h"

void names_release(struct names *names)
{
	buf_release(&names->text);
	*names = NAMES_INIT;
}

const char *names_next(const struct names *names, const char *name)
{
	const char *next = name ? name + strlen(name) + 1 : names->text.data;

	return names->count && next < names->text.data + names->text.size ? next
									  : NULL;
}

bool names_have(const struct names *names, const char *name)
{
	const char *at = NULL;

	while ((at = names_next(names, at)))
		if (strcasecmp(at, name) == 0)
			return true;
	return false;
}

enum drift_err names_add(struct names *names, const char *name)
{
	buf_add(&names->text, name, strlen(name) + 1);
	names->count++;
	return buf_status(&names->text);
}

static enum drift_err gather(void *arg, struct slice text, struct drift_error *error)
{
	struct buf *answer = arg;

	buf_add_slice(answer, text);
	return drift_fail_code(error, buf_status(answer));
}

/* The first cell of each row. */
static enum drift_err add_firsts(const struct buf *answer, struct names *names)
{
	const char *at = answer->data, *end = at + answer->size;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		const char *tab = memchr(at, '\t', (size_t)(stop - at));

		if (*at == ' ' && stop - at > 2) {
			const char *cell_end = tab ? tab : stop;

			cell_value(slice_of(at + 2, (size_t)(cell_end - at - 2)),
				   &names->text);
			buf_add_char(&names->text, 0);
			names->count++;
		}
		at = stop + 1;
	}
	return buf_status(&names->text);
}

static enum drift_err ask(struct door *door, const char *statement,
			  struct names *names)
{
	struct buf answer = BUF_INIT;
	const struct door_sink sink = { .format = QUERY_CELLS,
					.messages = true,
					.take = gather,
					.arg = &answer };
	enum drift_err err = door_run(door, statement, &sink, NULL);

	if (!err)
		err = add_firsts(&answer, names);
	buf_release(&answer);
	return err;
}

enum drift_err names_tables(struct door *door, struct names *names)
{
	return ask(door, "SHOW TABLES", names);
}

enum drift_err names_columns(struct door *door, const char *table,
			     struct names *names)
{
	struct buf statement = BUF_INIT;
	enum drift_err err;

	buf_add_str(&statement, "DESCRIBE ");
	ask_add_name(&statement, table);
	err = buf_status(&statement);
	if (!err)
		err = ask(door, buf_cstr(&statement), names);
	buf_release(&statement);
	return err;
}
