/* SPDX-License-Identifier: MIT */
/* asof.c - which versions a range of time means.
 *
 * Seqs and times are two scales over one order. A bound is compared on its own
 * scale, because several versions may share a time. A transaction's own write has
 * no seq yet: it starts after everything. */
#include "query/asof.h"

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int64_t seq_or_last(drift_seq seq)
{
	return seq == 0 || seq > INT64_MAX ? INT64_MAX : (int64_t)seq;
}

/* The version's start against a bound. */
static int start_against(const struct drift_version *version, int64_t bound,
			 bool is_time)
{
	if (!is_time)
		return compare(seq_or_last(version->seq), bound);
	return version->seq == 0 ? 1 : compare(version->time, bound);
}

/* Its end; a current version ends after everything. */
static int end_against(const struct drift_version *version, int64_t bound,
		       bool is_time)
{
	if (version->end_seq == 0)
		return 1;
	if (!is_time)
		return compare(seq_or_last(version->end_seq), bound);
	return compare(version->end_time, bound);
}

bool asof_matches(const struct asof *asof, const struct drift_version *version)
{
	bool a_time = asof->form & ASOF_A_IS_TIME;
	bool b_time = asof->form & ASOF_B_IS_TIME;
	enum asof_form form = asof_form(asof);

	if (version->op == DRIFT_OP_DELETE)
		return form == ASOF_EVENTS;
	switch (form) {
	case ASOF_BETWEEN:
		return start_against(version, asof->b, b_time) <= 0 &&
		       end_against(version, asof->a, a_time) > 0;
	case ASOF_FROM_TO:
		if (a_time == b_time && asof->a >= asof->b)
			return false;
		return start_against(version, asof->b, b_time) < 0 &&
		       end_against(version, asof->a, a_time) > 0;
	case ASOF_CONTAINED:
		return start_against(version, asof->a, a_time) >= 0 &&
		       end_against(version, asof->b, b_time) <= 0;
	default:
		return true;
	}
}
