/* SPDX-License-Identifier: MIT */
/* row_stress.c - writers that check what they wrote, readers that check what they
 * find.
 *
 *	row_stress ROWS SECONDS [replace]
 *
 * Each of four writers rewrites its own row with documents of changing size and
 * wants to find each at once, with its exact size; now and then it deletes the row
 * or renames it. Two readers read all rows: each version tells its number at its
 * beginning and at its end. With `replace` one process writes the row r over and over,
 * another renames files to it, and four read it: it is never missing. Ends with 0 if
 * nothing was stale, nothing torn, nothing missing. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 4, READERS = 2, PAD_MAX = 1500, PATH_MAX_BYTES = 4096 };

static char text[1 << 16];
static long faults;

static void fault(const char *what, const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
	faults++;
}

/* The row's bytes into text; -1 when there is none. */
static ssize_t read_row(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t size;

	if (fd < 0)
		return -1;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	return size;
}

static long number_after(const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : -1;
}

static void write_row(const char *path, long round)
{
	char document[PAD_MAX + 100];
	int size = snprintf(document, sizeof(document),
			    "{\"n\": %ld, \"pad\": \"%0*d\", \"m\": %ld}", round,
			    rand() % PAD_MAX + 1, 0, round);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, document, (size_t)size) != size || close(fd))
		fault("write", path);
}

static void expect_row(const char *path, long round)
{
	ssize_t size = read_row(path);
	struct stat st;

	if (number_after("\"n\": ") != round || number_after("\"m\": ") != round)
		fault("stale", path);
	if (stat(path, &st) || st.st_size != size)
		fault("size", path);
}

static void expect_none(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 || errno != ENOENT)
		fault("still there", path);
}

static void writer(const char *rows, int number, time_t end)
{
	char path[PATH_MAX_BYTES], other[PATH_MAX_BYTES];

	snprintf(path, sizeof(path), "%s/k%d.json", rows, number);
	snprintf(other, sizeof(other), "%s/q%d.json", rows, number);
	for (long round = 1; time(NULL) < end; round++) {
		write_row(path, round);
		expect_row(path, round);
		if (round % 7 == 0) {
			if (unlink(path))
				fault("unlink", path);
			expect_none(path);
		} else if (round % 11 == 0) {
			if (rename(path, other))
				fault("rename", path);
			expect_none(path);
			expect_row(other, round);
		}
	}
}

static void reader(const char *rows, time_t end)
{
	char path[PATH_MAX_BYTES];
	struct stat st;

	for (long i = 0; time(NULL) < end; i++) {
		snprintf(path, sizeof(path), "%s/k%ld.json", rows, i % WRITERS);
		if (read_row(path) < 0) {
			if (errno != ENOENT)
				fault("read", path);
			continue;
		}
		if (number_after("\"n\": ") != number_after("\"m\": "))
			fault("torn", path);
		if (stat(path, &st) && errno != ENOENT)
			fault("stat", path);
	}
}

/* ---- One row, replaced in two ways --------------------------------------- */

static void replacer(const char *rows, bool by_rename, time_t end)
{
	char path[PATH_MAX_BYTES], other[PATH_MAX_BYTES];

	snprintf(path, sizeof(path), "%s/r.json", rows);
	snprintf(other, sizeof(other), "%s/.r.json.new", rows);
	for (long round = 1; time(NULL) < end; round++) {
		write_row(by_rename ? other : path, round);
		if (by_rename && rename(other, path))
			fault("rename", path);
	}
}

static void reader_of_one(const char *rows, time_t end)
{
	char path[PATH_MAX_BYTES];

	snprintf(path, sizeof(path), "%s/r.json", rows);
	while (time(NULL) < end) {
		if (read_row(path) < 0)
			fault("missing", path);
		else if (number_after("\"n\": ") != number_after("\"m\": "))
			fault("torn", path);
	}
}

static void replace(const char *rows, int number, time_t end)
{
	if (number < 2)
		replacer(rows, number == 1, end);
	else
		reader_of_one(rows, end);
}

static void work(const char *rows, int number, time_t end)
{
	if (number < WRITERS)
		writer(rows, number, end);
	else
		reader(rows, end);
}

int main(int argc, char **argv)
{
	bool replaces = argc == 4 && !strcmp(argv[3], "replace");
	char path[PATH_MAX_BYTES];
	int status, failed = 0;
	time_t end;

	if (argc != 3 && !replaces)
		return 2;
	snprintf(path, sizeof(path), "%s/r.json", argv[1]);
	if (replaces)
		write_row(path, 0);
	alarm(600);
	end = time(NULL) + atoi(argv[2]);
	for (int i = 0; i < WRITERS + READERS; i++) {
		if (fork())
			continue;
		srand((unsigned)i);
		(replaces ? replace : work)(argv[1], i, end);
		exit(faults != 0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
