/* SPDX-License-Identifier: MIT */
/* errand.c - see errand.h.
 *
 * Threads are started as they are needed and stay. The kernel's INTERRUPT may come while
 * an errand waits, while it is taken, or before it was put: who takes it off the queue
 * under the lock answers it, and the handler of interrupts is taken away before the
 * errand's memory goes (libfuse lets none run after that). */
#include "fs/errand.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/thread.h"
#include "fs/reader.h"
#include "fs/tree.h"

struct errand {
	struct errand *next;
	fuse_req_t req;
	struct tree *tree;
	struct account *account; /* whose it is; NULL: nobody knows */
	struct handle *handle;   /* NULL: node is looked at */
	enum errand_kind kind;   /* ... what is done to it */
	struct node *node;
	errand_look *look;
	bool queued, called, interrupted; /* by errands->lock */
	size_t size;
	off_t offset;
	char bytes[];
};

static void carry_out(struct handle *handle, enum errand_kind kind, fuse_req_t req,
		      struct slice bytes, size_t size, off_t offset)
{
	switch (kind) {
	case ERRAND_READ:
		handle->ops->read(req, handle, size, offset);
		break;
	case ERRAND_WRITE:
		handle->ops->write(req, handle, bytes, offset);
		break;
	case ERRAND_FLUSH:
		handle->ops->flush(req, handle);
		break;
	case ERRAND_RELEASE:
		handle->ops->release(req, handle);
	}
}

static struct slice bytes_of(const struct errand *errand)
{
	return slice_of(errand->bytes, errand->size);
}

static bool is_release(const struct errand *errand)
{
	return errand->handle && errand->kind == ERRAND_RELEASE;
}

/* The mount ends, or its caller does not wait any longer: it never happened. */
static void call_off(struct errand *errand)
{
	fuse_req_t req = errand->req;

	if (is_release(errand)) {
		handle_part(errand->handle);
		errand->handle->ops->free(errand->handle);
	}
	free(errand);
	fuse_reply_err(req, EINTR);
}

static void take_off(struct errands *errands, struct errand *errand)
{
	struct errand **at = &errands->first;

	while (*at != errand)
		at = &(*at)->next;
	*at = errand->next;
	if (!*at)
		errands->last = at;
	errand->queued = false;
	errands->called -= errand->called;
}

/* libfuse calls this under the request's lock. */
static void interrupted(fuse_req_t req, void *arg)
{
	struct errand *errand = arg;
	struct errands *errands = &errand->tree->errands;
	bool ours;

	(void)req;
	pthread_mutex_lock(&errands->lock);
	errand->interrupted = true;
	ours = errand->queued;
	if (ours)
		take_off(errands, errand);
	pthread_mutex_unlock(&errands->lock);
	if (ours)
		call_off(errand);
}

/* One was taken off the queue by this thread. */
static void serve_one(struct errand *errand, bool stopping)
{
	fuse_req_interrupt_func(errand->req, NULL, NULL);
	if (stopping || (errand->interrupted && !is_release(errand))) {
		call_off(errand);
		return;
	}
	reader_begin(errand->req);
	if (errand->handle)
		carry_out(errand->handle, errand->kind, errand->req,
			  bytes_of(errand), errand->size, errand->offset);
	else
		errand->look(errand->req, errand->node, bytes_of(errand));
	reader_rest();
	free(errand);
}

/* The first whose user may have one more computed: it is on his account from now on. */
static struct errand *first_allowed(struct errands *errands)
{
	struct errand *errand = errands->first;
	const struct account *full = NULL;

	for (; errand && errand->account; errand = errand->next) {
		if (errand->account == full)
			continue;
		if (!account_take(errand->account, HOLD_ERRANDS, 1))
			break;
		full = errand->account;
	}
	return errand;
}

