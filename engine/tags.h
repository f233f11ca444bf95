/* SPDX-License-Identifier: MIT */
/* tags.h - the tags there are, in order of their names. Private to engine/.
 *
 * Tags are no part of a view: they name moments, and are what they are now. The
 * committer and recovery change them, any thread asks; the lock is held for a
 * binary search. */
#ifndef DRIFT_ENGINE_TAGS_H
#define DRIFT_ENGINE_TAGS_H

#include <pthread.h>

#include "engine/engine.h"
#include "engine/frame.h"

struct tags {
	pthread_rwlock_t lock;
	struct drift_tag **list;
	size_t count, capacity;
};

void tags_init(struct tags *tags);
void tags_clear(struct tags *tags);
void tags_release(struct tags *tags);

/* The tag called name, the first one after it: DRIFT_NO_TAG, DRIFT_DONE. */
enum drift_err tags_find(struct tags *tags, struct slice name,
			 struct drift_tag *tag);
enum drift_err tags_next(struct tags *tags, struct slice after,
			 struct drift_tag *tag);

/* Take in a DDL frame's TAG or DROP TAG. DRIFT_CORRUPT when it does not fit. */
enum drift_err tags_apply(struct tags *tags, const struct frame_ddl *ddl,
			  drift_time_ns time);
/* The definition of such a frame: [name, seq], [name]. */
void tags_encode(struct buf *out, enum ddl_op op, struct slice name, drift_seq seq);
/* The statement that makes it: TAG "x" AT @SEQ:5, DROP TAG "x". */
void tags_print(struct buf *out, enum ddl_op op, struct slice name, drift_seq seq);

#endif
