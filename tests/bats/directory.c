/* SPDX-License-Identifier: MIT */
/* directory.c - a large directory listed over and over while rows come and go in it.
 *
 *	directory DIR COUNT SCANS
 *
 * DIR holds COUNT rows, k0.json to k<COUNT-1>.json. Two processes make and delete
 * others (x..., j...) until SCANS scans are done, or more, if the disk was too slow for
 * enough changes meanwhile. Each scan must give each of the COUNT exactly once, whatever
 * else it gives, and nothing twice: by getdents64 with a buffer of some size, or by
 * readdir, going back by seekdir and rewinddir on the way.
 * Prints how long the slowest getdents64 took (names come as they are found, not when
 * all are), and how many changes were made meanwhile. Ends with 0 if all was so. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHURNERS = 2, CHANGES_MIN = 25, PLACES = 64 };

struct entry64 { /* getdents64(2) */
	uint64_t number;
	int64_t next;
	unsigned short size;
	unsigned char type;
	char name[];
};

struct place {
	long at; /* telldir before name was read */
	char name[256];
};

static const char *directory;
static long count;
static unsigned char *found; /* by row: in this scan */
static double call_ms_max;
static struct timespec began;

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s: %s\n", name, what, strerror(errno));
	exit(1);
}

static double passed_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began.tv_sec) * 1e3 +
	       (double)(now.tv_nsec - began.tv_nsec) / 1e6;
}

static void call_ended(void)
{
	if (passed_ms() > call_ms_max)
		call_ms_max = passed_ms();
	clock_gettime(CLOCK_MONOTONIC, &began);
}

static void begin_scan(void)
{
	memset(found, 0, (size_t)count);
	clock_gettime(CLOCK_MONOTONIC, &began);
}

static void take(const char *name)
{
	char *end;
	long row;

	if (name[0] != 'k')
		return; /* one that comes and goes, or "." */
	row = strtol(name + 1, &end, 10);
	if (strcmp(end, ".json") != 0 || row < 0 || row >= count)
		fail("never made", name);
	if (found[row]++)
		fail("given twice", name);
}

static void end_scan(void)
{
	char name[64];

	for (long row = 0; row < count; row++) {
		if (found[row])
			continue;
		snprintf(name, sizeof(name), "k%ld.json", row);
		fail("not given", name);
	}
}

static void scan_by_getdents(size_t room)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY);
	_Alignas(struct entry64) static char bytes[1 << 20];
	long size;

	begin_scan();
	if (fd < 0)
		fail("open", directory);
	while ((size = syscall(SYS_getdents64, fd, bytes, room)) > 0) {
		call_ended();
		for (long at = 0; at < size;) {
			struct entry64 *entry = (struct entry64 *)(bytes + at);

			take(entry->name);
			at += entry->size;
		}
	}
	if (size < 0)
		fail("getdents64", directory);
	close(fd);
	end_scan();
}

/* Go back to places of before: the same names are there. */
static void look_again(DIR *dir, const struct place *places, unsigned kept)
{
	for (unsigned i = 0; i < kept; i++) {
		const struct place *place = &places[i * 37 % kept];
		struct dirent *entry;

		seekdir(dir, place->at);
		entry = readdir(dir);
		if (!entry || strcmp(entry->d_name, place->name) != 0)
			fail("another one was there", place->name);
	}
}

static void scan_by_readdir(void)
{
	static struct place places[PLACES];
	DIR *dir = opendir(directory);
	unsigned kept = 0;
	struct dirent *entry;
	long at = 0, read = 0;

	if (!dir)
		fail("opendir", directory);
	for (int i = 0; i < 1000 && readdir(dir); i++)
		;
	rewinddir(dir);
	begin_scan();
	while ((entry = readdir(dir))) {
		take(entry->d_name);
		if (read++ % (count / PLACES + 1) == 0 && kept < PLACES) {
			places[kept].at = at;
			snprintf(places[kept++].name, sizeof(places[0].name), "%s",
				 entry->d_name);
		}
		at = telldir(dir);
		if (read == count / 2) {
			look_again(dir, places, kept);
			seekdir(dir, at);
		}
	}
	end_scan();
	look_again(dir, places, kept);
	closedir(dir);
}

/* Make and delete rows beside those that are counted, until killed. */
static void churn(int number, _Atomic long *changes)
{
	char path[4096];

	for (long i = 0;; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%c%d-%ld.json", directory,
			 i % 2 ? 'j' : 'x', number, i % 50);
		if (unlink(path) == 0) {
			++*changes;
			continue;
		}
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || write(fd, "{}", 2) != 2 || close(fd))
			fail("write", path);
		++*changes;
	}
}

static void all_go_on(const pid_t churners[CHURNERS])
{
	for (int i = 0; i < CHURNERS; i++)
		if (waitpid(churners[i], NULL, WNOHANG) != 0)
			fail("ended early", "a writer");
}

int main(int argc, char **argv)
{
	static const size_t rooms[] = { 1 << 15, 300, 4096, 1 << 20 };
	_Atomic long *changes = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t churners[CHURNERS];
	int scans = argc == 4 ? atoi(argv[3]) : 0;

	if (argc != 4 || changes == MAP_FAILED)
		return 2;
	directory = argv[1];
	count = atol(argv[2]);
	found = calloc((size_t)count, 1);
	if (!found)
		return 2;
	for (int i = 0; i < CHURNERS; i++) {
		churners[i] = fork();
		if (churners[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			churn(i, changes);
		}
	}
	for (int i = 0; i < scans || *changes < CHANGES_MIN; i++) {
		all_go_on(churners);
		if (i % 3 == 2)
			scan_by_readdir();
		else
			scan_by_getdents(rooms[i % 4]);
	}
	all_go_on(churners);
	for (int i = 0; i < CHURNERS; i++) {
		kill(churners[i], SIGKILL);
		waitpid(churners[i], NULL, 0);
	}
	printf("slowest call %.1f ms, %ld changes meanwhile\n", call_ms_max,
	       *changes);
	return 0;
}
