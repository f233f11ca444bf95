/* SPDX-License-Identifier: MIT */
/* hostile.c - programs that do to a mount what no program should, until it is time.
 *
 *	hostile MNT SECONDS SEED
 *
 * Child after child of four threads each makes random system calls with random
 * arguments, on files of the mount and on descriptors that another thread may just be
 * closing; each child is killed with SIGKILL at a random time, whatever it is in.
 * What a call answers does not matter. Ends with 0 when the time is over; prints the
 * seed and how many calls there were. Nothing outside MNT is named. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, DESCRIPTORS = 24, BYTES = 1 << 17 };

/* What is under the mount, or is not. */
static const char *const places[] = {
	"",
	"tables",
	"tables/t",
	"tables/t/rows",
	"tables/t/rows/%u.json",
	"tables/t/rows/%u.json",
	"tables/t/rows/%u.json",
	"tables/t/rows/%u.tmp",
	"tables/t/rows/.%u",
	"tables/t/rows/%%0%u.json",
	"tables/t/history",
	"tables/t/history/%u",
	"tables/t/history/%u/%u.json",
	"tables/t/by",
	"tables/t/by/v",
	"tables/t/by/v/%u",
	"tables/t/by/v/%u/%u.json",
	"tables/t/rows.jsonl",
	"tables/t/rows.csv",
	"tables/t/import.jsonl",
	"tables/t/import.csv",
	"tables/t/events",
	"tables/t/schema.sql",
	"tables/t/schema.json",
	"tables/t/count",
	"tables/other%u",
	"tables/other%u/rows/%u.json",
	"events",
	"query",
	"query.csv",
	"query.json",
	"query.table",
	"@seq",
	"@seq/%u",
	"@seq/%u/tables/t/rows",
	"@seq/%u/tables/t/rows/%u.json",
	"@seq/%u/tables/t/rows.jsonl",
	"@seq/%u/query",
	"@time",
	"@time/now",
	"@time/-%us",
	"@tag",
	"@tag/x%u",
	"@diff/%u..%u",
	"@diff/%u..%u/summary",
	"@diff/%u..%u/changes.jsonl",
	"@diff/%u..%u/t",
	".driftfs",
	".driftfs/errors",
	".driftfs/metrics",
	".driftfs/stats.json",
	"nothing%u",
};

static const char *const texts[] = {
	"{\"v\":1}",
	"{\"v\":2,\"w\":\"text\"}\n",
	"{\"id\":\"7\",\"v\":3}",
	"{\"v\":",
	"]",
	"1,2\n3\n",
	"SELECT count(*) FROM t;",
	"SELECT * FROM t ORDER BY v",
	"DELETE FROM t WHERE v = 1;",
	"UPDATE t SET v = 2 WHERE id = '3';",
	"BEGIN; INSERT INTO t VALUES ('9', 1);",
	"\xff\xfe",
	"",
};

static const char *top;
static _Atomic(long) *calls; /* of all children */
static atomic_int descriptors[DESCRIPTORS];
static int pipes[2];

struct worker {
	uint64_t random;
	char *bytes; /* BYTES of them */
};

static _Thread_local sigjmp_buf beyond;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(beyond, 1);
}

static uint64_t draw(struct worker *worker)
{
	/* xorshift64 (G. Marsaglia, 2003) */
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random >> 11;
}

