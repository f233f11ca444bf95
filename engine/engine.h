/* SPDX-License-Identifier: MIT */
/* engine.h - the storage engine's public face: open a database, read it as of
 * any seq, commit transactions to it, follow its log. What keeps it well is in care.h.
 *
 * Threads: every function may be called from any thread unless it says
 * otherwise. Readers never wait for a writer. A struct
 * drift_txn, drift_cursor, drift_events or drift_row belongs to one thread at a
 * time. One process has a database open at a time (LOCK); fork before opening.
 *
 * Visibility: an event is visible, in every view made after, when it is durable
 * (or written, with DRIFT_DURABLE_LATER) and before its commit is acknowledged. */
#ifndef DRIFT_ENGINE_ENGINE_H
#define DRIFT_ENGINE_ENGINE_H

#include "engine/catalog.h"
#include "engine/stats.h"

struct drift_db;
struct drift_txn;
struct drift_cursor;
struct drift_events;
struct drift_io; /* io.h: the table of file functions */

/* ---- Databases ------------------------------------------------------- */

struct drift_options {
	/* Commits are refused with DRIFT_READ_ONLY; of a damaged log, what comes before
	 * the damage is served. */
	bool read_only;
	uint32_t row_bytes_max;     /* of a row as MessagePack; default 16 MiB */
	uint64_t segment_bytes_max; /* rotate above; default 64 MiB */
	uint32_t fold_events_max;   /* memtable size that starts a fold;
					 * default 100,000 */
	uint32_t interval_ms;       /* bound for DRIFT_DURABLE_LATER; default 100 */
	/* A table gets a snapshot by itself when as many events as this, and as many
	 * as it has rows, came since the last one; default 10,000. */
	uint32_t snapshot_events_min;
	/* A transaction is held in memory until it is committed (about three times
	 * its bytes), so both are limited: DRIFT_TX_TOO_BIG. Default 256 MiB of
	 * keys and rows, 4 million operations. */
	uint64_t txn_bytes_max;
	uint32_t txn_ops_max;
	/* Rows of tables that are read again and again at one state are kept in memory,
	 * for queries; up to so many bytes. Default 256 MiB, or a sixteenth of the
	 * machine's memory if that is less; 1: none. */
	uint64_t image_bytes_max;
	uint32_t image_rows_min; /* fewer are not worth it; default 256 */
	bool rebuild_index;      /* make the index anew from the log */
	/* While opening reads a log that the index has not seen: up to which event it
	 * has come, and how much of all that is, 0 to 1. NULL: nobody asks. */
	void (*progress)(void *arg, drift_seq seq, double part);
	void *progress_arg;
	const struct drift_io *io; /* NULL: the real system */
	/* Reports for the operator (torn tail cut, index rebuilt), one line each,
	 * no newline; NULL: stderr. Called from any thread. */
	void (*report)(void *arg, const char *line);
	void *report_arg;
};

/* The release, as packages and --version name it; the Makefile reads it here. */
#define DRIFT_VERSION "0.1.0"
#define DRIFT_FORMAT_VERSION 1
#define DRIFT_ROW_BYTES_MAX (16u << 20)

/* Make an empty database in dir (created 0700; an existing empty directory is
 * taken). DRIFT_BAD_ARGUMENT when dir is not empty. */
enum drift_err drift_init(const char *dir, struct drift_error *error);

/* Open, lock, recover. options may be NULL. Errors: DRIFT_NOT_A_DATABASE,
 * DRIFT_NEWER, DRIFT_UNSAFE, DRIFT_IN_USE (the text names the pid),
 * DRIFT_CORRUPT (damage that is not a torn tail), DRIFT_IO, DRIFT_NOMEM. */
enum drift_err drift_open(const char *dir, const struct drift_options *options,
			  struct drift_db **db, struct drift_error *error);
/* Wait for commits under way, fold, release the lock. NULL is fine. No cursor,
 * transaction or event stream of db may still exist. */
void drift_close(struct drift_db *db);

/* pid that holds dir's lock, 0 when none does. Takes no lock. */
int drift_owner(const char *dir);

