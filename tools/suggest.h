/* SPDX-License-Identifier: MIT */
/* suggest.h - what a mistyped word may have been meant to be. */
#ifndef DRIFT_TOOLS_SUGGEST_H
#define DRIFT_TOOLS_SUGGEST_H

/* The name among names (NULL after the last) that the fewest changed, lost, added or
 * swapped letters turn typed into; NULL when it takes more than a third of them. */
const char *suggest(const char *typed, const char *const *names);

#endif
