/* SPDX-License-Identifier: MIT */
#include "tests/bench/store/ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/care.h"
#include "engine/msg_step.h"

static int delay_ms;

static int slow_sync(const struct drift_io *io, int fd)
{
	(void)io;
	usleep((unsigned)delay_ms * 1000);
	return fdatasync(fd);
}

static const struct drift_io *slow_io(int sync_ms)
{
	static struct drift_io io;

	delay_ms = sync_ms;
	io = io_system;
	io.fdatasync = slow_sync;
	return sync_ms ? &io : NULL;
}

void ours_open(struct ours *ours)
{
	struct drift_options options = { .io = ours->io };
	struct drift_error error = { 0 };

	if (drift_open(ours->path, &options, &ours->db, &error))
		die(error.text);
	ours->t = drift_table(drift_view_live(ours->db), SLICE("t"));
}

void ours_make(struct ours *ours, const char *name, int sync_ms)
{
	struct table_def *def = table_def_new("t");
	struct drift_receipt receipt;
	struct drift_txn *txn;

	snprintf(ours->path, sizeof(ours->path), "%s/%s", settings.dir, name);
	ours->io = slow_io(sync_ms);
	ours->kept = settings.keep && access(ours->path, F_OK) == 0;
	if (ours->kept) {
		ours_open(ours);
		return;
	}
	shell("rm -rf %s", ours->path);
	must(drift_init(ours->path, NULL));
	ours_open(ours);
	def->document = true;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	if (!table_def_add_column(def, "id"))
		die("out of memory");
	def->columns[0].type = DRIFT_TEXT;
	must(index_def_add_column(table_def_add_index(def, "status"), "status"));
	must(drift_txn_new(ours->db, DRIFT_SEQ_MAX, NULL, &txn));
	must(drift_txn_define(txn, def, NULL));
	must(drift_commit(txn, DRIFT_DURABLE, &receipt));
	drift_txn_free(txn);
	table_def_free(def);
	ours->t = drift_table(drift_view_live(ours->db), SLICE("t"));
}

void ours_warm(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[600];

	shell("cat %s/*/index/data.mdb %s/*/log/* >/dev/null", settings.dir,
	      settings.dir);
	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to, at;
		struct stat st;
		char path[512];

		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %511[^\n]", &from, &to,
			   &at, path) != 4 ||
		    !strstr(path, "data.mdb") || stat(path, &st) != 0 || at)
			continue;
		if ((unsigned long)st.st_size < to - from)
			to = from + (unsigned long)st.st_size;
		if (madvise((void *)from, to - from, MADV_POPULATE_READ) != 0)
			die("cannot map the index");
	}
	if (maps)
		fclose(maps);
}

void ours_put(struct ours *ours, struct drift_txn *txn, const struct row *row,
	      struct buf *key, struct buf *document)
{
	buf_clear(key);
	buf_clear(document);
	key_add_text(key, slice_str(row->id));
	msg_add_map(document, 5);
	msg_add_text(document, SLICE("id"));
	msg_add_text(document, slice_str(row->id));
	msg_add_text(document, SLICE("status"));
	msg_add_text(document, slice_str(row->status));
	msg_add_text(document, SLICE("n"));
	msg_add_int(document, row->n);
	msg_add_text(document, SLICE("amount"));
	msg_add_real(document, row->amount);
	msg_add_text(document, SLICE("note"));
	msg_add_text(document, slice_str(row->note));
	must(drift_txn_put(txn, ours->t, buf_slice(key), buf_slice(document),
			   DRIFT_PUT, NULL));
}

