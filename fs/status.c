/* SPDX-License-Identifier: MIT */
/* status.c - see status.h. What was counted is one list of measures, printed in two
 * ways. */
#include "fs/status.h"

#include <stdio.h>
#include <unistd.h>

/* ---- Measures ------------------------------------------------------------ */

enum measure_type { COUNTER, GAUGE, SECONDS, SIZES };

struct measure {
	const char *name; /* without "driftfs_" */
	const char *help;
	enum measure_type type;
	const char *label;            /* a request's kind, or NULL */
	uint64_t value;               /* COUNTER, GAUGE */
	struct stats_reading reading; /* SECONDS (in ns), SIZES */
};

struct printer {
	void (*print)(struct buf *text, const struct measure *measure, bool first);
	struct buf *text;
	const char *last; /* name */
};

static void measure(struct printer *printer, const struct measure *measure)
{
	bool first = !printer->last || strcmp(printer->last, measure->name) != 0;

	printer->print(printer->text, measure, first);
	printer->last = measure->name;
}

static void number(struct printer *printer, const char *name, const char *help,
		   enum measure_type type, uint64_t value)
{
	measure(printer,
		&(struct measure){
			.name = name, .help = help, .type = type, .value = value });
}

static void histogram(struct printer *printer, const char *name, const char *help,
		      enum measure_type type, const struct stats_reading *reading)
{
	measure(printer, &(struct measure){ .name = name,
					    .help = help,
					    .type = type,
					    .reading = *reading });
}

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%*u %lu", &pages) != 1) // NOLINT(cert-err34-c)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void measure_engine(struct printer *printer, struct drift_db *db)
{
	struct drift_stats stats;

	drift_stats(db, &stats);
	number(printer, "head", "Newest event.", GAUGE, drift_head(db));
	number(printer, "read_only", "1 when commits are refused.", GAUGE,
	       drift_is_read_only(db));
	number(printer, "transactions_total", "Transactions committed.", COUNTER,
	       stats.transactions);
	number(printer, "events_total", "Events committed.", COUNTER, stats.events);
	number(printer, "log_bytes_total", "Bytes written to the log.", COUNTER,
	       stats.log_bytes);
	number(printer, "refused_batches_total",
	       "Batches of transactions that could not be written.", COUNTER,
	       stats.refused_batches);
	number(printer, "folded_events_total", "Events folded into the index.",
	       COUNTER, stats.folded_events);
	number(printer, "backlog_events", "Events not in the index yet.", GAUGE,
	       stats.memory_events);
	number(printer, "backlog_bytes", "Memory that they use.", GAUGE,
	       stats.memory_bytes);
	number(printer, "image_bytes",
	       "Memory of rows that queries read again and again.", GAUGE,
	       stats.image_bytes);
	histogram(printer, "batch_seconds",
		  "From writing a batch of transactions to its being visible.",
		  SECONDS, &stats.batch_time);
	histogram(printer, "batch_transactions", "Transactions written together.",
		  SIZES, &stats.batch_size);
	histogram(printer, "fdatasync_seconds", "Syncs of the log.", SECONDS,
		  &stats.sync_time);
	histogram(printer, "fold_seconds", "Folds into the index.", SECONDS,
		  &stats.fold_time);
}

static void measure_all(struct printer *printer, struct tree *tree)
{
	struct stats_reading reading;

	measure_engine(printer, tree->db);
	number(printer, "resident_bytes", "Memory of the daemon.", GAUGE,
	       resident_bytes());
	number(printer, "nodes", "Nodes that the kernel holds.", GAUGE,
	       nodes_count(&tree->nodes));
	number(printer, "open_handles", "Files and directories open in the mount.",
	       GAUGE, atomic_load(&tree->accounts.held[HOLD_OPEN]));
	number(printer, "unsaved_bytes", "Bytes in open rows, not committed.", GAUGE,
	       atomic_load(&tree->accounts.held[HOLD_UNSAVED]));
	number(printer, "scratch_bytes", "Bytes in files that are not rows.", GAUGE,
	       atomic_load(&tree->accounts.held[HOLD_SCRATCH]));
	number(printer, "refusals_total", "Requests refused with a reason.", COUNTER,
	       atomic_load(&tree->refusals.count));
	stats_read(&tree->changes.time, &reading);
	histogram(printer, "change_seconds",
		  "From a request that changes something to its answer.", SECONDS,
		  &reading);
	for (enum meter_op op = 0; op < METER_OPS; op++) {
		struct measure requests = {
			.name = "request_seconds",
			.help = "Time in the handlers of requests, by their kind.",
			.type = SECONDS,
			.label = meter_name(op),
		};

		stats_read(&tree->meter.time[op], &requests.reading);
		measure(printer, &requests);
	}
}

