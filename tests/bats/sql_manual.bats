#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# docs/driftql.md is true: what it lists runs, what it says is refused is refused.
load lib

# blocks KIND: the lines of the manual's blocks that begin with ```KIND
blocks()
{
	awk -v kind="\`\`\`$1" '$0 == "```" { on = 0 } on { print } $0 == kind { on = 1 }' \
		"$ROOT/docs/driftql.md"
}

@test "every statement of the manual runs" {
	driftdb init db
	[ "$(blocks sql | wc -l)" -gt 60 ]
	blocks sql >manual.sql
	driftdb sql -d db -f manual.sql
}

@test "every refusal of the manual is made, with its SQLSTATE" {
	local line count=0

	driftdb init db
	blocks sql >manual.sql
	driftdb sql -d db --quiet -f manual.sql >/dev/null
	while IFS= read -r line; do
		run driftdb sql -d db --quiet -e "${line% -- *}"
		[ "$status" -eq 1 ] && says "^ERROR ${line##* -- }: " || {
			echo "$line"
			return 1
		}
		count=$((count + 1))
	done < <(blocks 'sql refused')
	[ "$count" -gt 40 ]
}