const char *drift_dir(const struct drift_db *db); /* absolute path */
/* Newest visible event. */
drift_seq drift_head(struct drift_db *db);
/* Commit time of the newest transaction, 0 when there is none. */
drift_time_ns drift_head_time(struct drift_db *db);
/* The wall clock; injected by tests through struct drift_io. */
drift_time_ns drift_now(struct drift_db *db);
/* How far the wall clock is behind the newest commit time, 0 when it is not: so far
 * the times of commits run ahead of it. Opening reports more than five minutes. */
drift_time_ns drift_clock_behind(struct drift_db *db);
/* True after a failed fdatasync: later commits get DRIFT_READ_ONLY. */
bool drift_is_read_only(struct drift_db *db);

/* What was done since the database was opened, and what is held in memory now. */
struct drift_stats {
	char database_id[40];          /* hexadecimal */
	uint64_t transactions, events; /* committed */
	uint64_t log_bytes;            /* written */
	uint64_t refused_batches; /* of transactions, that could not be written */
	uint64_t folded_events;   /* from memory into the index */
	uint64_t layers;          /* of memory */
	uint64_t memory_events;   /* not in the index yet */
	uint64_t memory_bytes;
	uint64_t image_bytes; /* of rows that are kept for queries */
	struct stats_reading
		batch_time; /* from writing a batch to its being visible */
	struct stats_reading
		batch_size;             /* transactions that were written together */
	struct stats_reading sync_time; /* of an fdatasync of the log */
	struct stats_reading fold_time;
};
void drift_stats(struct drift_db *db, struct drift_stats *stats);

/* Moment to seq. Seqs: DRIFT_BAD_MOMENT above the head unless clamp, which gives
 * the head (SQL's rule). Times: the last transaction at or before; before the
 * first: 0; in the future: DRIFT_BAD_MOMENT. A time from now back to the newest
 * transaction raises the floor for later commit times, so what it resolved to
 * stays true. Tags: DRIFT_BAD_MOMENT when there is no such tag. */
enum drift_err drift_resolve(struct drift_db *db, const struct moment *moment,
			     bool clamp, drift_seq *seq, struct drift_error *error);

/* ---- Tags ------------------------------------------------------------- */

/* A tag names a moment. Tags are no part of any view: they are what they are now, and
 * all doors see them (DRIFT_BAD_MOMENT from drift_resolve, DRIFT_NO_TAG here, when
 * there is none). Made and dropped by transactions, below. */
#define DRIFT_TAG_BYTES_MAX 255
struct drift_tag {
	char name[DRIFT_TAG_BYTES_MAX + 1]; /* valid UTF-8, no NUL */
	drift_seq seq;
	drift_time_ns created; /* commit time of the transaction that made it */
};

/* DRIFT_NO_TAG when there is none. */
enum drift_err drift_tag_find(struct drift_db *db, struct slice name,
			      struct drift_tag *tag);
/* The tag with the smallest name (bytewise) greater than after; DRIFT_DONE at the
 * end. Start with an empty slice. */
enum drift_err drift_tag_next(struct drift_db *db, struct slice after,
			      struct drift_tag *tag);

/* ---- Views ------------------------------------------------------------ */

/* The database at one seq. A plain value: copy it, keep it for ever, forget it;
 * it holds nothing. Reads at a view always answer the same. */
struct drift_view {
	struct drift_db *db;
	drift_seq seq;
	uint64_t ddl; /* live: DDL statements seen; 0: pinned, schema as of seq */
	/* A transaction whose own writes the reads include, or NULL, and how many
	 * of its operations (so that a statement does not see its own). */
	const struct drift_txn *txn;
	uint32_t txn_ops;
};

struct drift_view drift_view_live(struct drift_db *db); /* the newest moment */
struct drift_view drift_view_at(struct drift_db *db, drift_seq seq);

/* The table called name as the view shows it, or NULL. Lives until drift_close
 * (for a table made in view.txn: until the transaction ends). */
const struct table_def *drift_table(struct drift_view view, struct slice name);
/* By id; the version the view shows, NULL if it shows none. */
const struct table_def *drift_table_by_id(struct drift_view view, uint32_t id);
/* The table with the smallest name greater than after, NULL at the end; start
 * with an empty slice. */
