/* SPDX-License-Identifier: MIT */
/* ops.c - the kernel's requests: find the node, ask, answer. */
#include "fs/ops.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "fs/attr.h"
#include "fs/invalidate.h"
#include "fs/kind.h"
#include "fs/lookup.h"
#include "fs/name.h"

void reply_err(fuse_req_t req, enum drift_err err)
{
	fuse_reply_err(req, drift_err_errno(err));
}

void reply_gone(fuse_req_t req, enum drift_err err)
{
	if (err == DRIFT_NO_TABLE)
		fuse_reply_err(req, ESTALE);
	else
		reply_err(req, err);
}

/* ---- Names and attributes ----------------------------------------------- */

/* A time that cannot be read is a mistake of who wrote it, where one that is not there
 * yet is none; hidden files are looked for everywhere. */
static void note_missing(fuse_req_t req, const struct identity *parent,
			 struct slice name, enum drift_err err)
{
	if (err == DRIFT_BAD_MOMENT && parent->kind == NODE_TIMES &&
	    *(const char *)name.data != '.')
		refusal_add_name(tree_of(req), fuse_req_ctx(req)->uid, parent, name,
				 err);
}

/* A missing name of a pinned view is missing for ever: the kernel may keep that
 * (entry->ino 0). The head's own directory of seqs is not such a view. */
static void reply_missing(fuse_req_t req, const struct identity *parent,
			  struct fuse_entry_param *entry)
{
	if (!attr_is_pinned(parent)) {
		reply_err(req, DRIFT_NO_ROW);
		return;
	}
	entry->ino = 0;
	entry->entry_timeout = FOREVER_S;
	fuse_reply_entry(req, entry);
}

static void look_up(fuse_req_t req, struct node *node, struct slice name)
{
	struct tree *tree = tree_of(req);
	const struct identity *parent = node_identity(node);
	struct fuse_entry_param entry = { 0 };
	enum drift_err err;

	err = lookup_name(tree, parent, name, fuse_req_ctx(req)->uid, &entry);
	switch (err) {
	case DRIFT_OK:
		if (fuse_reply_entry(req, &entry))
			lookup_undo(tree, &entry);
		break;
	case DRIFT_NO_TABLE:
		reply_gone(req, err);
		break;
	case DRIFT_NO_ROW:
	case DRIFT_BAD_NAME:
	case DRIFT_BAD_TEXT:
	case DRIFT_BAD_KEY:
	case DRIFT_BAD_MOMENT:
		note_missing(req, parent, name, err);
		reply_missing(req, parent, &entry);
		break;
	default:
		reply_err(req, err);
	}
}

static bool is_slow_to_see(struct tree *tree, const struct node *node,
			   const struct identity *identity)
{
	const struct kind *kind = kind_of(identity);

	return kind->slow && kind->slow(tree, node, identity);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct tree *tree = tree_of(req);
	struct node *node = node_in(req, parent);
	struct identity child;

	if (name_is_fixed(tree, node_identity(node), slice_str(name), &child) &&
	    is_slow_to_see(tree, NULL, &child))
		errand_send_look(req, tree, node, slice_str(name), look_up);
	else
		look_up(req, node, slice_str(name));
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct tree *tree = tree_of(req);

	if (node_forget(&tree->nodes, node_in(req, ino), count))
		invalidator_give_back(tree);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count,
			    struct fuse_forget_data *forgets)
{
	struct tree *tree = tree_of(req);
	bool shrank = false;

	for (size_t i = 0; i < count; i++)
		shrank |= node_forget(&tree->nodes, node_in(req, forgets[i].ino),
				      forgets[i].nlookup);
	if (shrank)
		invalidator_give_back(tree);
	fuse_reply_none(req);
}