static void *serve(void *arg)
{
	struct errands *errands = arg;

	pthread_mutex_lock(&errands->lock);
	while (errands->first || !errands->stopping) {
		bool stopping = errands->stopping;
		struct errand *errand =
			stopping ? errands->first : first_allowed(errands);
		struct account *account;

		if (!errand) {
			errands->idle++;
			pthread_cond_wait(&errands->more, &errands->lock);
			errands->idle--;
			continue;
		}
		take_off(errands, errand);
		account = stopping ? NULL : errand->account;
		pthread_mutex_unlock(&errands->lock);
		serve_one(errand, stopping);
		if (account)
			account_give(account, HOLD_ERRANDS, 1);
		pthread_mutex_lock(&errands->lock);
	}
	pthread_mutex_unlock(&errands->lock);
	return NULL;
}

/* Have a thread for one more that may be served now, unless there are too many. Under
 * the lock. */
static bool have_thread(struct errands *errands)
{
	pthread_t *thread = &errands->thread[errands->threads];

	if (errands->idle < errands->called &&
	    errands->threads < ERRAND_THREADS_MAX &&
	    thread_start(thread, serve, errands))
		errands->threads++;
	return errands->threads > 0;
}

/* False: there is nobody to serve it. */
static bool put(struct errands *errands, struct errand *errand)
{
	bool put;

	pthread_mutex_lock(&errands->lock);
	errand->called = !errand->account ||
			 account_has_room(errand->account, HOLD_ERRANDS, 1);
	errands->called += errand->called;
	put = !errand->interrupted && (!errand->called || have_thread(errands));
	if (put) {
		errand->queued = true;
		*errands->last = errand;
		errands->last = &errand->next;
		if (errand->called)
			pthread_cond_signal(&errands->more);
	} else {
		errands->called -= errand->called;
	}
	pthread_mutex_unlock(&errands->lock);
	return put;
}

static void send(struct errand *errand)
{
	if (!is_release(errand))
		fuse_req_interrupt_func(errand->req, interrupted, errand);
	if (!put(&errand->tree->errands, errand))
		serve_one(errand, false);
}

void errand_send(fuse_req_t req, struct handle *handle, enum errand_kind kind,
		 struct slice bytes, size_t size, off_t offset)
{
	struct errand *errand = malloc(sizeof(*errand) + bytes.size);

	if (!errand) { /* the worker does it, late */
		carry_out(handle, kind, req, bytes, size, offset);
		return;
	}
	*errand = (struct errand){ .req = req,
				   .tree = handle->tree,
				   .account = handle->account,
				   .handle = handle,
				   .kind = kind,
				   .size = kind == ERRAND_WRITE ? bytes.size : size,
				   .offset = offset };
	if (bytes.size)
		memcpy(errand->bytes, bytes.data, bytes.size);
	send(errand);
}

void errand_send_look(fuse_req_t req, struct tree *tree, struct node *node,
		      struct slice name, errand_look *look)
{
	struct errand *errand = malloc(sizeof(*errand) + name.size);

	if (!errand) {
		look(req, node, name);
		return;
	}
	*errand = (struct errand){ .req = req,
				   .tree = tree,
				   .account = account_of(&tree->accounts,
							 fuse_req_ctx(req)->uid),
				   .node = node,
				   .look = look,
				   .size = name.size };
	if (name.size)
		memcpy(errand->bytes, name.data, name.size);
	send(errand);
}

void errands_init(struct errands *errands)
{
	*errands = (struct errands){ .last = &errands->first };
	pthread_mutex_init(&errands->lock, NULL);
	pthread_cond_init(&errands->more, NULL);
}

void errands_stop(struct errands *errands)
{
	pthread_mutex_lock(&errands->lock);
	errands->stopping = true;
	pthread_cond_broadcast(&errands->more);
	pthread_mutex_unlock(&errands->lock);
	/* No worker is left to start one more. */
	for (unsigned i = 0; i < errands->threads; i++)
		pthread_join(errands->thread[i], NULL);
	errands->threads = 0;
}