const struct table_def *drift_table_next(struct drift_view view, struct slice after);
/* Saved queries (SQL's views): definitions with `query` set. They share the tables'
 * space of names, and no function above shows them. */
const struct table_def *drift_saved_query(struct drift_view view, struct slice name);
const struct table_def *drift_saved_query_next(struct drift_view view,
					       struct slice after);
/* A saved query that reads the table or saved query with this id; NULL: none. While
 * there is one, dropping or renaming it is DRIFT_DEPENDED_ON at commit. */
const struct table_def *drift_user_of(struct drift_view view, uint32_t id);
/* Another table with a foreign key to the table with this id; NULL: none. While there is
 * one, dropping it is DRIFT_DEPENDED_ON at commit. */
const struct table_def *drift_referrer_of(struct drift_view view, uint32_t id);
/* Changes with each DDL that became visible. For caches of definitions. */
uint64_t drift_ddl_count(struct drift_db *db);

/* Members ever seen at the top level of a table's rows, besides its declared
 * columns, in order of first appearance; at most FIELDS_MAX are kept. */
#define FIELDS_MAX 1500
struct field {
	const char *name; /* lives until drift_close */
	uint32_t types;   /* bits 1 << enum msg_type seen up to the view's seq */
};
/* Fields seen up to the view's seq. A live view's grow; a pinned one's never do. */
unsigned drift_field_count(struct drift_view view, uint32_t table_id);
/* Field i < drift_field_count(). */
struct field drift_field(struct drift_view view, uint32_t table_id, unsigned i);
/* True if a row's key was ever stored as a JSON integer (document tables). */
bool drift_has_integer_keys(struct drift_db *db, uint32_t table_id);
/* Rows in the table now (live), a running count. */
uint64_t drift_row_count(struct drift_db *db, uint32_t table_id);

/* How many rows a scan of the whole table would find in the view, where that is known
 * without one. DRIFT_DONE: it is not, as in a transaction that wrote. Cost: a block of
 * the table's changes, and the events that are not in the index yet. */
enum drift_err drift_count(struct drift_view view, uint32_t table_id,
			   uint64_t *rows);

/* Different values of a column as ANALYZE last counted them, 0: not known. */
uint64_t drift_distinct(struct drift_db *db, uint32_t table_id, const char *column);
struct drift_distinct {
	const char *column;
	uint64_t values;
};
/* Note what was counted, instead of what the table's last count said of these columns.
 * Kept in the index: known until that is built anew. */
enum drift_err drift_note_distinct(struct drift_db *db, uint32_t table_id,
				   const struct drift_distinct *columns,
				   unsigned count);

/* ---- Reading rows ----------------------------------------------------- */

enum drift_op { DRIFT_OP_INSERT = 1, DRIFT_OP_UPDATE, DRIFT_OP_DELETE };

/* One version of one row. Slices point into the owner (the drift_row's buffer or
 * the cursor) and are good until its next use. */
struct drift_version {
	struct slice key;
	struct slice row; /* document; empty for a delete */
	/* Where its first members begin in it: a byte each, or two (big endian) if the
	 * row has more than 255. Empty: not known. */
	struct slice places;
	drift_seq seq;      /* the event; 0 for a transaction's own write */
	drift_time_ns time; /* its commit time */
	enum drift_op op;   /* DRIFT_OP_INSERT only if known: see each reader */
	bool integer_key;   /* the row holds its document-table key as integer */
	/* Set by drift_history only: the event that ended this version. */
	drift_seq end_seq; /* 0 = current at the view's seq */
	drift_time_ns end_time;
};

/* A version and the memory it points into. */
struct drift_row {
	struct drift_version version;
	struct buf memory;
};

#define DRIFT_ROW_INIT ((struct drift_row){ 0 })
void drift_row_release(struct drift_row *row);

/* The row with this key in the view: DRIFT_NO_ROW when there is none. op is
 * DRIFT_OP_UPDATE or DRIFT_OP_INSERT without promise. Cost: one memtable
 * look-up, one index look-up; as of the past one more and one log read. */
enum drift_err drift_get(struct drift_view view, uint32_t table_id, struct slice key,
			 struct drift_row *row);
