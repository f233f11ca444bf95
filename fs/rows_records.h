/* SPDX-License-Identifier: MIT */
/* rows_records.h - the rows of a table as JSON lines, or as CSV with a header. */
#ifndef DRIFT_FS_ROWS_RECORDS_H
#define DRIFT_FS_ROWS_RECORDS_H

#include "fs/record_text.h"

extern const struct records rows_records;

#endif
