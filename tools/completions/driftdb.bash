# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of driftdb for bash. The program itself says what there is.

_driftdb()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local word value choices words=()

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ] || [[ $previous = help && $current != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(driftdb help --words 2>/dev/null)" -- "$current")
		return
	fi
	while read -r word value choices; do
		words+=("$word")
		if [ "$word" != "$previous" ] || [ -z "$value" ]; then
			continue
		fi
		if [ -n "$choices" ]; then
			mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
		elif [ "$value" = DIR ]; then
			mapfile -t COMPREPLY < <(compgen -d -- "$current")
		elif [ "$value" = FILE ]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		return
	done < <(driftdb help --words "${COMP_WORDS[1]}" 2>/dev/null)
	case $current in
	-*) mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$current") ;;
	*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
	esac
}
complete -o filenames -F _driftdb driftdb
