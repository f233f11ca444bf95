#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the documents tell people to type works: each block marked `sh` runs, in
# order, in one directory, and no command in it fails.
load lib

# run_blocks DOCUMENT [compare]: with compare, the block marked `text` that follows one
# is what it prints, to a person who has a terminal as wide as the document.
run_blocks()
{
	local block=0

	awk -v dir="$PWD" '
		/^```sh$/ { n++; file = dir "/block." n; next }
		/^```text$/ && n { file = dir "/text." n; next }
		/^```/ { file = "" }
		file { print > file }' "$ROOT/$1"
	while [ -e "block.$((block + 1))" ]; do
		block=$((block + 1))
		echo "--- $1, block $block"
		cat "block.$block"
		COLUMNS=80 bash -eu -o pipefail "block.$block" 3>&- </dev/null >"said.$block"
		cat "said.$block"
		if [ -n "${2:-}" ]; then
			touch "text.$block"
			diff -Z "text.$block" <(without_asides <"said.$block")
		fi
	done
	[ "$block" -gt 0 ]
}

# ls prints columns on a terminal only, and init says where.
without_asides()
{
	grep -v '^Initialized' || :
}

@test "the tutorial, and what it prints" {
	need_fuse
	ls() { command ls -C -T 0 "$@"; }
	export -f ls
	run_blocks docs/tutorial.md compare
}

@test "README.md" {
	need_fuse
	run_blocks README.md
}

# examples PAGE: what is between the fences of its EXAMPLES.
examples()
{
	awk '/^# /{ here = /EXAMPLES/ } /^```/ { p = !p; next } here && p' \
		"$ROOT/docs/man/$1.scd"
}

@test "the examples of the manual, and what they print" {
	need_fuse
	examples driftfs.1 >commands
	[ -s commands ]
	bash -eu -o pipefail commands >said
	same "$(grep -v ^Initialized said | jq -c .)" '{"id":"ada","name":"Ada"}'
	driftdb sql -q -d audit -e 'SELECT name FROM users' | grep -q 'Ada Lovelace'
	rm -r audit
	examples driftdb.1 >commands
	[ -s commands ]
	bash -eu -o pipefail commands >said
	same "$(tail -n 1 said | jq -c '[.sequence, .event_type, .payload.role]')" \
		'[1,"insert","admin"]'
}

# names_exist FILE: of its lines "DOCUMENT PATH", each path leads from the top or from
# the document's folder.
names_exist()
{
	local document path missing=0

	[ -s "$1" ] || return 1
	while read -r document path; do
		[ -e "$path" ] || [ -e "$(dirname "$document")/$path" ] || {
			echo "$document: $path"
			missing=1
		}
	done <"$1"
	return "$missing"
}

@test "documents name only files that exist" {
	local names=$PWD/names document

	cd "$ROOT"
	for document in *.md docs/*.md docs/decisions/*.md */README.md; do
		sed "s,^,$document ," < <(
			grep -oE '\]\([^):#]+\)' "$document" | sed 's/^](//; s/)$//'
			grep -oE '\b(engine|query|fs|tools|tests|docs)/[a-z0-9_/.-]+\.[a-z]+\b' "$document"
		)
	done >"$names"
	names_exist "$names"
}

@test "each test that docs/testing.md names is there" {
	local name missing=0

	# Files; then, in the table of planted bugs, the tests themselves.
	{
		grep -oE '[a-z_]+\.bats' "$ROOT/docs/testing.md" | sed 's,^,testing.md tests/bats/,'
		grep -oE '`test_[a-z_]+`' "$ROOT/docs/testing.md" | tr -d '`' |
			sed 's,.*,testing.md tests/unit/&.c,'
	} | sort -u >names
	(cd "$ROOT" && names_exist "$OLDPWD/names")
	sed -n '/^| planted/,/^$/s/.*|\(.*\)|$/\1/p' "$ROOT/docs/testing.md" |
		grep -oE '`[a-z][^`]*`' | tr -d '`' | grep -v '\.bats$' >tests
	[ "$(wc -l <tests)" -gt 25 ]
	while read -r name; do
		grep -qE "^static void $name\(void \*\*state\)" "$ROOT"/tests/unit/*.c ||
			grep -qF "@test \"${name% ...}" "$ROOT"/tests/bats/*.bats ||
			{ echo "no $name"; missing=1; }
	done <tests
	[ "$missing" = 0 ]
}

@test "each planted bug names a test that is there" {
	local bug

	for bug in "$ROOT"/tests/planted/*.patch; do
		[ -e "$ROOT/tests/unit/$(sed -n 's/^Found-by: //p' "$bug").c" ]
	done
}

@test "driftfs(5) has every fixed name of the tree" {
	local name

	new_mount
	mkdir mnt/tables/t
	ls -A mnt mnt/.driftfs mnt/tables/t | grep -v '^mnt\|^$' >names
	[ "$(wc -l <names)" -gt 25 ]
	while read -r name; do
		grep -qF "$name" "$ROOT/docs/man/driftfs.5.scd" ||
			{ echo "driftfs(5) has no $name"; return 1; }
	done <names
}

@test "driftql(7) has every first word of a statement" {
	local word

	for word in $(sed -n 's/^\t{ "\([A-Z]*\)", [a-z_]*, [a-z]* },$/\1/p' "$ROOT/query/run.c"); do
		case $word in # said by another word
		WITH | VALUES | REPLACE | START | END | ABORT | RELEASE | DESC) continue ;;
		esac
		grep -qE "(\*| )$word( |\*)" "$ROOT/docs/man/driftql.7.scd" ||
			{ echo "driftql(7) has no $word"; return 1; }
	done
	[ "$word" = UNLISTEN ]
}
