/* SPDX-License-Identifier: MIT */
/* log_map.h - plain segments as memory. A row that is read out of a map needs no system
 * call, and no look for its page in the kernel's lists, which together take twice as long
 * as the rest of it.
 *
 * A map is made when a row of its segment is first read, and stays until the log is
 * closed. All maps of a log together are at most LOG_MAPPED_BYTES_MAX, for the kernel's
 * tables of pages take a 512th of what was read by them; segments beyond that, larger
 * than LOG_MAP_BYTES_MAX, or where the process's address space is limited, are read by
 * pread as before. So are runs of more than LOG_MAP_READ_BYTES_MAX: they are copied
 * either way, and the kernel reads ahead for them. Private to the log's files. */
#ifndef DRIFT_ENGINE_LOG_MAP_H
#define DRIFT_ENGINE_LOG_MAP_H

#include "engine/log.h"

#define LOG_MAP_READ_BYTES_MAX (16u << 10)
#define LOG_MAP_BYTES_MAX ((uint64_t)512 << 20)
#define LOG_MAPPED_BYTES_MAX ((uint64_t)16 << 30)

/* Read from the map of a plain segment, whose file is open in fd. False when it has none,
 * or a page cannot be had, for which the file is asked then. */
bool log_map_read(struct log *log, struct log_segment *segment, int fd, void *data,
		  size_t size, uint64_t offset);
/* The segment's file is exchanged: let go of what was mapped, so that its room on disk is
 * free. Who reads meanwhile reads anything. */
void log_map_empty(struct log *log, struct log_segment *segment);
/* No more reads. */
void log_map_free(struct log *log, struct log_segment *segment);

#endif
