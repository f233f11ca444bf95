/* SPDX-License-Identifier: MIT */
/* refusal.c - refusals as JSON lines, the newest of each user. */
#include "fs/refusal.h"

#include <stdlib.h>

#include "fs/kind.h"
#include "fs/name.h"
#include "fs/reader.h"

#define USER_BYTES_MAX ((size_t)256 << 10) /* above, the older half goes */
#define USERS_MAX 64                       /* above, the longest silent goes */

struct refused {
	struct refused *next; /* the one with the newest refusal first */
	uid_t uid;
	struct buf lines;
};

void refusals_init(struct refusals *refusals)
{
	*refusals = (struct refusals){ 0 };
	pthread_mutex_init(&refusals->lock, NULL);
}

static void refused_free(struct refused *refused)
{
	buf_release(&refused->lines);
	free(refused);
}

void refusals_release(struct refusals *refusals)
{
	while (refusals->first) {
		struct refused *refused = refusals->first;

		refusals->first = refused->next;
		refused_free(refused);
	}
	pthread_mutex_destroy(&refusals->lock);
}

/* The user's, moved or put to the front; NULL when out of memory. */
static struct refused *front(struct refusals *refusals, uid_t uid)
{
	struct refused **at = &refusals->first, *found;
	unsigned users = 0;

	while (*at && (*at)->uid != uid && ++users < USERS_MAX)
		at = &(*at)->next;
	found = *at;
	if (found)
		*at = found->next;
	if (found && found->uid != uid) {
		refused_free(found);
		found = NULL;
	}
	if (!found)
		found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	found->uid = uid;
	found->next = refusals->first;
	refusals->first = found;
	return found;
}

static void drop_older_half(struct buf *lines)
{
	char *end = lines->data + lines->size;
	char *from = memchr(lines->data + lines->size / 2, '\n', lines->size / 2);

	from = from ? from + 1 : end;
	lines->size = (size_t)(end - from);
	memmove(lines->data, from, lines->size);
}

static void print_line(struct tree *tree, uid_t uid, const struct identity *identity,
		       const struct drift_error *error, struct buf *line)
{
	const char *text =
		error->text[0] ? error->text : drift_err_text(error->code);
	struct buf path = BUF_INIT;

	name_path(tree, identity, &path);
	buf_add_str(line, "{\"time\":\"");
	moment_print_time(drift_now(tree->db), line);
	buf_printf(line, "\",\"uid\":%u,\"path\":", (unsigned)uid);
	json_print_text(buf_slice(&path), line);
	buf_printf(line, ",\"errno\":\"%s\",\"sqlstate\":\"%s\",\"text\":",
		   strerrorname_np(drift_err_errno(error->code)),
		   drift_err_sqlstate(error->code));
	json_print_text(slice_str(text), line);
	if (error->position > 0)
		buf_printf(line, ",\"position\":%d", error->position);
	buf_add_str(line, "}\n");
	buf_release(&path);
}

void refusal_add(struct tree *tree, uid_t uid, const struct identity *identity,
		 const struct drift_error *error)
{
	struct refusals *refusals = &tree->refusals;
	struct buf line = BUF_INIT;
	struct refused *refused;

	atomic_fetch_add(&refusals->count, 1);
	print_line(tree, uid, identity, error, &line);
	pthread_mutex_lock(&refusals->lock);
	refused = buf_status(&line) ? NULL : front(refusals, uid);
	if (refused) {
		if (refused->lines.size + line.size > USER_BYTES_MAX)
			drop_older_half(&refused->lines);
		buf_add_slice(&refused->lines, buf_slice(&line));
	}
	pthread_mutex_unlock(&refusals->lock);
	buf_release(&line);
}

/* ": a row of "t" is called <a>,<b>.json" */
static void add_form(struct tree *tree, uint32_t table_id, struct buf *text)
{
	const struct table_def *def =
		drift_table_by_id(drift_view_live(tree->db), table_id);

	if (!def)
		return;
	buf_printf(text, ": a row of \"%s\" is called ", def->name);
	for (unsigned i = 0; i < def->key_count; i++)
		buf_printf(text, "%s<%s>", i ? "," : "",
			   def->columns[def->key_columns[i]].name);
	buf_add_str(text, ".json");
}

void refusal_add_name(struct tree *tree, uid_t uid, const struct identity *parent,
		      struct slice name, enum drift_err err)
{
	struct drift_error error = { 0 };
	struct buf text = BUF_INIT;

