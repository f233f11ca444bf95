/* SPDX-License-Identifier: MIT */
/* reader.h - memory that a thread uses again for each request it answers, so that
 * reading a row allocates nothing once the buffers have grown. */
#ifndef DRIFT_FS_READER_H
#define DRIFT_FS_READER_H

#include "engine/engine.h"

struct reader {
	struct drift_row row; /* the row that was read */
	struct buf text;      /* what is rendered from it */
	struct buf key;       /* the key a name stands for */
	struct buf name;      /* the name of a key */
	struct buf reply;     /* a directory's entries */
};

/* The calling thread's, its buffers in whatever state the last use left them;
 * NULL when out of memory. One function at a time may use a field: each function
 * of fs/ that takes a reader says which. */
struct reader *reader_mine(void);
/* The request is answered: a huge row's memory is given back. */
void reader_rest(void);

#endif
