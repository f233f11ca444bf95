/* SPDX-License-Identifier: MIT */
/* spell_json.c - what SQLite's JSON functions are given: they know of no booleans. */
#include "query/spell.h"

/* Booleans among the arguments as JSON. */
static void note_booleans(struct rewriter *rewriter, unsigned open)
{
	unsigned close = verb_find_close(&rewriter->statement, open);
	unsigned first = open + 1;

	for (unsigned i = first; i <= close; i++) {
		if (i < close && rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		if (i < close && !rewriter_is_punct(rewriter, i, ","))
			continue;
		if (spell_boolean(rewriter, first, i)) {
			edit_before(&rewriter->edits, first, "to_json(");
			edit_after(&rewriter->edits, i - 1, ")");
		}
		first = i + 1;
	}
}

/* After the walk: what it notes of an argument stands inside of what is noted here. */
void spell_json_booleans(struct rewriter *rewriter)
{
	static const char *const names[] = {
		"json_array",
		"json_object",
		"json_build_array",
		"jsonb_build_array",
		"json_build_object",
		"jsonb_build_object",
		"json_object_agg",
		"jsonb_object_agg",
		"to_json",
		"to_jsonb",
		"json_group_array",
		"json_group_object",
		NULL,
	};

	for (unsigned i = 0; i + 1 < rewriter->statement.count; i++)
		if (rewriter_is_punct(rewriter, i + 1, "(") &&
		    statement_is_one_of(&rewriter->statement, i, names))
			note_booleans(rewriter, i + 1);
}
