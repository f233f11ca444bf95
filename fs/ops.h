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

/* make.c */
void make_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		    struct fuse_file_info *fi);
void make_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);

/* remove.c */
void remove_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void remove_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);

/* rename.c */
void rename_op(fuse_req_t req, fuse_ino_t parent, const char *name,
	       fuse_ino_t new_parent, const char *new_name, unsigned flags);

#endif
