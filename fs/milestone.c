/* SPDX-License-Identifier: MIT */
/* milestone.c - see milestone.h. */
#include "fs/milestone.h"

#include <stdlib.h>

void milestones_release(struct milestones *milestones)
{
	buf_release(&milestones->keys);
	free(milestones->list);
	milestones->list = NULL;
	milestones->count = 0;
}

size_t milestones_bytes(const struct milestones *milestones)
{
	return milestones->keys.capacity +
	       (milestones->list ? MILESTONES_MAX * sizeof(*milestones->list) : 0);
}

static bool have_list(struct milestones *milestones)
{
	if (!milestones->list)
		milestones->list = calloc(MILESTONES_MAX, sizeof(*milestones->list));
	return milestones->list;
}

static struct slice key_of(const struct milestones *milestones,
			   const struct milestone *milestone)
{
	return slice_of(milestones->keys.data + milestone->from, milestone->size);
}

static void drop_every_second(struct milestones *milestones)
{
	struct buf keys = BUF_INIT;
	unsigned kept = 0;

	for (unsigned i = 1; i < milestones->count; i += 2) {
		struct milestone milestone = milestones->list[i];

		buf_add_slice(&keys, key_of(milestones, &milestone));
		milestone.from = (uint32_t)(keys.size - milestone.size);
		milestones->list[kept++] = milestone;
	}
	if (buf_status(&keys))
		kept = 0;
	buf_release(&milestones->keys);
	milestones->keys = keys;
	milestones->count = kept;
	milestones->every *= 2;
}

void milestones_pass(struct milestones *milestones, uint64_t at, struct slice key)
{
	unsigned count = milestones->count;
	uint64_t last = count ? milestones->list[count - 1].at : 0;
	size_t from = milestones->keys.size;

	if (at < last + milestones->every || !have_list(milestones))
		return;
	buf_add_slice(&milestones->keys, key);
	if (buf_status(&milestones->keys))
		return;
	milestones->list[milestones->count++] = (struct milestone){
		.at = at, .from = (uint32_t)from, .size = (uint32_t)key.size
	};
	if (milestones->count == MILESTONES_MAX)
		drop_every_second(milestones);
}

bool milestones_before(const struct milestones *milestones, uint64_t at,
		       uint64_t *found, struct slice *key)
{
	unsigned low = 0, high = milestones->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (milestones->list[middle].at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*found = milestones->list[low - 1].at;
	*key = key_of(milestones, &milestones->list[low - 1]);
	return true;
}