/* Since which seq a row's version (of that seq, in the view) has been shown as the view
 * shows it: its own seq, or that of an ALTER TABLE since. drift_get at that seq finds
 * the same version in the same shape. */
drift_seq drift_shown_since(struct drift_view view, uint32_t table_id,
			    drift_seq seq);
/* Like drift_get, but also finds the tombstone of a row deleted in or before the
 * view: then DRIFT_OK with op DRIFT_OP_DELETE. */
enum drift_err drift_get_version(struct drift_view view, uint32_t table_id,
				 struct slice key, struct drift_row *row);

/* One table's rows by key, again and again, as a join asks for them: keeps what each
 * drift_get sets up, and copies nothing. */
struct drift_lookup;
enum drift_err drift_lookup_open(struct drift_view view, uint32_t table_id,
				 struct drift_lookup **lookup);
/* As drift_get; *version is good until the next call. */
enum drift_err drift_lookup_get(struct drift_lookup *lookup, struct slice key,
				struct drift_version *version);
void drift_lookup_close(struct drift_lookup *lookup); /* NULL is fine */

/* Bounds of a scan, on key bytes (or index-value bytes). */
struct drift_range {
	struct slice low;  /* empty data pointer (NULL): from the start */
	struct slice high; /* NULL: to the end */
	bool low_open;     /* low itself is excluded */
	bool high_open;
	bool prefix; /* keys that begin with low; high is not used */
};

/* Every row of the table in the view, in key order. The range is copied. */
enum drift_err drift_scan(struct drift_view view, uint32_t table_id,
			  const struct drift_range *range,
			  struct drift_cursor **cursor);
/* The same for who may well ask the same again: a table that was read whole at one state
 * is kept in memory as it is read once more (options.image_bytes_max), and read from there
 * by everybody, until it is needed for others or the table changed. */
enum drift_err drift_scan_again(struct drift_view view, uint32_t table_id,
				const struct drift_range *range,
				struct drift_cursor **cursor);
/* The same rows from the last to the first. Cost: that of drift_scan for the rows given
 * and for what is newer than the index; it holds copies of at most 4096 rows (some MiB). */
enum drift_err drift_scan_back(struct drift_view view, uint32_t table_id,
			       const struct drift_range *range,
			       struct drift_cursor **cursor);
/* Can the view be answered from the index? One that was made when its table had rows is
 * built in the background; until it is, and for moments before it was, drift_index_scan
 * reads the whole table instead. */
bool drift_index_usable(struct drift_view view, const struct index_def *index);
/* Wait until no index is being built, or one cannot be. */
enum drift_err drift_index_wait(struct drift_db *db);
/* Rows whose value of the index is in range; order not specified; each row
 * once. Values are cut at KEY_VALUE_BYTES_MAX, so the caller checks again. */
enum drift_err drift_index_scan(struct drift_view view, uint32_t table_id,
				const struct index_def *index,
				const struct drift_range *range,
				struct drift_cursor **cursor);
/* The smallest value greater than `after` (size 0: the smallest) that a row has in the
 * view; DRIFT_DONE when there is none. value is replaced. Nothing is held. */
enum drift_err drift_index_next_value(struct drift_view view, uint32_t table_id,
				      const struct index_def *index,
				      struct slice after, struct buf *value);
/* Append the keys of at most max rows that have one of the whole values in the view, in
 * key order from `from` on (after: behind it), each as its size (2 bytes, big endian)
 * and its bytes. Nothing is held. Cost: the keys given, and what lost the value since a
 * past view. */
enum drift_err drift_index_keys(struct drift_view view, uint32_t table_id,
				const struct index_def *index,
				const struct slice *values, unsigned value_count,
				struct slice from, bool after, unsigned max,
				struct buf *keys);
/* Every version with seq <= view.seq, deletes included as tombstones, of the keys
 * in range: by key, then by seq. op exact, end_seq and end_time set. */
enum drift_err drift_history(struct drift_view view, uint32_t table_id,
			     const struct drift_range *range,
			     struct drift_cursor **cursor);
