#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the shells complete for driftdb and driftfs.
load lib

# complete_bash PROGRAM WORD...: what the last word may become, sorted
complete_bash()
{
	local program=$1

	# shellcheck disable=SC1090
	. "$ROOT/tools/completions/$program.bash"
	compopt() { :; }
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	"_$program"
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}

@test "bash completes commands, options, choices and files" {
	same "$(complete_bash driftdb in)" 'ingest init'
	same "$(complete_bash driftdb sql --f)" '--file --format'
	same "$(complete_bash driftdb sql --format t)" 'table tsv'
	same "$(complete_bash driftdb ingest --on-error '')" 'skip stop'
	mkdir dir
	touch file
	same "$(complete_bash driftdb sql -d '')" 'dir'
	same "$(complete_bash driftdb sql -f f)" 'file'
	same "$(complete_bash driftdb help ver)" 'verify'
	same "$(complete_bash driftfs -o ro,as)" 'ro,asof='
	same "$(complete_bash driftfs --un)" '--unmount'
}

@test "every command and option that help tells is completed" {
	driftdb help --words | grep -v '^-' >commands
	driftfs --help | sed -n '/^options:/,$ s/^  \([a-z_]*\)[ =].*/\1/p' | sort -u >options
	[ "$(wc -l <commands)" -gt 15 ]
	[ "$(wc -l <options)" -gt 8 ]
	for command in $(cat commands); do
		same "$(complete_bash driftdb "$command" -- | tr ' ' '\n' | grep '^--')" \
			"$(driftdb help "$command" | grep -oE '^ +(-.,)? +--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)"
	done
	for option in $(cat options); do
		complete_bash driftfs -o '' | grep -qw "$option"
		grep -qw "$option" "$ROOT/tools/completions/_driftfs"
	done
}

@test "zsh reads its completions" {
	command -v zsh >/dev/null || skip 'no zsh'
	zsh -n "$ROOT/tools/completions/_driftdb"
	zsh -n "$ROOT/tools/completions/_driftfs"
}
