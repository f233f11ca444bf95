/* SPDX-License-Identifier: MIT */
/* backup.h - copies of a log that can be made again and again into one directory, each
 * time of what is new, while the database is in use.
 *
 *	BACKUP		text: "driftfs backup 1", "database <32 hex digits>"; its
 *			flock is held by who writes here
 *	log/		segments, as files of a database are, plain or packed
 *	<made>.backup	one for each backup: what it consists of
 *
 * A .backup file is text, lines of a word and its values:
 *
 *	driftfs backup 1
 *	database <32 hex digits>
 *	made <time>
 *	head <seq> <transaction> <time>
 *	anchor <seq>:<digest>
 *	segment <first seq> <bytes> <SHA-256>	for each, in order
 *	crc32c <8 hex digits>			of all bytes before this line
 *
 * bytes and SHA-256 are of the segment unpacked, so packing it in the database changes
 * neither. A sealed segment never changes, so it is copied once. The newest one is
 * copied as far as its last whole transaction, and replaced by a longer copy the next
 * time: an earlier backup then still is its first bytes.
 *
 * Whatever is written is written under another name, synced and renamed, the .backup
 * file last; a backup that was killed leaves nothing but a file that the next one
 * replaces. */
#ifndef DRIFT_ENGINE_BACKUP_H
#define DRIFT_ENGINE_BACKUP_H

#include "engine/care.h"

#define BACKUP_NAME_BYTES 48

struct backup_segment {
	drift_seq first_seq;
	uint64_t bytes;
	uint8_t sha256[32];
};

/* One backup: a .backup file. */
struct backup {
	char name[BACKUP_NAME_BYTES]; /* of the file, without .backup */
	drift_time_ns made;
	drift_seq head;
	uint64_t tx;
	drift_time_ns head_time;
	struct drift_anchor anchor;
	struct backup_segment *segments;
	unsigned count;
};

struct backup_list {
	struct backup *backups; /* oldest first */
	unsigned count;
};

void backup_list_release(struct backup_list *list);
/* The backups in target. DRIFT_NOT_A_DATABASE when it is no such directory;
 * DRIFT_CORRUPT names a file that is not whole. */
enum drift_err backup_list_read(const char *target, struct backup_list *list,
				struct drift_error *error);
/* The one called name; NULL: the newest. NULL when there is none. */
const struct backup *backup_find(const struct backup_list *list, const char *name);

struct backup_report {
	bool nothing_new;
	char name[BACKUP_NAME_BYTES];
	unsigned segments_copied;
	uint64_t bytes_copied;
	struct drift_anchor anchor;
};
/* Back the database in dir up into target, which is made when missing. Reads the log
 * beside whoever has it. */
enum drift_err backup_create(const char *dir, const char *target,
			     struct backup_report *report,
			     struct drift_error *error);
/* Make a database in dir (missing or empty) from the backup called name, NULL: the
 * newest; whole, or as it was at moment (NULL: whole). *seq: its head. A seq inside
 * a transaction is DRIFT_BAD_MOMENT. */
enum drift_err backup_restore(const char *target, const char *name,
			      const struct moment *moment, const char *dir,
			      drift_seq *seq, struct drift_error *error);
/* Read all of it: every backup's segments by their SHA-256, the frames and the chain.
 * As drift_verify. */
enum drift_err backup_verify(const char *target,
			     void (*say)(void *arg, const char *line), void *arg,
			     struct drift_verify_report *report,
			     struct drift_error *error);

#endif
