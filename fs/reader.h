/* SPDX-License-Identifier: MIT */
/* reader.h - memory that a thread uses again for each request it answers, so that
 * reading a row allocates nothing once the buffers have grown. */
#ifndef DRIFT_FS_READER_H
#define DRIFT_FS_READER_H

#include "fs/node.h"

struct reader {
	struct drift_row row; /* the row that was read */
	struct buf text;      /* what is rendered from it */
	struct buf key;       /* the key a name stands for */
	struct buf client;    /* what a change says of it */
	struct buf reply;     /* a directory's entries */
	fuse_req_t req;       /* what is being answered, if anything */
};

/* The calling thread's, its buffers in whatever state the last use left them;
 * NULL when out of memory. One function at a time may use a field: each function
 * of fs/ that takes a reader says which. */
struct reader *reader_mine(void);
/* The calling thread answers req from now on, until reader_rest. */
void reader_begin(fuse_req_t req);
/* Nobody waits for the answer any more. To be asked before it is given. */
bool reader_interrupted(void);
/* The request is answered: a huge row's memory is given back. */
void reader_rest(void);

#endif
