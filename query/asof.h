/* SPDX-License-Identifier: MIT */
/* asof.h - the form of a table's time: which versions of its rows are meant.
 *
 * The front end resolves every moment and turns `t FOR SYSTEM_TIME ...` into the
 * table-valued call "t"(form, a, b) with three integers:
 *
 *	form	bits 0-7 enum asof_form, ASOF_A_IS_TIME, ASOF_B_IS_TIME
 *	a, b	a seq, or a time in nanoseconds; above the head: the present
 *
 * A version lives in [start, end): start is the event that made it, end the one
 * that replaced or deleted it. */
#ifndef DRIFT_QUERY_ASOF_H
#define DRIFT_QUERY_ASOF_H

#include "engine/engine.h"

enum asof_form {
	ASOF_VIEW,      /* the statement's own view; no arguments */
	ASOF_AT,        /* rows as of seq a */
	ASOF_WRITTEN,   /* rows the session kept for RETURNING: written.h */
	ASOF_PROPOSED,  /* rows it kept for ON CONFLICT DO UPDATE */
	ASOF_ALL,       /* every version */
	ASOF_BETWEEN,   /* start <= b and end > a */
	ASOF_FROM_TO,   /* start < b and end > a; none if a >= b */
	ASOF_CONTAINED, /* start >= a and end <= b */
	ASOF_EVENTS,    /* every version and the deletes between them */
};

#define ASOF_FORM_MASK 0xff
#define ASOF_A_IS_TIME 0x100
#define ASOF_B_IS_TIME 0x200

struct asof {
	int64_t form;
	int64_t a;
	int64_t b;
};

static inline enum asof_form asof_form(const struct asof *asof)
{
	return (enum asof_form)(asof->form & ASOF_FORM_MASK);
}

/* True for the forms whose rows the session keeps. */
static inline bool asof_is_kept(const struct asof *asof)
{
	return asof_form(asof) == ASOF_WRITTEN || asof_form(asof) == ASOF_PROPOSED;
}

/* True for the forms whose rows are versions. */
static inline bool asof_is_range(const struct asof *asof)
{
	return asof_form(asof) >= ASOF_ALL;
}

/* True if the version of drift_history is one the form means. */
bool asof_matches(const struct asof *asof, const struct drift_version *version);

#endif
