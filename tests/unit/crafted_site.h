/* SPDX-License-Identifier: MIT */
/* crafted_site.h - a database to put a crafted file into, and what is asked of opening and
 * verify then: an answer soon, in little memory, and nothing touched beside it. */
#ifndef DRIFT_TESTS_CRAFTED_SITE_H
#define DRIFT_TESTS_CRAFTED_SITE_H

#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/care.h"
#include "engine/crc32c.h"
#include "engine/snapshot_file.h"
#include "tests/unit/scratch_db.h"
#include "tests/unit/shell.h"

#define SECONDS_MAX 2.0
#define RSS_KIB_MAX (256 << 10)

#ifdef __SANITIZE_ADDRESS__
#define SLOWER 10
#else
#define SLOWER 1
#endif
#ifdef __SANITIZE_THREAD__
#define SLOWEST 10
#else
#define SLOWEST 1
#endif

struct site {
	struct scratch
		scratch;  /* the model: a packed segment, a newest one, a snapshot */
	char cage[64];    /* all that a case may see */
	char dir[80];     /* its copy of the model */
	drift_seq newest; /* segment */
	drift_seq snapshot;
	uint32_t table_id;
};

/* ---- The model -------------------------------------------------------------------- */

static inline void write_some(struct scratch *s, unsigned from, unsigned to)
{
	char id[16];

	for (; from < to; from++) {
		snprintf(id, sizeof(id), "k%03u", from);
		assert_int_equal(scratch_put(s, id, from, 100), DRIFT_OK);
	}
}

static inline int build_site(void **state)
{
	struct site *site = calloc(1, sizeof(*site));
	struct scratch *s = &site->scratch;

	*state = site;
	scratch_init(s);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	site->table_id = s->t->id;
	write_some(s, 0, 100);
	site->snapshot = drift_head(s->db);
	assert_int_equal(drift_snapshot(s->db, site->table_id, NULL, &s->error),
			 DRIFT_OK);
	assert_int_equal(drift_compact(s->db, NULL, &s->error), DRIFT_OK);
	site->newest = drift_head(s->db) + 1;
	write_some(s, 100, 110);
	scratch_close(s);
	run("rm -r %s/index", s->dir);
	snprintf(site->cage, sizeof(site->cage), "%s-cage", s->dir);
	snprintf(site->dir, sizeof(site->dir), "%s/db", site->cage);
	run("mkdir %s", site->cage);
	return 0;
}

static inline int remove_site(void **state)
{
	struct site *site = *state;

	run("rm -r %s", site->cage);
	scratch_remove(&site->scratch);
	free(site);
	return 0;
}

/* ---- Files ------------------------------------------------------------------------ */

static inline void segment_path(const struct site *site, drift_seq seq,
				char path[128])
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(seq, name);
	snprintf(path, 128, "%s/log/%s", site->dir, name);
}

static inline void snapshot_path(const struct site *site, char path[128])
{
	char name[SNAPSHOT_NAME_BYTES];

	snapshot_name(site->snapshot, name);
	snprintf(path, 128, "%s/snapshots/%" PRIu32 "/%s", site->dir, site->table_id,
		 name);
}

static inline void read_file(const char *path, struct buf *bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	buf_clear(bytes);
	assert_non_null(buf_reserve(bytes, (size_t)st.st_size + 1));
	assert_int_equal(read(fd, bytes->data, (size_t)st.st_size), st.st_size);
	bytes->size = (size_t)st.st_size;
	close(fd);
}

static inline void write_file(const char *path, const struct buf *bytes)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0 && !buf_status(bytes));
	assert_int_equal(write(fd, bytes->data, bytes->size), bytes->size);
	close(fd);
}

/* ---- What becomes of them --------------------------------------------------------------- */

/* The bytes that a packed segment stands for. */
static inline void plain_segment(const char *path, struct buf *plain)
{
	int fd = open(path, O_RDONLY);
	struct file_maps maps = { 0 };
	struct pack_cache cache;
	struct pack *pack;
	size_t got;

	assert_int_equal(pack_open(&io_system, fd, &pack), DRIFT_OK);
	pack_cache_init(&cache, &maps);
	assert_non_null(buf_reserve(plain, pack_size(pack)));
	assert_int_equal(pack_read(pack, &cache, &io_system, fd, plain->data,
				   pack_size(pack), 0, &got),
			 DRIFT_OK);
	plain->size = got;
	pack_cache_release(&cache);
	pack_free(pack);
	close(fd);
}

static inline void ignore_line(void *arg, const char *line)
{
	(void)arg;
	if (getenv("SAY"))
		fprintf(stderr, "  %s\n", line);
}

