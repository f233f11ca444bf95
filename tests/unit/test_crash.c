/* SPDX-License-Identifier: MIT */
/* test_crash.c - power cuts and I/O failures at every call of the engine's I/O
 * table, on a simulated disk.
 *
 * The disk keeps what was not synced apart: at a cut each unsynced write is kept,
 * lost, torn at a byte or torn by 512-byte sectors, in any order, and a rename whose
 * directory was not synced may be undone. After it the database is opened on the real
 * system, and must hold a prefix of what was submitted, with everything that was
 * acknowledged, whole transactions only, all moments as they were. */
#include "tests/unit/cmocka_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/io.h"
#include "tests/unit/table_t.h"

/* ---- The simulated disk --------------------------------------------------------- */

enum fault {
	FAULT_NONE,
	FAULT_CUT,
	FAULT_EIO,
	FAULT_ENOSPC,
	FAULT_EINTR,
	FAULT_SHORT
};

struct undo {
	struct undo *next;
	ino_t ino;
	int fd; /* our own copy; a directory for a rename */
	off_t offset;
	size_t size;
	char *old; /* NULL: a rename */
	char from[64], to[64];
	char replaced[64]; /* what the rename replaced, kept under this name */
};

struct disk {
	struct drift_io io;
	pthread_mutex_t lock;
	enum fault fault;
	uint64_t calls, fault_at;
	bool dead;
	unsigned syncs_after_failure;
	ino_t sync_failed; /* the file whose sync failed, 0: none */
	struct undo *undo; /* newest first */
};

static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static struct disk *disk_of(const struct drift_io *io)
{
	return (struct disk *)(void *)(uintptr_t)io;
}

static ino_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Count a call; what shall befall it. EIO once the power is gone. */
static enum fault disk_call(struct disk *disk)
{
	if (disk->dead)
		return FAULT_EIO;
	if (disk->fault == FAULT_NONE || ++disk->calls != disk->fault_at)
		return FAULT_NONE;
	if (disk->fault == FAULT_CUT) {
		disk->dead = true;
		return FAULT_EIO;
	}
	return disk->fault;
}

static int fail_with(enum fault fault)
{
	errno = fault == FAULT_ENOSPC ? ENOSPC : fault == FAULT_EINTR ? EINTR : EIO;
	return -1;
}

static void undo_free(struct undo *undo)
{
	if (undo->replaced[0])
		unlinkat(undo->fd, undo->replaced, 0);
	close(undo->fd);
	free(undo->old);
	free(undo);
}

/* What is synced cannot be lost any more. */
static void forget(struct disk *disk, ino_t ino)
{
	struct undo **at = &disk->undo;

	while (*at) {
		struct undo *undo = *at;

		if (undo->ino != ino) {
			at = &undo->next;
			continue;
		}
		*at = undo->next;
		undo_free(undo);
	}
}

static void remember_write(struct disk *disk, int fd, size_t size, off_t offset)
{
	struct undo *undo = calloc(1, sizeof(*undo));

	undo->ino = ino_of(fd);
	undo->fd = dup(fd);
	undo->offset = offset;
	undo->size = size;
	undo->old = calloc(1, size ? size : 1);
	if (pread(fd, undo->old, size, offset) < 0)
		memset(undo->old, 0, size);
	undo->next = disk->undo;
	disk->undo = undo;
}

static int disk_openat(const struct drift_io *io, int dir, const char *name,
		       int flags, mode_t mode)
{
	struct disk *disk = disk_of(io);
	enum fault fault;
	int fd;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	fd = fault && fault != FAULT_SHORT ? fail_with(fault)
					   : openat(dir, name, flags, mode);
	pthread_mutex_unlock(&disk->lock);
	return fd;
}

static ssize_t disk_pread(const struct drift_io *io, int fd, void *data, size_t size,
			  off_t offset)
{
	struct disk *disk = disk_of(io);
	enum fault fault;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	pthread_mutex_unlock(&disk->lock);
	if (fault == FAULT_SHORT)
		size = (size + 1) / 2;
	else if (fault)
		return fail_with(fault);
	return pread(fd, data, size, offset);
}

