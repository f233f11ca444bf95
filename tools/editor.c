/* SPDX-License-Identifier: MIT */
/* editor.c - see editor.h.
 *
 * libedit waits for a key in a read of ours: SIGINT and SIGWINCH are let in only
 * there, so none is missed and none comes at another time. */
#include "tools/editor.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "tools/cell.h"
#include "tools/grid.h"

#define HISTORY_LINES_MAX 1000
#define LISTED_MAX 200 /* candidates shown */

struct editor {
	struct editor_options options;
	EditLine *line;
	History *history;
	const char *prompt;
	struct buf text;  /* the line handed out */
	sigset_t waiting; /* the signal mask while waiting for a key */
	bool interrupted;
};

static volatile sig_atomic_t got_interrupt, got_resize;

static void note_interrupt(int signal)
{
	(void)signal;
	got_interrupt = 1;
}

static void note_resize(int signal)
{
	(void)signal;
	got_resize = 1;
}

static struct editor *editor_of(EditLine *line)
{
	void *editor = NULL;

	(void)el_get(line, EL_CLIENTDATA, &editor);
	return editor;
}

static char *tell_prompt(EditLine *line)
{
	return (char *)(uintptr_t)editor_of(line)->prompt;
}

/* ---- Keys -------------------------------------------------------------------- */

/* One byte: 1, 0 at the end, -1 when interrupted. */
static int read_byte(struct editor *editor, char *byte)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		int ready = ppoll(&input, 1, NULL, &editor->waiting);

		if (got_interrupt) {
			got_interrupt = 0;
			editor->interrupted = true;
			return -1;
		}
		if (got_resize) {
			got_resize = 0;
			el_resize(editor->line);
			(void)el_set(editor->line, EL_REFRESH);
		}
		if (ready < 0 && errno != EINTR)
			return 0;
		if (ready > 0)
			return (int)read(STDIN_FILENO, byte, 1);
	}
}

static int read_key(EditLine *line, wchar_t *key)
{
	mbstate_t state = { 0 };
	char byte;

	for (;;) {
		int count = read_byte(editor_of(line), &byte);
		size_t size;

		if (count <= 0)
			return count;
		size = mbrtowc(key, &byte, 1, &state);
		if (size == (size_t)-1)
			state = (mbstate_t){ 0 };
		else if (size != (size_t)-2)
			return 1;
	}
}

/* ---- Completion ---------------------------------------------------------------- */

/* The bytes in which all candidates agree, in any case. */
static size_t common_size(const struct names *names)
{
	const char *first = names_next(names, NULL);
	const char *at = first;
	size_t size = strlen(first);

	while ((at = names_next(names, at)))
		while (size && strncasecmp(first, at, size) != 0)
			size--;
	while (size && ((unsigned char)first[size] & 0xc0) == 0x80)
		size--;
	return size;
}

static void list_candidates(const struct names *names)
{
	unsigned widest = 0, columns, shown = 0;
	const char *at = NULL;

	while ((at = names_next(names, at)))
		if (cell_width(slice_str(at)) > widest)
			widest = cell_width(slice_str(at));
	columns = grid_terminal_width() / (widest + 2);
	columns = columns ? columns : 1;
	putchar('\n');
	while ((at = names_next(names, at)) && shown < LISTED_MAX) {
		bool last = ++shown % columns == 0;

		printf("%s%*s", at,
		       last ? 0 : (int)(widest + 2 - cell_width(slice_str(at))), "");
		if (last)
			putchar('\n');
	}
	if (shown % columns)
		putchar('\n');
	if (at)
		printf("... and %zu more\n", names->count - shown);
	fflush(stdout);
}

