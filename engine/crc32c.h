/* SPDX-License-Identifier: MIT */
/* crc32c.h - CRC-32C (Castagnoli; RFC 3720, appendix B.4), by the CPU's own
 * instruction where it has one, else by table. */
#ifndef DRIFT_ENGINE_CRC32C_H
#define DRIFT_ENGINE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of the bytes that gave `crc` (0 for none) followed by these. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* Of two pieces, one after the other. */
uint32_t crc32c_two(const void *first, size_t first_size, const void *second,
		    size_t second_size);

#endif
