/* SPDX-License-Identifier: MIT */
/* log_map.c - see log_map.h. */
#include "engine/log_map.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "engine/fault.h"

/* The newest segment's map is as long as it will most likely get. */
#define NEWEST_BYTES ((uint64_t)80 << 20)
/* As which a small one counts, for a process may have only so many (65,530 by default):
 * so there are 4096. */
#define COUNTED_BYTES_MIN ((size_t)4 << 20)

struct log_map {
	char *data;             /* NULL: tried, and not to be had */
	size_t size;            /* of the file; more than that if it is the newest */
	_Atomic size_t counted; /* in the log's mapped_bytes */
};

static bool address_space_is_limited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

/* How much of the segment's file to map; 0: none of it. */
static size_t wanted_bytes(struct log *log, struct log_segment *segment, int fd)
{
	uint64_t size;

	if (io_size(log->io, fd, &size) || address_space_is_limited())
		return 0;
	if (segment == log_newest(log) && size < NEWEST_BYTES)
		size = NEWEST_BYTES;
	return size <= LOG_MAP_BYTES_MAX ? (size_t)size : 0;
}

static void uncount(struct log *log, struct log_map *map)
{
	atomic_fetch_sub(&log->mapped_bytes, atomic_exchange(&map->counted, 0));
}

static void map_free(struct log *log, struct log_map *map)
{
	if (map && map->data)
		munmap(map->data, map->size);
	if (map)
		uncount(log, map);
	free(map);
}

static struct log_map *map_new(struct log *log, struct log_segment *segment, int fd)
{
	struct log_map *map = calloc(1, sizeof(*map));
	size_t size = map ? wanted_bytes(log, segment, fd) : 0;
	size_t counted = size < COUNTED_BYTES_MIN ? COUNTED_BYTES_MIN : size;

	if (!size || !fault_prepare())
		return map;
	map->counted = counted;
	if (atomic_fetch_add(&log->mapped_bytes, counted) + counted <=
	    LOG_MAPPED_BYTES_MAX)
		map->data = io_map(log->io, fd, size);
	if (map->data)
		map->size = size;
	else
		uncount(log, map);
	return map;
}

/* Of threads that come at once, one keeps its map. One that was made while the segment
 * was packed is of the file that is gone. */
static struct log_map *map_of(struct log *log, struct log_segment *segment, int fd)
{
	struct log_map *map = atomic_load(&segment->map), *none = NULL;

	if (map)
		return map;
	map = map_new(log, segment, fd);
	if (map && !atomic_compare_exchange_strong(&segment->map, &none, map)) {
		map_free(log, map);
		return none;
	}
	if (atomic_load(&segment->pack))
		log_map_empty(log, segment);
	return map;
}

bool log_map_read(struct log *log, struct log_segment *segment, int fd, void *data,
		  size_t size, uint64_t offset)
{
	struct log_map *map;

	if (size > LOG_MAP_READ_BYTES_MAX)
		return false;
	map = map_of(log, segment, fd);
	return map && offset <= map->size && size <= map->size - offset &&
	       fault_copy(data, map->data + offset, size);
}

/* The addresses stay taken, so that no other map gets them while somebody copies. */
void log_map_empty(struct log *log, struct log_segment *segment)
{
	struct log_map *map = atomic_load(&segment->map);

	if (!map || !map->data)
		return;
	(void)mmap(map->data, map->size, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	uncount(log, map);
}

void log_map_free(struct log *log, struct log_segment *segment)
{
	map_free(log, atomic_load(&segment->map));
}
