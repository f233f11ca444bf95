/* SPDX-License-Identifier: MIT */
/* editor.h - a line typed at a terminal, with editing, history and completion; the
 * home of libedit. */
#ifndef DRIFT_TOOLS_EDITOR_H
#define DRIFT_TOOLS_EDITOR_H

#include "tools/complete.h"

struct editor;

struct editor_options {
	const char *history; /* the file; NULL: none is kept */
	/* What the word at line's end may become. */
	void (*complete)(void *arg, const char *line, struct completion *found);
	void *arg;
};

enum editor_event {
	EDITOR_LINE,
	EDITOR_INTERRUPTED, /* Ctrl-C: what was typed is dropped */
	EDITOR_END,         /* Ctrl-D on an empty line, or the terminal is gone */
};

struct editor *editor_new(const struct editor_options *options); /* or NULL */
void editor_free(struct editor *editor);
/* Read a line; *line is without its newline and good until the next call. */
enum editor_event editor_read(struct editor *editor, const char *prompt,
			      const char **line);
/* Put line into the history and its file, which only its owner may read. */
void editor_remember(struct editor *editor, const char *line);

#endif
