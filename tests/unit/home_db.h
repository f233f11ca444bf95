/* SPDX-License-Identifier: MIT */
/* home_db.h - an empty database in a directory of its own, for tests of what stands on
 * the engine: open until it is removed, reports unheard. */
#ifndef DRIFT_TESTS_HOME_DB_H
#define DRIFT_TESTS_HOME_DB_H

#include <ftw.h>

#include "engine/engine.h"
#include "tests/unit/cmocka_test.h"

struct home {
	char dir[64];
	struct drift_db *db;
};

static inline void home_report(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* fold_events_max: how many events memory holds before they go into the index; 0: as
 * many as usual. */
static inline void home_make(struct home *home, uint32_t fold_events_max)
{
	const struct drift_options options = {
		.report = home_report,
		.fold_events_max = fold_events_max,
		.image_rows_min = 1, /* all that can be an image becomes one */
	};

	snprintf(home->dir, sizeof(home->dir), "/tmp/driftfs-test-XXXXXX");
	assert_non_null(mkdtemp(home->dir));
	assert_int_equal(drift_init(home->dir, NULL), DRIFT_OK);
	assert_int_equal(drift_open(home->dir, &options, &home->db, NULL), DRIFT_OK);
}

static inline int home_remove_one(const char *path, const struct stat *st, int kind,
				  struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void home_remove(struct home *home)
{
	drift_close(home->db);
	assert_int_equal(nftw(home->dir, home_remove_one, 8, FTW_DEPTH | FTW_PHYS),
			 0);
}

#endif
