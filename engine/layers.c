/* SPDX-License-Identifier: MIT */
/* layers.c - see layers.h. */
#include "engine/layers.h"

#include <stdlib.h>

static struct layer *layer_new(void)
{
	struct layer *layer = calloc(1, sizeof(*layer));

	if (!layer)
		return NULL;
	layer->memtable = memtable_new();
	if (!layer->memtable) {
		free(layer);
		return NULL;
	}
	return layer;
}

static void layer_put(struct layer *layer)
{
	if (atomic_fetch_sub(&layer->sets, 1) != 1)
		return;
	memtable_free(layer->memtable);
	free(layer);
}

static struct layer_set *set_take(struct layers *layers)
{
	struct layer_set *set;

	for (set = layers->all; set; set = set->next)
		if (atomic_load(&set->state) == SET_FREE)
			break;
	if (!set) {
		set = calloc(1, sizeof(*set));
		if (!set)
			return NULL;
		set->next = layers->all;
		layers->all = set;
	}
	/* The pin of being current; taken back in set_retire. A reader that came
	 * too late may hold one more for a moment. */
	atomic_fetch_add(&set->pins, 1);
	set->count = 0;
	return set;
}

static void set_add(struct layer_set *set, struct layer *layer)
{
	atomic_fetch_add(&layer->sets, 1);
	set->layers[set->count++] = layer;
}

/* Whoever takes the last pin of a retired set lets its layers go. */
void layers_unpin(struct layer_set *set)
{
	int retired = SET_RETIRED;

	if (atomic_fetch_sub(&set->pins, 1) != 1)
		return;
	if (!atomic_compare_exchange_strong(&set->state, &retired, SET_LIVE))
		return;
	/* Ours alone now: nobody takes a set that is not free, and late readers
	 * do not look inside. */
	for (unsigned i = 0; i < set->count; i++)
		layer_put(set->layers[i]);
	atomic_store(&set->state, SET_FREE);
}

static void set_publish(struct layers *layers, struct layer_set *set)
{
	struct layer_set *old = atomic_load(&layers->current);

	atomic_store(&set->state, SET_LIVE);
	atomic_store(&layers->current, set);
	if (!old)
		return;
	atomic_store(&old->state, SET_RETIRED);
	layers_unpin(old);
}

enum drift_err layers_init(struct layers *layers)
{
	struct layer *layer = layer_new();
	struct layer_set *set;

	*layers = (struct layers){ .all = NULL };
	set = layer ? set_take(layers) : NULL;
	if (!set) {
		if (layer)
			memtable_free(layer->memtable);
		free(layer);
		return DRIFT_NOMEM;
	}
	set_add(set, layer);
	layers->active = layer->memtable;
	set_publish(layers, set);
	return DRIFT_OK;
}

void layers_release(struct layers *layers)
{
	struct layer_set *current = atomic_load(&layers->current);
	struct layer_set *next;

	if (current) {
		atomic_store(&current->state, SET_RETIRED);
		layers_unpin(current);
	}
	for (struct layer_set *set = layers->all; set; set = next) {
		next = set->next;
		free(set);
	}
	*layers = (struct layers){ .all = NULL };
}

struct layer_set *layers_pin(struct layers *layers)
{
	struct layer_set *set;

	for (;;) {
		set = atomic_load(&layers->current);
		atomic_fetch_add(&set->pins, 1);
		if (atomic_load(&layers->current) == set)
			return set;
		layers_unpin(set);
	}
}

struct memtable *layers_active(const struct layers *layers)
{
	return layers->active;
}

enum drift_err layers_freeze(struct layers *layers, const struct index_mark *mark)
{
	struct layer_set *old = atomic_load(&layers->current);
	struct layer *layer;
	struct layer_set *set;

	if (old->count == LAYERS_MAX)
		return DRIFT_LIMIT;
	layer = layer_new();
	set = layer ? set_take(layers) : NULL;
	if (!set) {
		if (layer)
			memtable_free(layer->memtable);
		free(layer);
		return DRIFT_NOMEM;
	}
	old->layers[0]->mark = *mark;
	set_add(set, layer);
	for (unsigned i = 0; i < old->count; i++)
		set_add(set, old->layers[i]);
	layers->active = layer->memtable;
	set_publish(layers, set);
	return DRIFT_OK;
}

struct layer *layers_oldest_frozen(const struct layers *layers)
{
	struct layer_set *set = atomic_load(&layers->current);

	return set->count > 1 ? set->layers[set->count - 1] : NULL;
}

enum drift_err layers_drop_oldest(struct layers *layers)
{
	struct layer_set *old = atomic_load(&layers->current);
	struct layer_set *set = set_take(layers);

	if (!set)
		return DRIFT_NOMEM;
	for (unsigned i = 0; i + 1 < old->count; i++)
		set_add(set, old->layers[i]);
	set_publish(layers, set);
	return DRIFT_OK;
}
