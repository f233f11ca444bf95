/* SPDX-License-Identifier: MIT */
/* batch.h - the end of a batch. Private to engine/. */
#ifndef DRIFT_ENGINE_BATCH_H
#define DRIFT_ENGINE_BATCH_H

#include "engine/request.h"
#include "engine/stage.h"

/* Hand the batch to the hook, which acknowledges it; or do it here. The changes'
 * keys live in the transactions, which live until their request is answered. */
void batch_acknowledge(struct drift_db *db, struct stage *stage,
		       struct request *requests);
/* Nothing of the batch was stored: whoever has no error yet gets this one. */
void batch_fail(struct request *requests, enum drift_err err);

#endif
