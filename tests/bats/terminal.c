/* SPDX-License-Identifier: MIT */
/* terminal.c - a program on a terminal of its own, driven by a script.
 *
 *	terminal ROWS COLUMNS COMMAND [WORD...] <SCRIPT
 *
 * A script's lines:
 *	type TEXT	what is typed; \r \t \e \\ and \xHH stand for keys
 *	see TEXT	wait until TEXT is on the terminal after what was seen last
 *	see-in MS TEXT	the same, and no later than after MS milliseconds
 *	size ROWS COLUMNS
 *	run COMMAND	by a shell, beside the program
 *	end STATUS	wait for the program's end
 *
 * Everything it printed goes to standard output, sequences that steer the terminal
 * taken out. Ends with 0 if all was seen, 1 and the line that was not if not. Waits at
 * most 40 s, times the variable SLOW. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (4u << 20)
#define PATIENCE_MS 40000

static int terminal;
static pid_t child;
static char output[OUTPUT_MAX + 1];
static size_t output_size;
static size_t seen; /* what was seen ends here */
static int escape;  /* 0: text, 1: after ESC, 2: in a CSI sequence */
static bool ended;  /* the terminal is closed */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long slow(void)
{
	const char *text = getenv("SLOW");

	return text && atol(text) > 0 ? atol(text) : 1;
}

static void take(char c)
{
	if (escape == 1)
		escape = c == '[' ? 2 : 0;
	else if (escape == 2)
		escape = c >= '@' && c <= '~' ? 0 : 2;
	else if (c == 27)
		escape = 1;
	else if (c != '\r' && c != 7 && output_size < OUTPUT_MAX)
		output[output_size++] = c;
}

/* Read what comes within ms. */
static void read_on(long ms)
{
	struct pollfd input = { .fd = terminal, .events = POLLIN };
	char bytes[65536];
	ssize_t size;

	if (ended || poll(&input, 1, ms < 0 ? 0 : (int)ms) <= 0)
		return;
	size = read(terminal, bytes, sizeof(bytes));
	if (size <= 0) {
		ended = true;
		return;
	}
	for (ssize_t i = 0; i < size; i++)
		take(bytes[i]);
	output[output_size] = 0;
}

static bool is_prompt(const char *text)
{
	size_t size = strlen(text);

	return size > 2 && strcmp(text + size - 2, "> ") == 0;
}

/* A prompt is there a moment before keys are read one by one. */
static bool reads_keys(long until)
{
	struct termios mode;

	while (tcgetattr(terminal, &mode) == 0 && (mode.c_lflag & ICANON)) {
		if (ended || now_ms() >= until)
			return false;
		read_on(1);
	}
	return true;
}

static bool see(const char *text, long ms)
{
	long until = now_ms() + ms;

	for (;;) {
		char *at = strstr(output + seen, text);

		if (at) {
			seen = (size_t)(at - output) + strlen(text);
			return !is_prompt(text) || reads_keys(until);
		}
		if (ended || now_ms() >= until)
			return false;
		read_on(until - now_ms());
	}
}

static void type(const char *text)
{
	for (; *text; text++) {
		unsigned hex;
		char c = *text;

		if (c == '\\' && text[1]) {
			c = *++text;
			if (c == 'x' && sscanf(text + 1, "%2x", &hex) == 1) {
				c = (char)hex;
				text += 2;
			} else {
				c = c == 'r'   ? '\r'
				    : c == 't' ? '\t'
				    : c == 'e' ? 27
					       : c;
			}
		}
		if (write(terminal, &c, 1) != 1)
			return;
	}
}

static bool end(int wanted)
{
	long until = now_ms() + PATIENCE_MS * slow();
	int status;

	while (now_ms() < until) {
		read_on(20);
		if (waitpid(child, &status, WNOHANG) != child)
			continue;
		child = 0;
		while (!ended)
			read_on(1000);
		if (WIFEXITED(status) && WEXITSTATUS(status) == wanted)
			return true;
		printf("(status %x)\n", (unsigned)status);
		return false;
	}
	return false;
}

static bool run_line(char *line)
{
	int rows, columns, at;
	long ms;

	if (strncmp(line, "type ", 5) == 0) {
		type(line + 5);
		return true;
	}
	if (strncmp(line, "see ", 4) == 0)
		return see(line + 4, PATIENCE_MS * slow());
	if (sscanf(line, "see-in %ld %n", &ms, &at) == 1)
		return see(line + at, ms * slow());
	if (sscanf(line, "size %d %d", &rows, &columns) == 2) {
		struct winsize size = { .ws_row = (unsigned short)rows,
					.ws_col = (unsigned short)columns };

		return ioctl(terminal, TIOCSWINSZ, &size) == 0;
	}
	if (strncmp(line, "run ", 4) == 0)
		return system(line + 4) == 0;
	return strncmp(line, "end ", 4) == 0 && end(atoi(line + 4));
}

int main(int count, char **words)
{
	struct winsize size = { 0 };
	char line[4096];
	bool fine = true;

	if (count < 4)
		return 2;
	size.ws_row = (unsigned short)atoi(words[1]);
	size.ws_col = (unsigned short)atoi(words[2]);
	child = forkpty(&terminal, NULL, NULL, &size);
	if (child < 0) {
		perror("forkpty");
		return 2;
	}
	if (child == 0) {
		execvp(words[3], words + 3);
		_exit(127);
	}
	fcntl(terminal, F_SETFD, FD_CLOEXEC);
	while (fine && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		fine = run_line(line);
	}
	fputs(output, stdout);
	if (!fine)
		printf("\n*** not so: %s\n", line);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return fine ? 0 : 1;
}
