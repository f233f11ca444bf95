/* SPDX-License-Identifier: MIT */
/* digest.c - see digest.h. */
#include "engine/digest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/drift_log.h"

enum drift_err digest_at(struct log *log, bool live, drift_seq seq,
			 struct drift_anchor *anchor, struct drift_error *error)
{
	unsigned segment = 0;
	struct survey_tx tx = { .end = SEGMENT_HEADER_BYTES };
	enum drift_err err = DRIFT_OK;

	if (seq == DRIFT_SEQ_MAX)
		err = log_last_tx(log, live, &segment, &tx, error);
	else if (seq > 0)
		err = log_find_tx(log, live, seq, &segment, &tx, error);
	if (err && err != DRIFT_DONE)
		return err;
	anchor->seq = tx.last_seq;
	return log_prefix_digest(log, segment, tx.end, anchor->digest, error);
}

bool digest_is_of_empty(struct log *log, const struct drift_anchor *anchor)
{
	struct drift_anchor empty;

	return anchor->seq == 0 && !digest_at(log, false, 0, &empty, NULL) &&
	       memcmp(empty.digest, anchor->digest, DIGEST_BYTES) == 0;
}

enum drift_err drift_digest(struct drift_db *db, drift_seq seq,
			    struct drift_anchor *anchor, struct drift_error *error)
{
	return digest_at(&db->log, false, seq, anchor, error);
}

enum drift_err drift_log_digest(struct drift_log *log, drift_seq seq,
				struct drift_anchor *anchor,
				struct drift_error *error)
{
	return digest_at(&log->log, log->live, seq, anchor, error);
}

void drift_anchor_print(const struct drift_anchor *anchor, struct buf *out)
{
	buf_printf(out, "%" PRIu64 ":", anchor->seq);
	for (unsigned i = 0; i < sizeof(anchor->digest); i++)
		buf_printf(out, "%02x", anchor->digest[i]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

enum drift_err drift_anchor_parse(const char *text, struct drift_anchor *anchor,
				  struct drift_error *error)
{
	char *at;

	anchor->seq = strtoull(text, &at, 10);
	if (text[0] < '0' || text[0] > '9' || *at != ':' ||
	    strlen(at + 1) != 2 * sizeof(anchor->digest))
		goto bad;
	at++;
	for (unsigned i = 0; i < sizeof(anchor->digest); i++, at += 2) {
		int high = hex_digit(at[0]), low = hex_digit(at[1]);

		if (high < 0 || low < 0)
			goto bad;
		anchor->digest[i] = (uint8_t)(high * 16 + low);
	}
	return DRIFT_OK;
bad:
	return drift_fail(error, DRIFT_BAD_ARGUMENT,
			  "not an anchor (SEQ:DIGEST, 64 hex digits): %s", text);
}