static enum drift_err attr_now(fuse_req_t req, struct node *node, struct stat *st,
			       double *timeout_s)
{
	struct identity identity = *node_identity(node);
	enum drift_err err;

	node_keep(node);
	err = attr_read(tree_of(req), node, &identity, fuse_req_ctx(req)->uid, st);
	if (!err)
		*timeout_s = attr_timeout_s(tree_of(req), &identity, st);
	if (err == DRIFT_NO_ROW && identity.kind == NODE_ROW) {
		*timeout_s = 0;
		err = attr_of_absent(tree_of(req), node, st);
	}
	return err;
}

static void get_attr(fuse_req_t req, struct node *node, struct slice name)
{
	double timeout_s = 0;
	enum drift_err err;
	struct stat st;

	(void)name;
	err = attr_now(req, node, &st, &timeout_s);
	if (err)
		reply_gone(req, err);
	else
		fuse_reply_attr(req, &st, timeout_s);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct tree *tree = tree_of(req);
	struct node *node = node_in(req, ino);

	(void)fi;
	if (is_slow_to_see(tree, node, node_identity(node)))
		errand_send_look(req, tree, node, (struct slice){ 0 }, get_attr);
	else
		get_attr(req, node, (struct slice){ 0 });
}

/* A size is set through a handle, which has a buffer to cut; by path only one
 * that changes nothing. */
static enum drift_err set_size(fuse_req_t req, struct node *node, off_t size,
			       struct fuse_file_info *fi)
{
	struct handle *handle = fi ? handle_of(fi) : NULL;
	enum node_kind kind = node_identity(node)->kind;
	struct scratch *scratch;
	double timeout_s = 0;
	enum drift_err err;
	struct stat st;

	if (handle && handle->ops->truncate)
		return handle->ops->truncate(handle, size);
	if (kinds[kind].flags & KIND_EMPTY)
		return DRIFT_OK;
	if (kind == NODE_SCRATCH) {
		scratch = node_scratch(&tree_of(req)->nodes, node);
		err = !scratch ? DRIFT_NO_ROW
			       : scratch_truncate(scratch, size,
						  drift_now(tree_of(req)->db));
		scratch_drop(scratch);
		return err;
	}
	err = attr_now(req, node, &st, &timeout_s);
	return err ? err : st.st_size == size ? DRIFT_OK : DRIFT_BAD_ARGUMENT;
}

static void note_file(fuse_req_t req, const struct node *node, enum drift_err err)
{
	refusal_add_open(tree_of(req), fuse_req_ctx(req)->uid, node_identity(node),
			 err);
}

/* touch(1) of a row that is not there: nothing was written that could be one. */
static bool only_touched(const struct node *node, int to_set, const struct stat *st)
{
	int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
		    FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;

	return (to_set & times) && node_identity(node)->kind == NODE_ROW &&
	       st->st_size == 0 && node->drafts == 0;
}

/* Times, modes and owners are the mount's and the log's: setting them succeeds,
 * because copying tools insist, and changes nothing. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct node *node = node_in(req, ino);
	enum drift_err err = DRIFT_OK;
	double timeout_s = 0;
	struct stat st;

	if (attr_is_pinned(node_identity(node)) ||
	    (kind_of(node_identity(node))->flags & KIND_PAST))
		err = DRIFT_READ_ONLY;
	if (err)
		note_file(req, node, err);
	if (!err && (to_set & FUSE_SET_ATTR_SIZE))
		err = set_size(req, node, attr->st_size, fi);
	if (!err)
		err = attr_now(req, node, &st, &timeout_s);
	if (!err && only_touched(node, to_set, &st))
		err = DRIFT_BAD_JSON;
	if (err)
		reply_gone(req, err);
	else
		fuse_reply_attr(req, &st, 0);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	const struct identity *identity = node_identity(node_in(req, ino));
	struct buf target = BUF_INIT;
	enum drift_err err =
		kind_of(identity)->target(tree_of(req), identity, &target);

	if (!err)
		err = buf_status(&target);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_readlink(req, buf_cstr(&target));
	buf_release(&target);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	(void)ino;
	if (statvfs(drift_dir(tree_of(req)->db), &st)) {
		fuse_reply_err(req, errno);
		return;
	}
	st.f_namemax = NAME_BYTES_MAX;
	fuse_reply_statfs(req, &st);
}

/* ---- Open files --------------------------------------------------------- */

