/* SPDX-License-Identifier: MIT */
#define FUSE_USE_VERSION 312

#include "tests/bench/mount/nullfs.h"

#include <errno.h>
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOREVER_S 1e8
#define ROWS_INO 2
#define FILE_BYTES 100 /* what a file holds until it is written */
#define FILE_BYTES_MAX 256
#define BUCKETS (1u << 20)
#define THREADS_MAX 32

struct file {
	struct file *next;  /* in its bucket */
	struct file *later; /* in the order they were made, for listings */
	_Atomic int gone;
	atomic_uint size;
	char name[32];
	char bytes[FILE_BYTES_MAX];
};

static struct file *buckets[BUCKETS];
static struct file *first, *last;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int is_pinned;

static struct file **bucket_of(const char *name)
{
	unsigned hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return &buckets[hash % BUCKETS];
}

static struct file *find(const char *name)
{
	struct file *file = *bucket_of(name);

	while (file && (file->gone || strcmp(file->name, name) != 0))
		file = file->next;
	return file;
}

static struct file *make(const char *name)
{
	struct file *file = calloc(1, sizeof(*file)), **bucket = bucket_of(name);

	if (!file)
		return NULL;
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->next = *bucket;
	*bucket = file;
	if (last)
		last->later = file;
	else
		first = file;
	last = file;
	return file;
}

static struct file *file_of(fuse_ino_t ino)
{
	return (struct file *)(uintptr_t)ino;
}

static void fill_attr(fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino,
			     .st_mode = ino <= ROWS_INO ? S_IFDIR | 0777
							: S_IFREG | 0666,
			     .st_nlink = ino <= ROWS_INO ? 2 : 1,
			     .st_uid = getuid(),
			     .st_blksize = 4096 };
	if (ino > ROWS_INO)
		st->st_size = file_of(ino)->size;
}

static void fill_entry(fuse_ino_t ino, struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){ .ino = ino,
					    .attr_timeout = FOREVER_S,
					    .entry_timeout = FOREVER_S };
	fill_attr(ino, &entry->attr);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &=
		~(unsigned)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE);
	if (conn->capable & FUSE_CAP_EXPLICIT_INVAL_DATA)
		conn->want |= FUSE_CAP_EXPLICIT_INVAL_DATA;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	fuse_ino_t ino = 0;

	if (parent == FUSE_ROOT_ID) {
		ino = strcmp(name, "rows") == 0 ? ROWS_INO : 0;
	} else {
		pthread_rwlock_rdlock(&lock);
		ino = (fuse_ino_t)(uintptr_t)find(name);
		pthread_rwlock_unlock(&lock);
	}
	if (!ino) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill_entry(ino, &entry);
	fuse_reply_entry(req, &entry);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	fill_attr(ino, &st);
	fuse_reply_attr(req, &st, FOREVER_S);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	if (to_set & FUSE_SET_ATTR_SIZE)
		file_of(ino)->size = (unsigned)attr->st_size;
	op_getattr(req, ino, fi);
}

static void set_open(struct fuse_file_info *fi)
{
	if (is_pinned)
		fi->keep_cache = 1;
	else
		fi->direct_io = 1;
	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		fi->noflush = 1;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (fi->flags & O_TRUNC)
		file_of(ino)->size = 0;
	set_open(fi);
	fuse_reply_open(req, fi);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	struct file *file;

	(void)parent, (void)mode;
	pthread_rwlock_wrlock(&lock);
	file = make(name);
	pthread_rwlock_unlock(&lock);
	if (!file) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	fill_entry((fuse_ino_t)(uintptr_t)file, &entry);
	set_open(fi);
	fuse_reply_create(req, &entry, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	struct file *file = file_of(ino);
	size_t have = file->size;

	(void)fi;
	if ((size_t)offset >= have)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, file->bytes + offset,
			       size < have - (size_t)offset ? size
							    : have - (size_t)offset);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size,
		     off_t offset, struct fuse_file_info *fi)
{
	struct file *file = file_of(ino);

	(void)fi;
	if ((size_t)offset + size > FILE_BYTES_MAX) {
		fuse_reply_err(req, EFBIG);
		return;
	}
	memcpy(file->bytes + offset, bytes, size);
	file->size = (unsigned)((size_t)offset + size);
	fuse_reply_write(req, size);
}

static void op_done(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, 0);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct file *file;

	(void)parent;
	pthread_rwlock_wrlock(&lock);
	file = find(name);
	if (file)
		file->gone = 1;
	pthread_rwlock_unlock(&lock);
	fuse_reply_err(req, file ? 0 : ENOENT);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->cache_readdir = fi->keep_cache = is_pinned ? 1 : 0;
	fuse_reply_open(req, fi);
}

/* A place in the listing is the address of the next file. */
static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, int plus)
{
	char *out = malloc(size);
	struct file *file = offset == -1 ? NULL
			    : offset     ? file_of((fuse_ino_t)offset)
					 : first;
	struct fuse_entry_param entry;
	size_t at = 0, used;

	if (ino != ROWS_INO)
		file = NULL;
	while (out && file) {
		off_t next = file->later ? (off_t)(uintptr_t)file->later : -1;

		if (!file->gone) {
			fill_entry((fuse_ino_t)(uintptr_t)file, &entry);
			used = plus ? fuse_add_direntry_plus(req, out + at,
							     size - at, file->name,
							     &entry, next)
				    : fuse_add_direntry(req, out + at, size - at,
							file->name, &entry.attr,
							next);
			if (used > size - at)
				break;
			at += used;
		}
		file = file->later;
	}
	fuse_reply_buf(req, out, at);
	free(out);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, 0);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			   struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, offset, 1);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.write = op_write,
	.flush = op_done,
	.release = op_done,
	.unlink = op_unlink,
	.opendir = op_opendir,
	.releasedir = op_done,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
};

static int serve(struct fuse_session *session)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int status;

	if (!config)
		return 1;
	fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
	status = fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return status != 0;
}

int nullfs_serve(const char *mountpoint, unsigned count, int pinned)
{
	static char *argv[] = { "nullfs", "-o", "subtype=nullfs", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *session;
	char name[32];
	int status = 1;

	is_pinned = pinned;
	for (unsigned i = 0; i < count; i++) {
		struct file *file;

		snprintf(name, sizeof(name), "r%u.json", i);
		file = make(name);
		if (!file)
			return 1;
		memset(file->bytes, '.', FILE_BYTES);
		file->size = FILE_BYTES;
	}
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (session && !fuse_session_mount(session, mountpoint)) {
		status = serve(session);
		fuse_session_unmount(session);
	}
	if (session)
		fuse_session_destroy(session);
	return status;
}
