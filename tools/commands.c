/* SPDX-License-Identifier: MIT */
/* commands.c - every command there is, in the order help tells them. A new one is
 * its file and its two words here. */
#include <string.h>

#include "tools/command.h"

#define COMMANDS(X) \
	X(init)     \
	X(sql)      \
	X(select)   \
	X(ingest)   \
	X(drift)    \
	X(dump)     \
	X(load)     \
	X(snapshot) \
	X(compact)  \
	X(analyze)  \
	X(optimize) \
	X(verify)   \
	X(digest)   \
	X(backup)   \
	X(bench)    \
	X(salvage)  \
	X(doctor)   \
	X(reindex)  \
	X(help)

#define DECLARE(name) extern const struct command command_##name;
COMMANDS(DECLARE)

#define REFER(name) &command_##name,
const struct command *const commands[] = { COMMANDS(REFER) NULL };

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}
