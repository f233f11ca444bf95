/* SPDX-License-Identifier: MIT */
/* node.c - the table of nodes the kernel holds references to.
 *
 * The kernel counts what it was given: one reference for each entry in a reply,
 * given back in lumps by FORGET. While it holds one it may send requests to that
 * number, so a node lives exactly as long. A rename keeps the number and changes
 * what it stands for: the kernel moves its directory entry to the new name and
 * goes on using the same number, with all it has cached. */
#include "fs/node.h"

#include <stdlib.h>

#include "fs/scratch.h"

#define BUCKETS_MIN 1024
#define NODES_MANY 131072 /* fewer keep the memory that they had */

/* An identity and the memory its key points into. */
struct identity_box {
	struct identity identity; /* first: node->identity points here */
	struct identity_box *former;
	char key[];
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < size; i++) /* FNV-1a, 64 bits */
		hash = (hash ^ at[i]) * 0x100000001b3;
	return hash;
}

static uint64_t identity_hash(const struct identity *identity)
{
	uint64_t words[3] = {
		(uint64_t)identity->kind << 32 | identity->table_id,
		identity->seq,
		identity->from,
	};
	uint64_t hash =
		hash_bytes(0xcbf29ce484222325, words, identity->from ? 24 : 16);

	return hash_bytes(hash, identity->key.data, identity->key.size);
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->kind == b->kind && a->table_id == b->table_id &&
	       a->seq == b->seq && a->from == b->from && slice_equal(a->key, b->key);
}

struct identity_box *node_box_new(const struct identity *identity)
{
	struct identity_box *box = malloc(sizeof(*box) + identity->key.size);

	if (!box)
		return NULL;
	box->identity = *identity;
	box->former = NULL;
	if (identity->key.size)
		memcpy(box->key, identity->key.data, identity->key.size);
	box->identity.key.data = box->key;
	return box;
}

void node_box_free(struct identity_box *box)
{
	free(box);
}

static struct node *node_new(const struct identity *identity)
{
	struct node *node = calloc(1, sizeof(*node));
	struct identity_box *box = node_box_new(identity);

	if (!node || !box) {
		free(node);
		free(box);
		return NULL;
	}
	atomic_init(&node->identity, &box->identity);
	atomic_init(&node->size, -1);
	return node;
}

static void node_free(struct node *node)
{
	struct identity_box *box = (struct identity_box *)node_identity(node);

	while (box) {
		struct identity_box *former = box->former;

		free(box);
		box = former;
	}
	scratch_drop(node->scratch);
	free(node);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}

/* A hash that is quicker than identity_hash. */
static uint64_t quick_hash(const struct identity *identity)
{
	const char *at = identity->key.data;
	size_t left = identity->key.size;
	uint64_t rest = 0, hash;

	hash = mix((uint64_t)identity->kind << 32 | identity->table_id,
		   identity->seq ^ identity->from << 32);
	for (; left >= 8; at += 8, left -= 8)
		hash = mix(hash, le64_get(at));
	for (; left > 0; left--)
		rest = rest << 8 | (uint8_t)at[left - 1];
	return mix(hash, rest + identity->key.size);
}

static struct node **bucket_of(const struct nodes *nodes,
			       const struct identity *identity)
{
	return &nodes->buckets[quick_hash(identity) & (nodes->bucket_count - 1)];
}

/* A row as it is now is another file than the version it shows (cp(1) and cat(1) refuse to
 * read the one into the other if both have one number), and the same file while versions
 * follow each other. Listings ask for many. */
uint64_t identity_ino(const struct identity *identity, drift_seq version)
{
	bool is_live_row = identity->kind == NODE_ROW && identity->seq == SEQ_LIVE;
	struct identity named = *identity;

	if (version && !is_live_row)
		return version;
	if (named.kind == NODE_QUERY)
		named.from = 0;
	return (is_live_row ? quick_hash(&named) : identity_hash(&named)) >> 2 |
	       (uint64_t)1 << 62;
}

