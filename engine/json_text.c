/* SPDX-License-Identifier: MIT */
/* json_text.c - what valid text is, and text as a JSON string.
 *
 * Well-formed UTF-8 is what table 3-7 of the Unicode standard lists: the second
 * byte's range depends on the first, which is what shuts out overlong forms,
 * surrogates and code points above U+10FFFF. Most text is ASCII, so runs of it
 * are stepped over eight bytes at a time. */
#include "engine/json.h"

static inline bool continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Bytes of the character that begins at `at`, 0 if it is not well-formed. */
static unsigned character_size(const uint8_t *at, size_t left)
{
	uint8_t low = 0x80;
	uint8_t high = 0xbf;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4 || left < 2)
		return 0;
	if (at[0] < 0xe0)
		return continues(at[1]) ? 2 : 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high || left < 3 || !continues(at[2]))
		return 0;
	if (at[0] < 0xf0)
		return 3;
	return left >= 4 && continues(at[3]) ? 4 : 0;
}

/* Has the word no byte above 0x7f, and none that is 0? Carries only make a word that
 * has a 0 be suspected of more. */
static inline bool is_plain_word(uint64_t word)
{
	return !(((word - 0x0101010101010101) | word) & 0x8080808080808080);
}

/* The high bit of each byte that is 0, and perhaps of others above the first such. */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
}

/* The same for bytes that do not stand for themselves in a string. */
static inline uint64_t odd_bytes(uint64_t word)
{
	return (word & 0x8080808080808080) |
	       ((word - 0x2020202020202020) & ~word & 0x8080808080808080) |
	       zero_bytes(word ^ 0x2222222222222222) |
	       zero_bytes(word ^ 0x5c5c5c5c5c5c5c5c) |
	       zero_bytes(word ^ 0x7f7f7f7f7f7f7f7f);
}

static const bool plain[256] = {
	[0x20] = true,
	[0x21] = true,
	[0x23 ... 0x5b] = true,
	[0x5d ... 0x7e] = true,
};

static size_t json_plain_run(const char *at, const char *end)
{
	const char *start = at;

	for (; end - at >= 8; at += 8) {
		uint64_t odd = odd_bytes(le64_get(at));

		if (odd)
			return (size_t)(at - start) +
			       (size_t)__builtin_ctzll(odd) / 8;
	}
	while (at < end && plain[(uint8_t)*at])
		at++;
	return (size_t)(at - start);
}

bool json_text_plain(struct slice text)
{
	const char *at = text.data;
	size_t left = text.size;
	uint64_t word = 0x0101010101010101;

	for (; left >= 8; at += 8, left -= 8)
		if (!is_plain_word(le64_get(at)))
			return false;
	if (left && text.size >= 8)
		return is_plain_word(le64_get(at + left - 8));
	for (; left > 0; left--)
		word = word << 8 | (uint8_t)at[left - 1];
	return is_plain_word(word);
}

bool json_text_valid(struct slice text)
{
	const uint8_t *at = text.data;
	size_t left = text.size;
	uint64_t rest = 0;
	unsigned size;

	while (left > 0) {
		if (left < 8) {
			memcpy(&rest, at, left);
			if (!(rest & 0x8080808080808080))
				return true;
		}
		if (left >= 8 && !(le64_get(at) & 0x8080808080808080)) {
			size = 8;
		} else {
			size = character_size(at, left);
			if (size == 0)
				return false;
		}
		at += size;
		left -= size;
	}
	return true;
}

static void print_escape(uint8_t byte, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};

	buf_add_char(out, '\\');
	if (byte == '"' || byte == '\\') {
		buf_add_char(out, (char)byte);
	} else if (byte < 0x20 && letters[byte]) {
		buf_add_char(out, letters[byte]);
	} else {
		buf_add_str(out, "u00");
		buf_add_char(out, hex[byte >> 4]);
		buf_add_char(out, hex[byte & 15]);
	}
}

/* The text from `at` on, which has something that does not stand for itself. */
static void print_odd(const char *run, const char *at, const char *end,
		      struct buf *out)
{
	unsigned size;

	for (; at < end; at += json_plain_run(at, end)) {
		size = character_size((const uint8_t *)at, (size_t)(end - at));
		if (size > 1) {
			at += size;
			continue;
		}
		buf_add(out, run, (size_t)(at - run));
		if (size == 0)
			buf_add_str(out, "\xef\xbf\xbd");
		else
			print_escape((uint8_t)*at, out);
		run = ++at;
	}
	buf_add(out, run, (size_t)(end - run));
}

void json_print_text(struct slice text, struct buf *out)
{
	size_t plain = text.size
			       ? json_plain_run(text.data,
						(const char *)text.data + text.size)
			       : 0;
	char *to = buf_reserve(out, text.size + 2);

	if (!to)
		return;
	*to++ = '"';
	if (plain)
		memcpy(to, text.data, plain);
	if (plain == text.size) {
		to[plain] = '"';
		out->size += plain + 2;
		return;
	}
	out->size += plain + 1;
	print_odd((const char *)text.data + plain, (const char *)text.data + plain,
		  (const char *)text.data + text.size, out);
	buf_add_char(out, '"');
}
