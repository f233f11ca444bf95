/* SPDX-License-Identifier: MIT */
/* append_list.c - see append_list.h. */
#include "engine/append_list.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_ITEMS 1024
#define CHUNKS_MAX 65536

enum drift_err append_list_add(struct append_list *list, const void *item)
{
	size_t count = atomic_load(&list->count);
	size_t chunk = count / CHUNK_ITEMS;
	char *data;

	if (!list->chunks)
		list->chunks = calloc(CHUNKS_MAX, sizeof(*list->chunks));
	if (!list->chunks || chunk >= CHUNKS_MAX)
		return DRIFT_NOMEM;
	data = atomic_load(&list->chunks[chunk]);
	if (!data) {
		data = malloc(CHUNK_ITEMS * list->item_bytes);
		if (!data)
			return DRIFT_NOMEM;
		atomic_store(&list->chunks[chunk], data);
	}
	memcpy(data + count % CHUNK_ITEMS * list->item_bytes, item,
	       list->item_bytes);
	atomic_store(&list->count, count + 1);
	return DRIFT_OK;
}

const void *append_list_item(const struct append_list *list, size_t i)
{
	return atomic_load(&list->chunks[i / CHUNK_ITEMS]) +
	       i % CHUNK_ITEMS * list->item_bytes;
}

void append_list_release(struct append_list *list)
{
	for (size_t i = 0; list->chunks && i < CHUNKS_MAX; i++) {
		char *data = atomic_load(&list->chunks[i]);

		if (!data)
			break;
		free(data);
	}
	free(list->chunks);
}
