/* SPDX-License-Identifier: MIT */
/* backup_file.h - the text files of a backup. Private to engine/backup*.c. */
#ifndef DRIFT_ENGINE_BACKUP_FILE_H
#define DRIFT_ENGINE_BACKUP_FILE_H

#include "engine/backup.h"
#include "engine/drift_log.h"

/* Write text as file name in directory fd: another name, sync, rename, sync. */
enum drift_err backup_file_write(int fd, const char *name, struct slice text,
				 struct drift_error *error);
void backup_print(const struct backup *backup, const uint8_t *database_id,
		  struct buf *out);
enum drift_err backup_parse(struct slice text, const uint8_t *database_id,
			    struct backup *backup, struct drift_error *error);
/* Open target: its BACKUP, and log/ as a log. */
enum drift_err backup_open(const char *target, struct drift_log **log,
			   struct drift_error *error);
void backup_print_format(const uint8_t *database_id, struct buf *out);
/* The backups in directory fd. */
enum drift_err backup_list_load(int fd, const uint8_t *database_id,
				struct backup_list *list, struct drift_error *error);

#endif
