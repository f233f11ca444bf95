/* SPDX-License-Identifier: MIT */
/* Bytes that pass for a document must survive everything done with documents:
 * printing, merging, shaping into a row, and printing again as they were. */
#include <stdlib.h>

#include "engine/catalog.h"
#include "engine/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_document(struct slice document)
{
	struct buf text = BUF_INIT;
	struct buf merged = BUF_INIT;
	struct slice value;

	if (json_print(document, JSON_PRETTY, &text) != DRIFT_OK)
		abort();
	if (msg_merge_patch(document, document, &merged) != DRIFT_OK)
		abort();
	if (msg_check_document(buf_slice(&merged)) != DRIFT_OK)
		abort();
	if (msg_member(document, SLICE("id"), &value) == DRIFT_CORRUPT)
		abort();
	buf_release(&text);
	buf_release(&merged);
}

static void use_as_row(struct slice document)
{
	struct table_def *def = table_def_new("t");
	struct buf key = BUF_INIT;
	struct buf row = BUF_INIT;
	struct buf name = BUF_INIT;

	table_def_add_column(def, "id");
	def->document = true;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	if (row_shape(def, document, (struct slice){ 0 }, true, &row, NULL) ==
		    DRIFT_OK &&
	    row_key(def, buf_slice(&row), &key, NULL) == DRIFT_OK &&
	    key_to_name(buf_slice(&key), &name) != DRIFT_OK)
		abort();
	buf_release(&key);
	buf_release(&row);
	buf_release(&name);
	table_def_free(def);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of(data, size);
	struct msg_cursor cursor = msg_cursor_of(bytes);
	struct slice whole;

	if (msg_skip(&cursor, &whole) == DRIFT_OK && whole.size > size)
		abort();
	use_as_row(bytes);
	if (msg_check_document(bytes) == DRIFT_OK)
		use_document(bytes);
	return 0;
}
