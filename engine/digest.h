/* SPDX-License-Identifier: MIT */
/* digest.h - a whole history in 32 bytes.
 *
 * The digest of a transaction is the SHA-256 of its segment's bytes, unpacked, from
 * the first to the last of its commit frame. The segment's header holds the SHA-256
 * of the segment before (segment.h), so the digest stands for every byte of history
 * up to that transaction. Those bytes never change: appending and rotation only add
 * behind them, packing keeps them, and a reopening cuts off nothing that is whole.
 *
 * An anchor is a seq and a digest, "SEQ:DIGEST" with 64 hex digits: of the newest
 * transaction that ends at SEQ when it was taken. Definitions and tags have no seq,
 * so several transactions may end at one; an anchor is good if any of them has its
 * digest. Asked for by a seq, it is that of the transaction which event SEQ
 * belongs to, and its SEQ is that transaction's last. Before the first transaction
 * the anchor is 0 and the SHA-256 of the first segment's header.
 *
 * Who keeps an anchor elsewhere can tell (driftdb verify --anchor) that history was
 * cut short or written anew, which the files alone cannot show. */
#ifndef DRIFT_ENGINE_DIGEST_H
#define DRIFT_ENGINE_DIGEST_H

#include "engine/care.h"
#include "engine/log.h"

/* seq DRIFT_SEQ_MAX: of the newest transaction. live: see survey.h. */
enum drift_err digest_at(struct log *log, bool live, drift_seq seq,
			 struct drift_anchor *anchor, struct drift_error *error);
/* Is this the anchor of the log when it was empty? */
bool digest_is_of_empty(struct log *log, const struct drift_anchor *anchor);

#endif
