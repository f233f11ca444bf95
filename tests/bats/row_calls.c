/* SPDX-License-Identifier: MIT */
/* row_calls.c - the system calls on a row that no shell makes on purpose.
 *
 *	row_calls pieces FILE N	a document of N bytes and some, one byte a write
 *	row_calls dup FILE	closes of several descriptors of one open file
 *	row_calls sync FILE	fsync before and after a document is complete
 *	row_calls synced FILE	writes that store what they complete: O_SYNC, O_DSYNC
 *	row_calls exclusive FILE	O_EXCL, for which only one writer can win
 *	row_calls killed FILE N	N times, a writer killed between two writes
 *	row_calls fork FILE	a document written by a process and its child
 *	row_calls two FILE	two writers: the last close wins, whole
 *	row_calls untouched FILE	opened every way, and closed without a write
 *	row_calls large FILE N	a document of N bytes and some, a mebibyte a write
 *	row_calls edit FILE	an edit in place: pread, pwrite, ftruncate
 *	row_calls ahead FILE	reading ahead of what is open for writing only
 *	row_calls churn DIR SECONDS	four processes do everything to eight rows
 *
 * Ends with 0 if every call answered as it should. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                           \
	do {                                                                       \
		if (!(condition)) {                                                \
			fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, \
				strerror(errno));                                  \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static int make(const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | flags, 0644);

	CHECK(fd >= 0);
	return fd;
}

static void put(int fd, const char *text)
{
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void pieces(const char *path, int count)
{
	int fd = make(path, 0);

	put(fd, "{\"pad\": \"");
	for (int i = 0; i < count; i++)
		put(fd, "x");
	put(fd, "\"}");
	CHECK(close(fd) == 0);
}

static void dup_closes(const char *path)
{
	int fd = make(path, 0);
	int copy = dup(fd);

	CHECK(copy >= 0);
	CHECK(close(copy) == 0); /* a flush before any data */
	CHECK(access(path, F_OK) != 0);
	put(fd, "{\"v\":");
	copy = dup(fd);
	CHECK(close(copy) == 0); /* a flush of half a document */
	CHECK(access(path, F_OK) != 0);
	put(fd, "1}");
	copy = dup(fd);
	CHECK(close(copy) == 0);
	CHECK(access(path, F_OK) == 0);
	CHECK(close(fd) == 0);
}

static void sync_calls(const char *path)
{
	int fd = make(path, 0);

	put(fd, "{\"v\":");
	CHECK(fsync(fd) == -1 && errno == EINVAL);
	put(fd, "2}");
	CHECK(fsync(fd) == 0);
	CHECK(access(path, F_OK) == 0);
	CHECK(fdatasync(fd) == 0); /* nothing is left to do */
	CHECK(close(fd) == 0);
}

static void sees(const char *path, const char *what)
{
	int fd = open(path, O_RDONLY);
	char text[256];
	ssize_t size;

	CHECK(fd >= 0);
	size = read(fd, text, sizeof(text) - 1);
	CHECK(size >= 0);
	text[size] = '\0';
	CHECK(strstr(text, what));
	CHECK(close(fd) == 0);
}

static void synced(const char *path)
{
	int fd = make(path, O_SYNC);

	put(fd, "{\"v\":");
	CHECK(access(path, F_OK) != 0);
	put(fd, "3}");
	sees(path, "\"v\": 3");
	put(fd, "\n");
	CHECK(close(fd) == 0);
	fd = make(path, O_DSYNC);
	CHECK(write(fd, "{\"id\":7}", 8) == -1 && errno == EINVAL);
	sees(path, "\"v\": 3");
	CHECK(close(fd) == 0);
	fd = open(path, O_WRONLY | O_APPEND | O_SYNC);
	CHECK(fd >= 0);
	put(fd, "{\"v\":4}");
	sees(path, "\"v\": 4");
	put(fd, "{\"v\":5}");
	sees(path, "\"v\": 5");
	CHECK(close(fd) == 0);
}

static void exclusive(const char *path)
{
	int first = make(path, O_EXCL);
	int second = make(path, O_EXCL); /* there is no row yet */

	put(first, "{\"v\":1}");
	put(second, "{\"v\":2}");
	CHECK(close(first) == 0);
	CHECK(close(second) == -1 && errno == EEXIST);
	CHECK(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644) == -1 &&
	      errno == EEXIST);
}

static void killed_once(const char *path)
{
	int ready[2], status;
	pid_t child;
	char byte;

	CHECK(pipe(ready) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		put(make(path, 0), "{\"v\": [1, 2, 3");
		CHECK(write(ready[1], "", 1) == 1);
		pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, &status, 0) == child);
	close(ready[0]);
	close(ready[1]);
}

static void killed(const char *path, int times)
{
	for (int i = 0; i < times; i++)
		killed_once(path);
}

static void forked(const char *path)
{
	int fd = make(path, 0), status;
	pid_t child;

	put(fd, "{\"v\":");
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		put(fd, "[1,");
		_exit(0); /* a flush of half a document */
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(access(path, F_OK) != 0);
	put(fd, "2]}");
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(0); /* a flush of all of it */
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(access(path, F_OK) == 0);
	CHECK(close(fd) == 0);
}