static unsigned below(struct worker *worker, unsigned end)
{
	return (unsigned)(draw(worker) % end);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static const char *path(struct worker *worker, char out[512])
{
	char below_top[256];
	unsigned end = below(worker, 8) ? 12 : 300;

	snprintf(below_top, sizeof(below_top),
		 places[below(worker, sizeof(places) / sizeof(places[0]))],
		 below(worker, end), below(worker, end));
	snprintf(out, 512, "%s/%s", top, below_top);
	return out;
}
#pragma GCC diagnostic pop

static int descriptor(struct worker *worker)
{
	return atomic_load(&descriptors[below(worker, DESCRIPTORS)]);
}

/* Odd places: the beginning, ends of pages, far away, before the beginning. */
static off_t offset(struct worker *worker)
{
	static const off_t odd[] = { 0,         1,  4095,           4096,
				     65537,     -1, (off_t)1 << 31, (off_t)1 << 40,
				     INT64_MAX, 7 };

	return below(worker, 2) ? (off_t)below(worker, 300)
				: odd[below(worker, sizeof(odd) / sizeof(odd[0]))];
}

static size_t size(struct worker *worker)
{
	static const size_t odd[] = {
		0, 1, 3, 24, 100, 511, 4096, 4097, 65536, BYTES
	};

	return odd[below(worker, sizeof(odd) / sizeof(odd[0]))];
}

/* ---- The calls ---------------------------------------------------------------- */

static void call_open(struct worker *worker)
{
	static const int flags[] = { O_RDONLY,   O_WRONLY,  O_RDWR,    O_APPEND,
				     O_TRUNC,    O_CREAT,   O_EXCL,    O_DIRECTORY,
				     O_NOFOLLOW, O_SYNC,    O_NOATIME, O_PATH,
				     O_DIRECT,   O_TMPFILE, O_NOCTTY };
	int open_flags = O_NONBLOCK | (int)below(worker, 3), fd, old;
	char name[512];

	for (unsigned i = below(worker, 4); i > 0; i--)
		open_flags |= flags[below(worker, sizeof(flags) / sizeof(flags[0]))];
	fd = open(path(worker, name), open_flags, 0666);
	if (fd < 0)
		return;
	old = atomic_exchange(&descriptors[below(worker, DESCRIPTORS)], fd);
	if (old >= 0)
		close(old);
}

static void call_close(struct worker *worker)
{
	int fd = atomic_exchange(&descriptors[below(worker, DESCRIPTORS)], -1);

	if (fd >= 0)
		close(fd);
}

static void call_read(struct worker *worker)
{
	struct iovec pieces[2] = { { worker->bytes, size(worker) },
				   { worker->bytes, size(worker) } };

	switch (below(worker, 3)) {
	case 0:
		(void)!read(descriptor(worker), worker->bytes, size(worker));
		break;
	case 1:
		(void)!pread(descriptor(worker), worker->bytes, size(worker),
			     offset(worker));
		break;
	default:
		(void)!preadv(descriptor(worker), pieces, 2, offset(worker));
	}
}

static void call_write(struct worker *worker)
{
	const char *text = texts[below(worker, sizeof(texts) / sizeof(texts[0]))];
	int fd = descriptor(worker);

	switch (below(worker, 4)) {
	case 0:
		(void)!pwrite(fd, text, strlen(text), offset(worker));
		break;
	case 1:
		memset(worker->bytes, (int)below(worker, 256), BYTES);
		(void)!write(fd, worker->bytes, size(worker));
		break;
	default:
		(void)!write(fd, text, strlen(text));
	}
}

static void call_size(struct worker *worker)
{
	char name[512];

	switch (below(worker, 4)) {
	case 0:
		(void)!ftruncate(descriptor(worker), offset(worker));
		break;
	case 1:
		(void)!truncate(path(worker, name), offset(worker));
		break;
	case 2:
		(void)!fallocate(descriptor(worker), (int)below(worker, 128),
				 offset(worker), offset(worker));
		break;
	default:
		(void)lseek(descriptor(worker), offset(worker),
			    (int)below(worker, 7));
	}
}

static void call_map(struct worker *worker)
{
	size_t length = size(worker) + 1;
	volatile char *at;

	at = mmap(NULL, length,
		  below(worker, 2) ? PROT_READ : PROT_READ | PROT_WRITE,
		  below(worker, 2) ? MAP_SHARED : MAP_PRIVATE, descriptor(worker),
		  (off_t)below(worker, 3) * 4096);
	if (at == MAP_FAILED)
		return;
	if (sigsetjmp(beyond, 1) == 0) {
		(void)at[0];
		if (below(worker, 2))
			at[length - 1] = 'x';
	}
	(void)msync((void *)at, length, (int)below(worker, 8));
	(void)madvise((void *)at, length, (int)below(worker, 20));
	munmap((void *)at, length);
}

/* That is left where it is: without it there would be little to do. */
static bool is_the_table(const char *name)
{
	return strcmp(name + strlen(top), "/tables/t") == 0;
}

static void call_name(struct worker *worker)
{
	char a[512], b[512];

	if (is_the_table(path(worker, a)) || is_the_table(path(worker, b)))
		return;
	switch (below(worker, 9)) {
	case 0:
		(void)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b,
			      below(worker, 8));
		break;
	case 1:
		(void)unlink(a);
		break;
	case 2:
		(void)unlinkat(AT_FDCWD, a, AT_REMOVEDIR);
		break;
	case 3:
		(void)mkdir(a, 0777);
		break;
	case 4:
		(void)!link(a, b);
		break;
	case 5:
		(void)!symlink(below(worker, 2) ? "../@seq/3" : "nowhere", a);
		break;
	case 6:
		(void)mknod(a, (below(worker, 2) ? S_IFREG : S_IFIFO) | 0666, 0);
		break;
	default:
		(void)rename(a, b);
	}
}