static ssize_t disk_pwrite(const struct drift_io *io, int fd, const void *data,
			   size_t size, off_t offset)
{
	struct disk *disk = disk_of(io);
	enum fault fault;
	ssize_t n;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	if (fault == FAULT_SHORT || fault == FAULT_ENOSPC)
		size = size / 2 + (fault == FAULT_SHORT);
	else if (fault) {
		pthread_mutex_unlock(&disk->lock);
		return fail_with(fault);
	}
	remember_write(disk, fd, size, offset);
	n = pwrite(fd, data, size, offset);
	pthread_mutex_unlock(&disk->lock);
	/* A full disk: some of it went in, then no more. */
	return fault == FAULT_ENOSPC ? fail_with(fault) : n;
}

static int disk_sync(const struct drift_io *io, int fd)
{
	struct disk *disk = disk_of(io);
	enum fault fault;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	disk->syncs_after_failure += disk->sync_failed == ino_of(fd) && !disk->dead;
	if (fault && fault != FAULT_SHORT)
		disk->sync_failed = ino_of(fd);
	else
		forget(disk, ino_of(fd));
	pthread_mutex_unlock(&disk->lock);
	return fault && fault != FAULT_SHORT ? fail_with(fault) : 0;
}

static int disk_ftruncate(const struct drift_io *io, int fd, off_t size)
{
	struct disk *disk = disk_of(io);
	enum fault fault;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	pthread_mutex_unlock(&disk->lock);
	return fault && fault != FAULT_SHORT ? fail_with(fault)
					     : ftruncate(fd, size);
}

static int disk_fallocate(const struct drift_io *io, int fd, off_t offset,
			  off_t size)
{
	struct disk *disk = disk_of(io);
	enum fault fault;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	pthread_mutex_unlock(&disk->lock);
	return fault && fault != FAULT_SHORT ? fail_with(fault)
					     : fallocate(fd, 0, offset, size);
}

