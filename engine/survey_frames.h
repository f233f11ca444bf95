/* SPDX-License-Identifier: MIT */
/* survey_frames.h - the whole frames of a segment, each byte read once and none of them
 * trusted. Private to the survey. */
#ifndef DRIFT_ENGINE_SURVEY_FRAMES_H
#define DRIFT_ENGINE_SURVEY_FRAMES_H

#include <openssl/types.h>

#include "engine/log.h"

struct survey_frames {
	struct log *log;
	struct log_segment *segment;
	uint64_t limit;     /* bytes there are */
	uint64_t offset;    /* of the next frame */
	uint64_t read_to;   /* bytes before it were read, and hashed */
	uint64_t window_at; /* offset of window's first byte */
	struct buf window;
	EVP_MD_CTX *sha; /* NULL: no digest wanted */
	bool has_digest; /* false: not wanted, or some bytes were not read */
	uint64_t vain_bytes;
};

/* The segment, which is open, up to limit. Release it on an error, too. */
enum drift_err survey_frames_init(struct survey_frames *frames, struct log *log,
				  struct log_segment *segment, uint64_t limit,
				  bool digest);
void survey_frames_release(struct survey_frames *frames);

/* The frame at the offset, which moves behind it. DRIFT_CORRUPT when what stands there
 * is none: then it does not move. DRIFT_DONE at the limit. */
enum drift_err survey_frames_next(struct survey_frames *frames, struct frame *frame,
				  struct place *place);
/* Move the offset to the next whole frame behind it, or to the limit; *has_data is set
 * when other bytes than zeros lie between. DRIFT_LIMIT: too many look like frames. */
enum drift_err survey_frames_find(struct survey_frames *frames, bool *has_data);
/* At least `need` bytes from the offset, if there are. */
enum drift_err survey_frames_look(struct survey_frames *frames, size_t need,
				  struct slice *bytes);
/* Go back to offset and read on as if never read: without a digest. */
void survey_frames_back(struct survey_frames *frames, uint64_t offset);
/* SHA-256 of all bytes, once, if frames->has_digest. */
enum drift_err survey_frames_digest(struct survey_frames *frames,
				    uint8_t digest[DIGEST_BYTES]);

#endif
