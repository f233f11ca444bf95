/* SPDX-License-Identifier: MIT */
/* output.c - see output.h. */
#include "tools/output.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static enum drift_err fail(struct drift_error *error)
{
	return drift_fail(error, DRIFT_IO, "standard output: %s", strerror(errno));
}

enum drift_err output_write(struct slice bytes, struct drift_error *error)
{
	const char *at = bytes.data;
	size_t left = bytes.size;

	while (left > 0) {
		ssize_t written = write(STDOUT_FILENO, at, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail(error);
		at += written;
		left -= (size_t)written;
	}
	return DRIFT_OK;
}

enum drift_err output_flush(struct buf *buf, struct drift_error *error)
{
	enum drift_err err = buf_status(buf);

	if (err)
		return drift_fail_code(error, err);
	err = output_write(buf_slice(buf), error);
	buf_clear(buf);
	return err;
}

enum drift_err output_end(struct drift_error *error)
{
	if (fflush(stdout) != 0)
		return fail(error);
	return ferror(stdout)
		       ? drift_fail(error, DRIFT_IO,
				    "standard output: not all could be written")
		       : DRIFT_OK;
}