/* The next version: DRIFT_DONE at the end. *version is good until the next call. */
enum drift_err drift_cursor_next(struct drift_cursor *cursor,
				 struct drift_version *version);
void drift_cursor_close(struct drift_cursor *cursor); /* NULL is fine */

/* ---- What changed between two moments ------------------------------------ */

struct drift_changes;

/* One key whose row differs. */
struct drift_difference {
	struct slice key;
	bool had, has; /* a row before, a row after; never neither */
	struct drift_version before, after;
};

/* The keys in range (NULL: all) whose rows differ between the two views' seqs, in key
 * order, each once; a row that came back equal is none. The views' transactions are
 * not looked at. Cost: the table's events in between, whatever else there is. */
enum drift_err drift_changes_open(struct drift_view before, struct drift_view after,
				  uint32_t table_id, const struct drift_range *range,
				  struct drift_changes **changes);
/* The next one: DRIFT_DONE at the end. Slices are good until the next call. */
enum drift_err drift_changes_next(struct drift_changes *changes,
				  struct drift_difference *difference);
void drift_changes_close(struct drift_changes *changes); /* NULL is fine */

/* ---- Transactions ----------------------------------------------------- */

/* Who and why; strings are copied, NULL is none. */
struct drift_author {
	const char *user;    /* who: login or database user */
	const char *client;  /* through what: "fs pid 12", "driftdb", "psql" */
	const char *comment; /* why */
};

enum drift_durability {
	DRIFT_DURABLE,       /* acknowledged after fdatasync */
	DRIFT_DURABLE_LATER, /* acknowledged once written and visible; synced
				 * within options.interval_ms */
};

enum drift_put_mode {
	DRIFT_PUT,        /* insert or replace */
	DRIFT_PUT_INSERT, /* DRIFT_KEY_EXISTS if the row is there */
	DRIFT_PUT_UPDATE, /* DRIFT_NO_ROW if it is not */
};

/* A transaction in the making. base_seq: the moment its reads were made at; at
 * commit, a key it writes that has a newer version is DRIFT_CONFLICT (first
 * committer wins). DRIFT_SEQ_MAX: no such check, the last writer wins. */
enum drift_err drift_txn_new(struct drift_db *db, drift_seq base_seq,
			     const struct drift_author *author,
			     struct drift_txn **txn);
void drift_txn_free(struct drift_txn *txn); /* also after a commit; NULL is fine */
/* Number of operations so far; a savepoint. */
uint32_t drift_txn_ops(const struct drift_txn *txn);
/* Take back the operations after the first `ops`. */
enum drift_err drift_txn_rewind(struct drift_txn *txn, uint32_t ops);
enum drift_err drift_txn_set_comment(struct drift_txn *txn, const char *comment);
/* Take the write at commit as seen by this view (default: live). For reading its
 * own writes set view.txn = txn, view.txn_ops = drift_txn_ops(txn). */

/* Store row (checked and completed by row_shape) under key. The engine decides
 * at commit whether it is an insert or an update; equal to the present row: no
 * event. Mode is checked at commit, and now against the transaction's own writes.
 * Bytes are copied. DRIFT_TOO_BIG above options.row_bytes_max, DRIFT_TX_TOO_BIG
 * when the transaction would exceed options.txn_bytes_max or txn_ops_max: the
 * operation is not added, those before it stay. */
enum drift_err drift_txn_put(struct drift_txn *txn, const struct table_def *def,
			     struct slice key, struct slice row,
			     enum drift_put_mode mode, struct drift_error *error);
/* Another row of the view, a transaction's own writes included, that has the same values
 * of a unique index as row (as shown, of the row called key): DRIFT_OK, its key appended
 * to *other, and *index. DRIFT_NO_ROW when there is none. Commits check it in any case;
 * this is for INSERT OR IGNORE and its kin, which must know at once. */
enum drift_err drift_unique_clash(struct drift_view view,
				  const struct table_def *def, struct slice key,
				  struct slice row, const struct index_def **index,
				  struct buf *other);
/* Do rows that the transaction's operations from number `from` (from 0) on have put clash
 * so with others? view: what is there, with all of them. DRIFT_KEY_EXISTS, in a commit's
 * words; for the end of a statement in a transaction that goes on. */
