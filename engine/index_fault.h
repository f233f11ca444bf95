/* SPDX-License-Identifier: MIT */
/* index_fault.h - LMDB reads its file through a map and trusts what it finds, so a file
 * that was cut short, or holds noise, is a fault (SIGBUS, SIGSEGV, a failed assertion) in
 * the middle of a read. Such a fault is no bug of ours and cannot be survived: it marks
 * the index as not to be trusted, says so in one line, and ends the process with the
 * status of a damaged database. The next opening builds the index anew.
 *
 * A fault counts if its address lies in a watched map, or its thread is inside LMDB,
 * whose pointers may lead anywhere by then. Any other goes where it went before.
 * Private to the index's files. */
#ifndef DRIFT_ENGINE_INDEX_FAULT_H
#define DRIFT_ENGINE_INDEX_FAULT_H

#include <lmdb.h>
#include <stdbool.h>

struct index_fault;

/* Watch env's map, its files being in path; mark: whether path/suspect is this
 * process's to write. NULL when it cannot be: faults then go where they went before. */
struct index_fault *index_fault_watch(MDB_env *env, const char *path, bool mark);
void index_fault_forget(struct index_fault *fault); /* NULL is fine */

/* Whether at lies in the map, and where, in bytes from its start. */
bool index_fault_offset(const struct index_fault *fault, const void *at,
			size_t *offset);

/* The same for what LMDB finds out without a fault, and cannot go on from. */
_Noreturn void index_fault_end(const struct index_fault *fault);

/* The answer of a call of LMDB, which is known to be inside it meanwhile; so is who
 * checks what it answered. */
#define INDEX_FAULT_IN(call) index_fault_out((index_fault_depth++, (call)))

#define INDEX_FAULT_IN_VOID(call) (index_fault_depth++, (call), index_fault_depth--)

extern _Thread_local unsigned index_fault_depth;

static inline int index_fault_out(int code)
{
	index_fault_depth--;
	return code;
}

#endif
