/* SPDX-License-Identifier: MIT */
/* mount_model.c - random operations through a mount, compared with a model that is a
 * plain list of states.
 *
 *	mount_model MNT HISTORY OPS SEED
 *
 * Writes, overwrites, renames and removes rows of the table t, and runs transactions
 * with savepoints by the file query; after each operation it reads rows, listings and
 * counts, now, as of any transaction (@seq) and as of any time that it noted (@time).
 * HISTORY holds all states so far, so that another run goes on with another mount. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KEYS = 16, VALUES = 5, NONE = -1, MOMENTS_MAX = 60000, PATH_BYTES = 512 };

/* The table after a transaction: seq is its last event's. time: a moment of which it
 * was the newest; 0: none was noted. */
struct moment {
	uint64_t seq;
	int64_t time_ns;
	int value[KEYS];
};

static struct moment moments[MOMENTS_MAX];
static unsigned count; /* the last one is now */
static const char *mount_point;
static uint64_t seed;

static unsigned draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 11) % below);
}

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (now: seq %llu)\n",
		(unsigned long long)moments[count - 1].seq);
	exit(1);
}

static struct moment *now(void)
{
	return &moments[count - 1];
}

/* The state after a transaction that made so many events. */
static void add(const int value[KEYS], unsigned events)
{
	if (events == 0)
		return;
	if (count == MOMENTS_MAX)
		fail("too many operations");
	moments[count] = (struct moment){ .seq = now()->seq + events };
	memcpy(moments[count].value, value, sizeof(moments[count].value));
	count++;
}

/* ---- Operations ----------------------------------------------------------------- */

static void row_path(char path[PATH_BYTES], int key)
{
	snprintf(path, PATH_BYTES, "%s/tables/t/rows/k%02d.json", mount_point, key);
}

static void write_row(int key, int value)
{
	char path[PATH_BYTES], text[64];
	int fd, size;

	row_path(path, key);
	size = snprintf(text, sizeof(text), "{\"v\": %d}", value);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, (size_t)size) != size || close(fd) != 0)
		fail("write %s: %s", path, strerror(errno));
}

static void overwrite(void)
{
	struct moment next = *now();
	int key = (int)draw(KEYS), value = (int)draw(VALUES);
	unsigned events = next.value[key] != value;

	write_row(key, value);
	next.value[key] = value;
	add(next.value, events);
}

static void take_away(void)
{
	struct moment next = *now();
	int key = (int)draw(KEYS);
	bool was = next.value[key] != NONE;
	char path[PATH_BYTES];

	row_path(path, key);
	if ((unlink(path) == 0) != was)
		fail("unlink %s: %s", path, strerror(errno));
	next.value[key] = NONE;
	add(next.value, was);
}

/* A row's name is its key: what moves is another row. */
static void move(void)
{
	struct moment next = *now();
	int from = (int)draw(KEYS), to = (int)draw(KEYS);
	char old[PATH_BYTES], new[PATH_BYTES];
	bool was = next.value[from] != NONE;
	unsigned events = 1;

	if (from == to)
		return;
	row_path(old, from);
	row_path(new, to);
	if ((rename(old, new) == 0) != was)
		fail("rename %s %s: %s", old, new, strerror(errno));
	if (!was)
		return;
	events += next.value[to] != next.value[from];
	next.value[to] = next.value[from];
	next.value[from] = NONE;
	add(next.value, events);
}

/* Run a script by the file query; its answer must be empty. */
static void run_sql(const char *script)
{
	char path[PATH_BYTES], answer[256];
	size_t size = strlen(script);
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/query.csv", mount_point);
	fd = open(path, O_RDWR);
	if (fd < 0 || write(fd, script, size) != (ssize_t)size)
		fail("%s: %s", script, strerror(errno));
	got = read(fd, answer, sizeof(answer));
	if (got != 0)
		fail("%s: %.*s", script, got < 0 ? 0 : (int)got, answer);
	close(fd);
}

/* Append a statement; how many events it makes. */
static unsigned add_statement(char *script, size_t size, int value[KEYS])
{
	size_t used = strlen(script);
	int key = (int)draw(KEYS), v = (int)draw(VALUES), was = value[key];

	if (was == NONE)
		snprintf(script + used, size - used,
			 "INSERT INTO t {\"id\": \"k%02d\", \"v\": %d}; ", key, v);
	else if (v == 0)
		snprintf(script + used, size - used,
			 "DELETE FROM t WHERE id = 'k%02d'; ", key);
	else
		snprintf(script + used, size - used,
			 "UPDATE t SET v = %d WHERE id = 'k%02d'; ", v, key);
	value[key] = was != NONE && v == 0 ? NONE : v;
	return value[key] != was;
}