static void two_writers(const char *path)
{
	int first = make(path, 0), second = make(path, 0);

	put(first, "{\"v\":\"fir");
	put(second, "{\"v\":\"second\",");
	put(first, "st\"}");
	put(second, "\"w\":2}");
	CHECK(close(second) == 0);
	CHECK(close(first) == 0);
}

static void untouched(const char *path)
{
	static const int flags[] = { O_RDONLY,
				     O_WRONLY,
				     O_RDWR,
				     O_WRONLY | O_APPEND,
				     O_WRONLY | O_TRUNC,
				     O_RDWR | O_CREAT,
				     O_WRONLY | O_SYNC };

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int fd = open(path, flags[i], 0644);

		CHECK(fd >= 0);
		CHECK(close(fd) == 0);
	}
}

static void large(const char *path, int count)
{
	static char text[1 << 20];
	int fd = make(path, 0);

	memset(text, 'x', sizeof(text));
	put(fd, "{\"pad\": \"");
	for (; count > 0; count -= (int)sizeof(text)) {
		size_t size =
			(size_t)count < sizeof(text) ? (size_t)count : sizeof(text);

		CHECK(write(fd, text, size) == (ssize_t)size);
	}
	put(fd, "\"}");
	CHECK(close(fd) == 0);
}

static void edit(const char *path)
{
	char text[256], *at;
	int fd = open(path, O_RDWR);
	ssize_t size;

	CHECK(fd >= 0);
	size = pread(fd, text, sizeof(text) - 1, 0);
	CHECK(size > 0);
	text[size] = '\0';
	at = strstr(text, "\"v\": ");
	CHECK(at);
	CHECK(pwrite(fd, "9 ", 1, at - text + 5) == 1);
	CHECK(pwrite(fd, "}trailing", 9, size) == 9);
	CHECK(ftruncate(fd, size) == 0);
	CHECK(close(fd) == 0);
}

/* ---- Everything at once --------------------------------------------------- */

/* What another process may have done to the row meanwhile. */
static void may_be_missing(int result)
{
	CHECK(result >= 0 || errno == ENOENT);
}

static void write_row(const char *path)
{
	int fd = make(path, 0);

	put(fd, "{\"a\":1}");
	CHECK(close(fd) == 0);
}

static void read_row(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char text[64];

	may_be_missing(fd);
	if (fd < 0)
		return;
	CHECK(read(fd, text, sizeof(text)) > 0);
	CHECK(fstat(fd, &st) == 0);
	CHECK(close(fd) == 0);
}

static void list_rows(const char *path)
{
	DIR *dir = opendir(path);

	CHECK(dir);
	while (readdir(dir))
		;
	CHECK(closedir(dir) == 0);
}

static void churn_once(const char *dir)
{
	char path[4096], other[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/k%d.json", dir, rand() % 8);
	snprintf(other, sizeof(other), "%s/k%d.json", dir, rand() % 8);
	switch (rand() % 7) {
	case 0:
	case 1:
		write_row(path);
		break;
	case 2:
		may_be_missing(unlink(path));
		break;
	case 3:
		may_be_missing(rename(path, other));
		break;
	case 4:
		may_be_missing(stat(path, &st));
		break;
	case 5:
		list_rows(dir);
		break;
	default:
		read_row(path);
	}
}

static void churn(const char *dir, int seconds)
{
	time_t end = time(NULL) + seconds;
	int status;

	for (int i = 0; i < 4; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child)
			continue;
		srand((unsigned)i + 1);
		while (time(NULL) < end)
			churn_once(dir);
		exit(0);
	}
	while (wait(&status) > 0)
		CHECK(status == 0);
}

/* The kernel does not ask whether it may read, if there is something to be read. */
static void ahead(const char *path)
{
	int fd = open(path, O_WRONLY);

	CHECK(fd >= 0);
	CHECK(write(fd, "id\n1\n", 5) == 5);
	CHECK(posix_fadvise(fd, 0, 1 << 16, POSIX_FADV_WILLNEED) == 0);
	CHECK(close(fd) == 0);
}

int main(int argc, char **argv)
{
	int number = argc > 3 ? atoi(argv[3]) : 0;

	CHECK(argc > 2);
	alarm(600);
	if (!strcmp(argv[1], "pieces"))
		pieces(argv[2], number);
	else if (!strcmp(argv[1], "dup"))
		dup_closes(argv[2]);
	else if (!strcmp(argv[1], "synced"))
		synced(argv[2]);
	else if (!strcmp(argv[1], "sync"))
		sync_calls(argv[2]);
	else if (!strcmp(argv[1], "exclusive"))
		exclusive(argv[2]);
	else if (!strcmp(argv[1], "killed"))
		killed(argv[2], number);
	else if (!strcmp(argv[1], "fork"))
		forked(argv[2]);
	else if (!strcmp(argv[1], "two"))
		two_writers(argv[2]);
	else if (!strcmp(argv[1], "untouched"))
		untouched(argv[2]);
	else if (!strcmp(argv[1], "large"))
		large(argv[2], number);
	else if (!strcmp(argv[1], "edit"))
		edit(argv[2]);
	else if (!strcmp(argv[1], "ahead"))
		ahead(argv[2]);
	else if (!strcmp(argv[1], "churn"))
		churn(argv[2], number);
	else
		return 2;
	return 0;
}
