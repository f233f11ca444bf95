/* SPDX-License-Identifier: MIT */
/* A name that decodes encodes to itself, a key that has a name decodes to itself,
 * and no name could be a path. The first byte chooses the kinds of the parts. */
#include <stdlib.h>

#include "engine/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct slice name, const enum key_kind *kinds, unsigned count)
{
	struct buf key = BUF_INIT;
	struct buf back = BUF_INIT;

	if (key_from_name(name, kinds, count, &key) == DRIFT_OK) {
		if (key_to_name(buf_slice(&key), &back) != DRIFT_OK ||
		    !slice_equal(buf_slice(&back), name))
			abort();
		if (memchr(back.data, '/', back.size) ||
		    memchr(back.data, 0, back.size) || back.data[0] == '.' ||
		    back.size > KEY_NAME_BYTES_MAX)
			abort();
	}
	buf_release(&key);
	buf_release(&back);
}

static void check_key(struct slice key)
{
	enum key_kind kinds[KEY_BYTES_MAX];
	struct buf name = BUF_INIT;
	struct buf back = BUF_INIT;
	struct slice rest = key;
	struct msg_value part;
	unsigned count;

	if (key_to_name(key, &name) == DRIFT_OK) {
		for (count = 0; rest.size > 0; count++) {
			if (key_read(&rest, &part) != DRIFT_OK)
				abort();
			kinds[count] = part.type == MSG_INT    ? KEY_INT
				       : part.type == MSG_REAL ? KEY_REAL
							       : KEY_TEXT;
		}
		if (key_from_name(buf_slice(&name), kinds, count, &back) !=
			    DRIFT_OK ||
		    !slice_equal(buf_slice(&back), key))
			abort();
	}
	buf_release(&name);
	buf_release(&back);
}

static void check_component(struct slice name)
{
	struct buf text = BUF_INIT;
	struct buf back = BUF_INIT;

	if (key_component_decode(name, &text) == DRIFT_OK &&
	    (key_component_encode(buf_slice(&text), &back) != DRIFT_OK ||
	     !slice_equal(buf_slice(&back), name)))
		abort();
	buf_release(&text);
	buf_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum key_kind kinds[2];
	struct slice rest;

	if (size == 0)
		return 0;
	rest = slice_of(data + 1, size - 1);
	kinds[0] = data[0] % 3;
	kinds[1] = data[0] / 3 % 3;
	check_name(rest, kinds, 1 + (data[0] & 1));
	check_component(rest);
	check_key(rest);
	return 0;
}