enum drift_err drift_txn_check_unique(struct drift_view view, uint32_t from,
				      struct drift_error *error);
/* Remove the row; DRIFT_NO_ROW at commit when it is not there, unless
 * if_exists. */
enum drift_err drift_txn_delete(struct drift_txn *txn, const struct table_def *def,
				struct slice key, bool if_exists,
				struct drift_error *error);
/* The last two operations, the deletion of a row and the putting of one in its table,
 * are one row's that gets another key: what refers to it is asked for its ON UPDATE. */
void drift_txn_moved(struct drift_txn *txn);
/* Add what foreign keys ask for (CASCADE, SET NULL) because of what was written since the
 * last call: for the end of a statement, whose writes mean the rows as it found them, and
 * so that the next one sees it. A commit calls it for what is left. On an error the
 * transaction is to be rewound, or given up. */
enum drift_err drift_txn_settle(struct drift_txn *txn, struct drift_error *error);
/* DDL. def->id 0: a new table (DRIFT_TABLE_EXISTS if one of that name is there
 * at commit); else a new version of that table. def->sql is what dump shows. def
 * is copied. Visible to the transaction's own view through drift_table. */
enum drift_err drift_txn_define(struct drift_txn *txn, const struct table_def *def,
				struct drift_error *error);
/* Drop. if_empty: DRIFT_NOT_EMPTY while it has rows. sql: what dump shows. */
enum drift_err drift_txn_drop(struct drift_txn *txn, const struct table_def *def,
			      bool if_empty, const char *sql,
			      struct drift_error *error);
/* Name a moment, or forget the name. DDL: the log keeps it, dump shows it as
 * "TAG x AT @SEQ:5" and "DROP TAG x". name must have a name as a file
 * (key_component_encode): not empty, UTF-8, at most 255 bytes when encoded. seq:
 * DRIFT_SEQ_MAX for the head when it commits, the transaction's own events before it
 * counted in. At commit: DRIFT_TAG_EXISTS, DRIFT_BAD_MOMENT above the head,
 * DRIFT_NO_TAG (unless if_exists). Other transactions see it when it is committed. */
enum drift_err drift_txn_tag(struct drift_txn *txn, struct slice name, drift_seq seq,
			     struct drift_error *error);
enum drift_err drift_txn_untag(struct drift_txn *txn, struct slice name,
			       bool if_exists, struct drift_error *error);
/* Both in one: the moment of `from`, now called `to`. To replace a tag called `to`,
 * untag it first, in the same transaction. */
enum drift_err drift_txn_rename_tag(struct drift_txn *txn, struct slice from,
				    struct slice to, struct drift_error *error);
/* For load: exact time (strictly after the newest transaction's, or
 * DRIFT_BAD_ARGUMENT at commit), transaction id (above the newest; 0 = next), the
 * seq its first event must get (DRIFT_BAD_ARGUMENT at commit if it would get
 * another, so that transactions sent behind one that failed fail too; 0 = any),
 * and that equal rows are events too. */
void drift_txn_replay(struct drift_txn *txn, drift_time_ns time, uint64_t tx,
		      drift_seq first_seq);

/* What a commit did. Numbers are after equal rows were left out. */
struct drift_receipt {
	enum drift_err err;
	struct drift_error error; /* when err */
	uint64_t tx;              /* transaction id, 0 when nothing changed */
	drift_seq first_seq;      /* its events are first_seq .. first_seq+count-1 */
	uint32_t count;
	drift_time_ns time;
};

/* Commit and wait. On any error nothing of it is stored (DRIFT_IO: unknown until
 * the database is opened again). The txn cannot be used again but to free it. */
enum drift_err drift_commit(struct drift_txn *txn, enum drift_durability durability,
			    struct drift_receipt *receipt);
/* Commit, waiting only while 256 MiB of transactions stand in the queue, and have
 * done(arg, receipt) called once, by whoever is the committer then (or
 * the commit hook's), when it is acknowledged; done must not block or commit.
 * The txn belongs to the engine and is freed after done returns. */
void drift_commit_async(struct drift_txn *txn, enum drift_durability durability,
			void (*done)(void *arg, const struct drift_receipt *receipt),
			void *arg);
