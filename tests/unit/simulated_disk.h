/* SPDX-License-Identifier: MIT */
/* simulated_disk.h - a disk under a page cache, behind the engine's I/O table, that can
 * fail, shorten or cut any call.
 *
 * Files are real files, which stand for the page cache. What was written and not
 * synced is remembered beside them, with what stood there before:
 *	- at a power cut each such write is kept, lost, torn at a byte, torn by sectors
 *	  of 512 bytes or left as zeros; a file may get its old size back, a rename in a
 *	  directory that was not synced may be undone;
 *	- a sync that fails leaves some writes "stale": the page cache shows them, the
 *	  disk never got them, and every later sync succeeds without writing them.
 * The functions draw from test_draw(), so that a seed repeats a run. */
#ifndef DRIFT_TESTS_SIMULATED_DISK_H
#define DRIFT_TESTS_SIMULATED_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "engine/io.h"

enum fault {
	FAULT_NONE,
	FAULT_CUT, /* the power: what was not synced is settled by disk_settle() */
	FAULT_KILL, /* the process alone: the next one finds the page cache as it is */
	FAULT_EIO,
	FAULT_ENOSPC,
	FAULT_EINTR,
	FAULT_SHORT
};

enum undo_kind { UNDO_WRITE, UNDO_SIZE, UNDO_RENAME };

struct undo {
	struct undo *next;
	enum undo_kind kind;
	ino_t ino;
	int fd; /* our own copy; a directory for a rename */
	off_t offset;
	size_t size;
	char *old;
	bool stale;
	char from[64], to[64];
	char replaced[64]; /* what the rename replaced, kept under this name */
};

struct disk {
	struct drift_io io;
	pthread_mutex_t lock;
	enum fault fault;
	uint64_t calls, fault_at;
	bool for_ever; /* every call from fault_at on */
	bool dead;
	unsigned syncs_after_failure;
	ino_t sync_failed;        /* the file whose sync failed, 0: none */
	struct undo *undo;        /* newest first */
	drift_time_ns clock_step; /* added to the wall clock */
};

static uint64_t test_state = 1;

static inline unsigned test_draw(unsigned below)
{
	return (unsigned)((test_random(&test_state) >> 11) % below);
}

static inline struct disk *disk_of(const struct drift_io *io)
{
	return (struct disk *)(void *)(uintptr_t)io;
}

static inline ino_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static inline off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_size : 0;
}

/* Count a call; what shall befall it. EIO once the process is gone. */
static inline enum fault disk_call(struct disk *disk)
{
	if (disk->dead)
		return FAULT_EIO;
	if (disk->fault == FAULT_NONE)
		return FAULT_NONE;
	disk->calls++;
	if (disk->calls < disk->fault_at ||
	    (disk->calls > disk->fault_at && !disk->for_ever))
		return FAULT_NONE;
	if (disk->fault == FAULT_CUT || disk->fault == FAULT_KILL) {
		disk->dead = true;
		return FAULT_EIO;
	}
	return disk->fault;
}

static inline enum fault disk_enter(struct disk *disk)
{
	pthread_mutex_lock(&disk->lock);
	return disk_call(disk);
}

static inline int fail_with(enum fault fault)
{
	errno = fault == FAULT_ENOSPC ? ENOSPC : fault == FAULT_EINTR ? EINTR : EIO;
	return -1;
}

/* ---- What can still be lost ---------------------------------------------------- */

static inline void undo_free(struct undo *undo)
{
	if (undo->replaced[0])
		unlinkat(undo->fd, undo->replaced, 0);
	close(undo->fd);
	free(undo->old);
	free(undo);
}

/* What is synced cannot be lost any more; what is stale will be. A sync that fails
 * has written some of it. */
static inline void disk_synced(struct disk *disk, ino_t ino, bool failed)
{
	struct undo **at = &disk->undo;

	while (*at) {
		struct undo *undo = *at;

		if (undo->ino != ino || undo->stale ||
		    (failed && undo->kind == UNDO_RENAME)) {
			at = &undo->next;
			continue;
		}
		if (failed && undo->kind == UNDO_WRITE && test_draw(4)) {
			undo->stale = true;
			at = &undo->next;
			continue;
		}
		*at = undo->next;
		undo_free(undo);
	}
}

static inline struct undo *undo_add(struct disk *disk, int fd, enum undo_kind kind)
{
	struct undo *undo = calloc(1, sizeof(*undo));

	assert_non_null(undo);
	undo->kind = kind;
	undo->ino = ino_of(fd);
	undo->fd = dup(fd);
	assert_true(undo->fd >= 0);
	undo->next = disk->undo;
	disk->undo = undo;
	return undo;
}

