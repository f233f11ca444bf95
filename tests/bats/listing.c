/* SPDX-License-Identifier: MIT */
/* listing.c - a directory read with seekdir, telldir and rewinddir while rows come
 * and go in it.
 *
 *	listing DIR COUNT
 *
 * Reads DIR once, remembering where each entry was; makes and deletes other rows;
 * then goes back to many of those places, in no order, and wants to find the same
 * entries again. Ends with 0 if DIR held COUNT entries, each once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
	long at; /* telldir before the entry was read */
	char name[256];
};

static int fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s: %s\n", name, what, strerror(errno));
	return 1;
}

static size_t read_all(DIR *dir, struct place *places, size_t max)
{
	struct dirent *entry;
	size_t count = 0;

	for (;;) {
		long at = telldir(dir);

		entry = readdir(dir);
		if (!entry || count == max)
			return count;
		places[count].at = at;
		snprintf(places[count++].name, sizeof(places[0].name), "%s",
			 entry->d_name);
	}
}

static int make_row(const char *directory, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, "{}", 2) != 2 || close(fd))
		return fail("write", path);
	return 0;
}

int main(int argc, char **argv)
{
	size_t count, wanted = argc == 3 ? (size_t)atol(argv[2]) + 2 : 0;
	struct place *places = calloc(wanted + 10, sizeof(*places));
	char path[4096];
	DIR *dir;

	if (argc != 3 || !places)
		return 2;
	dir = opendir(argv[1]);
	if (!dir)
		return fail("open", argv[1]);
	count = read_all(dir, places, wanted + 10);
	if (count != wanted)
		return fail("wrong number of entries", argv[1]);
	if (make_row(argv[1], "aaa.json") || make_row(argv[1], "k12345-a.json"))
		return 1;
	snprintf(path, sizeof(path), "%s/%s", argv[1], places[wanted / 2].name);
	if (unlink(path))
		return fail("unlink", path);
	for (size_t i = 0; i < 300; i++) {
		const struct place *place = &places[i * 7919 % count];
		struct dirent *entry;

		seekdir(dir, place->at);
		entry = readdir(dir);
		if (!entry || strcmp(entry->d_name, place->name) != 0)
			return fail("another entry was found", place->name);
	}
	rewinddir(dir);
	closedir(dir);
	free(places);
	return 0;
}
