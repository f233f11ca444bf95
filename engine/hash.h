/* SPDX-License-Identifier: MIT */
/* hash.h - well-known digests of bytes, for SQL's md5() and sha256(). */
#ifndef DRIFT_ENGINE_HASH_H
#define DRIFT_ENGINE_HASH_H

#include "engine/buf.h"
#include "engine/err.h"

/* Append the digest called so ("md5", "sha256" ...). DRIFT_UNSUPPORTED: the library
 * does not give it here. */
enum drift_err hash_add(const char *name, struct slice bytes, struct buf *out);

#endif
