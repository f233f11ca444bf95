/* SPDX-License-Identifier: MIT */
/* option.c - options as tables: ours, libfuse's, and those that fstab, systemd and
 * mount(8) add for themselves, which mean nothing to a mounted tree. */
#include "fs/option.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROW_TEXT_MAX ((size_t)16 << 20)

static const char *const passed_options[] = {
	"allow_other",  "allow_root", "default_permissions",
	"auto_unmount", "ro",         "rw",
	"noatime",      "atime",      "noexec",
	"exec",         "sync",       "async",
	"dirsync",      "nosuid",     "nodev",
};

/* dev and suid come from mount.fuse3; what is mounted has neither. */
static const char *const swallowed_options[] = {
	"auto",       "noauto",     "user",        "nouser",   "users",
	"owner",      "group",      "_netdev",     "nofail",   "defaults",
	"relatime",   "norelatime", "strictatime", "lazytime", "diratime",
	"nodiratime", "mand",       "nomand",      "dev",      "suid",
};

static const char *const swallowed_prefixes[] = { "comment=", "x-", "X-" };

/* What the kernel's list of mounts says of one: mount(8) hands it back in a remount. */
static const char *const listed_prefixes[] = { "user_id=", "group_id=", "max_read=",
					       "blksize=" };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_among(const char *option, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(option, names[i]) == 0)
			return true;
	return false;
}

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool parse_number(const char *text, int base, unsigned long max,
			 unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, base);
	return !errno && end != text && *end == '\0' && *text != '-' &&
	       *value <= max;
}

/* ---- Ours: name=value ---------------------------------------------------- */

static bool set_history(struct options *options, const char *value)
{
	options->tree.hide_history = strcmp(value, "hidden") == 0;
	return options->tree.hide_history || strcmp(value, "shown") == 0;
}

static bool set_format(struct options *options, const char *value)
{
	bool compact = strcmp(value, "compact") == 0;

	options->tree.style = compact ? JSON_COMPACT : JSON_PRETTY;
	return compact || strcmp(value, "pretty") == 0;
}

static bool set_durability(struct options *options, const char *value)
{
	unsigned long ms;

	options->interval_ms = 0;
	options->tree.close_durability = DRIFT_DURABLE_LATER;
	if (strcmp(value, "close") == 0) {
		options->tree.close_durability = DRIFT_DURABLE;
		return true;
	}
	if (strcmp(value, "fsync") == 0)
		return true;
	if (!begins_with(value, "interval=") ||
	    !parse_number(value + strlen("interval="), 10, 3600000, &ms) || ms == 0)
		return false;
	options->interval_ms = (uint32_t)ms;
	return true;
}

static bool set_max_row(struct options *options, const char *value)
{
	unsigned long bytes;

	if (!parse_number(value, 10, ROW_TEXT_MAX, &bytes) || bytes < 2)
		return false;
	options->tree.row_text_max = bytes;
	return true;
}

static bool set_max_open(struct options *options, const char *value)
{
	unsigned long count;

	if (!parse_number(value, 10, HANDLES_OPEN_MAX_MAX, &count) || count < 1)
		return false;
	options->tree.open_max = (unsigned)count;
	return true;
}

static bool set_uid(struct options *options, const char *value)
{
	unsigned long number;

	if (!parse_number(value, 10, UINT32_MAX - 1, &number))
		return false;
	options->tree.uid = (uid_t)number;
	return true;
}

static bool set_gid(struct options *options, const char *value)
{
	unsigned long number;

	if (!parse_number(value, 10, UINT32_MAX - 1, &number))
		return false;
	options->tree.gid = (gid_t)number;
	return true;
}

static bool set_umask(struct options *options, const char *value)
{
	unsigned long number;

	if (!parse_number(value, 8, 0777, &number))
		return false;
	options->tree.umask = (mode_t)number;
	return true;
}

