/* SPDX-License-Identifier: MIT */
/* json_arena.c - see json_arena.h. */
#include "engine/json_arena.h"

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define ALIGNMENT _Alignof(max_align_t)
#define CHUNK_BYTES_MIN (32u << 10)
#define CHUNK_BYTES_MAX (1u << 20)

struct json_arena_chunk {
	struct json_arena_chunk *next;
	_Alignas(max_align_t) char data[];
};

static _Thread_local struct json_arena *active;

static bool add_chunk(struct json_arena *arena, size_t size)
{
	size_t bytes = size > arena->chunk_bytes ? size : arena->chunk_bytes;
	struct json_arena_chunk *chunk = malloc(sizeof(*chunk) + bytes);

	if (!chunk)
		return false;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->at = chunk->data;
	arena->end = chunk->data + bytes;
	if (arena->chunk_bytes < CHUNK_BYTES_MAX)
		arena->chunk_bytes *= 2;
	return true;
}

static void *take(size_t size)
{
	struct json_arena *arena = active;
	void *taken;

	if (!arena)
		return malloc(size);
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (size > (size_t)(arena->end - arena->at) && !add_chunk(arena, size))
		return NULL;
	taken = arena->at;
	arena->at += size;
	return taken;
}

static void give(void *taken)
{
	if (!active)
		free(taken);
}

static void set_functions(void)
{
	json_set_alloc_funcs(take, give);
}

void json_arena_begin(struct json_arena *arena, void *room, size_t size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_functions);
	*arena = (struct json_arena){
		.at = room,
		.end = (char *)room + size,
		.chunk_bytes = CHUNK_BYTES_MIN,
	};
	active = arena;
}

void json_arena_end(struct json_arena *arena)
{
	struct json_arena_chunk *next;

	active = NULL;
	for (struct json_arena_chunk *chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}
