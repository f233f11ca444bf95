/* SPDX-License-Identifier: MIT */
/* rewrite_conflict.c - ON CONFLICT DO NOTHING as INSERT OR IGNORE. */
#include "query/rewriter.h"

void rewrite_conflict(struct rewriter *rewriter)
{
	const struct verb *verb = rewriter->verb;

	if (!verb->conflict)
		return;
	rewriter_instead(rewriter, verb->at, verb->at + 1, "INSERT OR IGNORE");
	edit_instead(&rewriter->edits, verb->conflict, rewriter->statement.count,
		     SLICE(""));
}