static bool set_as_of(struct options *options, const char *value)
{
	buf_clear(&options->memory);
	buf_add_str(&options->memory, value);
	options->as_of = buf_cstr(&options->memory);
	options->tree.read_only = true;
	return value[0] != '\0' && !buf_status(&options->memory);
}

static const struct our_option {
	const char *name; /* with the '=' */
	bool (*set)(struct options *options, const char *value);
	const char *values;
} our_options[] = {
	{ "asof=", set_as_of, "a moment" },
	{ "history=", set_history, "shown or hidden" },
	{ "format=", set_format, "pretty or compact" },
	{ "durability=", set_durability, "close, fsync or interval=MS" },
	{ "max_row=", set_max_row, "bytes, at most 16777216" },
	{ "max_open=", set_max_open, "at most 262144 files and directories" },
	{ "uid=", set_uid, "a number" },
	{ "gid=", set_gid, "a number" },
	{ "umask=", set_umask, "an octal number" },
};

static bool complain(const char *format, const char *what, const char *hint)
{
	fprintf(stderr, "driftfs: ");
	fprintf(stderr, format, what, hint);
	fputc('\n', stderr);
	return false;
}

/* To a list that is joined by ','. */
static void add_to(struct buf *list, const char *option)
{
	if (list->size)
		buf_add_char(list, ',');
	buf_add_str(list, option);
}

static bool begins_with_any(const char *option, const char *const *prefixes,
			    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (begins_with(option, prefixes[i]))
			return true;
	return false;
}

static void set_passed(struct options *options, const char *option)
{
	if (strcmp(option, "ro") == 0)
		options->tree.read_only = true;
	else if (strcmp(option, "rw") == 0)
		options->tree.read_only = options->as_of != NULL;
	options->allow_other |= strcmp(option, "allow_other") == 0;
	add_to(&options->passed, option);
}

/* Ours that are a word alone. */
static bool set_flag(struct options *options, const char *option)
{
	bool *flag = strcmp(option, "remount") == 0 ? &options->remount
		     : strcmp(option, "drop_privileges") == 0
			     ? &options->drop_privileges
		     : strcmp(option, "nonempty") == 0 ? &options->nonempty
						       : NULL;

	if (flag)
		*flag = true;
	return flag != NULL;
}

static bool set_one(struct options *options, const char *option)
{
	if (option[0] == '\0')
		return true;
	if (set_flag(options, option))
		return true;
	for (size_t i = 0; i < COUNT(our_options); i++) {
		const struct our_option *ours = &our_options[i];

		if (!begins_with(option, ours->name))
			continue;
		add_to(&options->ours, option);
		return ours->set(options, option + strlen(ours->name)) ||
		       complain("option '%s': the value must be %s", option,
				ours->values);
	}
	if (is_among(option, passed_options, COUNT(passed_options))) {
		set_passed(options, option);
		return true;
	}
	if (begins_with_any(option, listed_prefixes, COUNT(listed_prefixes))) {
		add_to(&options->listed, option);
		return true;
	}
	return is_among(option, swallowed_options, COUNT(swallowed_options)) ||
	       begins_with_any(option, swallowed_prefixes,
			       COUNT(swallowed_prefixes)) ||
	       options->sloppy || complain("unknown option '%s'%s", option, "");
}

/* A list as -o takes it: joined by ','. */
static bool set_list(struct options *options, const char *list)
{
	char *copy = strdup(list), *rest = copy, *option;
	bool good = copy != NULL;

	while (good && (option = strsep(&rest, ",")))
		good = set_one(options, option);
	free(copy);
	return good;
}

/* ---- The command line ---------------------------------------------------- */

