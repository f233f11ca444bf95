/* SPDX-License-Identifier: MIT */
/* script.c - see script.h. */
#include "tools/script.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "query/query.h"

#define PIECE_BYTES (64u << 10)

enum drift_err script_open(struct script *script, const char *name,
			   struct drift_error *error)
{
	*script = SCRIPT_INIT;
	script->name = name;
	if (strcmp(name, "-") == 0) {
		script->name = "standard input";
		script->fd = STDIN_FILENO;
		return DRIFT_OK;
	}
	script->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (script->fd < 0)
		return drift_fail(error, DRIFT_IO, "%s: %s", name, strerror(errno));
	return DRIFT_OK;
}

enum drift_err script_of_text(struct script *script, const char *name,
			      const char *text, struct drift_error *error)
{
	*script = SCRIPT_INIT;
	script->name = name;
	buf_add_str(&script->text, text);
	return buf_status(&script->text) ? drift_fail_code(error, DRIFT_NOMEM)
					 : DRIFT_OK;
}

void script_close(struct script *script)
{
	if (script->fd > STDIN_FILENO)
		close(script->fd);
	buf_release(&script->text);
	buf_release(&script->statement);
	*script = SCRIPT_INIT;
}

static void drop_what_was_run(struct script *script)
{
	struct buf *text = &script->text;

	if (script->at == 0)
		return;
	memmove(text->data, text->data + script->at, text->size - script->at);
	text->size -= script->at;
	script->at = 0;
}

/* Read on, at least until something came that may end a statement. The longer it has
 * got, the more is read: what is there is looked through again after each read. */
static enum drift_err read_more(struct script *script, bool *ended,
				struct drift_error *error)
{
	struct buf *text = &script->text;
	size_t start;

	drop_what_was_run(script);
	start = text->size;
	do {
		size_t room = text->size > PIECE_BYTES ? text->size : PIECE_BYTES;
		char *at = buf_reserve(text, room);
		ssize_t size = at ? read(script->fd, at, room) : 0;

		if (!at)
			return drift_fail_code(error, DRIFT_NOMEM);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return drift_fail(error, DRIFT_IO, "%s: %s", script->name,
					  strerror(errno));
		text->size += (size_t)size;
		*ended = size == 0;
		if (size && memchr(at, 0, (size_t)size))
			return drift_fail(error, DRIFT_BAD_TEXT, "%s: a NUL byte",
					  script->name);
	} while (!*ended && !memchr(text->data + start, ';', text->size - start));
	return DRIFT_OK;
}

static uint64_t count_lines(const char *text, size_t size)
{
	const char *end = text + size;
	uint64_t lines = 0;

	while (text < end && (text = memchr(text, '\n', (size_t)(end - text)))) {
		lines++;
		text++;
	}
	return lines;
}

static enum drift_err take(struct script *script, size_t begin, size_t end,
			   struct drift_error *error)
{
	const char *text = script->text.data + script->at;

	buf_clear(&script->statement);
	buf_add(&script->statement, text + begin, end - begin);
	if (buf_status(&script->statement))
		return drift_fail_code(error, DRIFT_NOMEM);
	script->statement_line = script->line + count_lines(text, begin);
	script->line += count_lines(text, end);
	script->at += end;
	return begin < end ? DRIFT_OK : DRIFT_DONE;
}

enum drift_err script_next(struct script *script, struct drift_error *error)
{
	bool ended = script->fd < 0;
	size_t begin, end;
	enum drift_err err;

	while (!query_statement(script->text.data + script->at,
				script->text.size - script->at, &begin, &end)) {
		if (ended)
			return take(script, begin, end, error);
		err = read_more(script, &ended, error);
		if (err)
			return err;
	}
	return take(script, begin, end, error);
}