/* ---- Prometheus ---------------------------------------------------------- */

static void add_label(struct buf *text, const struct measure *measure, bool more)
{
	if (measure->label)
		buf_printf(text, "op=\"%s\"%s", measure->label, more ? "," : "");
}

static void add_total(struct buf *text, const struct measure *measure,
		      const char *suffix)
{
	buf_printf(text, "driftfs_%s%s", measure->name, suffix);
	if (measure->label) {
		buf_add_char(text, '{');
		add_label(text, measure, false);
		buf_add_char(text, '}');
	}
	buf_add_char(text, ' ');
}

static void add_buckets(struct buf *text, const struct measure *measure)
{
	const struct stats_reading *reading = &measure->reading;
	bool seconds = measure->type == SECONDS;

	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		buf_printf(text, "driftfs_%s_bucket{", measure->name);
		add_label(text, measure, true);
		if (i == STATS_BUCKETS - 1)
			buf_add_str(text, "le=\"+Inf\"");
		else
			buf_printf(text, "le=\"%.9g\"",
				   (double)(1u << i) * (seconds ? 1e-6 : 1));
		buf_printf(text, "} %llu\n",
			   (unsigned long long)reading->buckets[i]);
	}
	add_total(text, measure, "_sum");
	buf_printf(text, "%.9g\n", (double)reading->sum * (seconds ? 1e-9 : 1));
	add_total(text, measure, "_count");
	buf_printf(text, "%llu\n", (unsigned long long)reading->count);
}

static void print_metric(struct buf *text, const struct measure *measure, bool first)
{
	static const char *const types[] = { "counter", "gauge", "histogram",
					     "histogram" };

	if (first)
		buf_printf(text, "# HELP driftfs_%s %s\n# TYPE driftfs_%s %s\n",
			   measure->name, measure->help, measure->name,
			   types[measure->type]);
	if (measure->type == SECONDS || measure->type == SIZES) {
		add_buckets(text, measure);
		return;
	}
	add_total(text, measure, "");
	buf_printf(text, "%llu\n", (unsigned long long)measure->value);
}

enum drift_err status_metrics(struct tree *tree, const struct identity *identity,
			      uid_t uid, struct buf *text)
{
	struct printer printer = { .print = print_metric, .text = text };

	(void)identity, (void)uid;
	measure_all(&printer, tree);
	return buf_status(text);
}

/* ---- JSON ---------------------------------------------------------------- */

/* The upper bound of the bucket that the given share of what was counted lies in. */
static double quantile(const struct stats_reading *reading, double share)
{
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		if ((double)reading->buckets[i] >= share * (double)reading->count)
			return (double)(1u << i);
	return 0;
}

static void print_stat(struct buf *text, const struct measure *measure, bool first)
{
	double unit = measure->type == SECONDS ? 1e-9 : 1;
	double bound = measure->type == SECONDS ? 1e-6 : 1;

	(void)first;
	buf_add_str(text, text->size > 2 ? ",\n  \"" : "  \"");
	buf_add_str(text, measure->name);
	if (measure->label)
		buf_printf(text, "_%s", measure->label);
	if (measure->type != SECONDS && measure->type != SIZES) {
		buf_printf(text, "\": %llu", (unsigned long long)measure->value);
		return;
	}
	buf_printf(text,
		   "\": {\"count\": %llu, \"sum\": %.9g, \"p50\": %.9g, "
		   "\"p99\": %.9g}",
		   (unsigned long long)measure->reading.count,
		   (double)measure->reading.sum * unit,
		   quantile(&measure->reading, 0.5) * bound,
		   quantile(&measure->reading, 0.99) * bound);
}

enum drift_err status_stats(struct tree *tree, const struct identity *identity,
			    uid_t uid, struct buf *text)
{
	struct printer printer = { .print = print_stat, .text = text };

	(void)identity, (void)uid;
	buf_add_str(text, "{\n");
	measure_all(&printer, tree);
	buf_add_str(text, "\n}\n");
	return buf_status(text);
}

/* ---- status.json ----------------------------------------------------------- */

static void add_time(const char *name, drift_time_ns time, struct buf *text)
{
	buf_printf(text, "  \"%s\": ", name);
	if (time) {
		buf_add_char(text, '"');
		moment_print_time(time, text);
		buf_add_char(text, '"');
	} else {
		buf_add_str(text, "null");
	}
	buf_add_str(text, ",\n");
}

