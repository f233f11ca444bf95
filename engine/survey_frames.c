/* SPDX-License-Identifier: MIT */
/* survey_frames.c - see survey_frames.h.
 *
 * Looking for the next whole frame behind a bad place tries every byte. The cheap
 * tests come first, and the bytes whose CRC is taken in vain are counted, so that a
 * crafted segment cannot make it take for ever. */
#include "engine/survey_frames.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#define CHUNK (1u << 20)
#define VAIN_BYTES_MAX (2ull << 30)

enum drift_err survey_frames_init(struct survey_frames *frames, struct log *log,
				  struct log_segment *segment, uint64_t limit,
				  bool digest)
{
	*frames = (struct survey_frames){ .log = log,
					  .segment = segment,
					  .limit = limit,
					  .offset = SEGMENT_HEADER_BYTES,
					  .has_digest = digest };
	if (!digest)
		return DRIFT_OK;
	frames->sha = EVP_MD_CTX_new();
	return frames->sha && EVP_DigestInit_ex(frames->sha, EVP_sha256(), NULL)
		       ? DRIFT_OK
		       : DRIFT_NOMEM;
}

void survey_frames_release(struct survey_frames *frames)
{
	EVP_MD_CTX_free(frames->sha);
	buf_release(&frames->window);
}

enum drift_err survey_frames_digest(struct survey_frames *frames,
				    uint8_t digest[DIGEST_BYTES])
{
	return EVP_DigestFinal_ex(frames->sha, digest, NULL) ? DRIFT_OK
							     : DRIFT_NOMEM;
}

/* ---- Bytes ------------------------------------------------------------------- */

/* Append the next chunk to the window. What cannot be read reads as zeros, which
 * are no frame. */
static enum drift_err read_chunk(struct survey_frames *frames)
{
	uint64_t left = frames->limit - frames->read_to;
	size_t want = CHUNK - frames->read_to % CHUNK;
	size_t got = 0;
	char *at;
	enum drift_err err;

	if (want > left)
		want = left;
	at = buf_reserve(&frames->window, want);
	if (!at)
		return DRIFT_NOMEM;
	err = log_segment_read(frames->log, frames->segment, at, want,
			       frames->read_to, &got);
	if (err == DRIFT_NOMEM)
		return err;
	if (err || got < want) {
		memset(at + got, 0, want - got);
		frames->has_digest = false;
	}
	if (frames->sha && frames->has_digest &&
	    !EVP_DigestUpdate(frames->sha, at, want))
		return DRIFT_NOMEM;
	frames->window.size += want;
	frames->read_to += want;
	return DRIFT_OK;
}

/* Drop what lies before the offset. */
static void window_trim(struct survey_frames *frames)
{
	size_t done = frames->offset - frames->window_at;

	if (done > frames->window.size)
		done = frames->window.size;
	frames->window.size -= done;
	if (frames->window.size)
		memmove(frames->window.data, frames->window.data + done,
			frames->window.size);
	frames->window_at += done;
}

enum drift_err survey_frames_look(struct survey_frames *frames, size_t need,
				  struct slice *bytes)
{
	uint64_t left = frames->limit - frames->offset;
	size_t skip = frames->offset - frames->window_at;
	enum drift_err err = DRIFT_OK;

	if (need > left)
		need = left;
	if (frames->window.size < skip + need) {
		window_trim(frames);
		skip = frames->offset - frames->window_at;
	}
	while (!err && frames->window.size < skip + need)
		err = read_chunk(frames);
	if (err)
		return err;
	*bytes = slice_of(frames->window.data + skip, frames->window.size - skip);
	return DRIFT_OK;
}

/* Read on from the offset as if never read; the digest is not for such segments. */
static void window_forget(struct survey_frames *frames)
{
	buf_clear(&frames->window);
	frames->window_at = frames->read_to = frames->offset;
	frames->has_digest = false;
}

void survey_frames_back(struct survey_frames *frames, uint64_t offset)
{
	frames->offset = offset;
	window_forget(frames);
}

/* Where the next byte stands that a hole in the file does not cover; limit: none.
 * A segment may claim terabytes that were never written. */
