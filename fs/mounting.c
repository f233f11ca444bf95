/* SPDX-License-Identifier: MIT */
/* mounting.c - see mounting.h.
 *
 * A remount can change what the kernel does with a mount (ro, noexec ...), and nothing of
 * what the daemon was told when it started: another value of those is refused by name.
 * mount(8) hands in what fstab and the kernel's list of mounts say beside what is asked
 * for, so an option that the daemon has already is no request to change it. */
#include "fs/mounting.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/engine.h"
#include "fs/mountpoint.h"

static const struct {
	const char *name;
	unsigned long flag;
	bool set;
} kernel_flags[] = {
	{ "ro", MS_RDONLY, true },        { "rw", MS_RDONLY, false },
	{ "noexec", MS_NOEXEC, true },    { "exec", MS_NOEXEC, false },
	{ "noatime", MS_NOATIME, true },  { "atime", MS_NOATIME, false },
	{ "sync", MS_SYNCHRONOUS, true }, { "async", MS_SYNCHRONOUS, false },
	{ "dirsync", MS_DIRSYNC, true },
};

/* The word of a list that is joined by ',', and what follows it; false at its end. */
static bool take_word(struct slice *list, struct slice *word)
{
	const char *at = list->data, *comma;

	if (list->size == 0)
		return false;
	comma = memchr(at, ',', list->size);
	*word = slice_of(at, comma ? (size_t)(comma - at) : list->size);
	*list = comma ? slice_of(comma + 1, list->size - word->size - 1)
		      : (struct slice){ 0 };
	return true;
}

static bool has_word(struct slice list, struct slice wanted)
{
	struct slice word;

	while (take_word(&list, &word))
		if (slice_equal(word, wanted))
			return true;
	return false;
}

/* flags as they are once each word of the list was taken in, the last one counts. */
static unsigned long with_words(unsigned long flags, struct slice list)
{
	struct slice word;

	while (take_word(&list, &word))
		for (size_t i = 0;
		     i < sizeof(kernel_flags) / sizeof(kernel_flags[0]); i++) {
			if (!slice_equal(word, slice_str(kernel_flags[i].name)))
				continue;
			flags &= ~kernel_flags[i].flag;
			flags |= kernel_flags[i].set ? kernel_flags[i].flag : 0;
		}
	return flags;
}

/* Asked for, or needed by what was: the daemon's words, then read-only. */
static unsigned long flags_of(unsigned long flags, const struct options *options)
{
	flags = with_words(flags, buf_slice(&options->passed));
	return options->tree.read_only ? flags | MS_RDONLY : flags;
}

/* ---- Changed while it is there --------------------------------------------- */

/* The command line of the daemon that has the database. *words points into text. */
static int former_words(const char *database, struct buf *text, char ***words)
{
	char path[64], *at, *end;
	int count = 0, fd;
	ssize_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", drift_owner(database));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while ((at = buf_reserve(text, 4096)) && (size = read(fd, at, 4096)) > 0)
		text->size += (size_t)size;
	close(fd);
	buf_add_char(text,
		     '\0'); /* ends the last word, whether it had an end or not */
	*words = calloc(text->size + 1, sizeof(**words));
	if (size != 0 || buf_status(text) || !*words)
		return 0;
	end = text->data + text->size - 1;
	for (at = text->data; at < end; at += strlen(at) + 1)
		(*words)[count++] = at;
	return count;
}

static bool may_change(const char *mountpoint, const struct options *former,
		       const struct options *wanted)
{
	struct slice list = buf_slice(&wanted->ours), word;

	while (take_word(&list, &word)) {
		if (has_word(buf_slice(&former->ours), word))
			continue;
		fprintf(stderr,
			"driftfs: a remount cannot change '%.*s': "
			"unmount %s and mount it anew\n",
			(int)word.size, (const char *)word.data, mountpoint);
		return false;
	}
	if (wanted->tree.read_only || !former->tree.read_only)
		return true;
	fprintf(stderr,
		"driftfs: %s was mounted read-only: "
		"to write, unmount it and mount it anew\n",
		mountpoint);
	return false;
}

/* Only what the daemon is asked to be, and is not, is a change. */
static bool check_change(const char *mountpoint, const char *database,
			 const struct options *wanted)
{
	struct options former = { 0 };
	struct buf text = BUF_INIT;
	char **words = NULL;
	int count = former_words(database, &text, &words);
	bool good = true;

	optind = 0; /* getopt begins anew */
	if (count > 0)
		good = options_parse(&former, count, words);
	good = good && may_change(mountpoint, &former, wanted);
	options_release(&former);
	free(words);
	buf_release(&text);
	return good;
}

int mounting_remount(const char *mountpoint, const struct options *options)
{
	char *database = NULL, *list = NULL;
	int status = 1;

	if (!mountpoint_find(mountpoint, &database, &list)) {
		fprintf(stderr, "driftfs: %s is not a driftfs mount\n", mountpoint);
	} else if (check_change(mountpoint, database, options)) {
		/* mount(8) tells all that is to be. */
		unsigned long flags =
			options->helper ? 0 : with_words(0, slice_str(list));

		flags &= ~(unsigned long)MS_RDONLY;
		flags = flags_of(flags, options) | MS_REMOUNT | MS_NOSUID | MS_NODEV;
		status = 0;
		if (mount(database, mountpoint, "fuse.driftfs", flags, NULL) != 0) {
			fprintf(stderr, "driftfs: cannot remount %s: %s\n",
				mountpoint, strerror(errno));
			status = 32;
		}
	}
	free(database);
	free(list);
	return status;
}

/* ---- Made before privileges go ---------------------------------------------- */

int mounting_device(const char *mountpoint, const char *db,
		    const struct options *options)
{
	struct slice passed = buf_slice(&options->passed);
	bool others =
		options->allow_other || has_word(passed, slice_str("allow_root"));
	unsigned long flags = flags_of(MS_NOSUID | MS_NODEV, options);
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char list[128];

	if (device < 0) {
		perror("driftfs: /dev/fuse");
		return -1;
	}
	snprintf(list, sizeof(list), "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s",
		 device, (unsigned)S_IFDIR, (unsigned)getuid(), (unsigned)getgid(),
		 others ? ",allow_other" : "",
		 options->allow_other ||
				 has_word(passed, slice_str("default_permissions"))
			 ? ",default_permissions"
			 : "");
	if (mount(db, mountpoint, "fuse.driftfs", flags, list) == 0)
		return device;
	fprintf(stderr, "driftfs: cannot mount %s: %s%s\n", mountpoint,
		strerror(errno),
		errno == EPERM ? "; drop_privileges is for who has some: root" : "");
	close(device);
	return -1;
}

bool mounting_drop_privileges(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	bool good = true;

	for (unsigned long cap = 0;
	     good && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		good = prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0;
	good = good &&
	       prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS, 0, 0,
		     0) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_capset, &header, none) == 0;
	if (!good)
		perror("driftfs: cannot drop privileges");
	return good;
}
