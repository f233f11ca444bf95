/* SPDX-License-Identifier: MIT */
/* Any text, run as a script in a view of the past and printed in the format that its
 * size picks: each statement ends in time, with rows or with a refusal whose place is
 * inside the text. */
#include "tests/fuzz/fuzz_db.h"

#define CHUNK_BYTES (16u << 10)
#define ANSWER_BYTES_MAX (128u << 10) /* more is not asked for */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct query_session *session, size_t size)
{
	struct drift_error error = { 0 };
	struct query_printer *printer;
	struct buf out = BUF_INIT;
	bool ended = false;

	if (query_printer_new(session, (enum query_format)(size % (QUERY_CELLS + 1)),
			      &printer))
		abort();
	while (!ended && out.size < ANSWER_BYTES_MAX) {
		if (query_printer_run(printer, CHUNK_BYTES, &out, &ended, &error)) {
			if (error.code == DRIFT_OK || error.position < 0 ||
			    (size_t)error.position > size + 1)
				abort();
			break;
		}
	}
	query_printer_free(printer);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct query_session *session;
	struct drift_error error = { 0 };

	if (!session)
		session = fuzz_db_session(true);
	if (size > 4096 || query_start(session, (const char *)data, size, &error))
		return 0;
	run(session, size);
	fuzz_db_forget(session);
	return 0;
}