static void call_attributes(struct worker *worker)
{
	struct timespec times[2] = { { .tv_sec = offset(worker) },
				     { .tv_nsec = below(worker, 2) ? UTIME_OMIT
								   : UTIME_NOW } };
	char name[512], value[64] = "";
	struct statvfs vfs;
	struct statx st;

	(void)path(worker, name);
	switch (below(worker, 11)) {
	case 0:
		(void)chmod(name, (mode_t)below(worker, 07777));
		break;
	case 1:
		(void)!chown(name, below(worker, 3), below(worker, 3));
		break;
	case 2:
		(void)utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW);
		break;
	case 3:
		(void)setxattr(name, "user.x", value, below(worker, 64), 0);
		break;
	case 4:
		(void)getxattr(name, "security.capability", value, sizeof(value));
		break;
	case 5:
		(void)fremovexattr(descriptor(worker), "user.x");
		break;
	case 6:
		(void)!readlink(name, value, below(worker, 64));
		break;
	case 7:
		(void)access(name, (int)below(worker, 8));
		break;
	case 8:
		(void)statvfs(name, &vfs);
		break;
	default:
		(void)statx(AT_FDCWD, name,
			    (int)below(worker, 2) * AT_SYMLINK_NOFOLLOW |
				    (int)below(worker, 3) * AT_STATX_FORCE_SYNC,
			    below(worker, 0x10000), &st);
	}
}

static void call_list(struct worker *worker)
{
	int fd = descriptor(worker);

	if (below(worker, 3) == 0)
		(void)lseek(fd, offset(worker), SEEK_SET);
	(void)syscall(SYS_getdents64, fd, worker->bytes, size(worker));
}

static void call_copy(struct worker *worker)
{
	off_t from = offset(worker), to = offset(worker);
	int in = descriptor(worker), out = descriptor(worker);

	switch (below(worker, 4)) {
	case 0:
		(void)copy_file_range(in, &from, out, &to, size(worker), 0);
		break;
	case 1:
		(void)sendfile(out, in, &from, size(worker));
		break;
	case 2:
		(void)splice(in, &from, pipes[1], NULL, size(worker),
			     SPLICE_F_NONBLOCK | below(worker, 8));
		break;
	default:
		(void)splice(pipes[0], NULL, out, &to, size(worker),
			     SPLICE_F_NONBLOCK | below(worker, 8));
	}
}

