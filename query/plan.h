/* SPDX-License-Identifier: MIT */
/* plan.h - what xBestIndex tells xFilter.
 *
 * idxNum:
 *	bits 0-1	enum plan_access
 *	bit 2		PLAN_ASOF: the arguments form, a, b come first
 *	bit 3		PLAN_LOW: a lower bound follows the equalities
 *	bit 4		PLAN_HIGH: an upper bound follows that
 *	bit 5		PLAN_LOW_OPEN: the lower bound itself is left out
 *	bit 6		PLAN_HIGH_OPEN: so is the upper bound
 *	bit 7		PLAN_IN: the last equality is with a list (sqlite3_vtab_in)
 *	bits 8-11	number of equalities, on the first columns of the key or index
 *	bit 12		PLAN_BACK: rows from the last key to the first
 *	bits 16-23	number of the index in the table's definition
 * SQLite checks every constraint again but those on integer parts of a key, whose
 * bytes say exactly what SQL says.
 *
 * idxStr: for EXPLAIN alone: '|' and what it shows. */
#ifndef DRIFT_QUERY_PLAN_H
#define DRIFT_QUERY_PLAN_H

enum plan_access {
	PLAN_SCAN,  /* the whole table, in key order */
	PLAN_KEY,   /* one key, or a run of keys in order */
	PLAN_INDEX, /* rows by an index, in no order */
	PLAN_COUNT, /* one row: how many rows the table has */
};

#define PLAN_ACCESS(plan) ((enum plan_access)((plan)&3))
#define PLAN_ASOF 4
#define PLAN_LOW 8
#define PLAN_HIGH 16
#define PLAN_LOW_OPEN 32
#define PLAN_HIGH_OPEN 64
#define PLAN_IN 128
#define PLAN_BACK 4096
#define PLAN_EQUALITIES(plan) ((unsigned)(plan) >> 8 & 15)
#define PLAN_INDEX_NUMBER(plan) ((unsigned)(plan) >> 16 & 255)
#define PLAN_MAKE(access, equalities, index) \
	((int)(access) | (int)(equalities) << 8 | (int)(index) << 16)

#endif
