/* SPDX-License-Identifier: MIT */
/* Two readers of one grammar: what the parser takes, the automaton calls whole;
 * what the automaton calls whole, the parser refuses only for a name or a number.
 * And what was parsed prints as text that parses to the same bytes. */
#include <stdlib.h>

#include "engine/json.h"
#include "engine/json_prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(struct slice document, enum json_style style)
{
	struct buf text = BUF_INIT;
	struct buf again = BUF_INIT;

	if (msg_check_document(document) != DRIFT_OK)
		abort();
	if (json_print(document, style, &text) != DRIFT_OK)
		abort();
	if (json_parse_document(buf_slice(&text), &again, NULL) != DRIFT_OK)
		abort();
	if (!slice_equal(buf_slice(&again), document))
		abort();
	buf_release(&text);
	buf_release(&again);
}

/* The state must not depend on how the bytes were cut. */
static enum json_prefix_state feed(struct slice text)
{
	struct json_prefix whole;
	struct json_prefix halves;
	size_t half = text.size / 2;

	json_prefix_init(&whole);
	json_prefix_init(&halves);
	(void)json_prefix_feed(&whole, text);
	(void)json_prefix_feed(&halves, slice_of(text.data, half));
	(void)json_prefix_feed(&halves, slice_of((const char *)text.data + half,
						 text.size - half));
	if (json_prefix_state(&whole) != json_prefix_state(&halves) ||
	    whole.consumed != halves.consumed)
		abort();
	return json_prefix_state(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	enum json_prefix_state state = feed(text);
	struct drift_error error = { 0 };
	struct buf document = BUF_INIT;
	enum drift_err err = json_parse_document(text, &document, &error);

	if (err == DRIFT_OK) {
		if (state != JSON_PREFIX_WHOLE)
			abort();
		check_print(buf_slice(&document), JSON_PRETTY);
		check_print(buf_slice(&document), JSON_COMPACT);
	} else if (state == JSON_PREFIX_WHOLE &&
		   !strstr(error.text, "duplicate member") &&
		   !strstr(error.text, "out of range")) {
		abort();
	}
	buf_release(&document);
	return 0;
}