static uint64_t next_data(const struct survey_frames *frames, uint64_t offset)
{
	off_t at;

	if (atomic_load(&frames->segment->pack))
		return offset;
	at = lseek(atomic_load(&frames->segment->fd), (off_t)offset, SEEK_DATA);
	if (at < 0 && errno == ENXIO)
		return frames->limit;
	if (at < 0 || (uint64_t)at < offset)
		return offset;
	return (uint64_t)at < frames->limit ? (uint64_t)at : frames->limit;
}

/* ---- Frames --------------------------------------------------------- */

enum drift_err survey_frames_next(struct survey_frames *frames, struct frame *frame,
				  struct place *place)
{
	struct slice bytes;
	size_t size;
	enum drift_err err;

	if (frames->offset >= frames->limit)
		return DRIFT_DONE;
	err = survey_frames_look(frames, FRAME_HEADER_BYTES, &bytes);
	if (err)
		return err;
	err = frame_decode(bytes, frames->segment->seed, frame, &size);
	if (err == DRIFT_CORRUPT && size > bytes.size &&
	    size <= frames->limit - frames->offset) {
		err = survey_frames_look(frames, size, &bytes);
		if (!err)
			err = frame_decode(bytes, frames->segment->seed, frame,
					   &size);
	}
	if (err == DRIFT_DONE)
		err = DRIFT_CORRUPT; /* whether it is room ahead, the caller sees */
	if (err)
		return err;
	*place = (struct place){ .segment = frames->segment->first_seq,
				 .offset = frames->offset,
				 .size = (uint32_t)size };
	frames->offset += size;
	return DRIFT_OK;
}

/* ---- Finding the next ----------------------------------------------- */

static bool looks_like_frame(const uint8_t *at)
{
	uint32_t length = le32_get(at);

	return length > 0 && length <= FRAME_BODY_BYTES_MAX && at[26] == 0 &&
	       at[27] == 0 && at[24] >= FRAME_PUT && at[24] <= FRAME_COMMIT;
}

/* Is there a whole frame at the offset? Too many vain tries end the survey. */
static enum drift_err try_frame(struct survey_frames *frames, bool *whole)
{
	struct slice bytes;
	struct frame frame;
	size_t size;
	enum drift_err err = survey_frames_look(frames, FRAME_HEADER_BYTES, &bytes);

	*whole = false;
	if (err || bytes.size < FRAME_HEADER_BYTES || !looks_like_frame(bytes.data))
		return err;
	size = FRAME_HEADER_BYTES + (size_t)le32_get(bytes.data);
	if (size > frames->limit - frames->offset)
		return DRIFT_OK;
	err = survey_frames_look(frames, size, &bytes);
	if (err)
		return err;
	*whole = frame_decode(bytes, frames->segment->seed, &frame, &size) ==
		 DRIFT_OK;
	frames->vain_bytes += *whole ? 0 : size;
	return frames->vain_bytes > VAIN_BYTES_MAX ? DRIFT_LIMIT : DRIFT_OK;
}

enum drift_err survey_frames_find(struct survey_frames *frames, bool *has_data)
{
	struct slice bytes;
	bool whole = false;
	enum drift_err err = DRIFT_OK;

	while (!err && !whole && frames->offset < frames->limit) {
		const uint8_t *at;
		size_t i = 0;

		err = survey_frames_look(frames, CHUNK / 2, &bytes);
		if (err)
			break;
		at = bytes.data;
		while (i < bytes.size && at[i] == 0)
			i++;
		if (i < bytes.size)
			*has_data = true;
		if (i == bytes.size) {
			frames->offset = next_data(frames, frames->offset + i);
			/* Bytes that were skipped were not hashed. */
			if (frames->offset > frames->read_to)
				window_forget(frames);
			continue;
		}
		/* A length's low bytes may be zeros of the run. */
		frames->offset += i > 3 ? i - 3 : 0;
		for (i = 0;
		     i < 4096 && !err && !whole && frames->offset < frames->limit;
		     i++) {
			err = try_frame(frames, &whole);
			if (!whole)
				frames->offset++;
		}
	}
	return err;
}