static void transact(void)
{
	char script[4096] = "BEGIN; ";
	struct moment next = *now(), saved;
	unsigned events = 0, saved_events, kept = draw(8);

	for (unsigned i = draw(4); i < 4; i++)
		events += add_statement(script, sizeof(script), next.value);
	if (draw(2)) {
		saved = next;
		saved_events = events;
		strcat(script, "SAVEPOINT s; ");
		for (unsigned i = draw(3); i < 3; i++)
			events += add_statement(script, sizeof(script), next.value);
		if (draw(2)) {
			strcat(script, "ROLLBACK TO s; ");
			next = saved;
			events = saved_events;
		}
	}
	strcat(script, kept ? "COMMIT;" : "ROLLBACK;");
	run_sql(script);
	if (kept)
		add(next.value, events);
}

/* ---- Reading --------------------------------------------------------------------- */

static void check_row(const char *tree, const struct moment *moment, int key)
{
	char path[PATH_BYTES], text[128], wanted[128];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/tables/t/rows/k%02d.json", mount_point,
		 tree, key);
	fd = open(path, O_RDONLY);
	if (fd < 0 && (errno != ENOENT || moment->value[key] != NONE))
		fail("open %s: %s, should be %d", path, strerror(errno),
		     moment->value[key]);
	if (fd < 0)
		return;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got < 0 ? 0 : got] = 0;
	snprintf(wanted, sizeof(wanted), "{\n  \"id\": \"k%02d\",\n  \"v\": %d\n}\n",
		 key, moment->value[key]);
	if (strcmp(text, wanted) != 0)
		fail("%s is %s, should be %s", path, text, wanted);
}

static void check_listing(const char *tree, const struct moment *moment)
{
	char path[PATH_BYTES];
	bool seen[KEYS] = { false };
	struct dirent *entry;
	DIR *rows;

	snprintf(path, sizeof(path), "%s/%s/tables/t/rows", mount_point, tree);
	rows = opendir(path);
	/* Before the table was made there is none. */
	if (!rows && errno == ENOENT && moment->seq == 0)
		return;
	if (!rows)
		fail("opendir %s: %s", path, strerror(errno));
	while ((entry = readdir(rows))) {
		int key = atoi(entry->d_name + 1);

		if (entry->d_name[0] != 'k')
			continue;
		if (key < 0 || key >= KEYS || seen[key])
			fail("%s lists %s", path, entry->d_name);
		seen[key] = true;
	}
	closedir(rows);
	for (int key = 0; key < KEYS; key++)
		if (seen[key] != (moment->value[key] != NONE))
			fail("%s: k%02d is %s", path, key,
			     seen[key] ? "listed" : "missing");
}

static void check_tree(const char *tree, const struct moment *moment)
{
	if (draw(3) == 0)
		check_listing(tree, moment);
	for (unsigned i = 0; i < 2; i++)
		check_row(tree, moment, (int)draw(KEYS));
}

static void check_past(void)
{
	const struct moment *moment = &moments[draw(count)];
	char tree[64];

	snprintf(tree, sizeof(tree), "@seq/%llu", (unsigned long long)moment->seq);
	if (moment->seq)
		check_tree(tree, moment);
	if (moment->time_ns == 0 || draw(2))
		return;
	snprintf(tree, sizeof(tree), "@time/%lld.%09lld",
		 (long long)moment->time_ns / 1000000000,
		 (long long)moment->time_ns % 1000000000);
	check_tree(tree, moment);
}

/* The present may be noted once all clocks agree that it is over. */
static void note_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	now()->time_ns = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
	/* The next commit is later: asked for, the moment stays what it is. */
	check_past();
}

/* ---- Histories -------------------------------------------------------------------- */

static void load(const char *path)
{
	FILE *file = fopen(path, "r");

	count = 1;
	for (int key = 0; key < KEYS; key++)
		moments[0].value[key] = NONE;
	if (!file)
		return;
	count = (unsigned)fread(moments, sizeof(*moments), MOMENTS_MAX, file);
	fclose(file);
	if (count == 0)
		fail("no history in %s", path);
}

static void save(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(moments, sizeof(*moments), count, file) != count ||
	    fclose(file) != 0)
		fail("%s: %s", path, strerror(errno));
}

static void one_operation(void)
{
	switch (draw(6)) {
	case 0:
	case 1:
		overwrite();
		break;
	case 2:
		take_away();
		break;
	case 3:
		move();
		break;
	default:
		transact();
	}
}

int main(int words_count, char **words)
{
	char path[PATH_BYTES], head[32] = "", wanted[32];

	if (words_count != 5) {
		fputs("usage: see the top of mount_model.c\n", stderr);
		return 2;
	}
	mount_point = words[1];
	seed = strtoull(words[4], NULL, 10) * 0x9e3779b97f4a7c15u | 1;
	load(words[2]);
	for (int i = atoi(words[3]); i > 0; i--) {
		one_operation();
		check_tree(".", now());
		check_past();
		if (draw(20) == 0)
			note_time();
	}
	snprintf(path, sizeof(path), "%s/@seq/head", mount_point);
	snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)now()->seq);
	if (readlink(path, head, sizeof(head) - 1) < 0 || strcmp(head, wanted) != 0)
		fail("the head is %s, should be %s", head, wanted);
	save(words[2]);
	return 0;
}
