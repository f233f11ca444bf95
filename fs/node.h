/* SPDX-License-Identifier: MIT */
/* node.h - things with a name in the mounted tree, and the numbers the kernel
 * knows them by.
 *
 * An identity says what a node is: its kind, its table, the moment it belongs
 * to, its key. A node is an identity the kernel holds on to; its number is its
 * address, so finding the node of a request costs nothing. One identity has one
 * node at a time, which is how an event finds what the kernel has cached of it. */
#ifndef DRIFT_FS_NODE_H
#define DRIFT_FS_NODE_H

#define FUSE_USE_VERSION 312

#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine.h"

#define SEQ_LIVE DRIFT_SEQ_MAX /* the moment of what follows the head */

enum node_kind {
	NODE_ROOT,       /* a whole tree: the mount's root, or @seq/N */
	NODE_SEQS,       /* @seq */
	NODE_TIMES,      /* @time */
	NODE_TAGS,       /* @tag */
	NODE_DIFFS,      /* @diff */
	NODE_DIFF,       /* @diff/A..B */
	NODE_DIFF_LINK,  /* ... under another name */
	NODE_DIFF_TABLE, /* @diff/A..B/t */
	NODE_DIFF_ROW,   /* @diff/A..B/t/pk */
	NODE_DIFF_SIDE,  /* before.json, after.json */
	NODE_DIFF_SUMMARY,
	NODE_DIFF_CHANGES,
	NODE_DRIFTFS, /* .driftfs */
	NODE_TABLES,
	NODE_TABLE,
	NODE_ROWS,
	NODE_BY,        /* tables/t/by */
	NODE_BY_COLUMN, /* tables/t/by/column */
	NODE_BY_VALUE,  /* tables/t/by/column/value */
	NODE_BY_ROW,    /* a link to a row */
	NODE_HISTORY,   /* tables/t/history */
	NODE_VERSIONS,  /* tables/t/history/pk */
	NODE_ROW,       /* a row as it is now: its content changes */
	NODE_VERSION,   /* one version of a row: never changes */
	NODE_TOMBSTONE, /* the end of a row: an empty file */
	NODE_SCRATCH,   /* a file in rows/ that is not a row */
	NODE_LINK,      /* a symbolic link to @seq/N */
	NODE_QUERY,
	NODE_EVENTS,
	NODE_ROWS_FILE, /* rows.jsonl, rows.csv */
	NODE_IMPORT,    /* import.jsonl, import.csv */
	NODE_COUNT,
	NODE_SCHEMA_SQL,
	NODE_SCHEMA_JSON,
	NODE_ERRORS,
	NODE_STATUS,
	NODE_STATS,
	NODE_METRICS,
	NODE_README,
	NODE_RELEASE, /* .driftfs/version */
	NODE_KINDS
};

/* What a node is. Fields that a kind does not use are 0. */
struct identity {
	enum node_kind kind;
	uint32_t table_id;
	drift_seq seq;  /* SEQ_LIVE or the moment of the view it is in;
				 * VERSION, TOMBSTONE: its event; LINK: target */
	drift_seq from; /* DIFF kinds: the moment before; seq is the one after;
			 * QUERY: which of the nodes of this name (KIND_EACH) */
	/* rows: key bytes; TABLE, SCRATCH, BY_COLUMN: name; BY_VALUE: column, NUL,
	 * value, as they are called; LINK: what the target begins with; QUERY,
	 * ROWS_FILE, IMPORT: format; DIFF kinds: see diff.c */
	struct slice key;
};

struct identity_box;
struct scratch;

struct node {
	struct node *next; /* in its bucket; by nodes->lock */
	uint64_t lookups;  /* the kernel's references; by nodes->lock */
	/* Replaced as a whole by a rename; former ones live as long as the node,
	 * so that a handler may go on with the one it began with. */
	const struct identity *_Atomic identity;
	struct scratch *scratch; /* SCRATCH: the content; by nodes->lock */
	_Atomic int64_t size;    /* of what never changes, once known; else -1 */
	_Atomic drift_time_ns changed; /* directories: last name that came or went */
	atomic_bool given; /* never changes: put into the kernel's pages */
	/* How often the kernel was given attributes to keep (see node_keep), and the
	 * last of these times of which nothing is kept any more. */
	atomic_uint given_attrs, forgotten_attrs;
	atomic_uint readers; /* handles of a live row */
	atomic_uint writers;
	atomic_uint drafts; /* of these, those that were given bytes */
};
/* Invariants, whenever nodes->lock is free:
 * 1. a node in the table has lookups > 0 or is the root;
 * 2. no two nodes in the table have equal identities. */

