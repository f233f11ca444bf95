/* SPDX-License-Identifier: MIT */
/* crash_client.c - what reads and writes rows while the daemon is killed.
 *
 *	crash_client write ROWS ACKED PREFIX COUNT
 *	crash_client sql PREFIX COUNT
 *	crash_client read ROWS
 *	crash_client check ROWS ACKED...
 *
 * Every row tells by its name what its content must be, to the byte. write makes
 * rows PREFIX-1 ... PREFIX-COUNT and, after close() said that one is stored,
 * appends its name to ACKED, a file outside of the mount; a shell would not do,
 * because shells ignore what close() says. sql prints the script of as many transactions
 * of two rows each, PREFIX-1a and PREFIX-1b ...; after each COMMIT it selects their
 * names, one a line, so what runs the script acknowledges them. read lists and reads
 * until the mount is gone. write and read end with 0 when the daemon died under them,
 * or was dead and its mount cleared away before they came.
 * check wants every name in the ACKED files to be there, and every row that is there to
 * be whole; read and check want both rows of a transaction or none. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 256, CONTENT_BYTES = 2048, PAD_BYTES_MAX = 1500 };

static int fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s: %s\n", name, what, strerror(errno));
	return 1;
}

static bool daemon_died(void)
{
	return errno == ENOTCONN || errno == ECONNABORTED || errno == EIO ||
	       errno == EINTR;
}

/* Nobody removes the directory of the rows: without it there is no mount. */
static bool mount_is_gone(void)
{
	return errno == ENOENT || daemon_died();
}

/* The row's content as it is read: a pad whose length and letters come from the
 * name, so that no row's beginning or end fits another. */
static size_t content_of(const char *id, char content[CONTENT_BYTES])
{
	char pad[PAD_BYTES_MAX];
	unsigned sum = 5381;
	size_t length;

	for (const char *at = id; *at; at++)
		sum = sum * 33 + (unsigned char)*at;
	length = sum % PAD_BYTES_MAX;
	memset(pad, 'a' + (int)(sum % 26), length);
	return (size_t)snprintf(content, CONTENT_BYTES,
				"{\n  \"id\": \"%s\",\n  \"pad\": \"%.*s\"\n}\n", id,
				(int)length, pad);
}

