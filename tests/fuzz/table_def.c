/* SPDX-License-Identifier: MIT */
/* A definition that decodes has passed every check, and encodes to bytes that
 * decode to the same. */
#include <stdlib.h>

#include "engine/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_def *def = NULL;
	struct table_def *again = NULL;
	struct table_def *copy = NULL;
	struct buf first = BUF_INIT;
	struct buf second = BUF_INIT;

	if (table_def_decode(slice_of(data, size), &def) != DRIFT_OK)
		return 0;
	copy = table_def_copy(def);
	if (!copy || table_def_encode(def, &first) != DRIFT_OK ||
	    table_def_decode(buf_slice(&first), &again) != DRIFT_OK ||
	    table_def_encode(copy, &second) != DRIFT_OK ||
	    !slice_equal(buf_slice(&first), buf_slice(&second)))
		abort();
	table_def_free(def);
	table_def_free(again);
	table_def_free(copy);
	buf_release(&first);
	buf_release(&second);
	return 0;
}