static void add_options(const struct tree *tree, struct buf *text)
{
	const struct tree_options *options = &tree->options;

	buf_printf(text,
		   "  \"options\": {\"read_only\": %s, \"history\": \"%s\", "
		   "\"format\": \"%s\", \"durability\": \"%s\", \"max_row\": %zu, "
		   "\"uid\": %u, \"gid\": %u, \"umask\": \"%03o\"},\n",
		   options->read_only ? "true" : "false",
		   options->hide_history ? "hidden" : "shown",
		   options->style == JSON_COMPACT ? "compact" : "pretty",
		   options->close_durability == DRIFT_DURABLE ? "close" : "later",
		   options->row_text_max, (unsigned)options->uid,
		   (unsigned)options->gid, (unsigned)options->umask);
}

static unsigned count_tables(struct drift_view view)
{
	const struct table_def *def = drift_table_next(view, (struct slice){ 0 });
	unsigned count = 0;

	for (; def; def = drift_table_next(view, slice_str(def->name)))
		count++;
	return count;
}

static void add_tags(struct drift_db *db, struct buf *text)
{
	struct drift_tag tag = { 0 };
	const char *lead = "";

	buf_add_str(text, "  \"tags\": {");
	while (drift_tag_next(db, slice_str(tag.name), &tag) == DRIFT_OK) {
		buf_add_str(text, lead);
		json_print_text(slice_str(tag.name), text);
		buf_printf(text, ": %llu", (unsigned long long)tag.seq);
		lead = ", ";
	}
	buf_add_str(text, "}\n");
}

enum drift_err status_json(struct tree *tree, const struct identity *identity,
			   uid_t uid, struct buf *text)
{
	struct drift_db *db = tree->db;
	drift_time_ns head_time = drift_head_time(db), now = drift_now(db);
	struct drift_stats stats;

	(void)identity, (void)uid;
	drift_stats(db, &stats);
	buf_printf(text, "{\n  \"format\": %d,\n  \"pid\": %d,\n  \"database\": ",
		   DRIFT_FORMAT_VERSION, (int)getpid());
	json_print_text(slice_str(drift_dir(db)), text);
	buf_printf(text, ",\n  \"database_id\": \"%s\",\n  \"head\": %llu,\n",
		   stats.database_id, (unsigned long long)drift_head(db));
	add_time("head_time", head_time, text);
	add_time("now", now, text);
	buf_printf(text, "  \"clock_behind_s\": %.3f,\n",
		   head_time > now ? (double)(head_time - now) / 1e9 : 0.0);
	if (tree->root.seq == SEQ_LIVE)
		buf_add_str(text, "  \"as_of\": null,\n");
	else
		buf_printf(text, "  \"as_of\": %llu,\n",
			   (unsigned long long)tree->root.seq);
	buf_printf(text,
		   "  \"read_only\": %s,\n  \"backlog_events\": %llu,\n"
		   "  \"backlog_bytes\": %llu,\n  \"tables\": %u,\n",
		   tree->options.read_only || drift_is_read_only(db) ? "true"
								     : "false",
		   (unsigned long long)stats.memory_events,
		   (unsigned long long)stats.memory_bytes,
		   count_tables(drift_view_live(db)));
	add_options(tree, text);
	add_tags(db, text);
	buf_add_str(text, "}\n");
	return buf_status(text);
}

/* ---- README ---------------------------------------------------------------- */

enum drift_err status_readme(struct tree *tree, const struct identity *identity,
			     uid_t uid, struct buf *text)
{
	(void)tree, (void)identity, (void)uid;
	buf_add_str(
		text,
		"This is a driftfs database as files.\n\n"
		"tables/T/rows/KEY.json   a row: > replaces, >> merges, rm deletes\n"
		"tables/T/history/KEY/    every version of a row\n"
		"tables/T/by/COL/VALUE/   rows by an indexed column\n"
		"tables/T/rows.jsonl      the whole table; rows.csv too. Their size "
		"is 0 (not\n"
		"                         known) here, so tar and rsync store them "
		"empty;\n"
		"                         under @seq/N they have them whole\n"
		"tables/T/import.jsonl    write rows here, in one transaction; "
		"import.csv too\n"
		"tables/T/events          what happened to it; events: to all\n"
		"query                    write DriftQL, read the answer\n"
		"@seq/N  @time/T  @tag/X  the whole database as of then\n"
		"@diff/A..B/              what changed between two moments\n"
		".driftfs/errors          why what you wrote was refused\n"
		".driftfs/status.json     where it stands; stats.json and metrics: "
		"what was counted\n");
	return buf_status(text);
}