static int disk_renameat(const struct drift_io *io, int dir, const char *from,
			 const char *to)
{
	struct disk *disk = disk_of(io);
	struct undo *undo;
	enum fault fault;
	int result;

	pthread_mutex_lock(&disk->lock);
	fault = disk_call(disk);
	if (fault && fault != FAULT_SHORT) {
		pthread_mutex_unlock(&disk->lock);
		return fail_with(fault);
	}
	undo = calloc(1, sizeof(*undo));
	undo->ino = ino_of(dir);
	undo->fd = dup(dir);
	snprintf(undo->from, sizeof(undo->from), "%s", from);
	snprintf(undo->to, sizeof(undo->to), "%s", to);
	snprintf(undo->replaced, sizeof(undo->replaced), "replaced-%s", to);
	if (linkat(dir, to, dir, undo->replaced, 0) != 0)
		undo->replaced[0] = 0;
	undo->next = disk->undo;
	disk->undo = undo;
	result = renameat(dir, from, dir, to);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static void disk_init(struct disk *disk, enum fault fault, uint64_t at)
{
	*disk = (struct disk){ .io = io_system, .fault = fault, .fault_at = at };
	pthread_mutex_init(&disk->lock, NULL);
	disk->io.openat = disk_openat;
	disk->io.pread = disk_pread;
	disk->io.pwrite = disk_pwrite;
	disk->io.fdatasync = disk_sync;
	disk->io.fsync = disk_sync;
	disk->io.ftruncate = disk_ftruncate;
	disk->io.fallocate = disk_fallocate;
	disk->io.renameat = disk_renameat;
}

static void put_back(int fd, const char *old, size_t size, off_t offset)
{
	assert_int_equal(pwrite(fd, old, size, offset), (ssize_t)size);
}

/* Keep, lose or tear one write that was never synced. */
static void undo_write(const struct undo *undo)
{
	size_t keep;

	switch (draw(4)) {
	case 0:
		break;
	case 1:
		put_back(undo->fd, undo->old, undo->size, undo->offset);
		break;
	case 2:
		keep = draw((unsigned)undo->size + 1);
		put_back(undo->fd, undo->old + keep, undo->size - keep,
			 undo->offset + (off_t)keep);
		break;
	default:
		for (size_t at = 0; at < undo->size; at += 512) {
			size_t n = undo->size - at < 512 ? undo->size - at : 512;

			if (draw(2))
				put_back(undo->fd, undo->old + at, n,
					 undo->offset + (off_t)at);
		}
	}
}

static void undo_rename(struct undo *undo)
{
	assert_int_equal(renameat(undo->fd, undo->to, undo->fd, undo->from), 0);
	if (!undo->replaced[0])
		return;
	assert_int_equal(renameat(undo->fd, undo->replaced, undo->fd, undo->to), 0);
	undo->replaced[0] = 0;
}

/* The power is back: what was not synced is whatever it is now. */
static void disk_settle(struct disk *disk, bool lose)
{
	while (disk->undo) {
		struct undo *undo = disk->undo;

		if (lose && undo->old)
			undo_write(undo);
		else if (lose && draw(2))
			undo_rename(undo);
		disk->undo = undo->next;
		undo_free(undo);
	}
	pthread_mutex_destroy(&disk->lock);
}

/* ---- The workload ----------------------------------------------------------------- */

#define KEYS 8
#define TX_MAX 64
#define NONE (-1)

struct state {
	int value[KEYS];
};

/* States after each submitted transaction, by the seq it would end at. */
static struct state states[TX_MAX * 8];
static bool tx_end[TX_MAX * 8];
static drift_seq submitted, acked;
static char dir[64];

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static struct slice key_of(int k, struct buf *key)
{
	char name[8];

	snprintf(name, sizeof(name), "k%d", k);
	buf_clear(key);
	key_add_text(key, slice_str(name));
	return buf_slice(key);
}

static void put(struct drift_txn *txn, const struct table_def *t, int k, int v)
{
	struct buf key = BUF_INIT, row = BUF_INIT;
	char name[8];

	snprintf(name, sizeof(name), "k%d", k);
	msg_add_map(&row, 3);
	msg_add_text(&row, SLICE("id"));
	msg_add_text(&row, slice_str(name));
	msg_add_text(&row, SLICE("v"));
	msg_add_int(&row, v);
	msg_add_text(&row, SLICE("pad"));
	msg_add_text(&row,
		     slice_of("................................................"
			      "................................................",
			      draw(96)));
	assert_int_equal(drift_txn_put(txn, t, key_of(k, &key), buf_slice(&row),
				       DRIFT_PUT, NULL),
			 DRIFT_OK);
	buf_release(&key);
	buf_release(&row);
}

/* One transaction of a few rows. False when it was not acknowledged. */
static bool work(struct drift_db *db, const struct table_def *t, int round)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	unsigned ops = 1 + draw(4);
	bool later = draw(3) == 0; /* acknowledged before it is durable */
	enum drift_err err;

	assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < ops; i++) {
		int k = (int)draw(KEYS), v = round * 8 + (int)i;

		put(txn, t, k, v);
		states[submitted + i + 1] = states[submitted + i];
		states[submitted + i + 1].value[k] = v;
		tx_end[submitted + i + 1] = i + 1 == ops;
	}
	err = drift_commit(txn, later ? DRIFT_DURABLE_LATER : DRIFT_DURABLE,
			   &receipt);
	drift_txn_free(txn);
	if (err && err != DRIFT_IO)
		return false; /* certainly not stored: the next one takes its seqs */
	submitted += ops;
	if (!err && !later)
		acked = submitted;
	return !err;
}

static int value_at(struct drift_db *db, const struct table_def *t, drift_seq seq,
		    int k)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	struct slice bytes;
	struct msg_cursor cursor;
	int64_t v = NONE;
	enum drift_err err =
		drift_get(drift_view_at(db, seq), t->id, key_of(k, &key), &row);

	if (!err) {
		assert_int_equal(msg_member(row.version.row, SLICE("v"), &bytes),
				 DRIFT_OK);
		cursor = msg_cursor_of(bytes);
		assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	} else {
		assert_int_equal(err, DRIFT_NO_ROW);
	}
	drift_row_release(&row);
	buf_release(&key);
	return (int)v;
}

