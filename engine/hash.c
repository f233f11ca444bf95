/* SPDX-License-Identifier: MIT */
/* hash.c - see hash.h. */
#include "engine/hash.h"

#include <openssl/evp.h>

enum drift_err hash_add(const char *name, struct slice bytes, struct buf *out)
{
	const EVP_MD *kind = EVP_get_digestbyname(name);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;

	if (!kind || !EVP_Digest(bytes.data, bytes.size, digest, &size, kind, NULL))
		return DRIFT_UNSUPPORTED;
	buf_add(out, digest, size);
	return buf_status(out);
}
