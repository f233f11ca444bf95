/* SPDX-License-Identifier: MIT */
/* text.h - functions over texts that SQLite's own run too long or without a check. */
#ifndef DRIFT_QUERY_TEXT_H
#define DRIFT_QUERY_TEXT_H

#include "engine/err.h"

struct query_session;

/* instr(), replace(), trim(), ltrim(), rtrim(). */
enum drift_err text_register(struct query_session *session);
/* printf.c: printf() and format(). */
enum drift_err printf_register(struct query_session *session);

#endif
