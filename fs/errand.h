/* SPDX-License-Identifier: MIT */
/* errand.h - requests that may take long, served by threads of their own.
 *
 * A statement may run for as long as its timeout allows. If the workers that read the
 * kernel's requests ran it, as many statements as there are workers would stop the whole
 * mount. So what is done to a handle whose ops say `slow` is an errand: a worker notes it
 * down and goes on, and a thread of this pool answers. Looking at a node whose kind says
 * `slow` is another. A quarter of the threads compute for one user at a time; his other
 * errands wait until one of those is done, and those of other users do not. */
#ifndef DRIFT_FS_ERRAND_H
#define DRIFT_FS_ERRAND_H

#include "fs/node.h"

#define ERRAND_THREADS_MAX 128

struct handle;
struct errand;
struct tree;

struct errands {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct errand *first, **last; /* nobody's yet */
	unsigned called;              /* how many of those a thread was called for */
	unsigned idle;                /* threads that wait for one */
	unsigned threads;
	pthread_t thread[ERRAND_THREADS_MAX];
	bool stopping;
};

void errands_init(struct errands *errands);
/* What runs is waited for (see handles_stop), what waits is answered with EINTR. */
void errands_stop(struct errands *errands);

enum errand_kind { ERRAND_READ, ERRAND_WRITE, ERRAND_FLUSH, ERRAND_RELEASE };

/* Have handle->ops answer req, some time. bytes (WRITE) are copied; size is READ's. One
 * that still waits for a thread when its caller is interrupted is answered with EINTR,
 * and nothing was done. */
void errand_send(fuse_req_t req, struct handle *handle, enum errand_kind kind,
		 struct slice bytes, size_t size, off_t offset);

/* What is asked about a node, or a name in it. Answers. */
typedef void errand_look(fuse_req_t req, struct node *node, struct slice name);
/* Have look answer req, some time. The kernel holds the node meanwhile; name is copied. */
void errand_send_look(fuse_req_t req, struct tree *tree, struct node *node,
		      struct slice name, errand_look *look);

#endif
