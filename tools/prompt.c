/* SPDX-License-Identifier: MIT */
/* prompt.c - see prompt.h. Lines gather until they are a statement; Ctrl-C drops what
 * was typed, or stops what runs, and never ends the program. */
#include "tools/prompt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools/backslash.h"
#include "tools/command.h"
#include "tools/editor.h"

struct prompt {
	struct prompt_state state;
	struct editor *editor;
	struct buf typed; /* lines of a statement that is not whole yet */
	struct buf history_path;
	struct buf text; /* the prompt itself */
};

/* What Ctrl-C stops; NULL between statements. */
static struct door *volatile running;

static void stop_statement(int signal)
{
	struct door *door = running;

	(void)signal;
	if (door)
		door_interrupt(door);
}

/* DRIFTDB_HISTORY (empty: none), the XDG state directory if it is set, else a file in
 * the home directory. */
static const char *find_history(struct buf *path)
{
	const char *given = getenv("DRIFTDB_HISTORY");
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (given) {
		buf_add_str(path, given);
	} else if (state && *state == '/') {
		buf_printf(path, "%s/driftdb", state);
		(void)mkdir(buf_cstr(path), 0700);
		buf_add_str(path, "/history");
	} else if (home && *home) {
		buf_printf(path, "%s/.driftdb_history", home);
	}
	return path->size && !buf_status(path) ? buf_cstr(path) : NULL;
}

static void find_candidates(void *arg, const char *line, struct completion *found)
{
	struct prompt *prompt = arg;

	complete(prompt->state.runner->door, buf_cstr(&prompt->typed), line, found);
}

/* driftdb> , driftdb*> in a transaction, driftdb!> in one that failed; the session's
 * moment, if it has one, stands before the mark. */
static const char *prompt_text(struct prompt *prompt)
{
	char status = door_status(prompt->state.runner->door);

	buf_clear(&prompt->text);
	if (prompt->typed.size)
		return "    ...> ";
	buf_add_str(&prompt->text, "driftdb");
	if (prompt->state.moment.size)
		buf_printf(&prompt->text, "[%s]", buf_cstr(&prompt->state.moment));
	buf_add_str(&prompt->text, status == 'T'   ? "*> "
				   : status == 'E' ? "!> "
						   : "> ");
	return buf_cstr(&prompt->text);
}

/* Run the whole statements among the lines typed so far; what follows the last ';'
 * waits for more. */
static void run_typed(struct prompt *prompt)
{
	struct buf *typed = &prompt->typed;
	size_t begin, end;

	while (query_statement(typed->data, typed->size, &begin, &end)) {
		struct buf statement = BUF_INIT;
		int status = EXIT_FINE;

		buf_add(&statement, typed->data + begin, end - begin);
		if (end - begin > 1)
			status = runner_run(prompt->state.runner,
					    buf_cstr(&statement), "");
		buf_release(&statement);
		memmove(typed->data, typed->data + end, typed->size - end);
		typed->size -= end;
		if (status) {
			buf_clear(typed);
			return;
		}
	}
	if (begin == typed->size)
		buf_clear(typed); /* blanks and comments */
}

static bool is_word(const char *line, const char *word)
{
	size_t size = strlen(word);

	return strncmp(line, word, size) == 0 &&
	       line[size + strspn(line + size, " ;")] == 0;
}

static void take_line(struct prompt *prompt, const char *line)
{
	const char *text = line + strspn(line, " \t");
	bool fresh = prompt->typed.size == 0;

	running = prompt->state.runner->door;
	if (*text == '\\' && fresh) {
		backslash_run(&prompt->state, text);
	} else if (fresh && (is_word(text, "exit") || is_word(text, "quit"))) {
		prompt->state.ended = true;
	} else if (fresh && is_word(text, "help")) {
		backslash_run(&prompt->state, "\\?");
	} else {
		buf_add_str(&prompt->typed, line);
		buf_add_char(&prompt->typed, '\n');
		run_typed(prompt);
	}
	running = NULL;
	editor_remember(prompt->editor, text);
}

static void greet(void)
{
	puts("driftdb " DRIFT_VERSION
	     ": DriftQL. Statements end with ';', \\? tells the rest, "
	     "\\q leaves.");
	fflush(stdout);
}

static int read_lines(struct prompt *prompt)
{
	while (!prompt->state.ended) {
		const char *line = NULL;

		switch (editor_read(prompt->editor, prompt_text(prompt), &line)) {
		case EDITOR_LINE:
			take_line(prompt, line);
			break;
		case EDITOR_INTERRUPTED:
			buf_clear(&prompt->typed);
			break;
		case EDITOR_END:
			putchar('\n');
			return EXIT_FINE;
		}
	}
	return EXIT_FINE;
}

int prompt_run(struct runner *runner)
{
	const struct sigaction stop = { .sa_handler = stop_statement };
	struct prompt prompt = { .state = { .runner = runner } };
	const struct editor_options options = {
		.history = find_history(&prompt.history_path),
		.complete = find_candidates,
		.arg = &prompt,
	};
	struct drift_error error = { 0 };
	int status;

	sigaction(SIGINT, &stop, NULL);
	prompt.editor = editor_new(&options);
	if (prompt.editor) {
		greet();
		status = read_lines(&prompt);
	} else {
		(void)!drift_fail(&error, DRIFT_IO, "the terminal cannot be used");
		status = complain(&error);
	}
	editor_free(prompt.editor);
	buf_release(&prompt.typed);
	buf_release(&prompt.history_path);
	buf_release(&prompt.text);
	buf_release(&prompt.state.moment);
	return status;
}
