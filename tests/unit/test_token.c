/* SPDX-License-Identifier: MIT */
#include "query/token.h"
#include "tests/unit/cmocka_test.h"

static struct token first(const char *script)
{
	size_t at = 0;

	return token_next(script, strlen(script), &at);
}

static void each_kind_is_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum token_kind kind;
		unsigned size;
	} cases[] = {
		{ "", TOKEN_END, 0 },
		{ " \t\n-- only a comment", TOKEN_END, 0 },
		{ "select x", TOKEN_WORD, 6 },
		{ "\"a\"\"b\" c", TOKEN_QUOTED, 6 },
		{ "`a` b", TOKEN_QUOTED, 3 },
		{ "[a b] c", TOKEN_QUOTED, 5 },
		{ "'it''s' x", TOKEN_STRING, 7 },
		{ "x'00ff' y", TOKEN_BLOB, 7 },
		{ "12)", TOKEN_INTEGER, 2 },
		{ "1.5e-3+1", TOKEN_NUMBER, 6 },
		{ "0x1F,", TOKEN_NUMBER, 4 },
		{ ".5", TOKEN_NUMBER, 2 },
		{ "@SEQ:1000)", TOKEN_MOMENT, 9 },
		{ "@seq:head~2 x", TOKEN_MOMENT, 11 },
		{ "{\"a;}\\\"\": {\"b\": 1}} x", TOKEN_JSON, 19 },
		{ "?1 ", TOKEN_PARAMETER, 2 },
		{ ":name ", TOKEN_PARAMETER, 5 },
		{ "->>'$'", TOKEN_PUNCT, 3 },
		{ "<= 1", TOKEN_PUNCT, 2 },
		{ "(1", TOKEN_PUNCT, 1 },
		{ "E'a\\'b' c", TOKEN_STRING, 7 },
		{ "e'' x", TOKEN_STRING, 3 },
		{ "E'open\\'", TOKEN_OPEN, 8 },
		{ "$$a;'$$ x", TOKEN_STRING, 7 },
		{ "$q$a$$b$q$", TOKEN_STRING, 10 },
		{ "$q$open$r$", TOKEN_OPEN, 10 },
		{ "$1::int", TOKEN_PARAMETER, 2 },
		{ "::int", TOKEN_PUNCT, 2 },
		{ "!~* 'x'", TOKEN_PUNCT, 3 },
		{ "'open", TOKEN_OPEN, 5 },
		{ "/* open", TOKEN_OPEN, 7 },
		{ "{\"a\": \"}", TOKEN_OPEN, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token token = first(cases[i].text);

		assert_int_equal(token.kind, cases[i].kind);
		assert_int_equal(token.size, cases[i].size);
	}
}

static void assert_text(const char *script, const char *expected)
{
	struct buf text = BUF_INIT;

	token_text(script, first(script), &text);
	assert_string_equal(buf_cstr(&text), expected);
	buf_release(&text);
}

static void quotes_are_taken_off(void **state)
{
	(void)state;
	assert_text("'it''s'", "it's");
	assert_text("\"a\"\"b\"", "a\"b");
	assert_text("[a[b]", "a[b");
	assert_text("''", "");
	assert_text("word", "word");
	assert_text("E'a\\n\\'\\101\\x42''\\\\'", "a\n'AB'\\");
	assert_text("$$it's$$", "it's");
	assert_text("$q$a$$b$q$", "a$$b");
}

static void a_statement_ends_at_its_semicolon(void **state)
{
	const char *script = ";; a ';' {\";\":1} -- ;\n b; c";
	struct tokens tokens = TOKENS_INIT;
	size_t at = 0;

	(void)state;
	assert_int_equal(tokens_read(&tokens, script, strlen(script), &at),
			 DRIFT_OK);
	assert_int_equal(tokens.count, 4);
	assert_true(token_is_word(script, tokens.list[3], "B"));
	assert_int_equal(tokens_read(&tokens, script, strlen(script), &at),
			 DRIFT_OK);
	assert_int_equal(tokens.count, 1);
	assert_int_equal(tokens_read(&tokens, script, strlen(script), &at),
			 DRIFT_OK);
	assert_int_equal(tokens.count, 0);
	tokens_release(&tokens);
}

/* Whatever the bytes, tokens follow one another and end. */
static void any_bytes_are_some_tokens(void **state)
{
	static const char alphabet[] = "ab0.'\"`[]{}@:?$-/*;, \n\\xX\xc3";
	uint64_t random = test_seed();
	char script[40];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t size = test_random(&random) % sizeof(script);
		size_t at = 0;
		size_t last = 0;
		struct token token;

		for (size_t i = 0; i < size; i++)
			script[i] = alphabet[test_random(&random) %
					     (sizeof(alphabet) - 1)];
		do {
			token = token_next(script, size, &at);
			assert_true(token.at >= last);
			assert_true(token.kind == TOKEN_END || token.size > 0);
			assert_true(token.at + token.size <= size);
			last = token.at + token.size;
			assert_int_equal(token.kind == TOKEN_END ? size : last, at);
		} while (token.kind != TOKEN_END);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_told_apart),
		cmocka_unit_test(quotes_are_taken_off),
		cmocka_unit_test(a_statement_ends_at_its_semicolon),
		cmocka_unit_test(any_bytes_are_some_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
