/* SPDX-License-Identifier: MIT */
/* names.h - what tables and columns there are, asked through a door. The statements
 * used fail on nothing that is not listed, so they never spoil a transaction. */
#ifndef DRIFT_TOOLS_NAMES_H
#define DRIFT_TOOLS_NAMES_H

#include "tools/door.h"

struct names {
	struct buf text; /* each NUL-terminated, one after the other */
	size_t count;
};

#define NAMES_INIT ((struct names){ 0 })
void names_release(struct names *names);
/* The name after name, which is one of them; NULL: the first. NULL at the end. */
const char *names_next(const struct names *names, const char *name);
bool names_have(const struct names *names, const char *name); /* in any case */
enum drift_err names_add(struct names *names, const char *name);
/* Append the tables; the columns of one of them. */
enum drift_err names_tables(struct door *door, struct names *names);
enum drift_err names_columns(struct door *door, const char *table,
			     struct names *names);

#endif