static void check(const char *what)
{
	struct drift_options options = { .report = quiet };
	struct drift_verify_report report;
	struct drift_error error;
	const struct table_def *t;
	struct drift_db *db;
	drift_seq head;

	if (drift_open(dir, &options, &db, &error))
		fail_msg("%s: %s", what, error.text);
	head = drift_head(db);
	if (head < acked || head > submitted || (head && !tx_end[head]))
		fail_msg("%s: head %lu, acknowledged %lu, submitted %lu", what, head,
			 acked, submitted);
	t = drift_table(drift_view_live(db), SLICE("t"));
	for (drift_seq seq = 1; t && seq <= head; seq++)
		for (int k = 0; k < KEYS; k++)
			assert_int_equal(value_at(db, t, seq, k),
					 states[seq].value[k]);
	assert_int_equal(drift_verify(db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	drift_close(db);
}

/* Run the workload on a disk that fails at a call; true if it got that far. */
static bool run(enum fault fault, uint64_t at)
{
	struct drift_options options = {
		.fold_events_max = 10,
		.segment_bytes_max = 2000,
		.report = quiet,
	};
	const struct table_def *t = NULL;
	struct drift_error error;
	struct drift_db *db;
	struct disk disk;
	char command[128];
	bool reached;

	/* The disk is simulated: memory is the quickest place for it. */
	snprintf(dir, sizeof(dir), "%s/driftfs-crash-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(drift_init(dir, NULL), DRIFT_OK);
	submitted = acked = 0;
	for (int k = 0; k < KEYS; k++)
		states[0].value[k] = NONE;
	disk_init(&disk, fault, at);
	options.io = &disk.io;
	for (int life = 0; life < 2 && !disk.dead; life++) {
		disk.sync_failed = 0; /* opening again may */
		if (drift_open(dir, &options, &db, &error))
			break;
		t = drift_table(drift_view_live(db), SLICE("t"));
		if (!t && !table_t_make(db))
			t = drift_table(drift_view_live(db), SLICE("t"));
		for (int i = 0; t && i < 24; i++) {
			if (!work(db, t, life * 24 + i) && drift_is_read_only(db))
				break;
			if (i == 12) /* it may fail; nothing else may */
				(void)!drift_compact(db, NULL, NULL);
		}
		if (!drift_sync(db))
			acked = submitted;
		drift_close(db);
		if (acked < submitted)
			break; /* what the disk has is not known before it is read */
	}
	reached = disk.calls >= at;
	/* fdatasync that failed says nothing the second time. */
	if (fault != FAULT_CUT)
		assert_int_equal(disk.syncs_after_failure, 0);
	disk_settle(&disk, fault == FAULT_CUT);
	check("first opening");
	check("second opening");
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	return reached;
}

/* Sanitizers make each run many times slower: they see every STEP-th call, another
 * one each time. */
#if defined(__SANITIZE_THREAD__)
#define STEP 23
#elif defined(__SANITIZE_ADDRESS__)
#define STEP 5
#else
#define STEP 1
#endif

static void sweep(enum fault fault)
{
	uint64_t first = test_seed();
	uint64_t at = 1 + first % STEP;

	for (bool reached = true; reached; at += STEP) {
		seed = (first + at * 7919) | 1;
		reached = run(fault, at);
	}
	assert_true(at > 50);
}

static void power_cut_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_CUT);
}

static void failure_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_EIO);
}

static void full_disk_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_ENOSPC);
}

static void interruption_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_EINTR);
}

static void short_transfer_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cut_at_every_call),
		cmocka_unit_test(failure_at_every_call),
		cmocka_unit_test(full_disk_at_every_call),
		cmocka_unit_test(interruption_at_every_call),
		cmocka_unit_test(short_transfer_at_every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
