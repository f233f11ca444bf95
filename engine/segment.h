/* SPDX-License-Identifier: MIT */
/* segment.h - one append-only file of frames, log/<first seq, 20 digits>.seg.
 *
 *	offset	size
 *	0	8	"DRIFTSEG"
 *	8	4	format version, little endian as all below
 *	12	4	zero
 *	16	16	database id
 *	32	8	first seq: of the first event written here
 *	40	8	commit time of the newest transaction before it, 0 if none
 *	48	8	id of that transaction
 *	56	32	SHA-256 of all bytes of the segment before, zeros for the
 *			first: a chain that ties each segment to all before it
 *	88	8	number of its inode, by which a copy of the file is known; 0
 *			when it was not kept
 *	96	28	zero
 *	124	4	CRC-32C of bytes 0..123
 *	128		frames (frame.h)
 *
 * A segment is made whole under another name, synced, renamed, and its directory
 * synced, before the first frame goes in. Room is allocated ahead of its end, and
 * reads as zeros; a clean close and a rotation cut it off. */
#ifndef DRIFT_ENGINE_SEGMENT_H
#define DRIFT_ENGINE_SEGMENT_H

#include "engine/frame.h"
#include "engine/io.h"
#include "engine/pack.h"

#define SEGMENT_HEADER_BYTES 128
#define SEGMENT_NAME_BYTES 32 /* of a name, its NUL included */
#define DATABASE_ID_BYTES 16
#define DIGEST_BYTES 32

struct segment_header {
	uint8_t database_id[DATABASE_ID_BYTES];
	drift_seq first_seq;
	drift_time_ns previous_time;
	uint64_t previous_tx;
	uint8_t previous_digest[DIGEST_BYTES];
	uint64_t inode;
	uint32_t crc; /* set by encode and decode; seeds the frames' */
};

void segment_name(drift_seq first_seq, char name[SEGMENT_NAME_BYTES]);
/* The other way: false for any name that segment_name does not write. */
bool segment_name_parse(const char *name, drift_seq *first_seq);

void segment_header_encode(struct segment_header *header,
			   uint8_t bytes[SEGMENT_HEADER_BYTES]);
/* DRIFT_NEWER for a later format, DRIFT_CORRUPT for anything else wrong. */
enum drift_err segment_header_decode(const uint8_t bytes[SEGMENT_HEADER_BYTES],
				     struct segment_header *header);

/* Begin to make one: an unfinished file in dir with room (zeros) for so many bytes,
 * as far as the file system can promise any. DRIFT_FULL when there is none; then
 * nothing is left of it. */
enum drift_err segment_prepare(const struct drift_io *io, int dir, uint64_t room,
			       int *fd, struct drift_error *error);
/* Give it its header and name. Durable when this returns, open for reading and
 * writing; closed on an error. Sets header->inode and header->crc. */
enum drift_err segment_finish(const struct drift_io *io, int dir, int fd,
			      struct segment_header *header,
			      struct drift_error *error);
/* Open it and read its header; *pack is NULL unless the file is packed (pack.h), and
 * then the caller's. DRIFT_CORRUPT also when it belongs to another
 * database or is not the segment its name says. */
enum drift_err segment_open(const struct drift_io *io, int dir, drift_seq first_seq,
			    const uint8_t database_id[DATABASE_ID_BYTES], int flags,
			    int *fd, struct segment_header *header,
			    struct pack **pack, struct drift_error *error);

/* Is the plain segment in fd not the file its header was written to? */
bool segment_is_copy(const struct drift_io *io, int fd,
		     const struct segment_header *header);

#endif
