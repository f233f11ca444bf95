/* SPDX-License-Identifier: MIT */
/* documents.h - tests write documents as JSON and compare them as JSON. */
#ifndef DRIFT_TESTS_DOCUMENTS_H
#define DRIFT_TESTS_DOCUMENTS_H

#include "engine/json.h"
#include "tests/unit/cmocka_test.h"

/* buf gets the document (any value) that text is; the slice points into it. */
static inline struct slice packed(struct buf *buf, const char *text)
{
	struct drift_error error = { 0 };

	buf_clear(buf);
	if (json_parse_value(slice_str(text), buf, &error) != DRIFT_OK)
		fail_msg("%s: %s", text, error.text);
	return buf_slice(buf);
}

static inline void assert_json(struct slice value, const char *expected)
{
	struct buf text = BUF_INIT;

	assert_int_equal(json_print(value, JSON_COMPACT, &text), DRIFT_OK);
	assert_string_equal(buf_cstr(&text), expected);
	buf_release(&text);
}

#endif