static inline struct undo *remember_bytes(struct disk *disk, int fd,
					  enum undo_kind kind, off_t offset,
					  size_t size)
{
	struct undo *undo = undo_add(disk, fd, kind);

	undo->offset = offset;
	undo->size = size;
	undo->old = calloc(1, size ? size : 1);
	assert_non_null(undo->old);
	if (pread(fd, undo->old, size, offset) < 0)
		memset(undo->old, 0, size);
	return undo;
}

/* What is written anew, or cut off, is stale no more. */
static inline void stale_rewritten(struct disk *disk, int fd, off_t offset,
				   const char *data, size_t size)
{
	ino_t ino = ino_of(fd);

	for (struct undo *undo = disk->undo; undo; undo = undo->next)
		for (size_t i = 0; undo->stale && undo->ino == ino && i < undo->size;
		     i++) {
			off_t at = undo->offset + (off_t)i - offset;

			if (at >= 0 && (size_t)at < size)
				undo->old[i] = data[at];
		}
}

static inline void stale_cut(struct disk *disk, int fd, off_t size)
{
	ino_t ino = ino_of(fd);

	for (struct undo *undo = disk->undo; undo; undo = undo->next)
		if (undo->stale && undo->ino == ino &&
		    undo->offset + (off_t)undo->size > size)
			undo->size = undo->offset < size
					     ? (size_t)(size - undo->offset)
					     : 0;
}

/* ---- The calls ------------------------------------------------------------------ */

static inline int disk_openat(const struct drift_io *io, int dir, const char *name,
			      int flags, mode_t mode)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);
	int fd = fault && fault != FAULT_SHORT ? fail_with(fault)
					       : openat(dir, name, flags, mode);

	pthread_mutex_unlock(&disk->lock);
	return fd;
}

static inline ssize_t disk_pread(const struct drift_io *io, int fd, void *data,
				 size_t size, off_t offset)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);

	pthread_mutex_unlock(&disk->lock);
	if (fault == FAULT_SHORT)
		size = (size + 1) / 2;
	else if (fault)
		return fail_with(fault);
	return pread(fd, data, size, offset);
}

/* The file without what is stale. */
static inline ssize_t disk_pread_disk(const struct drift_io *io, int fd, void *data,
				      size_t size, off_t offset)
{
	struct disk *disk = disk_of(io);
	ssize_t n = disk_pread(io, fd, data, size, offset);
	ino_t ino = ino_of(fd);

	pthread_mutex_lock(&disk->lock);
	for (struct undo *undo = disk->undo; n > 0 && undo; undo = undo->next)
		for (size_t i = 0; undo->stale && undo->ino == ino && i < undo->size;
		     i++) {
			off_t at = undo->offset + (off_t)i - offset;

			if (at >= 0 && at < n)
				((char *)data)[at] = undo->old[i];
		}
	pthread_mutex_unlock(&disk->lock);
	return n;
}

static inline ssize_t disk_pwrite(const struct drift_io *io, int fd,
				  const void *data, size_t size, off_t offset)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);
	ssize_t n;

	if (fault == FAULT_SHORT || fault == FAULT_ENOSPC)
		size = size / 2 + (fault == FAULT_SHORT);
	else if (fault) {
		pthread_mutex_unlock(&disk->lock);
		return fail_with(fault);
	}
	stale_rewritten(disk, fd, offset, data, size);
	remember_bytes(disk, fd, UNDO_WRITE, offset, size);
	n = pwrite(fd, data, size, offset);
	pthread_mutex_unlock(&disk->lock);
	/* A full disk: some of it went in, then no more. */
	return fault == FAULT_ENOSPC ? fail_with(fault) : n;
}

static inline int disk_sync(const struct drift_io *io, int fd)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);
	bool failed = fault && fault != FAULT_SHORT;
	ino_t ino = ino_of(fd);

	disk->syncs_after_failure += disk->sync_failed == ino && !disk->dead;
	if (failed)
		disk->sync_failed = ino;
	if (!disk->dead)
		disk_synced(disk, ino, failed);
	pthread_mutex_unlock(&disk->lock);
	return failed ? fail_with(fault) : 0;
}

static inline int disk_ftruncate(const struct drift_io *io, int fd, off_t size)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);
	off_t before = size_of(fd);
	int result;

	if (fault && fault != FAULT_SHORT) {
		pthread_mutex_unlock(&disk->lock);
		return fail_with(fault);
	}
	stale_cut(disk, fd, size);
	if (size < before)
		remember_bytes(disk, fd, UNDO_SIZE, size, (size_t)(before - size));
	result = ftruncate(fd, size);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static inline int disk_fallocate(const struct drift_io *io, int fd, off_t offset,
				 off_t size)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);
	int result = fault && fault != FAULT_SHORT ? fail_with(fault)
						   : fallocate(fd, 0, offset, size);

	pthread_mutex_unlock(&disk->lock);
	return result;
}