/* Open it and scan the table as of the snapshot's moment and now: in a child. */
static inline enum drift_err try_opening(const struct site *site)
{
	struct drift_options options = { .report = ignore_line };
	struct drift_cursor *cursor;
	struct drift_error error;
	struct drift_db *db;
	enum drift_err err = drift_open(site->dir, &options, &db, &error);
	uint64_t rows = 0;

	if (err) {
		ignore_line(NULL, error.text);
		return err;
	}
	err = drift_scan(drift_view_at(db, site->snapshot), site->table_id, NULL,
			 &cursor);
	while (!err) {
		struct drift_version version;

		err = drift_cursor_next(cursor, &version);
		rows += !err;
	}
	drift_cursor_close(cursor);
	drift_close(db);
	/* A snapshot's fault costs no row. */
	if (err == DRIFT_DONE)
		return rows == 100 ? DRIFT_OK : DRIFT_BAD_ARGUMENT;
	return err;
}

static inline enum drift_err try_verify(const struct site *site)
{
	struct drift_verify_report report;
	struct drift_error error;
	struct drift_log *log;
	enum drift_err err = drift_log_open(site->dir, &log, &error);

	if (err) {
		ignore_line(NULL, error.text);
		return err;
	}
	err = drift_log_verify(log, NULL, ignore_line, NULL, &report);
	drift_log_close(log);
	return err;
}

static inline enum drift_err try_verify_open(const struct site *site)
{
	struct drift_options options = { .report = ignore_line };
	struct drift_verify_report report;
	struct drift_db *db;
	enum drift_err err = drift_open(site->dir, &options, &db, NULL);

	if (!err)
		err = drift_verify(db, NULL, NULL, ignore_line, NULL, &report);
	drift_close(db);
	return err;
}

/* The answer of a process of its own, which must come soon and cheap. */
static inline enum drift_err
answer(const char *name, const struct site *site,
       enum drift_err (*attempt)(const struct site *site))
{
	struct rusage usage;
	double seconds;
	int status;
	pid_t child;

	child = fork();
	if (child == 0) {
		alarm(120 * SLOWER * SLOWEST);
		_exit((int)attempt(site));
	}
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	/* Its own time: others run on this machine. */
	seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (getenv("SAY"))
		fprintf(stderr, "%s: status %x, %.2f s, %ld KiB\n", name, status,
			seconds, usage.ru_maxrss);
	if (!WIFEXITED(status))
		fail_msg("%s: ended by signal %d", name, WTERMSIG(status));
	if (seconds > SECONDS_MAX * SLOWER * SLOWEST)
		fail_msg("%s: took %.2f s", name, seconds);
	if (SLOWER * SLOWEST == 1 && usage.ru_maxrss > RSS_KIB_MAX)
		fail_msg("%s: took %ld KiB", name, usage.ru_maxrss);
	return (enum drift_err)WEXITSTATUS(status);
}

struct craft {
	const char *name;
	void (*make)(const struct site *site);
	enum drift_err opening, verify;
};

#define CRAFT(name, opening, verify)         \
	{                                    \
#name, name, opening, verify \
	}
#define REFUSED(name) CRAFT(name, DRIFT_CORRUPT, DRIFT_CORRUPT)

static inline void check(const struct site *site, const struct craft *craft)
{
	enum drift_err err;

	run("rm -rf %s/* && cp -a %s %s", site->cage, site->scratch.dir, site->dir);
	run("echo precious >%s/bystander", site->cage);
	craft->make(site);
	run("cd %s && find . -path ./db -prune -o -printf '%%p %%y %%s %%T@ "
	    "%%C@\\n' "
	    "| sort >%s/before",
	    site->cage, site->scratch.dir);
	err = answer(craft->name, site,
		     craft->opening ? try_verify : try_verify_open);
	if (err != craft->verify)
		fail_msg("%s: verify: %s", craft->name, drift_err_text(err));
	err = answer(craft->name, site, try_opening);
	if (err != craft->opening)
		fail_msg("%s: opening: %s", craft->name, drift_err_text(err));
	run("cd %s && find . -path ./db -prune -o -printf '%%p %%y %%s %%T@ "
	    "%%C@\\n' "
	    "| sort | cmp - %s/before",
	    site->cage, site->scratch.dir);
	run("rm %s/before", site->scratch.dir);
}

static inline void check_all(const struct site *site, const struct craft *crafts,
			     size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(site, &crafts[i]);
}

#define CHECK_ALL(site, crafts) \
	check_all(site, crafts, sizeof(crafts) / sizeof(*(crafts)))

#endif
