/* SPDX-License-Identifier: MIT */
/* records.h - a file's records as documents: JSON lines, or CSV with a header. Memory
 * holds a piece of the file and one record. */
#ifndef DRIFT_TOOLS_RECORDS_H
#define DRIFT_TOOLS_RECORDS_H

#include "engine/engine.h"

enum records_form { RECORDS_JSONL, RECORDS_CSV };

struct records;

/* Open a file ("-": standard input). def: whose types CSV's texts are read by; it must
 * outlive the records. */
enum drift_err records_open(const char *name, enum records_form form,
			    const struct table_def *def, struct records **records,
			    struct drift_error *error);
void records_close(struct records *records); /* NULL is fine */
/* Append the next record to document; *line is where it begins. DRIFT_DONE at the end.
 * Another failure is of this record, and the next call gives the one after it, unless
 * records_failed: then there is no next. */
enum drift_err records_next(struct records *records, struct buf *document,
			    uint64_t *line, struct drift_error *error);
bool records_failed(const struct records *records);
const char *records_name(const struct records *records); /* for messages */
uint64_t records_size(const struct records *records);    /* bytes; 0: not known */
uint64_t records_read(const struct records *records);    /* bytes so far */

#endif
