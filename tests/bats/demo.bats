#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# make demo's screen, on clones with a long history, a short one, and one commit.
load lib

clone()
{
	need_fuse
	git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1 || skip 'not a git checkout'
	git -c safe.directory='*' clone -q "$@" "file://$ROOT" clone
}

# The demo of a clone in a directory of its own, which must be empty again.
demo()
{
	mkdir tmp
	TMPDIR=$PWD/tmp run "$ROOT/tools/demo" "$BUILD" clone
	echo "$output"
	same "$status" 0
	same "$(ls -A tmp)" ""
	[ "${#lines[@]}" -le 45 ]
	says 'Loaded [0-9]+ event'
	says '^(@[a-z]+ +)+events +query .*tables'
	says '^  "path": '
	says '"op":"update"'
	says '^\([0-9]+ rows?\)'
}

@test "on the whole history" {
	clone
	demo
}

@test "on a shallow clone of two commits" {
	clone --depth 2
	demo
}

@test "on a single commit" {
	clone --depth 1
	demo
}

@test "git's history becomes the same rows that git has" {
	clone
	driftdb init db
	"$ROOT/tools/git-events" clone | driftdb load -q -d db -
	driftdb sql -d db --format tsv -e 'SELECT path FROM files ORDER BY path' |
		tail -n +2 | diff - <(git -C clone ls-files | LC_ALL=C sort)
	same "$(driftdb sql -d db -e 'SELECT count(*) AS n FROM commits')" \
		"{\"n\":$(git -C clone rev-list --first-parent --count HEAD)}"
}
