/* SPDX-License-Identifier: MIT */
/* meter.h - how many requests of each kind came, and how long their handlers took. A
 * request that commits is answered later: changes.time has that. */
#ifndef DRIFT_FS_METER_H
#define DRIFT_FS_METER_H

#include "fs/node.h"

/* name in libfuse's table, parameters, arguments */
#define METERED(X)                                                                  \
	X(lookup, (fuse_req_t req, fuse_ino_t parent, const char *name),            \
	  (req, parent, name))                                                      \
	X(forget, (fuse_req_t req, fuse_ino_t ino, uint64_t count),                 \
	  (req, ino, count))                                                        \
	X(forget_multi,                                                             \
	  (fuse_req_t req, size_t count, struct fuse_forget_data * forgets),        \
	  (req, count, forgets))                                                    \
	X(getattr, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info * fi),    \
	  (req, ino, fi))                                                           \
	X(setattr,                                                                  \
	  (fuse_req_t req, fuse_ino_t ino, struct stat * attr, int to_set,          \
	   struct fuse_file_info *fi),                                              \
	  (req, ino, attr, to_set, fi))                                             \
	X(readlink, (fuse_req_t req, fuse_ino_t ino), (req, ino))                   \
	X(mkdir,                                                                    \
	  (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode),       \
	  (req, parent, name, mode))                                                \
	X(unlink, (fuse_req_t req, fuse_ino_t parent, const char *name),            \
	  (req, parent, name))                                                      \
	X(rmdir, (fuse_req_t req, fuse_ino_t parent, const char *name),             \
	  (req, parent, name))                                                      \
	X(symlink,                                                                  \
	  (fuse_req_t req, const char *target, fuse_ino_t parent,                   \
	   const char *name),                                                       \
	  (req, target, parent, name))                                              \
	X(rename,                                                                   \
	  (fuse_req_t req, fuse_ino_t parent, const char *name,                     \
	   fuse_ino_t new_parent, const char *new_name, unsigned flags),            \
	  (req, parent, name, new_parent, new_name, flags))                         \
	X(open, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info * fi),       \
	  (req, ino, fi))                                                           \
	X(read,                                                                     \
	  (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,               \
	   struct fuse_file_info * fi),                                             \
	  (req, ino, size, offset, fi))                                             \
	X(write,                                                                    \
	  (fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size,          \
	   off_t offset, struct fuse_file_info *fi),                                \
	  (req, ino, bytes, size, offset, fi))                                      \
	X(flush, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info * fi),      \
	  (req, ino, fi))                                                           \
	X(release, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info * fi),    \
	  (req, ino, fi))                                                           \
	X(fsync,                                                                    \
	  (fuse_req_t req, fuse_ino_t ino, int datasync,                            \
	   struct fuse_file_info *fi),                                              \
	  (req, ino, datasync, fi))                                                 \
	X(opendir, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info * fi),    \
	  (req, ino, fi))                                                           \
	X(readdir,                                                                  \
	  (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,               \
	   struct fuse_file_info * fi),                                             \
	  (req, ino, size, offset, fi))                                             \
	X(readdirplus,                                                              \
	  (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,               \
	   struct fuse_file_info * fi),                                             \
	  (req, ino, size, offset, fi))                                             \
	X(releasedir, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info * fi), \
	  (req, ino, fi))                                                           \
	X(statfs, (fuse_req_t req, fuse_ino_t ino), (req, ino))                     \
	X(create,                                                                   \
	  (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,        \
	   struct fuse_file_info *fi),                                              \
	  (req, parent, name, mode, fi))

#define METER_ENUM(name, parameters, arguments) METER_##name,
enum meter_op { METERED(METER_ENUM) METER_OPS };
#undef METER_ENUM

struct meter {
	struct stats_histogram time[METER_OPS]; /* of handlers */
	atomic_uint busy;                       /* handlers at work */
	_Atomic uint64_t served;                /* handlers that ended */
};

/* The table of requests with each one measured on its way to ops_table. */
struct fuse_lowlevel_ops meter_ops(void);
const char *meter_name(enum meter_op op);

#endif
