/* SPDX-License-Identifier: MIT */
/* timeline.c - names of moments. Each number has its directory in @seq; everything
 * else that names a moment is a link to one. A few links are listed, so that a
 * person sees where to go; any other moment is found by its name. */
#include "fs/timeline.h"

#include "engine/care.h"
#include "fs/name.h"

#define SHOWN 16

struct identity timeline_link(drift_seq seq)
{
	return (struct identity){ .kind = NODE_LINK,
				  .seq = seq,
				  .key = SLICE("../@seq/") };
}

/* Within @seq. */
static struct identity link_to(drift_seq seq)
{
	return (struct identity){ .kind = NODE_LINK, .seq = seq, .key = SLICE("") };
}

#define SNAPSHOT "snapshot-" /* and the seq of one, of any table */

static bool is_snapshot(struct tree *tree, drift_seq seq)
{
	struct drift_snapshot_info info = { 0 };

	while (drift_snapshot_next(tree->db, &info))
		if (info.seq == seq)
			return true;
	return false;
}

/* The newest seqs that have a snapshot, newest first; how many. */
static unsigned newest_snapshots(struct tree *tree, drift_seq seqs[SHOWN])
{
	struct drift_snapshot_info info = { 0 };
	unsigned count = 0, at;

	while (drift_snapshot_next(tree->db, &info)) {
		for (at = count; at > 0 && seqs[at - 1] < info.seq; at--)
			;
		if (at == SHOWN || (at > 0 && seqs[at - 1] == info.seq))
			continue;
		count += count < SHOWN;
		memmove(&seqs[at + 1], &seqs[at],
			(count - at - 1) * sizeof(seqs[0]));
		seqs[at] = info.seq;
	}
	return count;
}

static bool parse_snapshot(struct tree *tree, struct slice name, drift_seq *seq)
{
	size_t size = sizeof(SNAPSHOT) - 1;

	return name.size > size && memcmp(name.data, SNAPSHOT, size) == 0 &&
	       name_parse_seq(slice_of((const char *)name.data + size,
				       name.size - size),
			      seq) &&
	       is_snapshot(tree, *seq);
}

/* A number is the directory itself; head, head~k, oldest and snapshots' names are links
 * to one. */
enum drift_err timeline_seq_child(struct tree *tree, const struct identity *parent,
				  struct slice name, struct buf *key,
				  struct identity *child)
{
	struct moment moment;
	drift_seq seq;

	(void)parent, (void)key;
	if (name_parse_seq(name, &seq)) {
		*child = (struct identity){ .kind = NODE_ROOT, .seq = seq };
		return DRIFT_OK;
	}
	if (slice_equal(name, SLICE("oldest"))) {
		*child = link_to(0);
		return DRIFT_OK;
	}
	if (parse_snapshot(tree, name, &seq)) {
		*child = link_to(seq);
		return DRIFT_OK;
	}
	if (name.size < 4 || memcmp(name.data, "head", 4) != 0 ||
	    moment_parse(name, MOMENT_OF_SEQ, drift_now(tree->db), &moment, NULL) ||
	    moment.kind != MOMENT_HEAD ||
	    drift_resolve(tree->db, &moment, false, &seq, NULL))
		return DRIFT_NO_ROW;
	*child = link_to(seq);
	return DRIFT_OK;
}

enum drift_err timeline_time_child(struct tree *tree, const struct identity *parent,
				   struct slice name, struct buf *key,
				   struct identity *child)
{
	struct moment moment;
	drift_seq seq;

	(void)parent, (void)key;
	if (moment_parse(name, MOMENT_OF_TIME, drift_now(tree->db), &moment, NULL))
		return DRIFT_BAD_MOMENT;
	if (drift_resolve(tree->db, &moment, false, &seq, NULL))
		return DRIFT_NO_ROW;
	*child = timeline_link(seq);
	return DRIFT_OK;
}

enum drift_err timeline_seq_names(struct listing *listing)
{
	struct buf *names = &listing->fixed;
	drift_seq seqs[SHOWN];
	unsigned count = newest_snapshots(listing->tree, seqs);

	buf_add_str(names, "head");
	buf_add_char(names, '\0');
	for (unsigned back = 1; back < SHOWN && back <= listing->view.seq; back++) {
		buf_printf(names, "head~%u", back);
		buf_add_char(names, '\0');
	}
	buf_add(names, "oldest", sizeof("oldest"));
	for (unsigned i = 0; i < count; i++) {
		buf_printf(names, SNAPSHOT "%llu", (unsigned long long)seqs[i]);
		buf_add_char(names, '\0');
	}
	return DRIFT_OK;
}

enum drift_err timeline_time_names(struct listing *listing)
{
	struct drift_tx shown[SHOWN];
	unsigned count = 0;
	enum drift_err err =
		drift_tx_recent(listing->tree->db, shown, SHOWN, &count);

	for (unsigned i = 0; !err && i < count; i++) {
		moment_print_time(shown[i].time, &listing->fixed);
		buf_add_char(&listing->fixed, '\0');
	}
	return err;
}

enum drift_err timeline_target(struct tree *tree, const struct identity *link,
			       struct buf *target)
{
	(void)tree;
	buf_add_slice(target, link->key);
	buf_printf(target, "%llu", (unsigned long long)link->seq);
	return DRIFT_OK;
}