static inline int disk_renameat(const struct drift_io *io, int dir, const char *from,
				const char *to)
{
	struct disk *disk = disk_of(io);
	enum fault fault = disk_enter(disk);
	struct undo *undo;
	int result;

	if (fault && fault != FAULT_SHORT) {
		pthread_mutex_unlock(&disk->lock);
		return fail_with(fault);
	}
	undo = undo_add(disk, dir, UNDO_RENAME);
	snprintf(undo->from, sizeof(undo->from), "%s", from);
	snprintf(undo->to, sizeof(undo->to), "%s", to);
	snprintf(undo->replaced, sizeof(undo->replaced), "replaced-%s", to);
	if (linkat(dir, to, dir, undo->replaced, 0) != 0)
		undo->replaced[0] = 0;
	result = renameat(dir, from, dir, to);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static inline drift_time_ns disk_now(const struct drift_io *io)
{
	return io_system.now(&io_system) + disk_of(io)->clock_step;
}

static inline void disk_init(struct disk *disk, enum fault fault, uint64_t at)
{
	*disk = (struct disk){ .io = io_system, .fault = fault, .fault_at = at };
	pthread_mutex_init(&disk->lock, NULL);
	disk->io.openat = disk_openat;
	disk->io.pread = disk_pread;
	disk->io.pread_disk = disk_pread_disk;
	disk->io.pwrite = disk_pwrite;
	disk->io.fdatasync = disk_sync;
	disk->io.fsync = disk_sync;
	disk->io.ftruncate = disk_ftruncate;
	disk->io.fallocate = disk_fallocate;
	disk->io.renameat = disk_renameat;
	disk->io.now = disk_now;
}

/* ---- After a power cut ---------------------------------------------------------- */

static inline void put_bytes(int fd, const char *bytes, size_t size, off_t offset)
{
	assert_int_equal(pwrite(fd, bytes, size, offset), (ssize_t)size);
}

/* Keep, lose or tear one write that was never synced. */
static inline void undo_write(const struct undo *undo)
{
	char zeros[512] = { 0 };
	size_t keep;

	switch (undo->stale ? 1 : test_draw(5)) {
	case 0:
		break;
	case 1:
		put_bytes(undo->fd, undo->old, undo->size, undo->offset);
		break;
	case 2:
		keep = test_draw((unsigned)undo->size + 1);
		put_bytes(undo->fd, undo->old + keep, undo->size - keep,
			  undo->offset + (off_t)keep);
		break;
	default:
		/* By sectors: as they were before, or zeros (allocated, never
		 * written). */
		for (size_t at = 0; at < undo->size; at += 512) {
			size_t n = undo->size - at < 512 ? undo->size - at : 512;
			unsigned fate = test_draw(4);

			if (fate < 2)
				put_bytes(undo->fd, fate ? zeros : undo->old + at, n,
					  undo->offset + (off_t)at);
		}
	}
}

/* The file was longer before, and may be again. */
static inline void undo_size(const struct undo *undo)
{
	off_t size = size_of(undo->fd), end = undo->offset + (off_t)undo->size;

	if (test_draw(2) && size >= undo->offset && size < end)
		put_bytes(undo->fd, undo->old + (size - undo->offset),
			  (size_t)(end - size), size);
}

static inline void undo_rename(struct undo *undo)
{
	if (!test_draw(2))
		return;
	assert_int_equal(renameat(undo->fd, undo->to, undo->fd, undo->from), 0);
	if (!undo->replaced[0])
		return;
	assert_int_equal(renameat(undo->fd, undo->replaced, undo->fd, undo->to), 0);
	undo->replaced[0] = 0;
}

/* The power was cut (lose), and is back: what was not synced is whatever it is now.
 * Else the disk is as it would be after a last sync of everything. */
static inline void disk_settle(struct disk *disk, bool lose)
{
	while (disk->undo) {
		struct undo *undo = disk->undo;

		if (lose && undo->kind == UNDO_WRITE)
			undo_write(undo);
		else if (lose && undo->kind == UNDO_SIZE)
			undo_size(undo);
		else if (lose)
			undo_rename(undo);
		disk->undo = undo->next;
		undo_free(undo);
	}
}

static inline void disk_release(struct disk *disk)
{
	disk_settle(disk, false);
	pthread_mutex_destroy(&disk->lock);
}

/* While the test itself looks, nothing befalls its calls; they are not counted. */
static inline enum fault disk_suspend(struct disk *disk)
{
	enum fault fault = disk->fault;

	disk->fault = FAULT_NONE;
	return fault;
}

/* From now on call `at` (from 1) meets the fault. */
static inline void disk_set_fault(struct disk *disk, enum fault fault, uint64_t at,
				  bool for_ever)
{
	disk->dead = false;
	disk->fault = fault;
	disk->calls = 0;
	disk->fault_at = at;
	disk->for_ever = for_ever;
	disk->sync_failed = 0;
}

#endif
