/* SPDX-License-Identifier: MIT */
/* events_kept.h - what was measured of the events files, kept between mounts.
 *
 * DB/events.sizes is a shortcut: it may be missing, damaged, or of a history that went
 * another way, and then the log is measured from its beginning. It counts if and only
 * if its CRC matches and the event before the first one that it does not cover is of
 * the transaction and the time that it says. Whoever changes what drift_event_print
 * prints changes the first eight bytes.
 *
 *	offset	bytes
 *	0	8	"DFSIZES1"
 *	8	4	CRC-32C of all that follows
 *	12	8 each, big endian: transaction, time and seq of the last event covered,
 *		lines of DDL behind it that are covered too, number of files; for each
 *		file its table (0: the database's), lines since its last mark, seq of
 *		its last line, size, number of marks; for each mark its offset and seq */
#ifndef DRIFT_FS_EVENTS_KEPT_H
#define DRIFT_FS_EVENTS_KEPT_H

struct tree;

/* Take up what is kept, before anybody asks for a size. */
void events_kept_read(struct tree *tree);
/* Keep what is measured, if it is more than what is kept. Waits for the disk: nothing
 * may be kept of what a power cut could take from the log. Failing is no fault. */
void events_kept_write(struct tree *tree);

#endif