void options_usage(const char *program)
{
	printf("usage: %s DB MOUNTPOINT [-o OPTION[,OPTION...]] [-f] [-d] [-s]\n"
	       "       %s --unmount MOUNTPOINT\n\n"
	       "  -f          stay in the foreground\n"
	       "  -d          show every request (implies -f)\n"
	       "  -s          serve with one thread\n"
	       "  --unmount   unmount, and wait until the database is closed\n"
	       "  -h, -V      this help, the version\n\n"
	       "options:\n"
	       "  ro                      refuse every write\n"
	       "  asof=MOMENT             mount the database as it was then "
	       "(read-only)\n"
	       "  history=hidden          leave history/ and what begins with @ out "
	       "of "
	       "listings\n"
	       "  format=compact          one line a row\n"
	       "  durability=close        a close waits for the disk (the default)\n"
	       "  durability=fsync        only fsync waits for the disk\n"
	       "  durability=interval=MS  at most MS milliseconds can be lost\n"
	       "  max_row=BYTES           largest row as JSON (16777216)\n"
	       "  max_open=COUNT          files and directories that a user may "
	       "have open (65536)\n"
	       "  uid=N gid=N umask=OCTAL who owns the files, and who may do what\n"
	       "  allow_other             let other users in (with "
	       "default_permissions)\n"
	       "  drop_privileges         serve without any of root's\n"
	       "  nonempty                hide what lies in MOUNTPOINT\n",
	       program, program);
}

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "unmount", no_argument, NULL, 'U' },
	{ 0 },
};

/* What mount(8) means by a letter, when it calls us as its helper. */
static bool helper_flag(struct options *options, int letter)
{
	switch (letter) {
	case 'f':
		options->fake = true;
		return true;
	case 's':
		options->sloppy = true;
		return true;
	case 'n':
	case 'v':
	case 't':
		return true;
	default:
		return false;
	}
}

static bool own_flag(struct options *options, int letter)
{
	switch (letter) {
	case 'd':
		options->debug = true;
		options->foreground = true;
		return true;
	case 'f':
		options->foreground = true;
		return true;
	case 's':
		options->single_threaded = true;
		return true;
	case 'h':
		options->help = true;
		return true;
	case 'V':
		options->version = true;
		return true;
	case 'U':
		options->unmount = true;
		return true;
	default:
		return false;
	}
}

static bool positional(struct options *options, int argc, char **argv, int at)
{
	int wanted = options->unmount ? 1 : 2;

	if (options->help || options->version)
		return true;
	if (argc - at > wanted)
		return complain("one word too many: %s; see %s --help",
				argv[at + wanted], "driftfs");
	if (argc - at < wanted)
		return complain("give %s; see %s --help",
				options->unmount ? "the mount point"
						 : "a database and a mount point",
				"driftfs");
	options->db = options->unmount ? NULL : argv[at];
	options->mountpoint = argv[argc - 1];
	return true;
}

/* -s among a helper's flags changes what -o means, wherever it stands. */
static bool wants_sloppy(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-s") == 0)
			return true;
	return false;
}

bool options_parse(struct options *options, int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash ? slash + 1 : argv[0];
	int letter;

	*options = (struct options){
		.tree = { .style = JSON_PRETTY,
			  .close_durability = DRIFT_DURABLE,
			  .row_text_max = ROW_TEXT_MAX,
			  .open_max = HANDLES_OPEN_MAX,
			  .uid = getuid(),
			  .gid = getgid(),
			  .umask = 022 },
	};
	options->helper = begins_with(program, "mount.");
	options->sloppy = options->helper && wants_sloppy(argc, argv);
	while ((letter = getopt_long(argc, argv,
				     options->helper ? "fsnvt:o:" : "dfshVo:",
				     long_options, NULL)) != -1) {
		bool good;

		if (letter == 'o')
			good = set_list(options, optarg);
		else
			good = options->helper ? helper_flag(options, letter)
					       : own_flag(options, letter);
		if (!good)
			return false;
	}
	if (options->listed.size && !options->remount && !options->sloppy)
		return complain("unknown option '%s'%s", buf_cstr(&options->listed),
				"");
	return positional(options, argc, argv, optind);
}

void options_release(struct options *options)
{
	buf_release(&options->passed);
	buf_release(&options->ours);
	buf_release(&options->listed);
	buf_release(&options->memory);
}