/* The same for a thread that has nothing else to do: if nobody is at work it is the
 * committer itself, which spares two changes of threads; then this takes as long as the
 * disk, and done may be called before it returns, so hold no lock that done takes. If
 * somebody is it waits for nothing, however much stands in the queue: what may stand there
 * is for its callers to bound. */
void drift_commit_here(struct drift_txn *txn, enum drift_durability durability,
		       void (*done)(void *arg, const struct drift_receipt *receipt),
		       void *arg);
/* Wait until everything acknowledged or visible so far is durable. */
enum drift_err drift_sync(struct drift_db *db);
/* The same without waiting; done as in drift_commit_async. */
void drift_sync_async(struct drift_db *db,
		      void (*done)(void *arg, const struct drift_receipt *receipt),
		      void *arg);

/* ---- Following commits ------------------------------------------------ */

/* One event of a batch of transactions that just became visible. Slices are good
 * until drift_batch_release. */
struct drift_change {
	uint32_t table_id;
	struct slice key;
	enum drift_op op;
	drift_seq seq;
	/* arg of the drift_commit_async (or _here) call that made it, else NULL:
	 * lets a listener tell its own writes. */
	void *origin;
};

struct drift_batch {
	const struct drift_change *changes;
	size_t count;
	bool ddl; /* tables, saved queries or tags came, changed or went */
};

/* Call hook(arg, batch), by whoever is the committer (its own thread, or one that
 * waits in drift_commit), in commit order, after a
 * batch is visible and before any of it is acknowledged; hook returns at once.
 * Acknowledgements (drift_commit returning, done callbacks) wait until
 * drift_batch_release(batch), from any thread. One hook a database; set it before
 * the first commit. NULL: none. */
void drift_set_commit_hook(struct drift_db *db,
			   void (*hook)(void *arg, struct drift_batch *batch),
			   void *arg);
void drift_batch_release(struct drift_batch *batch);

/* ---- The log as a stream ---------------------------------------------- */

/* One line of history: an event, or a DDL statement. Slices are good until the
 * stream's next use. */
struct drift_event {
	bool ddl;
	drift_seq seq; /* event; for ddl: the seq it takes effect with */
	uint64_t tx;
	drift_time_ns time;
	struct slice user, client, comment; /* size 0: none */
	uint32_t table_id;
	const struct table_def *table; /* version in force at that event; for a
					 * drop: the one that ended; NULL for
					 * a tag */
	enum drift_op op;
	struct slice key;
	bool integer_key;
	struct slice row; /* document, empty for delete */
	struct slice sql; /* ddl */
};

/* Stream the events with from <= seq <= to (and DDL among them; DDL that no event
 * follows comes when to is DRIFT_SEQ_MAX, which means the head at opening).
 * Cost: one index look-up, then sequential reading from `from` on. */
enum drift_err drift_events_open(struct drift_db *db, drift_seq from, drift_seq to,
				 struct drift_events **events,
				 struct drift_error *error);
enum drift_err drift_events_next(struct drift_events *events,
				 struct drift_event *event,
				 struct drift_error *error);
void drift_events_close(struct drift_events *events); /* NULL is fine */
/* Append event as one line of the dump format, newline included: fields seq, tx,
 * time, user, client, comment, table, op, pk, row, sql, absent when empty. */
enum drift_err drift_event_print(const struct drift_event *event, struct buf *out);

/* One transaction. */
struct drift_tx {
	uint64_t tx;
	drift_time_ns time;
	drift_seq last_seq; /* of its events (or of what was before, for ddl) */
	uint32_t count;     /* events */
	char user[128], client[128], comment[512]; /* cut to fit */
};
/* The transaction that event seq belongs to. DRIFT_BAD_MOMENT above the head. */
enum drift_err drift_tx_of(struct drift_db *db, drift_seq seq, struct drift_tx *tx);
/* The newest transactions that have events, newest first, at most max (<= 1000);
 * *count gets how many. */
enum drift_err drift_tx_recent(struct drift_db *db, struct drift_tx *tx,
			       unsigned max, unsigned *count);

#endif
