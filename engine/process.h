/* SPDX-License-Identifier: MIT */
/* process.h - what a program that opens databases asks of its process. */
#ifndef DRIFT_ENGINE_PROCESS_H
#define DRIFT_ENGINE_PROCESS_H

/* Before anything else: a limit on files' sizes (RLIMIT_FSIZE) becomes an error to be
 * told, not a signal to die of; and as many files may be open as the hard limit allows,
 * because a log keeps a descriptor for each segment that was read. */
void process_prepare(void);

#endif
