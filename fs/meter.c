/* SPDX-License-Identifier: MIT */
/* meter.c - see meter.h. The tree outlives its requests; a RELEASE may free what it was
 * for, so nothing of a request is looked at after its handler. */
#include "fs/meter.h"

#include "fs/ops.h"
#include "fs/reader.h"

#define METER(name, parameters, arguments)                                          \
	static void metered_##name parameters                                       \
	{                                                                           \
		struct meter *meter = &tree_of(req)->meter;                         \
		uint64_t start = stats_now_ns();                                    \
                                                                                    \
		atomic_fetch_add_explicit(&meter->busy, 1, memory_order_relaxed);   \
		reader_begin(req);                                                  \
		ops_table.name arguments;                                           \
		reader_rest();                                                      \
		atomic_fetch_sub_explicit(&meter->busy, 1, memory_order_relaxed);   \
		atomic_fetch_add_explicit(&meter->served, 1, memory_order_relaxed); \
		stats_add_time(&meter->time[METER_##name], stats_now_ns() - start); \
	}
METERED(METER)
#undef METER

struct fuse_lowlevel_ops meter_ops(void)
{
	struct fuse_lowlevel_ops ops = ops_table;

#define METER_SET(name, parameters, arguments) ops.name = metered_##name;
	METERED(METER_SET)
#undef METER_SET
	return ops;
}

const char *meter_name(enum meter_op op)
{
#define METER_NAME(name, parameters, arguments) #name,
	static const char *const names[] = { METERED(METER_NAME) };
#undef METER_NAME

	return names[op];
}
