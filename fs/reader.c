/* SPDX-License-Identifier: MIT */
/* reader.c - one reader a thread, freed when the thread ends. */
#include "fs/reader.h"

#include <pthread.h>
#include <stdlib.h>

#define KEPT_BYTES_MAX ((size_t)1 << 20) /* a huge row's memory is given back */

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local struct reader *mine;

static void reader_free(void *arg)
{
	struct reader *reader = arg;

	drift_row_release(&reader->row);
	buf_release(&reader->text);
	buf_release(&reader->key);
	buf_release(&reader->client);
	buf_release(&reader->reply);
	free(reader);
	mine = NULL;
}

/* The program's first thread runs no destructors of its own. */
__attribute__((destructor)) static void last_reader_free(void)
{
	if (mine)
		reader_free(mine);
}

static void make_key(void)
{
	if (pthread_key_create(&key, reader_free))
		abort(); /* before anything is mounted: no keys left at all */
}

struct reader *reader_mine(void)
{
	if (!mine) {
		pthread_once(&key_once, make_key);
		mine = calloc(1, sizeof(*mine));
		if (mine)
			pthread_setspecific(key, mine);
	}
	return mine;
}

void reader_begin(fuse_req_t req)
{
	struct reader *reader = reader_mine();

	if (reader)
		reader->req = req;
}

bool reader_interrupted(void)
{
	return mine && mine->req && fuse_req_interrupted(mine->req);
}

void reader_rest(void)
{
	if (!mine)
		return;
	mine->req = NULL;
	if (mine->row.memory.capacity > KEPT_BYTES_MAX)
		drift_row_release(&mine->row);
	if (mine->text.capacity > KEPT_BYTES_MAX)
		buf_release(&mine->text);
}