static enum drift_err open_node(fuse_req_t req, struct node *node,
				struct fuse_file_info *fi)
{
	const struct identity *identity = node_identity(node);
	const struct kind *kind = kind_of(identity);
	bool asked = kind->flags & KIND_ASKED;
	int access = fi->flags & O_ACCMODE;

	if (access != O_RDONLY && attr_is_pinned(identity) && !asked)
		return DRIFT_READ_ONLY;
	if (access != O_RDONLY && !(kind->mode & 0222))
		return DRIFT_UNSAFE; /* EACCES: there is nothing to do that with */
	return kind->open(tree_of(req), node, fuse_req_ctx(req), fi);
}

void reply_open(fuse_req_t req, struct fuse_file_info *fi)
{
	/* The caller was killed: there will be no RELEASE. */
	if (fuse_reply_open(req, fi)) {
		struct handle *handle = handle_take(fi);

		handle->ops->free(handle);
	}
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	enum drift_err err = open_node(req, node_in(req, ino), fi);

	if (err)
		note_file(req, node_in(req, ino), err);
	if (err)
		reply_gone(req, err);
	else
		reply_open(req, fi);
}

static bool is_slow(const struct handle *handle, enum errand_kind kind)
{
	return handle->ops->slow & 1u << kind;
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	(void)ino;
	if (is_slow(handle, ERRAND_READ))
		errand_send(req, handle, ERRAND_READ, (struct slice){ 0 }, size,
			    offset);
	else if (handle->ops->read)
		handle->ops->read(req, handle, size, offset);
	else /* posix_fadvise(2) has the kernel read ahead of what is only written */
		fuse_reply_err(req, EBADF);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size,
		     off_t offset, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	(void)ino;
	if (is_slow(handle, ERRAND_WRITE))
		errand_send(req, handle, ERRAND_WRITE, slice_of(bytes, size), 0,
			    offset);
	else if (handle->ops->write)
		handle->ops->write(req, handle, slice_of(bytes, size), offset);
	else
		fuse_reply_err(req, EBADF);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	(void)ino;
	if (is_slow(handle, ERRAND_FLUSH))
		errand_send(req, handle, ERRAND_FLUSH, (struct slice){ 0 }, 0, 0);
	else if (handle->ops->flush)
		handle->ops->flush(req, handle);
	else
		reply_err(req, DRIFT_OK);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	(void)ino, (void)datasync;
	if (handle->ops->sync)
		handle->ops->sync(req, handle);
	else
		reply_err(req, DRIFT_OK);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	(void)ino;
	if (is_slow(handle, ERRAND_RELEASE)) {
		errand_send(req, handle, ERRAND_RELEASE, (struct slice){ 0 }, 0, 0);
		return;
	}
	handle_part(handle);
	handle->ops->release(req, handle);
}

/* fsync of a directory: everything committed before is durable. */
static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			struct fuse_file_info *fi)
{
	(void)ino, (void)datasync, (void)fi;
	change_sync(tree_of(req), req);
}

/* Extended attributes, access, locks and the rest are left out: libfuse answers
 * ENOSYS, once, and the kernel does not ask again. */
const struct fuse_lowlevel_ops ops_table = {
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = edit_op_mknod,
	.mkdir = edit_op_mkdir,
	.unlink = edit_op_unlink,
	.rmdir = edit_op_rmdir,
	.symlink = edit_op_symlink,
	.rename = edit_op_rename,
	.link = edit_op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.opendir = dir_op_open,
	.readdir = dir_op_read,
	.readdirplus = dir_op_read_plus,
	.releasedir = dir_op_release,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.create = edit_op_create,
};
