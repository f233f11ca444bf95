/* SPDX-License-Identifier: MIT */
/* json_arena.h - memory for jansson's trees. A tree is packed and thrown away at once, so
 * its pieces are cut from a stack's room, then from chunks, and given back together:
 * malloc and free of each took more time than jansson itself. Private to json.c. */
#ifndef DRIFT_ENGINE_JSON_ARENA_H
#define DRIFT_ENGINE_JSON_ARENA_H

#include <stddef.h>

struct json_arena_chunk;

struct json_arena {
	char *at; /* free room, up to end */
	char *end;
	struct json_arena_chunk *chunks; /* what was taken beyond the first room */
	size_t chunk_bytes;              /* of the next one */
};

/* From now on, what jansson allocates in this thread comes from room[size] and, when that
 * is full, from chunks. One at a time in a thread; aligned as malloc's memory is. */
void json_arena_begin(struct json_arena *arena, void *room, size_t size);
/* Give all of it back. Nothing that jansson made since may be touched any more. */
void json_arena_end(struct json_arena *arena);

#endif