enum drift_err nodes_init(struct nodes *nodes, const struct identity *root)
{
	*nodes = (struct nodes){ .bucket_count = BUCKETS_MIN };
	nodes->buckets = calloc(nodes->bucket_count, sizeof(*nodes->buckets));
	nodes->root = node_new(root);
	if (!nodes->buckets || !nodes->root) {
		nodes_release(nodes);
		return DRIFT_NOMEM;
	}
	pthread_mutex_init(&nodes->lock, NULL);
	*bucket_of(nodes, root) = nodes->root;
	nodes->count = 1;
	return DRIFT_OK;
}

void nodes_release(struct nodes *nodes)
{
	if (nodes->buckets && nodes->root) {
		for (size_t i = 0; i < nodes->bucket_count; i++) {
			while (nodes->buckets[i]) {
				struct node *node = nodes->buckets[i];

				nodes->buckets[i] = node->next;
				node_free(node);
			}
		}
		pthread_mutex_destroy(&nodes->lock);
	} else if (nodes->root) {
		node_free(nodes->root);
	}
	free(nodes->buckets);
	*nodes = (struct nodes){ 0 };
}

/* Another number of buckets; with no memory for them the chains just are longer. */
static void resize(struct nodes *nodes, size_t bucket_count)
{
	struct nodes other = { .bucket_count = bucket_count };

	other.buckets = calloc(other.bucket_count, sizeof(*other.buckets));
	if (!other.buckets)
		return;
	for (size_t i = 0; i < nodes->bucket_count; i++) {
		while (nodes->buckets[i]) {
			struct node *node = nodes->buckets[i];
			struct node **bucket =
				bucket_of(&other, node_identity(node));

			nodes->buckets[i] = node->next;
			node->next = *bucket;
			*bucket = node;
		}
	}
	free(nodes->buckets);
	nodes->buckets = other.buckets;
	nodes->bucket_count = other.bucket_count;
}

static struct node *find(const struct nodes *nodes, const struct identity *identity)
{
	struct node *node = *bucket_of(nodes, identity);

	while (node && !identity_equal(node_identity(node), identity))
		node = node->next;
	return node;
}

static void insert(struct nodes *nodes, struct node *node)
{
	struct node **bucket;

	if (nodes->count >= nodes->bucket_count)
		resize(nodes, nodes->bucket_count * 2);
	bucket = bucket_of(nodes, node_identity(node));
	node->next = *bucket;
	*bucket = node;
	nodes->count++;
	if (nodes->count > nodes->most)
		nodes->most = nodes->count;
}

/* A node that a rename took out of the table is not found: fine. */
static void take_out(struct nodes *nodes, const struct node *node)
{
	struct node **at = bucket_of(nodes, node_identity(node));

	while (*at && *at != node)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = node->next;
	nodes->count--;
}

struct node *node_get(struct nodes *nodes, const struct identity *identity)
{
	struct node *node;

	pthread_mutex_lock(&nodes->lock);
	node = find(nodes, identity);
	if (!node) {
		node = node_new(identity);
		if (node)
			insert(nodes, node);
	}
	if (node)
		node->lookups++;
	pthread_mutex_unlock(&nodes->lock);
	return node;
}

/* Of very many nodes most are gone: so is the room for them. */
static bool shrink(struct nodes *nodes)
{
	size_t fitting = nodes->bucket_count;

	if (nodes->most < NODES_MANY || nodes->count >= nodes->most / 8)
		return false;
	while (fitting > BUCKETS_MIN && fitting / 4 > nodes->count)
		fitting /= 2;
	nodes->most = nodes->count;
	resize(nodes, fitting);
	return true;
}

bool node_forget(struct nodes *nodes, struct node *node, uint64_t count)
{
	bool last, shrank = false;

	if (node == nodes->root)
		return false;
	pthread_mutex_lock(&nodes->lock);
	node->lookups -= count < node->lookups ? count : node->lookups;
	last = node->lookups == 0;
	if (last) {
		take_out(nodes, node);
		shrank = shrink(nodes);
	}
	pthread_mutex_unlock(&nodes->lock);
	if (last)
		node_free(node);
	return shrank;
}