/* Write one row: 0 when it is stored, as far as close() tells. */
static int write_row(int rows, const char *id)
{
	char name[NAME_BYTES + 8], content[CONTENT_BYTES];
	size_t size = content_of(id, content);
	int fd;

	snprintf(name, sizeof(name), "%s.json", id);
	fd = openat(rows, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return -1;
	if (write(fd, content, size) != (ssize_t)size) {
		int reason = errno;

		close(fd);
		errno = reason;
		return -1;
	}
	return close(fd);
}

static int write_rows(const char *rows_path, const char *acked_path,
		      const char *prefix, int count)
{
	int acked = open(acked_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int rows = open(rows_path, O_RDONLY | O_DIRECTORY);
	char line[NAME_BYTES];

	if (rows < 0)
		return mount_is_gone() ? 0 : fail("open", rows_path);
	if (acked < 0)
		return fail("open", acked_path);
	for (int i = 1; i <= count; i++) {
		int length = snprintf(line, sizeof(line), "%s-%d", prefix, i);

		if (write_row(rows, line))
			return daemon_died() ? 0 : fail("write", line);
		line[length++] = '\n';
		if (write(acked, line, (size_t)length) != length)
			return fail("write", acked_path);
	}
	return 0;
}

/* Read the row called name and compare. -1 with errno when it cannot be read. */
static int check_row(int rows, const char *name)
{
	char id[NAME_BYTES], content[CONTENT_BYTES], wanted[CONTENT_BYTES];
	size_t length = strlen(name) - strlen(".json");
	size_t size;
	ssize_t got;
	int fd = openat(rows, name, O_RDONLY);

	if (fd < 0)
		return -1;
	got = read(fd, content, sizeof(content));
	if (got < 0) {
		int reason = errno;

		close(fd);
		errno = reason;
		return -1;
	}
	close(fd);
	snprintf(id, sizeof(id), "%.*s", (int)length, name);
	size = content_of(id, wanted);
	if ((size_t)got == size && memcmp(content, wanted, size) == 0)
		return 0;
	fprintf(stderr, "%s is torn: %zd bytes of %zu: %.*s\n", name, got, size,
		(int)got, content);
	exit(1);
}

static void print_insert(const char *id)
{
	char content[CONTENT_BYTES];

	content_of(id, content);
	printf("INSERT INTO t %s;\n", content);
}

static int print_script(const char *prefix, int count)
{
	char a[NAME_BYTES], b[NAME_BYTES];

	for (int i = 1; i <= count; i++) {
		snprintf(a, sizeof(a), "%s-%da", prefix, i);
		snprintf(b, sizeof(b), "%s-%db", prefix, i);
		puts("BEGIN;");
		print_insert(a);
		print_insert(b);
		printf("COMMIT; SELECT '%s' AS id UNION ALL SELECT '%s';\n", a, b);
		if (fflush(stdout)) /* who ran it is gone */
			return 0;
	}
	return 0;
}

/* The other row of the same transaction must be there too. -1 with errno when that
 * cannot be told. */
static int check_pair(int rows, const char *name)
{
	char other[NAME_BYTES];
	size_t letter = strlen(name) - strlen("a.json");

	if (name[letter] != 'a' && name[letter] != 'b')
		return 0;
	snprintf(other, sizeof(other), "%s", name);
	other[letter] = name[letter] == 'a' ? 'b' : 'a';
	if (faccessat(rows, other, F_OK, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	fprintf(stderr, "%s is there without %s\n", name, other);
	exit(1);
}

static bool is_row(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && length < NAME_BYTES &&
	       strcmp(name + length - 5, ".json") == 0;
}

/* One walk over the rows, reading each `step`th, to the end of rows. -1 with errno on a
 * failure. */
static int check_rows(DIR *rows, int step)
{
	struct dirent *entry;
	int n = 0, reason = 0;

	while (!reason) {
		errno = 0;
		entry = readdir(rows);
		if (!entry) {
			reason = errno;
			break;
		}
		if (is_row(entry->d_name) && n++ % step == 0 &&
		    (check_row(dirfd(rows), entry->d_name) ||
		     check_pair(dirfd(rows), entry->d_name)))
			reason = errno;
	}
	closedir(rows);
	errno = reason;
	return reason ? -1 : 0;
}

static int read_rows(const char *rows_path)
{
	DIR *rows;

	for (int step = 1; (rows = opendir(rows_path)); step = step % 97 + 7)
		if (check_rows(rows, step))
			return daemon_died() ? 0 : fail("read", rows_path);
	return mount_is_gone() ? 0 : fail("open", rows_path);
}

static int check_all(const char *rows_path)
{
	DIR *rows = opendir(rows_path);

	return !rows || check_rows(rows, 1) ? fail("read", rows_path) : 0;
}

static int check_acked(const char *rows_path, const char *acked_path)
{
	int rows = open(rows_path, O_RDONLY | O_DIRECTORY);
	FILE *acked = fopen(acked_path, "r");
	char id[NAME_BYTES - 8], name[NAME_BYTES];
	int lost = 0;

	if (rows < 0 || !acked)
		return fail("open", rows < 0 ? rows_path : acked_path);
	while (fscanf(acked, "%247s", id) == 1) {
		snprintf(name, sizeof(name), "%s.json", id);
		if (check_row(rows, name))
			lost += fail("lost", name);
	}
	fclose(acked);
	close(rows);
	return lost ? 1 : 0;
}

int main(int count, char **words)
{
	if (count == 6 && !strcmp(words[1], "write"))
		return write_rows(words[2], words[3], words[4], atoi(words[5]));
	if (count == 4 && !strcmp(words[1], "sql"))
		return print_script(words[2], atoi(words[3]));
	if (count == 3 && !strcmp(words[1], "read"))
		return read_rows(words[2]);
	if (count >= 3 && !strcmp(words[1], "check")) {
		int status = check_all(words[2]);

		for (int i = 3; i < count; i++)
			status |= check_acked(words[2], words[i]);
		return status;
	}
	fputs("usage: see the top of crash_client.c\n", stderr);
	return 2;
}