struct nodes {
	pthread_mutex_t lock; /* held for a few instructions, never while waiting */
	struct node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	size_t most; /* there were since node_forget said that many went */
	struct node *root;
	atomic_uint_fast64_t each; /* the last number given out: see KIND_EACH */
};

[[nodiscard]] enum drift_err nodes_init(struct nodes *nodes,
					const struct identity *root);
void nodes_release(struct nodes *nodes);

/* The node of a number in a request. */
static inline struct node *node_of(struct nodes *nodes, fuse_ino_t number)
{
	return number == FUSE_ROOT_ID ? nodes->root
				      : (struct node *)(uintptr_t)number;
}

static inline fuse_ino_t node_number(const struct nodes *nodes,
				     const struct node *node)
{
	return node == nodes->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
}

static inline const struct identity *node_identity(const struct node *node)
{
	return atomic_load_explicit(&node->identity, memory_order_acquire);
}

/* The node of identity (copied), made if there is none, with one reference more.
 * NULL when out of memory. */
struct node *node_get(struct nodes *nodes, const struct identity *identity);
/* Give back count references. true: of very many nodes most are gone now; what they held
 * is free, and is worth to be given back to the system. */
bool node_forget(struct nodes *nodes, struct node *node, uint64_t count);
/* The number of the node of identity, 0 if the kernel knows none. `changed`, when
 * not 0, is noted in it. */
fuse_ino_t node_known(struct nodes *nodes, const struct identity *identity,
		      drift_time_ns changed);
/* The kernel is about to be given attributes to keep. To be called before they are read
 * for good: from then on the commit that changes them finds that out by node_stale. */
void node_keep(struct node *node);
/* The same if the kernel knows a node of identity: it could not be told to forget. */
void node_keep_known(struct nodes *nodes, const struct identity *identity);
/* What of a node the kernel was given so far, for node_forgot: to be called before a WRITE
 * is answered, on which the kernel forgets what a write changes. */
unsigned node_given(const struct node *node);
/* It has the answer, and with that forgot what it had been given then. */
void node_forgot(struct node *node, unsigned given);
/* The number of the node of identity if the kernel may keep attributes of it, else 0;
 * from then on it keeps none. `changed` as in node_known. */
fuse_ino_t node_stale(struct nodes *nodes, const struct identity *identity,
		      drift_time_ns changed);
/* SCRATCH: the content, held for the caller (NULL if there is none), and setting
 * it, which takes the caller's hold over. */
struct scratch *node_scratch(struct nodes *nodes, struct node *node);
void node_set_scratch(struct nodes *nodes, struct node *node,
		      struct scratch *scratch);
/* True while the kernel has references to the node of this number and identity. */
bool node_held(struct nodes *nodes, const struct identity *identity,
	       fuse_ino_t number);
/* A copy of an identity for node_move, which must not fail. NULL: out of memory.
 * node_box_free for one that was not used. */
struct identity_box *node_box_new(const struct identity *identity);
void node_box_free(struct identity_box *box);
/* A rename: what was `from` is *to from now on (taken over), with this scratch
 * content (taken over; may be NULL); a node that was *to before is only what handles
 * still see. */
void node_move(struct nodes *nodes, const struct identity *from,
	       struct identity_box *to, struct scratch *scratch);
/* How many there are. */
size_t nodes_count(struct nodes *nodes);
/* Call visit for every node in the table, under the lock: it must not wait. */
void nodes_each(struct nodes *nodes,
		void (*visit)(void *arg, const struct identity *identity,
			      fuse_ino_t number),
		void *arg);

/* st_ino: the version's number for what never changes, the same in every view; else a hash
 * that is the same in every mount of the database. */
uint64_t identity_ino(const struct identity *identity, drift_seq version);
bool identity_equal(const struct identity *a, const struct identity *b);

#endif
