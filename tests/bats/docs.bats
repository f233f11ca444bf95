#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the documents tell people to type works: each block marked `sh` runs, in
# order, in one directory, and no command in it fails.
load lib

# run_blocks DOCUMENT
run_blocks()
{
	local block=0

	awk -v dir="$PWD" '
		/^```sh$/ { n++; inside = 1; next }
		/^```/ { inside = 0 }
		inside { print > (dir "/block." n) }' "$ROOT/$1"
	while [ -e "block.$((block + 1))" ]; do
		block=$((block + 1))
		echo "--- $1, block $block"
		cat "block.$block"
		bash -eu -o pipefail "block.$block" 3>&- </dev/null
	done
	[ "$block" -gt 0 ]
}

@test "README.md" {
	need_fuse
	run_blocks README.md
}

@test "documents name only files that exist" {
	local document path missing=0

	cd "$ROOT"
	for document in README.md CONTRIBUTING.md docs/*.md tools/README.md tests/README.md; do
		while read -r path; do
			[ -e "$path" ] || [ -e "${document%/*}/$path" ] || {
				echo "$document: $path"
				missing=1
			}
		done < <(grep -oE '\]\([^):#]+\)' "$document" | sed 's/^](//; s/)$//')
	done
	[ "$missing" = 0 ]
}