void ours_load(struct ours *ours, int from, int events, int keys, bool in_order,
	       double *most_mib)
{
	struct buf key = BUF_INIT, document = BUF_INIT;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	for (int i = from; i < from + events;) {
		must(drift_txn_new(ours->db, DRIFT_SEQ_MAX, NULL, &txn));
		for (int n = 0; n < BATCH && i < from + events; n++, i++) {
			struct row row = make_row(
				in_order ? (unsigned)i : draw((unsigned)keys), i);

			ours_put(ours, txn, &row, &key, &document);
		}
		must(drift_commit(txn, DRIFT_DURABLE, &receipt));
		drift_txn_free(txn);
		if (most_mib && i / BATCH % 50 == 0 && anonymous_mib() > *most_mib)
			*most_mib = anonymous_mib();
	}
	must(drift_fold(ours->db));
	buf_release(&key);
	buf_release(&document);
}

static struct slice random_key(struct buf *key)
{
	struct row row = make_row(draw((unsigned)settings.keys), 0);

	buf_clear(key);
	key_add_text(key, slice_str(row.id));
	return buf_slice(key);
}

double ours_points(struct ours *ours, int count, drift_seq first, drift_seq last)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	double start = seconds();

	for (int i = 0; i < count; i++) {
		drift_seq seq = first + draw((unsigned)(last - first) + 1);
		enum drift_err err = drift_get(drift_view_at(ours->db, seq),
					       ours->t->id, random_key(&key), &row);

		if (err != DRIFT_NO_ROW)
			must(err);
	}
	start = seconds() - start;
	drift_row_release(&row);
	buf_release(&key);
	return start * 1e6 / count;
}

/* As a statement finds a column: by the places that rows of the index come with. */
static enum drift_err member_n(const struct drift_version *version,
			       struct msg_cursor *value)
{
	struct msg_step_name name = msg_step_name_of("n", 1);
	struct slice member;
	enum drift_err err;

	*value = msg_cursor_of(version->row);
	value->at = msg_step_to_place(version->row, version->places, 2, &name);
	if (value->at)
		return DRIFT_OK;
	err = msg_member(version->row, SLICE("n"), &member);
	*value = msg_cursor_of(member);
	return err;
}

/* count and sum(n), as the yardstick computes them. */
double ours_scan(struct ours *ours, drift_seq seq)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	int64_t sum = 0, n;
	double start = seconds();
	enum drift_err err;

	must(drift_scan(drift_view_at(ours->db, seq), ours->t->id, NULL, &cursor));
	while (!(err = drift_cursor_next(cursor, &version))) {
		struct msg_cursor value;

		must(member_n(&version, &value));
		must(msg_read_int(&value, &n));
		sum += n;
	}
	if (err != DRIFT_DONE || sum == 0)
		die("scan");
	drift_cursor_close(cursor);
	return (seconds() - start) * 1e3;
}

double ours_changes(struct ours *ours, drift_seq from, drift_seq to)
{
	struct drift_difference difference;
	struct drift_changes *changes;
	double start = seconds();
	int count = 0;
	enum drift_err err;

	must(drift_changes_open(drift_view_at(ours->db, from),
				drift_view_at(ours->db, to), ours->t->id, NULL,
				&changes));
	while (!(err = drift_changes_next(changes, &difference)))
		count++;
	if (err != DRIFT_DONE || count == 0)
		die("changes");
	drift_changes_close(changes);
	return (seconds() - start) * 1e6;
}

double ours_versions(struct ours *ours, int count)
{
	struct drift_version version;
	struct drift_cursor *cursor;
	struct buf key = BUF_INIT;
	double start = seconds();
	int versions = 0;
	enum drift_err err;

	for (int i = 0; i < count; i++) {
		struct drift_range range = { 0 };

		range.low = range.high = random_key(&key);
		must(drift_history(drift_view_live(ours->db), ours->t->id, &range,
				   &cursor));
		while (!(err = drift_cursor_next(cursor, &version)))
			versions++;
		if (err != DRIFT_DONE)
			must(err);
		drift_cursor_close(cursor);
	}
	buf_release(&key);
	return (seconds() - start) * 1e6 / (versions ? versions : 1);
}
