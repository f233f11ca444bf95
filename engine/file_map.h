/* SPDX-License-Identifier: MIT */
/* file_map.h - segments' files as memory. A row that is read out of a map needs no system
 * call, and no look for its page in the kernel's lists, which together take twice as long
 * as the rest of it.
 *
 * A map is made when its file is first read, and stays until the log is closed. Pages
 * that are not in memory then are asked of pread first. All maps of a log together are at
 * most FILE_MAPS_BYTES_MAX, for the kernel's tables of pages take a 512th of what was read
 * by them; files beyond that, larger than FILE_MAP_BYTES_MAX, or where the process's
 * address space is limited, are read by pread as before. So are runs of more than
 * FILE_MAP_READ_BYTES_MAX: they are copied either way, and the kernel reads ahead for
 * them. Private to the log's files. */
#ifndef DRIFT_ENGINE_FILE_MAP_H
#define DRIFT_ENGINE_FILE_MAP_H

#include <stdatomic.h>

#include "engine/io.h"

#define FILE_MAP_READ_BYTES_MAX (16u << 10)
#define FILE_MAP_BYTES_MAX ((uint64_t)512 << 20)
#define FILE_MAPS_BYTES_MAX ((uint64_t)16 << 30)

/* All of a log. */
struct file_maps {
	_Atomic uint64_t bytes;
};

/* A file's; NULL in the beginning. */
typedef _Atomic(struct file_map *) file_map_slot;

/* Read from the map of the file in fd, which is made at least so long when there is none.
 * False when it has none, or a page cannot be had, for which the file is asked then. */
bool file_map_read(struct file_maps *all, file_map_slot *slot,
		   const struct drift_io *io, int fd, uint64_t bytes_min, void *data,
		   size_t size, uint64_t offset);
/* The file is exchanged: let go of what was mapped, so that its room on disk is free.
 * Who reads meanwhile reads anything. */
void file_map_empty(struct file_maps *all, file_map_slot *slot);
/* No more reads. */
void file_map_free(file_map_slot *slot);

#endif