static void call_lock(struct worker *worker)
{
	struct flock lock = { .l_type = (short)below(worker, 3),
			      .l_start = offset(worker),
			      .l_len = offset(worker) };
	int fd = descriptor(worker);

	switch (below(worker, 4)) {
	case 0:
		(void)flock(fd, LOCK_NB | (int)below(worker, 16));
		break;
	case 1:
		(void)fcntl(fd, F_SETLK, &lock);
		break;
	case 2:
		(void)fcntl(fd, F_SETFL, O_NONBLOCK | (int)below(worker, 0x10000));
		break;
	default:
		(void)fcntl(fd, F_SETLEASE, (int)below(worker, 3));
	}
}

static void call_sync(struct worker *worker)
{
	int fd = descriptor(worker);

	switch (below(worker, 4)) {
	case 0:
		(void)fsync(fd);
		break;
	case 1:
		(void)fdatasync(fd);
		break;
	case 2:
		(void)sync_file_range(fd, offset(worker), offset(worker),
				      below(worker, 8));
		break;
	default:
		(void)posix_fadvise(fd, offset(worker), offset(worker),
				    (int)below(worker, 7));
	}
}

static void call_other(struct worker *worker)
{
	static const unsigned long commands[] = { FIONREAD,        FIBMAP,
						  FICLONE,         FS_IOC_GETFLAGS,
						  FS_IOC_SETFLAGS, FIGETBSZ,
						  0x5401,          0xffffffff };
	struct pollfd poll_fd = { .fd = descriptor(worker), .events = -1 };
	struct {
		struct file_handle handle;
		char room[128];
	} handle = { .handle.handle_bytes = below(worker, 128) };
	char name[512];
	int mount_id, watch;

	switch (below(worker, 4)) {
	case 0:
		(void)ioctl(descriptor(worker), commands[below(worker, 8)],
			    worker->bytes);
		break;
	case 1:
		(void)poll(&poll_fd, 1, 0);
		break;
	case 2:
		(void)name_to_handle_at(AT_FDCWD, path(worker, name), &handle.handle,
					&mount_id, 0);
		break;
	default:
		watch = inotify_init1(IN_NONBLOCK);
		(void)inotify_add_watch(watch, path(worker, name), IN_ALL_EVENTS);
		close(watch);
	}
}

static void (*const table[])(struct worker *) = {
	call_open, call_open, call_open,  call_close,      call_close,
	call_read, call_read, call_write, call_write,      call_size,
	call_map,  call_name, call_name,  call_attributes, call_list,
	call_copy, call_lock, call_sync,  call_other,
};

/* ---- Children ------------------------------------------------------------------ */

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (;;) {
		table[below(worker, sizeof(table) / sizeof(table[0]))](worker);
		atomic_fetch_add(calls, 1);
	}
	return NULL;
}

static void be_a_child(uint64_t seed)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	static struct worker workers[THREADS];
	pthread_t thread;

	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < DESCRIPTORS; i++)
		atomic_init(&descriptors[i], -1);
	if (pipe2(pipes, O_NONBLOCK))
		_exit(1);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].random = (seed * THREADS + i + 1) * 0x9e3779b97f4a7c15;
		workers[i].bytes = calloc(1, BYTES);
		if (!workers[i].bytes ||
		    pthread_create(&thread, NULL, work, &workers[i]))
			_exit(1);
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct worker fate = { 0 };
	time_t end;
	int status;

	if (argc != 4)
		return 2;
	top = argv[1];
	fate.random = strtoull(argv[3], NULL, 10) * 2 + 1;
	end = time(NULL) + atol(argv[2]);
	calls = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (calls == MAP_FAILED)
		return 2;
	do {
		pid_t child = fork();

		if (child < 0)
			return 2;
		if (child == 0)
			be_a_child(draw(&fate));
		poll(NULL, 0, (int)below(&fate, 500));
		kill(child, SIGKILL);
		if (waitpid(child, &status, 0) < 0 || !WIFSIGNALED(status)) {
			fprintf(stderr, "a child ended with status %d\n", status);
			return 1;
		}
	} while (time(NULL) < end);
	printf("SEED=%s %ld calls\n", argv[3], atomic_load(calls));
	return 0;
}