/* Were attributes given that the kernel may still keep? From here on it does not. */
static bool take_kept(struct node *node)
{
	unsigned given = atomic_load(&node->given_attrs);

	return atomic_exchange(&node->forgotten_attrs, given) != given;
}

static fuse_ino_t number_of(struct nodes *nodes, const struct identity *identity,
			    drift_time_ns changed, bool if_kept)
{
	fuse_ino_t number = 0;
	struct node *node;

	pthread_mutex_lock(&nodes->lock);
	node = find(nodes, identity);
	if (node && (!if_kept || take_kept(node)))
		number = node_number(nodes, node);
	if (node && changed)
		node->changed = changed;
	pthread_mutex_unlock(&nodes->lock);
	return number;
}

fuse_ino_t node_known(struct nodes *nodes, const struct identity *identity,
		      drift_time_ns changed)
{
	return number_of(nodes, identity, changed, false);
}

void node_keep(struct node *node)
{
	atomic_fetch_add(&node->given_attrs, 1);
}

unsigned node_given(const struct node *node)
{
	return atomic_load(&node->given_attrs);
}

void node_forgot(struct node *node, unsigned given)
{
	atomic_store(&node->forgotten_attrs, given);
}

void node_keep_known(struct nodes *nodes, const struct identity *identity)
{
	struct node *node;

	pthread_mutex_lock(&nodes->lock);
	node = find(nodes, identity);
	if (node)
		node_keep(node);
	pthread_mutex_unlock(&nodes->lock);
}

fuse_ino_t node_stale(struct nodes *nodes, const struct identity *identity,
		      drift_time_ns changed)
{
	return number_of(nodes, identity, changed, true);
}

bool node_held(struct nodes *nodes, const struct identity *identity,
	       fuse_ino_t number)
{
	return node_known(nodes, identity, 0) == number;
}

struct scratch *node_scratch(struct nodes *nodes, struct node *node)
{
	struct scratch *scratch;

	pthread_mutex_lock(&nodes->lock);
	scratch = scratch_hold(node->scratch);
	pthread_mutex_unlock(&nodes->lock);
	return scratch;
}

void node_set_scratch(struct nodes *nodes, struct node *node,
		      struct scratch *scratch)
{
	struct scratch *former;

	pthread_mutex_lock(&nodes->lock);
	former = node->scratch;
	node->scratch = scratch;
	pthread_mutex_unlock(&nodes->lock);
	scratch_drop(former);
}

void node_move(struct nodes *nodes, const struct identity *from,
	       struct identity_box *to, struct scratch *scratch)
{
	struct node *node, *former;

	pthread_mutex_lock(&nodes->lock);
	former = find(nodes, &to->identity);
	if (former)
		take_out(nodes, former);
	node = find(nodes, from);
	if (node) {
		struct scratch *old = node->scratch;

		take_out(nodes, node);
		node->scratch = scratch;
		scratch = old;
		to->former = (struct identity_box *)node_identity(node);
		atomic_store_explicit(&node->identity, &to->identity,
				      memory_order_release);
		insert(nodes, node);
		to = NULL;
	}
	pthread_mutex_unlock(&nodes->lock);
	node_box_free(to);
	scratch_drop(scratch);
}

size_t nodes_count(struct nodes *nodes)
{
	size_t count;

	pthread_mutex_lock(&nodes->lock);
	count = nodes->count;
	pthread_mutex_unlock(&nodes->lock);
	return count;
}

void nodes_each(struct nodes *nodes,
		void (*visit)(void *arg, const struct identity *identity,
			      fuse_ino_t number),
		void *arg)
{
	pthread_mutex_lock(&nodes->lock);
	for (size_t i = 0; i < nodes->bucket_count; i++)
		for (struct node *node = nodes->buckets[i]; node; node = node->next)
			visit(arg, node_identity(node), node_number(nodes, node));
	pthread_mutex_unlock(&nodes->lock);
}