static int characters(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* Put what is sure into the line; list the candidates when nothing is. */
static unsigned char take_candidates(EditLine *line, const char *word,
				     const struct completion *found)
{
	const struct names *names = &found->candidates;
	struct buf insert = BUF_INIT;
	size_t size = names->count ? common_size(names) : 0;
	const char *first = names_next(names, NULL);
	unsigned char result = CC_REFRESH;

	if (names->count == 0)
		return CC_REFRESH_BEEP;
	if (names->count > 1 && size <= strlen(word)) {
		list_candidates(names);
		return CC_REDISPLAY;
	}
	buf_add(&insert, first, size);
	if (names->count == 1 && size && first[size - 1] != '/')
		buf_add_char(&insert, ' ');
	el_deletestr(line, characters(word));
	if (buf_status(&insert) || el_insertstr(line, buf_cstr(&insert)))
		result = CC_REFRESH_BEEP;
	buf_release(&insert);
	return result;
}

static unsigned char complete_word(EditLine *line, int key)
{
	struct editor *editor = editor_of(line);
	const LineInfo *info = el_line(line);
	struct completion found = { 0 };
	struct buf before = BUF_INIT;
	unsigned char result = CC_ERROR;

	(void)key;
	buf_add(&before, info->buffer, (size_t)(info->cursor - info->buffer));
	if (!buf_status(&before)) {
		const char *text = buf_cstr(&before);

		editor->options.complete(editor->options.arg, text, &found);
		result = take_candidates(line, text + found.word_at, &found);
	}
	names_release(&found.candidates);
	buf_release(&before);
	return result;
}

/* ---- History ---------------------------------------------------------------- */

static void load_history(struct editor *editor)
{
	HistEvent event;

	editor->history = history_init();
	if (!editor->history)
		return;
	(void)history(editor->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
	(void)history(editor->history, &event, H_SETUNIQUE, 1);
	if (editor->options.history)
		(void)history(editor->history, &event, H_LOAD,
			      editor->options.history);
	(void)el_set(editor->line, EL_HIST, history, editor->history);
}

void editor_remember(struct editor *editor, const char *line)
{
	HistEvent event;
	mode_t before;

	if (!editor->history || !*line)
		return;
	(void)history(editor->history, &event, H_ENTER, line);
	if (!editor->options.history)
		return;
	before = umask(077);
	(void)history(editor->history, &event, H_SAVE, editor->options.history);
	umask(before);
	/* One that was there keeps the mode it had. */
	(void)!chmod(editor->options.history, 0600);
}

/* ---- The editor ---------------------------------------------------------------- */

static bool set_up(struct editor *editor)
{
	EditLine *line = el_init("driftdb", stdin, stdout, stderr);

	if (!line)
		return false;
	editor->line = line;
	return !el_set(line, EL_CLIENTDATA, editor) &&
	       !el_set(line, EL_PROMPT, tell_prompt) &&
	       !el_set(line, EL_EDITOR, "emacs") &&
	       !el_set(line, EL_GETCFN, read_key) &&
	       !el_set(line, EL_ADDFN, "driftdb-complete", "complete the word",
		       complete_word) &&
	       !el_set(line, EL_BIND, "^I", "driftdb-complete", NULL) &&
	       !el_set(line, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

struct editor *editor_new(const struct editor_options *options)
{
	struct editor *editor = calloc(1, sizeof(*editor));

	if (!editor)
		return NULL;
	editor->options = *options;
	if (!set_up(editor)) {
		editor_free(editor);
		return NULL;
	}
	load_history(editor);
	(void)el_source(editor->line, NULL);
	return editor;
}

void editor_free(struct editor *editor)
{
	if (!editor)
		return;
	if (editor->history)
		history_end(editor->history);
	if (editor->line)
		el_end(editor->line);
	buf_release(&editor->text);
	free(editor);
}

/* Let the two signals in only where read_byte waits. */
static void hold_signals(struct editor *editor, struct sigaction before[2],
			 sigset_t *mask)
{
	struct sigaction interrupt = { .sa_handler = note_interrupt };
	struct sigaction resize = { .sa_handler = note_resize };
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGWINCH);
	pthread_sigmask(SIG_BLOCK, &held, mask);
	editor->waiting = *mask;
	sigdelset(&editor->waiting, SIGINT);
	sigdelset(&editor->waiting, SIGWINCH);
	sigaction(SIGINT, &interrupt, &before[0]);
	sigaction(SIGWINCH, &resize, &before[1]);
}

static void release_signals(const struct sigaction before[2], const sigset_t *mask)
{
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGWINCH, &before[1], NULL);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

enum editor_event editor_read(struct editor *editor, const char *prompt,
			      const char **line)
{
	struct sigaction before[2];
	const char *typed;
	sigset_t mask;
	int count = 0;

	editor->prompt = prompt;
	editor->interrupted = false;
	hold_signals(editor, before, &mask);
	typed = el_gets(editor->line, &count);
	release_signals(before, &mask);
	if (editor->interrupted) {
		fputs("^C\n", stdout);
		fflush(stdout);
		return EDITOR_INTERRUPTED;
	}
	if (!typed || count <= 0)
		return EDITOR_END;
	buf_clear(&editor->text);
	buf_add(&editor->text, typed,
		(size_t)count - (typed[count - 1] == '\n' ? 1 : 0));
	*line = buf_cstr(&editor->text);
	return EDITOR_LINE;
}
