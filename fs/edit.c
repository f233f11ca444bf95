/* SPDX-License-Identifier: MIT */
/* edit.c - the kernel's requests that change names: whether the directory's kind offers
 * that (kind.h), and the reason where it does not. */
#include <errno.h>
#include <linux/fs.h>

#include "fs/attr.h"
#include "fs/kind.h"
#include "fs/name.h"
#include "fs/ops.h"

static void refuse_act(fuse_req_t req, const struct node *parent, const char *verb,
		       const char *name, enum drift_err err)
{
	refusal_add_act(tree_of(req), fuse_req_ctx(req)->uid, node_identity(parent),
			verb, slice_str(name), err);
	reply_err(req, err);
}

/* What the directory's kind offers for its names, if the request may go on; else it is
 * answered. */
static const struct names_ops *edits_of(fuse_req_t req, const struct node *parent,
					const char *verb, const char *name)
{
	static const struct names_ops nothing;
	const struct identity *identity = node_identity(parent);
	const struct kind *kind = kind_of(identity);

	if (attr_is_pinned(identity) || (kind->flags & KIND_PAST)) {
		refuse_act(req, parent, verb, name, DRIFT_READ_ONLY);
	} else if (strlen(name) > NAME_BYTES_MAX) {
		refusal_add_name(tree_of(req), fuse_req_ctx(req)->uid, identity,
				 slice_str(name), DRIFT_NAME_TOO_LONG);
		reply_err(req, DRIFT_NAME_TOO_LONG);
	} else {
		return kind->edit ? kind->edit : &nothing;
	}
	return NULL;
}

void edit_op_mkdir(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode)
{
	struct node *parent = node_in(req, ino);
	const struct names_ops *edit = edits_of(req, parent, "make", name);

	(void)mode;
	if (edit && edit->mkdir)
		edit->mkdir(req, parent, slice_str(name));
	else if (edit)
		refuse_act(req, parent, "make", name, DRIFT_NOT_HERE);
}

void edit_op_symlink(fuse_req_t req, const char *target, fuse_ino_t ino,
		     const char *name)
{
	struct node *parent = node_in(req, ino);
	const struct names_ops *edit = edits_of(req, parent, "make", name);

	if (edit && edit->symlink)
		edit->symlink(req, parent, slice_str(name), target);
	else if (edit)
		refuse_act(req, parent, "make", name, DRIFT_NOT_HERE);
}

void edit_op_unlink(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *parent = node_in(req, ino);
	const struct names_ops *edit = edits_of(req, parent, "remove", name);

	if (edit && edit->unlink)
		edit->unlink(req, parent, slice_str(name));
	else if (edit)
		refuse_act(req, parent, "remove", name, DRIFT_NOT_HERE);
}

void edit_op_rmdir(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *parent = node_in(req, ino);
	const struct names_ops *edit = edits_of(req, parent, "remove", name);

	if (edit && edit->rmdir)
		edit->rmdir(req, parent, slice_str(name));
	else if (edit)
		refuse_act(req, parent, "remove", name, DRIFT_NOT_HERE);
}

void edit_op_rename(fuse_req_t req, fuse_ino_t ino, const char *name,
		    fuse_ino_t new_ino, const char *new_name, unsigned flags)
{
	struct node *parent = node_in(req, ino), *to = node_in(req, new_ino);
	const struct names_ops *edit = edits_of(req, parent, "rename", name);
	const struct names_ops *edit_to =
		edit ? edits_of(req, to, "rename", new_name) : NULL;

	if (!edit_to)
		return;
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		fuse_reply_err(req, EINVAL);
	else if (edit->rename && edit_to == edit)
		edit->rename(req, parent, slice_str(name), to, slice_str(new_name),
			     flags & RENAME_NOREPLACE);
	else
		refuse_act(req, edit->rename ? to : parent, "rename",
			   edit->rename ? new_name : name, DRIFT_NOT_HERE);
}

/* There are no devices and no hard links. */
static void refuse_kind(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct node *parent = node_in(req, ino);

	if (edits_of(req, parent, "make", name))
		refuse_act(req, parent, "make", name, DRIFT_NOT_HERE);
}

void edit_op_mknod(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode,
		   dev_t device)
{
	(void)mode, (void)device;
	refuse_kind(req, ino, name);
}

void edit_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_ino,
		  const char *name)
{
	(void)ino;
	refuse_kind(req, new_ino, name);
}

void edit_op_create(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode,
		    struct fuse_file_info *fi)
{
	struct node *parent = node_in(req, ino);
	const struct names_ops *edit = edits_of(req, parent, "make", name);

	(void)mode;
	if (edit && edit->create)
		edit->create(req, parent, slice_str(name), fi);
	else if (edit)
		refuse_act(req, parent, "make", name, DRIFT_NOT_HERE);
}
