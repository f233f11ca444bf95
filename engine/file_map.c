/* SPDX-License-Identifier: MIT */
/* file_map.c - see file_map.h. */
#include "engine/file_map.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "engine/fault.h"

/* As which a small one counts, for a process may have only so many (65,530 by default):
 * so there are 4096. */
#define COUNTED_BYTES_MIN ((size_t)4 << 20)

#define PAGE_BYTES ((size_t)4096)
#define PAGES_A_WORD 64

struct file_map {
	char *data;             /* NULL: tried, and not to be had */
	size_t size;            /* of the file, or more */
	_Atomic size_t counted; /* among all maps' bytes */
	/* A bit for each page: it was in memory when the map was made, or has been
	 * read since. The others are asked of pread, for which the kernel reads
	 * ahead as far as it has seen that to be of use. */
	_Atomic uint64_t seen[];
};

static bool address_space_is_limited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

/* How much of the file to map; 0: none of it. */
static size_t wanted_bytes(const struct drift_io *io, int fd, uint64_t bytes_min)
{
	uint64_t size;

	if (io_size(io, fd, &size) || address_space_is_limited())
		return 0;
	if (size < bytes_min)
		size = bytes_min;
	return size <= FILE_MAP_BYTES_MAX ? (size_t)size : 0;
}

static void uncount(struct file_maps *all, struct file_map *map)
{
	atomic_fetch_sub(&all->bytes, atomic_exchange(&map->counted, 0));
}

static void map_free(struct file_map *map)
{
	if (map && map->data)
		munmap(map->data, map->size);
	free(map);
}

/* ---- Pages that are in memory ------------------------------------------------------- */

static uint64_t bit_of(size_t page)
{
	return (uint64_t)1 << page % PAGES_A_WORD;
}

static void look_for_pages(struct file_map *map)
{
	enum { PAGES = 4096 };
	size_t pages = (map->size + PAGE_BYTES - 1) / PAGE_BYTES;
	unsigned char resident[PAGES];

	for (size_t at = 0; at < pages; at += PAGES) {
		size_t n = pages - at < PAGES ? pages - at : PAGES;

		if (mincore(map->data + at * PAGE_BYTES, n * PAGE_BYTES, resident))
			return;
		for (size_t i = 0; i < n; i++)
			if (resident[i] & 1)
				map->seen[(at + i) / PAGES_A_WORD] |= bit_of(at + i);
	}
}

/* True if all pages of these bytes were seen; now they are. */
static bool see(struct file_map *map, uint64_t offset, size_t size)
{
	bool all = true;

	for (size_t page = offset / PAGE_BYTES;
	     page <= (offset + size - 1) / PAGE_BYTES; page++) {
		_Atomic uint64_t *word = &map->seen[page / PAGES_A_WORD];

		if (atomic_load_explicit(word, memory_order_relaxed) & bit_of(page))
			continue;
		atomic_fetch_or_explicit(word, bit_of(page), memory_order_relaxed);
		all = false;
	}
	return all;
}

/* ---- Maps ------------------------------------------------------------------------------- */

static struct file_map *map_new(struct file_maps *all, const struct drift_io *io,
				int fd, uint64_t bytes_min)
{
	size_t size = wanted_bytes(io, fd, bytes_min);
	size_t counted = size < COUNTED_BYTES_MIN ? COUNTED_BYTES_MIN : size;
	size_t words = size / PAGE_BYTES / PAGES_A_WORD + 1;
	struct file_map *map = calloc(1, sizeof(*map) + words * sizeof(uint64_t));

	if (!map || !size || !fault_prepare())
		return map;
	map->counted = counted;
	if (atomic_fetch_add(&all->bytes, counted) + counted <= FILE_MAPS_BYTES_MAX)
		map->data = io_map(io, fd, size);
	if (!map->data) {
		uncount(all, map);
		return map;
	}
	map->size = size;
	look_for_pages(map);
	return map;
}

/* Of threads that come at once, one keeps its map. */
static struct file_map *map_of(struct file_maps *all, file_map_slot *slot,
			       const struct drift_io *io, int fd, uint64_t bytes_min)
{
	struct file_map *map = atomic_load(slot), *none = NULL;

	if (map)
		return map;
	map = map_new(all, io, fd, bytes_min);
	if (!map || atomic_compare_exchange_strong(slot, &none, map))
		return map;
	uncount(all, map);
	map_free(map);
	return none;
}

bool file_map_read(struct file_maps *all, file_map_slot *slot,
		   const struct drift_io *io, int fd, uint64_t bytes_min, void *data,
		   size_t size, uint64_t offset)
{
	struct file_map *map;

	if (size == 0 || size > FILE_MAP_READ_BYTES_MAX)
		return false;
	map = map_of(all, slot, io, fd, bytes_min);
	return map && offset <= map->size && size <= map->size - offset &&
	       see(map, offset, size) && fault_copy(data, map->data + offset, size);
}

/* The addresses stay taken, so that no other map gets them while somebody copies. */
void file_map_empty(struct file_maps *all, file_map_slot *slot)
{
	struct file_map *map = atomic_load(slot);

	if (!map || !map->data)
		return;
	(void)mmap(map->data, map->size, PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	uncount(all, map);
}

void file_map_free(file_map_slot *slot)
{
	map_free(atomic_load(slot));
}
