/* SPDX-License-Identifier: MIT */
/* scan.h - a scan that uses no snapshot, to compare snapshots with. Private to
 * engine/. */
#ifndef DRIFT_ENGINE_SCAN_H
#define DRIFT_ENGINE_SCAN_H

#include "engine/index_rows.h"

enum drift_err scan_walk(struct drift_view view, uint32_t table_id,
			 struct drift_cursor **cursor);

#endif