	buf_add_str(&text, drift_err_text(err));
	buf_add_str(&text, " \"");
	buf_add_slice(&text, name);
	buf_add_str(&text, "\"");
	if (err == DRIFT_BAD_NAME && parent->kind == NODE_ROWS)
		add_form(tree, parent->table_id, &text);
	(void)!drift_fail(&error, err, "%s", buf_cstr(&text));
	refusal_add(tree, uid, parent, &error);
	buf_release(&text);
}

#define PAST_STAYS                                                                \
	"the past does not change; what is copied from it into tables/ is there " \
	"again"

/* Which of a user's bounds on what is open was reached. */
static void explain_full(struct tree *tree, uid_t uid, struct drift_error *error)
{
	const struct account *account = account_of(&tree->accounts, uid);
	bool open = account && !account_has_room(account, HOLD_OPEN, 1);

	(void)!account_explain(&tree->accounts, open ? HOLD_OPEN : HOLD_TEXT, error);
}

void refusal_add_open(struct tree *tree, uid_t uid, const struct identity *identity,
		      enum drift_err err)
{
	struct drift_error error = { 0 };

	if (err == DRIFT_READ_ONLY)
		(void)!drift_fail(&error, err, PAST_STAYS);
	else if (err == DRIFT_UNSAFE)
		(void)!drift_fail(&error, err, "this file can only be read");
	else if (err == DRIFT_TOO_MANY_FILES)
		explain_full(tree, uid, &error);
	else if (err == DRIFT_LIMIT)
		(void)!account_explain(&tree->accounts, HOLD_UNSAVED, &error);
	else
		return;
	refusal_add(tree, uid, identity, &error);
}

static const char *rule_of(const struct identity *parent, enum drift_err err)
{
	const char *rule = kind_of(parent)->edit_rule;

	if (err == DRIFT_READ_ONLY)
		return PAST_STAYS;
	return rule ? rule : "nothing can be changed here";
}

void refusal_add_act(struct tree *tree, uid_t uid, const struct identity *parent,
		     const char *verb, struct slice name, enum drift_err err)
{
	struct drift_error error = { 0 };
	struct buf text = BUF_INIT;

	buf_printf(&text, "cannot %s \"", verb);
	buf_add_slice(&text, name);
	buf_printf(&text, "\": %s", rule_of(parent, err));
	(void)!drift_fail(&error, err, "%s", buf_cstr(&text));
	refusal_add(tree, uid, parent, &error);
	buf_release(&text);
}

enum drift_err refusal_text(struct tree *tree, const struct identity *identity,
			    uid_t uid, struct buf *text)
{
	struct refusals *refusals = &tree->refusals;

	(void)identity;
	pthread_mutex_lock(&refusals->lock);
	for (struct refused *at = refusals->first; at; at = at->next)
		if (at->uid == uid)
			buf_add_slice(text, buf_slice(&at->lines));
	pthread_mutex_unlock(&refusals->lock);
	return buf_status(text);
}

/* ---- The open file -------------------------------------------------------- */

struct refusal_handle {
	struct handle handle;
	uid_t uid;
};

static void refusal_read(fuse_req_t req, struct handle *handle, size_t size,
			 off_t offset)
{
	struct refusal_handle *open = (struct refusal_handle *)handle;
	struct reader *reader = reader_mine();
	enum drift_err err = DRIFT_NOMEM;

	if (reader) {
		buf_clear(&reader->text);
		err = refusal_text(handle->tree, NULL, open->uid, &reader->text);
	}
	if (err)
		reply_err(req, err);
	else
		reply_text(req, buf_slice(&reader->text), size, offset);
}

static void refusal_free(struct handle *handle)
{
	free(handle);
}

static void refusal_release(fuse_req_t req, struct handle *handle)
{
	free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops refusal_ops = {
	.read = refusal_read,
	.release = refusal_release,
	.free = refusal_free,
};

enum drift_err refusal_open(struct tree *tree, struct node *node,
			    const struct fuse_ctx *caller, struct fuse_file_info *fi)
{
	struct refusal_handle *open = calloc(1, sizeof(*open));
	enum drift_err err;

	(void)node;
	if (!open)
		return DRIFT_NOMEM;
	open->handle = (struct handle){ .ops = &refusal_ops, .tree = tree };
	open->uid = caller->uid;
	fi->direct_io = 1;
	fi->noflush = 1;
	err = handle_give(&open->handle, caller->uid, fi);
	if (err)
		refusal_free(&open->handle);
	return err;
}
