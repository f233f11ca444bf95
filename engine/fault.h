/* SPDX-License-Identifier: MIT */
/* fault.h - faults of memory that is a file's: SIGBUS where the disk cannot give a page,
 * or the file was cut off before it; SIGSEGV where noise in it was taken for an address.
 * The home of the process's handlers of both.
 *
 * A fault in the middle of fault_copy is that copy's answer. Any other is told to who
 * watches, who does not return if it is his; and what is nobody's goes where it went
 * before. Private to engine/. */
#ifndef DRIFT_ENGINE_FAULT_H
#define DRIFT_ENGINE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Have the handlers installed, once: false when the system refuses. */
bool fault_prepare(void);
/* The same, and tell claim of every fault that is no copy's, on the thread and in the
 * signal handler it comes to. There is one who watches. */
bool fault_watch(void (*claim)(uintptr_t address));

/* Copy out of a map: false when a page of `from` could not be had, and then `to` holds
 * anything. fault_prepare goes before. */
bool fault_copy(void *to, const void *from, size_t size);

#endif
