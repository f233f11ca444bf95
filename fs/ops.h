/* SPDX-License-Identifier: MIT */
/* ops.h - the requests of the kernel. Each function answers its request once. */
#ifndef DRIFT_FS_OPS_H
#define DRIFT_FS_OPS_H

#include "fs/tree.h"

/* All of them, for fuse_session_new; userdata is the struct tree. */
extern const struct fuse_lowlevel_ops ops_table;

/* dir.c */
void dir_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi);
void dir_op_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		      struct fuse_file_info *fi);
void dir_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* edit.c */
void edit_op_mkdir(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode);
void edit_op_symlink(fuse_req_t req, const char *target, fuse_ino_t ino,
		     const char *name);
void edit_op_unlink(fuse_req_t req, fuse_ino_t ino, const char *name);
void edit_op_rmdir(fuse_req_t req, fuse_ino_t ino, const char *name);
void edit_op_rename(fuse_req_t req, fuse_ino_t ino, const char *name,
		    fuse_ino_t new_ino, const char *new_name, unsigned flags);
void edit_op_mknod(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode,
		   dev_t device);
void edit_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_ino,
		  const char *name);
void edit_op_create(fuse_req_t req, fuse_ino_t ino, const char *name, mode_t mode,
		    struct fuse_file_info *fi);

/* make.c, remove.c, rename.c, rename_table.c: names in rows/ and in tables/ (kind.h). */
void make_row(fuse_req_t req, struct node *parent, struct slice name,
	      struct fuse_file_info *fi);
void make_table(fuse_req_t req, struct node *parent, struct slice name);
void remove_row(fuse_req_t req, struct node *parent, struct slice name);
void remove_table(fuse_req_t req, struct node *parent, struct slice name);
void rename_row(fuse_req_t req, struct node *parent, struct slice name,
		struct node *new_parent, struct slice new_name, bool no_replace);
void rename_table(fuse_req_t req, struct node *parent, struct slice name,
		  struct node *new_parent, struct slice new_name, bool no_replace);

#endif
